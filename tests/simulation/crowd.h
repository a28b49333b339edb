// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The people with their phones: what is true of them, whatever the BM-SC knows. And what it has
// acknowledged of them, which it has to know for ever.

#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "bmsc.h"
#include "dp.h"
#include "types.h"
#include "ue/address.h"

#define CROWD_MAX 1600
#define CROWD_KEYS 24 // bootstrappings of one person
#define CROWD_AREAS 4 // of the network, that may be cut off
#define CROWD_NUMBERS 512 // Key Numbers that are kept account of

struct sim;

// What the store has of a person.
struct known {
	bool is_there;
	uint8_t key; // number of the bootstrapping
	uint8_t in; // bit i: registered with the service of group i
};

// What the store may have of a person instead, as long as nobody knows.
#define CROWD_MAYBE 6
struct maybe {
	unsigned n; // 0: what was acknowledged, and nothing else
	struct known is[CROWD_MAYBE];
};

struct person {
	uint8_t keys; // bootstrappings so far; the phone has the newest
	int64_t expires[CROWD_KEYS];
	uint8_t in; // what the phone wants to be registered with
	bool is_offline;
	bool is_liar; // its answers are wrong
	uint32_t late_ms; // its answers come late
	struct known acked; // the BM-SC said so
	struct maybe maybe; // it did not say whether it took these, which came after
	struct known becomes; // by the visit, while it lasts
	uint32_t solicited; // solicited pulls that were followed
	uint64_t visit_ns; // when it asks over HTTP, 0: it does not
	bool is_visiting;
	uint32_t last[CROWD_KEYS]; // highest value of T under each key
	uint64_t held[BMSC_GROUPS][CROWD_NUMBERS / 64]; // MSKs the phone has ever had
};

struct crowd {
	unsigned n;
	struct person *person;
	struct dp_muk_prep *prep;
};

void crowd_init(struct sim *s);
void crowd_fini(struct crowd *c);
// Names and keys, the same whenever they are asked for.
void crowd_impi(unsigned person, char out[STORE_NAI_MAX + 1]);
void crowd_btid(unsigned person, unsigned key, char out[STORE_NAI_MAX + 1]);
void crowd_muk(const struct sim *s, unsigned person, unsigned key, uint8_t muk[STORE_MUK_BYTES]);
struct ue_address crowd_address(unsigned person);
struct ue_address crowd_area_address(unsigned area); // its prefix, /16 of IPv4
unsigned crowd_area(unsigned person);
// UINT_MAX: nobody.
unsigned crowd_at(const struct crowd *c, const struct ue_address *address);
unsigned crowd_of_impi(const struct crowd *c, const char *impi);
// Person and number of the bootstrapping; false: it is none of ours.
bool crowd_of_btid(
	const struct crowd *c, const char *btid, size_t len, unsigned *person, unsigned *key);

// A new bootstrapping of the phone, which the BM-SC does not know of yet. False: it had too many.
bool crowd_bootstrap(struct sim *s, unsigned person);
// The record as the BM-SC gets it from an import or its key source, with the newest key.
void crowd_record(struct sim *s, unsigned person, struct store_subscriber *sub);
// What it is once the BM-SC has taken such a record.
struct known crowd_known(const struct person *p);
// The BM-SC was asked to make it this, and did not say whether it has.
void crowd_doubt(struct maybe *maybe, struct known is);

static inline bool known_equal(struct known a, struct known b)
{
	return a.is_there == b.is_there && a.key == b.key && a.in == b.in;
}
static inline bool person_is_unsure(const struct person *p)
{
	return p->maybe.n > 0;
}
static inline bool person_has_held(const struct person *p, unsigned group, unsigned number)
{
	return (p->held[group][number / 64 % (CROWD_NUMBERS / 64)] >> number % 64 & 1) != 0;
}
