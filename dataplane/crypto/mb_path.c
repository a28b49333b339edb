// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The path through ipsec-mb: runs wherever the library does, and is what the other paths are
// checked against.

#include "common_block.h"
#include "context.h"

#include <string.h>

static bool always(void)
{
	return true;
}

static void hmac_states(struct crypto *c, const uint8_t *keys, size_t key_stride, size_t key_len,
	struct crypto_hmac_state *states, size_t n)
{
	for (size_t i = 0; i < n; i++)
		crypto_hmac_state_init(c->mb, &states[i], keys + i * key_stride, key_len);
}

// Encrypts message i under keys[i] where it has something to encrypt.
static void encrypt(struct crypto *c, const uint8_t iv[CRYPTO_IV_BYTES],
	const struct crypto_seal_msg *msgs, size_t n)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++) {
		struct crypto_message_keys *keys = &c->keys[i];
		if (msgs[i].encr_len == 0)
			continue;
		memcpy(keys->iv, iv, CRYPTO_IV_BYTES);
		for (size_t k = 0; k < MIKEY_SALT_KEY_BYTES; k++)
			keys->iv[k] ^= keys->salt[k];
		c->ctr[count++] = (struct mb_ctr){
			.key = keys->encr,
			.iv = keys->iv,
			.data = msgs[i].data + msgs[i].encr_off,
			.len = msgs[i].encr_len,
		};
	}
	mb_ctr_burst(c->mb, c->ctr, count);
}

static void seal(struct crypto *c, const struct crypto_label *label, uint32_t counter,
	struct crypto_seal_msg *msgs, size_t n)
{
	uint8_t iv[CRYPTO_IV_BYTES];

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
	crypto_iv_init(iv, label->csb_id, counter);
	encrypt(c, iv, msgs, n);
	crypto_mac_begin(&c->mac);
	for (size_t i = 0; i < n; i++) {
		uint8_t *tag = msgs[i].data + msgs[i].mac_off;
		crypto_mac_add(&c->mac, c->keys[i].auth, msgs[i].data, msgs[i].mac_off, tag);
	}
	crypto_mac_run(&c->mac, c->mb);
	explicit_bzero(c->keys, n * sizeof(c->keys[0]));
}

static void check(struct crypto *c, const struct crypto_label *label,
	const struct crypto_check_msg *msgs, size_t n, uint8_t *is_good)
{
	crypto_derive_begin(&c->derive, label);
	for (size_t i = 0; i < n; i++)
		crypto_derive_add(&c->derive, msgs[i].psk, CRYPTO_KEY_AUTH, c->keys[i].auth);
	crypto_derive_run(&c->derive, c->mb);
	crypto_mac_begin(&c->mac);
	for (size_t i = 0; i < n; i++)
		crypto_mac_add(&c->mac, c->keys[i].auth, msgs[i].data, msgs[i].len, c->keys[i].mac);
	crypto_mac_run(&c->mac, c->mb);
	for (size_t i = 0; i < n; i++)
		is_good[i] = crypto_equal(c->keys[i].mac, msgs[i].mac, MIKEY_MAC_BYTES);
	explicit_bzero(c->keys, n * sizeof(c->keys[0]));
}

static void derive(struct crypto *c, const struct crypto_label *label,
	const struct crypto_hmac_state *const *psks, size_t n, struct crypto_staged_keys *out)
{
	crypto_derive_begin(&c->derive, label);
	for (size_t i = 0; i < n; i++) {
		struct crypto_message_keys *keys = &c->keys[i];
		crypto_derive_add(&c->derive, psks[i], CRYPTO_KEY_ENCR, keys->encr);
		crypto_derive_add(&c->derive, psks[i], CRYPTO_KEY_SALT, keys->salt);
		crypto_derive_add(&c->derive, psks[i], CRYPTO_KEY_AUTH, keys->auth);
	}
	crypto_derive_run(&c->derive, c->mb);
	for (size_t i = 0; i < n; i++) {
		const struct crypto_message_keys *keys = &c->keys[i];
		memcpy(out[i].encr, keys->encr, MIKEY_ENCR_KEY_BYTES);
		memset(out[i].salt, 0, sizeof(out[i].salt));
		memcpy(out[i].salt, keys->salt, MIKEY_SALT_KEY_BYTES);
		crypto_hmac_state_init(c->mb, &out[i].auth, keys->auth, MIKEY_AUTH_KEY_BYTES);
	}
	explicit_bzero(c->keys, n * sizeof(c->keys[0]));
}

static void seal_staged(struct crypto *c, const uint8_t iv[CRYPTO_IV_BYTES],
	const struct crypto_staged_keys *const *staged, struct crypto_seal_msg *msgs, size_t n)
{
	struct mb_hmac macs[CRYPTO_BURST];

	for (size_t i = 0; i < n; i++) {
		memcpy(c->keys[i].encr, staged[i]->encr, MIKEY_ENCR_KEY_BYTES);
		memcpy(c->keys[i].salt, staged[i]->salt, MIKEY_SALT_KEY_BYTES);
		macs[i] = (struct mb_hmac){
			.key = &staged[i]->auth,
			.data = msgs[i].data,
			.len = msgs[i].mac_off,
			.tag = msgs[i].data + msgs[i].mac_off,
		};
	}
	encrypt(c, iv, msgs, n);
	mb_hmac_burst(c->mb, macs, n);
	explicit_bzero(c->keys, n * sizeof(c->keys[0]));
}

// By long messages, so that beginning and ending them counts for nothing.
static size_t compressions(struct crypto *c, size_t n)
{
	struct mb_sha1 ops[CRYPTO_BURST];
	size_t done = 0;

	for (size_t i = 0; i < CRYPTO_BURST; i++)
		ops[i] = (struct mb_sha1){c->mac.inner, sizeof(c->mac.inner), c->keys[i].mac};
	while (done < n) {
		mb_sha1_burst(c->mb, ops, CRYPTO_BURST);
		done += CRYPTO_BURST * sha1_blocks(sizeof(c->mac.inner));
	}
	return done;
}

const struct crypto_path crypto_path_mb = {
	.name = "ipsec-mb",
	.is_available = always,
	.hmac_states = hmac_states,
	.seal = seal,
	.check = check,
	.derive = derive,
	.seal_staged = seal_staged,
	.compress = compressions,
};
