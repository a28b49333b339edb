// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "faulty.h"

struct faulty faulty;
static const struct crypto_path *right;

static bool hits(enum faulty_what what, size_t n)
{
	return faulty.what == what && faulty.message < n;
}

static void flip_sealed(const struct crypto_seal_msg *msgs)
{
	const struct crypto_seal_msg *msg = &msgs[faulty.message];

	if (faulty.len == 0 || faulty.len == msg->mac_off)
		msg->data[msg->mac_off + 7] ^= 0x10;
}

static void hmac_states(struct crypto *c, const uint8_t *keys, size_t key_stride, size_t key_len,
	struct crypto_hmac_state *states, size_t n)
{
	right->hmac_states(c, keys, key_stride, key_len, states, n);
	if (hits(FAULTY_STATE, n))
		states[faulty.message].outer[4] ^= 1;
}

static void seal(struct crypto *c, const struct crypto_label *label, uint32_t counter,
	struct crypto_seal_msg *msgs, size_t n)
{
	right->seal(c, label, counter, msgs, n);
	if (hits(FAULTY_SEAL, n))
		flip_sealed(msgs);
}

static void check(struct crypto *c, const struct crypto_label *label,
	const struct crypto_check_msg *msgs, size_t n, uint8_t *is_good)
{
	right->check(c, label, msgs, n, is_good);
	if (hits(FAULTY_CHECK, n))
		is_good[faulty.message] ^= 1;
}

static void derive(struct crypto *c, const struct crypto_label *label,
	const struct crypto_hmac_state *const *psks, size_t n, struct crypto_staged_keys *out)
{
	right->derive(c, label, psks, n, out);
	if (hits(FAULTY_DERIVE, n))
		out[faulty.message].salt[13] ^= 0x80;
}

static void seal_staged(struct crypto *c, const uint8_t iv[CRYPTO_IV_BYTES],
	const struct crypto_staged_keys *const *staged, struct crypto_seal_msg *msgs, size_t n)
{
	right->seal_staged(c, iv, staged, msgs, n);
	if (hits(FAULTY_STAGED, n))
		flip_sealed(msgs);
}

static struct crypto_path path = {
	.hmac_states = hmac_states,
	.seal = seal,
	.check = check,
	.derive = derive,
	.seal_staged = seal_staged,
};

void faulty_install(struct crypto *c)
{
	right = c->path;
	c->path = &path;
}

void faulty_remove(struct crypto *c)
{
	c->path = right;
	faulty = (struct faulty){0};
}
