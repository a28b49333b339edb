// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The people of a scenario: one list that both sides are made from, the store of the BM-SC and
// the phones of the emulator. Times are true Unix seconds.

#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dp.h"
#include "store_fake.h"
#include "types.h"
#include "ue/address.h"

#define PEOPLE_MAX 4096
#define PEOPLE_GROUPS 2 // key groups 1 and 2, each of a service of its own
#define PEOPLE_FQDN "bmsc.example.org"

struct ue_site;

struct person {
	char impi[64];
	char btid[STORE_NAI_MAX + 1];
	uint8_t muk[STORE_MUK_BYTES];
	int64_t expires;
	unsigned keys; // how many B-TIDs there were
	bool has_muk;
	bool has_address;
	bool has_ipv6; // an address of IPv6
	bool has_long_name; // a B-TID of the greatest length
	bool is_in_uicc;
	bool is_authorised;
	bool is_registered;
	bool is_in[PEOPLE_GROUPS + 1]; // by group number
	bool is_verified; // a verification under the current MUK was noted
	bool has_previous; // the store keeps a previous MUK
	bool is_rebind_lost; // the phone does not know its last bootstrapping
	bool is_removed;
	bool is_moved; // to the address behind the first one
	store_id id; // in the store
};

struct people {
	unsigned n;
	struct person *person;
	uint8_t profile; // enum mikey_profile of both groups
	struct store_env *env; // the BM-SC's store
	store_service_id service[PEOPLE_GROUPS + 1];
	struct dp_muk_prep *prep;
};

void people_init(struct people *p, unsigned n, int64_t now_s);
void people_fini(struct people *p);
// Makes an empty store and fills it, from the first to the last or the other way round.
void people_store(struct people *p, bool is_backwards);
// Brings the record of one person in line; a commit of the whole store costs a copy of it.
void people_write_one(struct people *p, unsigned index);
// The same, committed.
void people_store_one(struct people *p, unsigned index);
// Loads the phones by way of the CSV of subscribers.
void people_phones(const struct people *p, struct ue_site *phones);
// A new B-TID and MUK, with a lifetime from now on, at both ends, or (phones = NULL) where the
// phone loses it. The store keeps the old ones as the previous when they were verified.
void people_rebind(struct people *p, unsigned index, int64_t now_s, struct ue_site *phones);
void people_remove(struct people *p, unsigned index);

// Address of a person, and back; UINT_MAX for none of them.
struct ue_address people_address(const struct people *p, unsigned index);
unsigned people_at(const struct people *p, const struct ue_address *address);
// Who has this id in the store; UINT_MAX for nobody.
unsigned people_of_id(const struct people *p, store_id id);
store_id people_span(const struct people *p); // ids 0 .. span-1 are in use
