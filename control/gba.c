// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "gba.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

// TS 33.220 B.2: the octet in front of the parameters, and TS 33.246 Annex F: P0 of the MRK. Both
// are quoted from memory and not from the documents (docs/mikey-profile.md).
#define GBA_FC 0x01
#define GBA_P0_MRK "mbms-mrk"

struct gba {
	EVP_MAC *hmac;
	EVP_MAC_CTX *ctx;
};

int gba_create(struct gba **out)
{
	OSSL_PARAM digest[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char[]){"SHA256"}, 0),
		OSSL_PARAM_END,
	};
	struct gba *gba = calloc(1, sizeof(*gba));

	if (gba == NULL)
		return -ENOMEM;
	gba->hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	if (gba->hmac != NULL)
		gba->ctx = EVP_MAC_CTX_new(gba->hmac);
	if (gba->ctx == NULL || !EVP_MAC_CTX_set_params(gba->ctx, digest)) {
		gba_destroy(gba);
		return -ENOMEM;
	}
	*out = gba;
	return 0;
}

void gba_destroy(struct gba *gba)
{
	if (gba == NULL)
		return;
	EVP_MAC_CTX_free(gba->ctx);
	EVP_MAC_free(gba->hmac);
	free(gba);
}

static bool param_add(EVP_MAC_CTX *ctx, const struct gba_param *param)
{
	const uint8_t len_be[2] = {(uint8_t)(param->len >> 8), (uint8_t)param->len};

	return EVP_MAC_update(ctx, param->data, param->len) &&
		EVP_MAC_update(ctx, len_be, sizeof(len_be));
}

int gba_kdf(struct gba *gba, const uint8_t key[GBA_KEY_BYTES], const struct gba_param *params,
	size_t n, uint8_t out[GBA_KEY_BYTES])
{
	const uint8_t fc = GBA_FC;
	size_t len = 0;
	bool is_ok = EVP_MAC_init(gba->ctx, key, GBA_KEY_BYTES, NULL) &&
		EVP_MAC_update(gba->ctx, &fc, sizeof(fc));

	for (size_t i = 0; i < n && is_ok; i++)
		is_ok = param_add(gba->ctx, &params[i]);
	if (is_ok && EVP_MAC_final(gba->ctx, out, &len, GBA_KEY_BYTES) && len == GBA_KEY_BYTES)
		return 0;
	explicit_bzero(out, GBA_KEY_BYTES);
	return -EIO;
}

int gba_derive_me(struct gba *gba, const uint8_t ks_naf[GBA_KEY_BYTES], uint8_t muk[GBA_KEY_BYTES],
	uint8_t mrk[GBA_KEY_BYTES])
{
	const struct gba_param p0 = {GBA_P0_MRK, sizeof(GBA_P0_MRK) - 1};
	int err = gba_kdf(gba, ks_naf, &p0, 1, mrk);

	if (err == 0)
		memcpy(muk, ks_naf, GBA_KEY_BYTES);
	return err;
}

void gba_derive_uicc(const uint8_t ks_ext_naf[GBA_KEY_BYTES],
	const uint8_t ks_int_naf[GBA_KEY_BYTES], uint8_t muk[GBA_KEY_BYTES],
	uint8_t mrk[GBA_KEY_BYTES])
{
	memcpy(muk, ks_int_naf, GBA_KEY_BYTES);
	memcpy(mrk, ks_ext_naf, GBA_KEY_BYTES);
}
