// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Checks the MAC of a message and decrypts its key data, on OpenSSL: RFC 3830 4.1 and 4.2.

#include "dump.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

#include <stdlib.h>
#include <string.h>

#define KEY_PART_BYTES 32 // the PRF takes its key in parts of 256 bits

static void hmac_sha1(const uint8_t *key, size_t key_len, const uint8_t *data, size_t len,
	uint8_t out[SHA_DIGEST_LENGTH])
{
	if (HMAC(EVP_sha1(), key, (int)key_len, data, len, out, NULL) == NULL)
		abort();
}

// XORs P(part, label) into out, 4.1.2. The label stands behind room for A_i.
static void part_add(const uint8_t *part, size_t part_len, uint8_t *a_label, size_t label_len,
	uint8_t *out, size_t out_len)
{
	uint8_t a[SHA_DIGEST_LENGTH], block[SHA_DIGEST_LENGTH];

	hmac_sha1(part, part_len, a_label + sizeof(a), label_len, a);
	for (size_t done = 0; done < out_len; done += sizeof(block)) {
		memcpy(a_label, a, sizeof(a));
		hmac_sha1(part, part_len, a_label, sizeof(a) + label_len, block);
		hmac_sha1(part, part_len, a_label, sizeof(a), a);
		for (size_t i = 0; i < sizeof(block) && done + i < out_len; i++)
			out[done + i] ^= block[i];
	}
	OPENSSL_cleanse(a, sizeof(a));
	OPENSSL_cleanse(block, sizeof(block));
}

// The inputs that all keys of a message share.
struct derivation {
	const struct unseal_keys *keys;
	uint32_t csb_id;
	struct mikey_bytes rand;
};

static void key_derive(const struct derivation *d, uint32_t constant, uint8_t *out, size_t out_len)
{
	uint8_t a_label[SHA_DIGEST_LENGTH + MIKEY_LABEL_MAX_BYTES];
	size_t label_len = mikey_label(a_label + SHA_DIGEST_LENGTH, constant, d->csb_id, d->rand);
	size_t psk_len = d->keys->psk_len;

	memset(out, 0, out_len);
	for (size_t at = 0; at < psk_len; at += KEY_PART_BYTES) {
		size_t len = psk_len - at < KEY_PART_BYTES ? psk_len - at : KEY_PART_BYTES;

		part_add(d->keys->psk + at, len, a_label, label_len, out, out_len);
	}
	OPENSSL_cleanse(a_label, sizeof(a_label));
}

static bool mac_holds(
	const struct derivation *d, const uint8_t *input, size_t len, const uint8_t *mac)
{
	uint8_t key[MIKEY_AUTH_KEY_BYTES], want[SHA_DIGEST_LENGTH];
	bool holds;

	key_derive(d, MIKEY_DERIVE_AUTH, key, sizeof(key));
	hmac_sha1(key, sizeof(key), input, len, want);
	holds = CRYPTO_memcmp(want, mac, sizeof(want)) == 0;
	OPENSSL_cleanse(key, sizeof(key));
	OPENSSL_cleanse(want, sizeof(want));
	return holds;
}

static void decrypt(const struct derivation *d, const struct mikey_view *view, struct unsealed *u)
{
	uint8_t key[MIKEY_ENCR_KEY_BYTES], salt[MIKEY_SALT_KEY_BYTES], iv[16];
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int len;

	u->plain_len = view->encr.len;
	u->plain = malloc(u->plain_len);
	if (ctx == NULL || u->plain == NULL)
		abort();
	key_derive(d, MIKEY_DERIVE_ENCR, key, sizeof(key));
	key_derive(d, MIKEY_DERIVE_SALT, salt, sizeof(salt));
	mikey_iv(iv, salt, d->csb_id, view->counter);
	if (EVP_EncryptInit_ex(ctx, EVP_aes_128_ctr(), NULL, key, iv) != 1 ||
		EVP_EncryptUpdate(ctx, u->plain, &len, view->encr.data, view->encr.len) != 1)
		abort();
	EVP_CIPHER_CTX_free(ctx);
	OPENSSL_cleanse(key, sizeof(key));
	OPENSSL_cleanse(salt, sizeof(salt));
}

// With a timestamp of ts_bytes octets behind the identities.
static bool verification_holds(const struct derivation *d, const struct mikey_view *view,
	const uint8_t *data, unsigned ts_bytes)
{
	size_t idr_len = view->identity[0].len;
	size_t room = view->mac.off + d->keys->idi_len + idr_len + ts_bytes;
	struct mikey_bytes idi = {d->keys->idi, (uint16_t)d->keys->idi_len};
	uint8_t *input = malloc(room);
	bool holds;

	if (input == NULL)
		abort();
	memcpy(input, data, view->mac.off);
	mikey_verification_tail(input + view->mac.off, room - view->mac.off, idi, view->identity[0],
		view->counter, ts_bytes);
	holds = mac_holds(d, input, room, data + view->mac.off);
	free(input);
	return holds;
}

static enum unseal_verdict verification_unseal(
	const struct derivation *d, const struct mikey_view *view, const uint8_t *data)
{
	if (d->keys->idi == NULL)
		return UNSEAL_NEEDS_IDI;
	if (verification_holds(d, view, data, 4))
		return UNSEAL_GOOD_MAC;
	return verification_holds(d, view, data, 8) ? UNSEAL_GOOD_MAC_TS64 : UNSEAL_BAD_MAC;
}

void unseal(const struct mikey_view *view, const uint8_t *data, const struct unseal_keys *keys,
	struct unsealed *u)
{
	enum mikey_kind kind = mikey_view_kind(view);
	struct derivation d = {.keys = keys, .csb_id = view->csb_id, .rand = view->rand};

	*u = (struct unsealed){.verdict = UNSEAL_NOT_TRIED};
	if (keys->psk == NULL || kind == MIKEY_KIND_OTHER || kind == MIKEY_KIND_ERROR)
		return;
	if (!view->has_rand)
		d.rand = (struct mikey_bytes){keys->rand, (uint16_t)keys->rand_len};
	if (kind == MIKEY_KIND_VERIFICATION) {
		u->verdict = verification_unseal(&d, view, data);
		return;
	}
	u->verdict = UNSEAL_BAD_MAC;
	if (!mac_holds(&d, data, view->mac.off, data + view->mac.off))
		return;
	u->verdict = UNSEAL_GOOD_MAC;
	if (view->encr.len > 0)
		decrypt(&d, view, u);
}

void unsealed_wipe(struct unsealed *u)
{
	if (u->plain != NULL)
		OPENSSL_cleanse(u->plain, u->plain_len);
	free(u->plain);
	u->plain = NULL;
}

const char *unseal_verdict_text(enum unseal_verdict verdict)
{
	static const char *const texts[] = {
		[UNSEAL_NOT_TRIED] = "not checked",
		[UNSEAL_NEEDS_IDI] = "not checked: a verification needs --idi",
		[UNSEAL_BAD_MAC] = "does not hold",
		[UNSEAL_GOOD_MAC] = "holds",
		[UNSEAL_GOOD_MAC_TS64] = "holds, over a timestamp of 8 octets",
	};

	return texts[verdict];
}
