// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Every so many messages one is computed a second time, by ipsec-mb. What lanes computed has to be
// the same; else something is broken, in the program or in the CPU, and nothing may be sent any
// more.

#include <string.h>

#include "context.h"

size_t crypto_sample_pick(struct crypto *c, size_t n)
{
	size_t i = c->until_sample;

	if (c->path == &crypto_path_mb)
		return n;
	if (i >= n) {
		c->until_sample -= (uint32_t)n;
		return n;
	}
	// What is left of this burst counts for the next sample.
	c->until_sample = SAMPLE_EVERY - (uint32_t)(n - i);
	return i;
}

static void compare(struct crypto *c, const void *a, const void *b, size_t len, const char *what)
{
	if (!crypto_equal(a, b, len))
		c->fault = what;
}

void crypto_sample_keep(struct crypto *c, const struct crypto_seal_msg *msg)
{
	memcpy(c->sample, msg->data, msg->mac_off);
}

static struct crypto_seal_msg sample_msg(struct crypto *c, const struct crypto_seal_msg *msg)
{
	struct crypto_seal_msg copy = *msg;

	copy.data = c->sample;
	return copy;
}

static void sealed_compare(struct crypto *c, const struct crypto_seal_msg *msg)
{
	compare(c, c->sample, msg->data, (size_t)msg->mac_off + MIKEY_MAC_BYTES,
		"a sealed message");
	explicit_bzero(c->sample, sizeof(c->sample));
}

void crypto_sample_seal(struct crypto *c, const struct crypto_label *label, uint32_t counter,
	const struct crypto_seal_msg *msg)
{
	struct crypto_seal_msg copy = sample_msg(c, msg);

	crypto_path_mb.seal(c, label, counter, &copy, 1);
	sealed_compare(c, msg);
}

void crypto_sample_staged(struct crypto *c, const uint8_t iv[CRYPTO_IV_BYTES],
	const struct crypto_staged_keys *staged, const struct crypto_seal_msg *msg)
{
	struct crypto_seal_msg copy = sample_msg(c, msg);

	crypto_path_mb.seal_staged(c, iv, &staged, &copy, 1);
	sealed_compare(c, msg);
}

void crypto_sample_check(struct crypto *c, const struct crypto_label *label,
	const struct crypto_check_msg *msg, uint8_t is_good)
{
	uint8_t expected;

	crypto_path_mb.check(c, label, msg, 1, &expected);
	compare(c, &expected, &is_good, sizeof(is_good), "the verdict on a message");
}

void crypto_sample_derive(struct crypto *c, const struct crypto_label *label,
	const struct crypto_hmac_state *psk, const struct crypto_staged_keys *keys)
{
	struct crypto_staged_keys expected;

	crypto_path_mb.derive(c, label, &psk, 1, &expected);
	compare(c, &expected, keys, sizeof(expected), "derived keys");
	explicit_bzero(&expected, sizeof(expected));
}

void crypto_sample_state(
	struct crypto *c, const uint8_t *key, size_t key_len, const struct crypto_hmac_state *state)
{
	struct crypto_hmac_state expected;

	crypto_path_mb.hmac_states(c, key, key_len, key_len, &expected, 1);
	compare(c, &expected, state, sizeof(expected), "the state of a key");
	explicit_bzero(&expected, sizeof(expected));
}
