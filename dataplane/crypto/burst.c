// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "context.h"

#include <assert.h>
#include <string.h>

// RFC 3830 4.2.3: (salt XOR (0x0000 || CSB ID || T)) || 0x0000 with T padded to eight octets.
static void iv_init(uint8_t iv[16], const uint8_t *salt, uint32_t csb_id, uint32_t counter)
{
	memcpy(iv, salt, MIKEY_SALT_KEY_BYTES);
	iv[14] = 0;
	iv[15] = 0;
	for (unsigned i = 0; i < 4; i++) {
		iv[2 + i] ^= (uint8_t)(csb_id >> (24 - 8 * i));
		iv[10 + i] ^= (uint8_t)(counter >> (24 - 8 * i));
	}
}

static void seal_derive(struct crypto *c, const struct crypto_label *label,
	const struct crypto_seal_msg *msgs, size_t n)
{
	crypto_derive_begin(&c->derive, label);
	for (size_t i = 0; i < n; i++) {
		struct crypto_message_keys *keys = &c->keys[i];
		crypto_derive_add(&c->derive, msgs[i].psk, CRYPTO_KEY_AUTH, keys->auth);
		if (msgs[i].encr_len == 0)
			continue;
		crypto_derive_add(&c->derive, msgs[i].psk, CRYPTO_KEY_ENCR, keys->encr);
		crypto_derive_add(&c->derive, msgs[i].psk, CRYPTO_KEY_SALT, keys->salt);
	}
	crypto_derive_run(&c->derive, c->mb);
}

static void seal_encrypt(struct crypto *c, uint32_t csb_id, uint32_t counter,
	const struct crypto_seal_msg *msgs, size_t n)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++) {
		struct crypto_message_keys *keys = &c->keys[i];
		if (msgs[i].encr_len == 0)
			continue;
		iv_init(keys->iv, keys->salt, csb_id, counter);
		c->ctr[count++] = (struct mb_ctr){
			.key = keys->encr,
			.iv = keys->iv,
			.data = msgs[i].data + msgs[i].encr_off,
			.len = msgs[i].encr_len,
		};
	}
	mb_ctr_burst(c->mb, c->ctr, count);
}

size_t crypto_seal_burst(struct crypto *c, const struct crypto_label *label, uint32_t counter,
	struct crypto_seal_msg *msgs, size_t n)
{
	assert(n <= CRYPTO_BURST);
	seal_derive(c, label, msgs, n);
	seal_encrypt(c, label->csb_id, counter, msgs, n);
	crypto_mac_begin(&c->mac);
	for (size_t i = 0; i < n; i++) {
		uint8_t *tag = msgs[i].data + msgs[i].mac_off;
		crypto_mac_add(&c->mac, c->keys[i].auth, msgs[i].data, msgs[i].mac_off, tag);
	}
	crypto_mac_run(&c->mac, c->mb);
	explicit_bzero(c->keys, n * sizeof(c->keys[0]));
	return n;
}

// Looks at all octets whatever they are: time tells nothing about the first that differs.
static uint8_t mac_equal(const uint8_t *a, const uint8_t *b)
{
	unsigned differ = 0;

	for (size_t i = 0; i < MIKEY_MAC_BYTES; i++)
		differ |= a[i] ^ b[i];
	return (uint8_t)((differ - 1) >> 31);
}

size_t crypto_check_burst(struct crypto *c, const struct crypto_label *label,
	const struct crypto_check_msg *msgs, size_t n, uint8_t *is_good)
{
	size_t good = 0;

	assert(n <= CRYPTO_BURST);
	crypto_derive_begin(&c->derive, label);
	for (size_t i = 0; i < n; i++)
		crypto_derive_add(&c->derive, msgs[i].psk, CRYPTO_KEY_AUTH, c->keys[i].auth);
	crypto_derive_run(&c->derive, c->mb);
	crypto_mac_begin(&c->mac);
	for (size_t i = 0; i < n; i++)
		crypto_mac_add(&c->mac, c->keys[i].auth, msgs[i].data, msgs[i].len, c->keys[i].mac);
	crypto_mac_run(&c->mac, c->mb);
	for (size_t i = 0; i < n; i++) {
		is_good[i] = mac_equal(c->keys[i].mac, msgs[i].mac);
		good += is_good[i];
	}
	explicit_bzero(c->keys, n * sizeof(c->keys[0]));
	return good;
}
