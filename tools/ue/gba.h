// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The keys of a bootstrapping (TS 33.220) and what MBMS makes of them (TS 33.246).

#pragma once

#include "ue_crypto.h"

#define UE_GBA_RAND_BYTES 16
#define UE_BTID_HEAD_BYTES 24 // base64 of RAND, before the "@"
#define UE_NAF_ID_MAX_BYTES 258 // the longest FQDN and the Ua security protocol identifier

// Whose key it is: of the ME (Ks_NAF, Ks_ext_NAF) or of the UICC (Ks_int_NAF).
enum ue_gba_side {
	UE_GBA_ME,
	UE_GBA_UICC
};

// The B-TID of a bootstrapping: base64(RAND) "@" domain of the BSF, without an end. Returns its
// length; out needs UE_BTID_HEAD_BYTES + 1 + strlen(bsf) octets.
size_t ue_btid_put(char *out, const uint8_t rand[UE_GBA_RAND_BYTES], const char *bsf);
// NAF_ID: the FQDN and the identifier of MBMS, 01 00 00 00 01. Returns its length; fqdn has at most
// 253 octets.
size_t ue_naf_id_put(uint8_t out[UE_NAF_ID_MAX_BYTES], const char *fqdn);

// What is derived from one Ks.
struct ue_gba_input {
	const uint8_t *ks; // UE_KEY_BYTES, secret: CK || IK
	const uint8_t *rand; // UE_GBA_RAND_BYTES
	struct mikey_bytes impi; // at most 253 octets
	struct mikey_bytes naf_id; // at most UE_NAF_ID_MAX_BYTES
};
void ue_ks_naf(enum ue_gba_side side, const struct ue_gba_input *input, uint8_t out[UE_KEY_BYTES]);

// MRK of keys in the ME, from Ks_NAF or Ks_ext_NAF (TS 33.246 annex F). With keys in the UICC,
// MRK is Ks_ext_NAF itself.
void ue_mrk(const uint8_t ks_naf[UE_KEY_BYTES], uint8_t mrk[UE_KEY_BYTES]);
