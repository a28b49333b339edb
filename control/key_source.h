// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The seat of Zn: who knows the keys of a B-TID. Asked over HTTP with JSON (docs/ua-profile.md), in
// a thread of its own; questions for one B-TID are one, and their number is bounded.

#pragma once

#include "conf.h"
#include "types.h"

#define KEY_SERVICES_MAX 32
#define KEY_NOT_KNOWN_S 10 // so long a "not known" is remembered, per B-TID and address

enum key_verdict {
	KEY_KNOWN,
	KEY_NOT_KNOWN, // the phone has to bootstrap
	KEY_NOT_AUTHORISED, // this BM-SC may not have it
	KEY_BUSY, // busy, down, too late, or the answer makes no sense
};

// What was found out. Secret.
struct key_answer {
	enum key_verdict verdict;
	// These are set with KEY_KNOWN.
	char impi[STORE_NAI_MAX + 1];
	struct store_secret32 muk;
	struct store_secret32 mrk;
	bool is_in_uicc;
	uint32_t expires; // Unix seconds; no later than policy allows
	bool has_services;
	unsigned services;
	char service[KEY_SERVICES_MAX][STORE_NAME_MAX + 1];
};

// One who waits for an answer; the caller's until done is called, in any thread, once. The answer
// is wiped afterwards.
struct key_waiter {
	void (*done)(void *arg, const struct key_answer *answer);
	void *arg;
	const char *address; // where the request came from
	struct key_waiter *next; // the key source's
};

struct key_source_stats {
	uint64_t asked; // questions sent
	uint64_t coalesced; // requests that waited for a question of another one
	uint64_t remembered; // requests answered by a "not known" of a moment ago
	uint64_t answered[KEY_BUSY + 1]; // by verdict
};

struct key_source;

// *out is NULL when none is configured. why gets a sentence on error.
int key_source_create(const struct conf *conf, struct key_source **out, char why[256]);
// Who still waits, and who asks from now on, is told KEY_BUSY.
void key_source_stop(struct key_source *ks);
// After it was stopped, when nobody asks any more.
void key_source_destroy(struct key_source *ks);
// Asks for a B-TID of up to STORE_NAI_MAX octets. Any thread; done may be called before it returns.
void key_source_ask(struct key_source *ks, const char *btid, struct key_waiter *waiter);
void key_source_stats_read(struct key_source *ks, struct key_source_stats *out);
