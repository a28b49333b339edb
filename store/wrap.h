// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The seat of at-rest wrapping. Each record with secrets begins with a wrap_seat; its secrets go
// through here on their way to and from the map. Data key 0 means that they lie in the clear,
// and is the only one known today.

#pragma once

#include <stddef.h>
#include <stdint.h>

struct wrap_seat {
	uint8_t version; // of the record
	uint8_t count;
	uint16_t reserved;
	uint32_t data_key;
	uint8_t nonce[12];
	uint8_t tag[16];
};
_Static_assert(sizeof(struct wrap_seat) == 36, "a block has room for 36 octets");

// -ENOTSUP: the secrets are wrapped under a data key that this program does not have.
int wrap_check(const struct wrap_seat *seat);
// Copies the secrets of a record out, in the clear. -ENOTSUP as above; out is zero then.
int wrap_open(const struct wrap_seat *seat, const void *stored, void *out, size_t len);
// Wraps secrets in place, in the buffer that goes into the map, and notes how in the seat.
void wrap_seal(struct wrap_seat *seat, void *secrets, size_t len);
