// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// MUK and MRK from the keys of a GBA run (TS 33.220 Annex B, TS 33.246 Annex F).

#pragma once

#include <stddef.h>
#include <stdint.h>

#define GBA_KEY_BYTES 32

// One context belongs to one thread. -ENOMEM when OpenSSL has no HMAC to give.
struct gba;
int gba_create(struct gba **out);
void gba_destroy(struct gba *gba);

// One parameter P of the KDF; its length is L.
struct gba_param {
	const void *data;
	uint16_t len;
};
// out = HMAC-SHA-256(key, FC || P0 || L0 || P1 || L1 ...). -EIO when OpenSSL fails; out is wiped.
int gba_kdf(struct gba *gba, const uint8_t key[GBA_KEY_BYTES], const struct gba_param *params,
	size_t n, uint8_t out[GBA_KEY_BYTES]);

// Keys in ME: the MUK is Ks_NAF, or Ks_ext_NAF after GBA_U; the MRK is derived from it.
int gba_derive_me(struct gba *gba, const uint8_t ks_naf[GBA_KEY_BYTES], uint8_t muk[GBA_KEY_BYTES],
	uint8_t mrk[GBA_KEY_BYTES]);
// Keys in UICC: the MUK is Ks_int_NAF, the MRK is Ks_ext_NAF.
void gba_derive_uicc(const uint8_t ks_ext_naf[GBA_KEY_BYTES],
	const uint8_t ks_int_naf[GBA_KEY_BYTES], uint8_t muk[GBA_KEY_BYTES],
	uint8_t mrk[GBA_KEY_BYTES]);
