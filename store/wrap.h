// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Sealing of records on their way into the map, and opening on their way out. A record that is
// sealed begins with a wrap_seat. Its secret octets are encrypted under a data key, and all its
// others are authenticated with them, and the place where it stands; a record without secrets is
// authenticated. Data key 0 means that it lies in the clear, as all do in a store that is not
// wrapped.
//
// The wrapping key wraps the data keys. Each start draws a data key of its own, which is stored in
// the transaction that first uses it. The nonce is a counter under that key, which rises with each
// sealing and is in memory only: no other start, of whatever copy of the file, has the key.

#pragma once

#include <stddef.h>
#include <stdint.h>

#include "db.h"

struct store_txn;

struct wrap_seat {
	uint8_t version; // of the record
	uint8_t count;
	uint16_t reserved;
	uint32_t data_key;
	uint8_t nonce[12];
	uint8_t tag[16];
};
_Static_assert(sizeof(struct wrap_seat) == 36, "a block has room for 36 octets");

#define WRAP_CLEAR 0
#define WRAP_RECORD_MAX 4080

// Whether records of a table are sealed at all.
bool wrap_is_sealed(enum db_id db);

// These look at a record as it lies in the map, under its key in its table.
//   -EIO       too short for its seat or its secrets
//   -ENOTSUP   the data key is not known, or it lies in the clear in a store that is wrapped
//   -EBADMSG   it, or the place where it stands, is not what was sealed
// The first one does no cryptography: for records whose secrets are opened when they are used.
int wrap_check(const struct view *v, struct blob val);
int wrap_verify(const struct view *v, enum db_id db, struct blob key, struct blob val);
// out gets the whole record in the clear (val.len octets), or zeros.
int wrap_open(const struct view *v, enum db_id db, struct blob key, struct blob val, void *out);
// out gets all of its secret octets.
int wrap_open_secrets(
	const struct view *v, enum db_id db, struct blob key, struct blob val, void *out);
// out gets n of them, those from `at` on (from the beginning of the secrets).
struct wrap_part {
	size_t at;
	size_t n;
	void *out;
};
int wrap_open_part(const struct view *v, enum db_id db, struct blob key, struct blob val,
	const struct wrap_part *part);

// Seals a record in place, in the buffer that goes into the map.
int wrap_seal(struct store_txn *txn, enum db_id db, struct blob key, void *record, size_t len);

// The same with the table: seals record, and puts it.
int sealed_put(struct store_txn *txn, enum db_id db, struct blob key, void *record, size_t len);
int sealed_append(struct store_txn *txn, enum db_id db, struct blob key, void *record, size_t len);
// Gets and opens into a buffer with room for `room` octets; *len is the record's length. -EIO when
// there is no room.
int sealed_get(
	const struct view *v, enum db_id db, struct blob key, void *out, size_t room, size_t *len);
