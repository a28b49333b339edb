// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The data keys of an open store, and the way they lie in it.

#pragma once

#include <stdatomic.h>

#include "aead.h"
#include "env.h"
#include "wrapping_key.h"

#define WRAP_VERSION 1

// Table `key`: a data key under the wrapping key.
struct key_record {
	uint8_t version;
	uint8_t zero[3];
	uint32_t created; // Unix seconds
	uint8_t nonce[AEAD_NONCE_BYTES];
	uint8_t tag[AEAD_TAG_BYTES];
	uint8_t key[AEAD_KEY_BYTES];
};

// meta: how the data keys are wrapped. The tag, under the wrapping key, tells the right key.
struct wrap_record {
	uint8_t version;
	uint8_t kind; // enum wrapping_kind
	uint8_t zero[2];
	uint32_t below; // records under lower data keys, and in the clear, are being sealed anew
	struct wrapping_scrypt scrypt;
	uint8_t nonce[AEAD_NONCE_BYTES];
	uint8_t tag[AEAD_TAG_BYTES];
};

struct wrap_key {
	struct wrap_key *next; // in its bucket
	uint32_t number;
	uint8_t key[AEAD_KEY_BYTES];
	struct aead_key ready;
};

#define WRAP_BUCKETS 64
#define WRAP_CHUNK_KEYS 12

struct wrap_chunk {
	struct wrap_chunk *next;
	unsigned used;
	struct wrap_key key[WRAP_CHUNK_KEYS];
};

// Keys are added by the writer and never taken away while the store is open: readers of older
// snapshots need them. All but the buckets and clear_until belong to the writer.
struct wrap {
	struct aead *aead;
	struct wrap_key *_Atomic bucket[WRAP_BUCKETS];
	_Atomic uint64_t clear_until; // snapshots below it may have records in the clear
	struct wrap_chunk *chunks;
	struct wrap_key *current; // NULL: new records lie in the clear
	struct key_record current_record; // stored by the transaction that first uses it
	uint64_t nonces; // drawn under the current key
	struct wrap_record record;
	struct wrap_record done; // what it will be when all is sealed anew
};

// What a new wrapping key or a new data key makes of a wrap; taken over when it is in the store.
struct wrap_change {
	struct wrap_record record;
	struct wrap_record done;
	struct wrap_key *current;
	struct key_record current_record;
};

int wrap_create(struct wrap **out);
void wrap_destroy(struct wrap *w);
const struct wrap_key *wrap_find(const struct wrap *w, uint32_t number);

// Reads or makes the wrapping of a store that was just opened, and draws the data key of this
// start. source: see writer.h. -errno with a sentence.
int wrap_start(struct store_env *env, const char *source, char *why);
// Seals record and done under the wrapping key.
int wrap_records_seal(
	const struct wrap *w, const struct aead_key *wrapping, struct wrap_change *change);
// A data key under the wrapping key, as it is stored.
int wrap_key_seal(const struct wrap *w, const struct aead_key *wrapping, const struct wrap_key *key,
	struct key_record *out);
// Draws a data key that nobody has had yet. Its number may have stood for another one in a copy of
// this file: what that one sealed does not open under this one.
int wrap_current_draw(struct wrap *w, const struct aead_key *wrapping, uint32_t number,
	struct wrap_change *change);
void wrap_change_take(struct wrap *w, const struct wrap_change *change);
// Stores the current data key unless the transaction, or one before, has.
int wrap_current_store(struct store_txn *txn);
