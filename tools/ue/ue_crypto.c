// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// SHA1_* and AES_encrypt() are deprecated since OpenSSL 3.0 and five times as fast here as
// HMAC(): a phone's message costs 24 compressions of 64 octets, so set-up is all that counts.
#define OPENSSL_SUPPRESS_DEPRECATED

#include "ue_crypto.h"

#include <endian.h>
#include <openssl/aes.h>
#include <string.h>

static void pad_fill(uint8_t *pad, const uint8_t *key, size_t len, uint8_t with)
{
	memset(pad, with, 64);
	for (size_t i = 0; i < len; i++)
		pad[i] ^= key[i];
}

void ue_hmac_init(struct ue_hmac *hmac, const uint8_t *key, size_t len)
{
	uint8_t pad[SHA_CBLOCK];

	pad_fill(pad, key, len, 0x36);
	SHA1_Init(&hmac->inner);
	SHA1_Update(&hmac->inner, pad, sizeof(pad));
	pad_fill(pad, key, len, 0x5c);
	SHA1_Init(&hmac->outer);
	SHA1_Update(&hmac->outer, pad, sizeof(pad));
	explicit_bzero(pad, sizeof(pad));
}

void ue_hmac_sum(const struct ue_hmac *hmac, struct mikey_bytes a, struct mikey_bytes b,
	uint8_t mac[MIKEY_MAC_BYTES])
{
	SHA_CTX sha = hmac->inner;

	SHA1_Update(&sha, a.data, a.len);
	SHA1_Update(&sha, b.data, b.len);
	SHA1_Final(mac, &sha);
	sha = hmac->outer;
	SHA1_Update(&sha, mac, MIKEY_MAC_BYTES);
	SHA1_Final(mac, &sha);
	explicit_bzero(&sha, sizeof(sha));
}

// RFC 3830 4.1.4: constant || 0xFF || CSB ID || RAND. Written anew, not taken from mikey, because
// both ends of a wrong label would agree.
static size_t label_put(uint8_t *label, uint32_t constant, uint32_t csb_id, struct mikey_bytes rand)
{
	const uint32_t words[] = {htobe32(constant), htobe32(csb_id)};

	memcpy(label, &words[0], 4);
	label[4] = 0xff;
	memcpy(&label[5], &words[1], 4);
	if (rand.len > 0)
		memcpy(&label[9], rand.data, rand.len);
	return 9 + (size_t)rand.len;
}

// RFC 3830 4.2.3: (salt XOR (0x0000 || CSB ID || T)) || 0x0000, the counter padded to 8 octets.
static void iv_put(
	uint8_t iv[16], const uint8_t salt[MIKEY_SALT_KEY_BYTES], uint32_t csb_id, uint32_t counter)
{
	for (int i = 0; i < MIKEY_SALT_KEY_BYTES; i++)
		iv[i] = salt[i];
	for (int i = 0; i < 4; i++) {
		iv[2 + i] ^= (uint8_t)(csb_id >> (24 - 8 * i));
		iv[10 + i] ^= (uint8_t)(counter >> (24 - 8 * i));
	}
	iv[14] = 0;
	iv[15] = 0;
}

// Outputs up to 160 bits from keys up to 256 bits: P(s, label, 1) of RFC 3830 4.1.2 is the
// whole PRF.
void ue_derive(const struct ue_hmac *psk, uint32_t constant, uint32_t csb_id,
	struct mikey_bytes rand, uint8_t *out, size_t out_len)
{
	uint8_t label[MIKEY_LABEL_MAX_BYTES], a1[MIKEY_MAC_BYTES], block[MIKEY_MAC_BYTES];
	struct mikey_bytes text = {label, 0};

	text.len = (uint16_t)label_put(label, constant, csb_id, rand);
	ue_hmac_sum(psk, text, (struct mikey_bytes){0}, a1);
	ue_hmac_sum(psk, (struct mikey_bytes){a1, sizeof(a1)}, text, block);
	memcpy(out, block, out_len);
	explicit_bzero(a1, sizeof(a1));
	explicit_bzero(block, sizeof(block));
}

static void aes_cm(const uint8_t key[MIKEY_ENCR_KEY_BYTES], const uint8_t iv[16],
	struct mikey_bytes in, uint8_t *out)
{
	uint8_t counter[16], stream[16];
	AES_KEY aes;

	AES_set_encrypt_key(key, 128, &aes);
	memcpy(counter, iv, sizeof(counter));
	for (size_t at = 0; at < in.len; at++) {
		if (at % 16 == 0) {
			AES_encrypt(counter, stream, &aes);
			// RFC 3830 4.2.3: 2^16 blocks at most, so the last two octets suffice.
			if (++counter[15] == 0)
				counter[14]++;
		}
		out[at] = in.data[at] ^ stream[at % 16];
	}
	explicit_bzero(&aes, sizeof(aes));
	explicit_bzero(stream, sizeof(stream));
}

void ue_decrypt(const struct ue_hmac *psk, const struct mikey_view *msg, uint8_t *out)
{
	uint8_t key[MIKEY_ENCR_KEY_BYTES], salt[MIKEY_SALT_KEY_BYTES], iv[16];

	ue_derive(psk, MIKEY_DERIVE_ENCR, msg->csb_id, msg->rand, key, sizeof(key));
	ue_derive(psk, MIKEY_DERIVE_SALT, msg->csb_id, msg->rand, salt, sizeof(salt));
	iv_put(iv, salt, msg->csb_id, msg->counter);
	aes_cm(key, iv, msg->encr, out);
	explicit_bzero(key, sizeof(key));
	explicit_bzero(salt, sizeof(salt));
	explicit_bzero(iv, sizeof(iv));
}

void ue_kdf(const uint8_t key[UE_KEY_BYTES], const uint8_t *input, size_t len,
	uint8_t out[UE_KEY_BYTES])
{
	uint8_t pad[SHA256_CBLOCK];
	SHA256_CTX sha;

	pad_fill(pad, key, UE_KEY_BYTES, 0x36);
	SHA256_Init(&sha);
	SHA256_Update(&sha, pad, sizeof(pad));
	SHA256_Update(&sha, input, len);
	SHA256_Final(out, &sha);
	pad_fill(pad, key, UE_KEY_BYTES, 0x5c);
	SHA256_Init(&sha);
	SHA256_Update(&sha, pad, sizeof(pad));
	SHA256_Update(&sha, out, UE_KEY_BYTES);
	SHA256_Final(out, &sha);
	explicit_bzero(pad, sizeof(pad));
	explicit_bzero(&sha, sizeof(sha));
}

void ue_check_value(const uint8_t msk[MIKEY_MSK_BYTES], uint8_t check[3])
{
	uint8_t digest[SHA256_DIGEST_LENGTH];

	SHA256(msk, MIKEY_MSK_BYTES, digest);
	memcpy(check, digest, 3);
	explicit_bzero(digest, sizeof(digest));
}
