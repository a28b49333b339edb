// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "support.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <string.h>

void reference_hmac(
	const uint8_t *key, size_t key_len, const uint8_t *data, size_t len, uint8_t tag[MAC_BYTES])
{
	assert_non_null(HMAC(EVP_sha1(), key, (int)key_len, data, len, tag, NULL));
}

static void put_u32be(uint8_t *to, uint32_t value)
{
	for (int i = 3; i >= 0; i--, value >>= 8)
		to[i] = (uint8_t)value;
}

void reference_derive(const uint8_t *key, size_t key_len, uint32_t constant,
	const struct crypto_label *label, uint8_t out[20])
{
	uint8_t step[20 + 9 + 255];
	size_t label_len = 9 + (size_t)label->rand_len;

	put_u32be(step + 20, constant);
	step[24] = 0xff;
	put_u32be(step + 25, label->csb_id);
	memcpy(step + 29, label->rand, label->rand_len);
	reference_hmac(key, key_len, step + 20, label_len, step);
	reference_hmac(key, key_len, step, 20 + label_len, out);
}

static void encrypt(const struct crypto_label *label, const struct reference_msg *msg)
{
	uint8_t key[20];
	uint8_t salt[20];
	uint8_t iv[16] = {0};
	int len;

	reference_derive(msg->key, msg->key_len, 0x150533e1, label, key);
	reference_derive(msg->key, msg->key_len, 0x29b88916, label, salt);
	put_u32be(iv + 2, label->csb_id);
	put_u32be(iv + 10, msg->counter);
	for (size_t i = 0; i < 14; i++)
		iv[i] ^= salt[i];
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	assert_non_null(ctx);
	assert_int_equal(EVP_EncryptInit_ex(ctx, EVP_aes_128_ctr(), NULL, key, iv), 1);
	uint8_t *span = msg->data + msg->encr_off;
	assert_int_equal(EVP_EncryptUpdate(ctx, span, &len, span, (int)msg->encr_len), 1);
	assert_int_equal(len, msg->encr_len);
	EVP_CIPHER_CTX_free(ctx);
}

void reference_seal(const struct crypto_label *label, const struct reference_msg *msg)
{
	uint8_t auth[20];

	if (msg->encr_len > 0)
		encrypt(label, msg);
	reference_derive(msg->key, msg->key_len, 0x2d22ac75, label, auth);
	reference_hmac(auth, sizeof(auth), msg->data, msg->mac_off, msg->data + msg->mac_off);
}

// XORs P(piece, label, m) into out.
static void prf_piece(const uint8_t *piece, size_t piece_len, const struct vector *label,
	uint8_t *out, size_t out_len)
{
	uint8_t step[20 + sizeof(label->data)];
	uint8_t block[20];

	memcpy(step + 20, label->data, label->len);
	reference_hmac(piece, piece_len, label->data, label->len, step);
	for (size_t i = 0; i < out_len; i++) {
		if (i > 0 && i % 20 == 0)
			reference_hmac(piece, piece_len, step, 20, step);
		if (i % 20 == 0)
			reference_hmac(piece, piece_len, step, 20 + label->len, block);
		out[i] ^= block[i % 20];
	}
}

void reference_prf(const uint8_t *inkey, size_t inkey_len, const uint8_t *label, size_t label_len,
	uint8_t *out, size_t out_len)
{
	struct vector v = {.len = label_len};
	size_t pieces = (inkey_len + 31) / 32;

	memcpy(v.data, label, label_len);
	memset(out, 0, out_len);
	for (size_t i = 0; i < pieces; i++) {
		size_t len = i + 1 < pieces ? 32 : inkey_len - 32 * i;
		prf_piece(inkey + 32 * i, len, &v, out, out_len);
	}
}
