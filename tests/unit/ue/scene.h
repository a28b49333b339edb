// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Phones, their side of Ua and a clock: tests play the BM-SC (bmsc.h) and go through what follows
// step by step.

#pragma once

#include "bmsc.h"
#include "support.h"

#define PASSWORD "pkPZHVdIK2xBTnNdQRDBPMtyCjOA3lqZoJLGuXT9OMw=" // base64 of MRK
#define SECOND 1000000

extern const struct ue_subject group1; // what phones fetch by default

// A site with phones, their side of Ua, and a clock.
struct scene {
	struct ue_site *site;
	struct ue_ua *ua;
	struct ue_bsf *bsf;
	struct ue_now now;
	struct bmsc_request request; // the last one
};

// rows NULL: the one phone of site_of_one().
struct scene scene_with(const char *rows, bool has_bsf);
void scene_end(struct scene *scene);
// A number of the report: "events/stale", "msk-request/answers/401".
long number(const struct scene *scene, const char *path);
void expect_number(const struct scene *scene, const char *path, long wanted);
void want(struct scene *scene, enum ue_procedure procedure);
// The phone that is due asks: this one, or the first.
void ask_phone(struct scene *scene, uint32_t phone);
void ask(struct scene *scene);
void expect_nobody_asks(struct scene *scene);
// Hands an answer over; true when the phone has asked again at once.
bool answer(struct scene *scene, const char *text);
void expect_again(struct scene *scene, const char *text);
void expect_end(struct scene *scene, const char *text);
// A right request gets a 200 with this body, which does not make it ask again at once.
void grant(struct scene *scene, const char *body);
// Asks, is challenged (nonce n1), asks with credentials.
void ask_authenticated(struct scene *scene, enum ue_procedure procedure);
// The credential that the phone has now, and base64 of its MRK.
const struct ue_credential *current(const struct scene *scene, char password[45]);
