// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The BSF as far as phones and a BM-SC see it: phones bootstrap with it (Ub), the BM-SC asks it
// what a B-TID stands for (the seat of Zn: HTTP and JSON, key_source.c). Plain memory; belongs to
// whoever has the turn.

#pragma once

#include <jansson.h>

#include "gba.h"
#include "phones.h"

struct ue_bsf_conf {
	const char *fqdn; // of the BM-SC, the one NAF that is authorised
	const char *domain; // of the B-TIDs
	int64_t lifetime_s; // of a bootstrapping
	double gba_u; // percent of the runs of phones with keys in the ME that are GBA_U runs
	uint64_t seed; // decides CK, IK and RAND
};

// What it answers to the BM-SC apart from the truth.
enum ue_bsf_mood {
	UE_BSF_TRUTHFUL,
	UE_BSF_BUSY,
	UE_BSF_NOT_AUTHORISED,
	UE_BSF_NOT_KNOWN,
	UE_BSF_MOOD_COUNT,
};
const char *ue_bsf_mood_name(enum ue_bsf_mood mood);

enum ue_bsf_count {
	UE_BSF_BOOTSTRAPS,
	UE_BSF_ANSWERED,
	UE_BSF_UNKNOWN,
	UE_BSF_FORBIDDEN,
	UE_BSF_SHED,
	UE_BSF_BAD,
	UE_BSF_COUNT_COUNT,
};

struct ue_bsf;

// The texts of conf have to live as long. -ENOMEM.
int ue_bsf_create(struct ue_bsf **out, const struct ue_bsf_conf *conf, struct ue_phones *phones);
void ue_bsf_destroy(struct ue_bsf *bsf);

// A phone runs Ub: gives it a new current credential. What is drawn depends on the seed, the IMPI
// and how often the phone has bootstrapped, on nothing else. -ENOMEM.
int ue_bsf_bootstrap(struct ue_bsf *bsf, uint32_t phone, int64_t wall_s);

// Answers one question of the BM-SC, a JSON object in body; *status is of HTTP. A B-TID is known
// while it is its phone's newest and has not expired; those of the CSV are known as well, to the
// NAF of conf. NULL when memory is out.
json_t *ue_bsf_answer(
	struct ue_bsf *bsf, const char *body, size_t len, int64_t wall_s, unsigned *status);
void ue_bsf_mood_set(struct ue_bsf *bsf, enum ue_bsf_mood mood);
json_t *ue_bsf_report(const struct ue_bsf *bsf);
