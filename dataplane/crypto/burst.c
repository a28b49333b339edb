// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The bursts of crypto.h, by whichever path the context has.

#include "context.h"

#include <assert.h>
#include <string.h>

void crypto_iv_init(uint8_t iv[CRYPTO_IV_BYTES], uint32_t csb_id, uint32_t counter)
{
	// 0x0000 || CSB ID || T || 0x0000, T padded to eight octets.
	memset(iv, 0, CRYPTO_IV_BYTES);
	for (unsigned i = 0; i < 4; i++) {
		iv[2 + i] = (uint8_t)(csb_id >> (24 - 8 * i));
		iv[10 + i] = (uint8_t)(counter >> (24 - 8 * i));
	}
}

uint8_t crypto_equal(const void *a, const void *b, size_t len)
{
	const uint8_t *x = a, *y = b;
	unsigned differ = 0;

	for (size_t i = 0; i < len; i++)
		differ |= x[i] ^ y[i];
	return (uint8_t)((differ - 1) >> 31);
}

// What the compiler put on the stack in the functions that have just returned lies where the array
// does.
static __attribute__((noinline)) void stack_wipe(void)
{
	uint8_t stack[STACK_WIPED_BYTES];

	explicit_bzero(stack, sizeof(stack));
}

static void states_chunk(struct crypto *c, const uint8_t *keys, size_t key_stride, size_t key_len,
	struct crypto_hmac_state *states, size_t n)
{
	size_t sample = crypto_sample_pick(c, n);

	c->path->hmac_states(c, keys, key_stride, key_len, states, n);
	if (sample < n)
		crypto_sample_state(c, keys + sample * key_stride, key_len, &states[sample]);
	stack_wipe();
}

void crypto_hmac_state_burst(struct crypto *c, const uint8_t *keys, size_t key_stride,
	size_t key_len, struct crypto_hmac_state *states, size_t n)
{
	assert(key_len >= 1 && key_len <= MB_BLOCK_BYTES);
	while (n > 0) {
		size_t some = n < CRYPTO_BURST ? n : CRYPTO_BURST;

		states_chunk(c, keys, key_stride, key_len, states, some);
		keys += some * key_stride;
		states += some;
		n -= some;
	}
}

size_t crypto_seal_burst(struct crypto *c, const struct crypto_label *label, uint32_t counter,
	struct crypto_seal_msg *msgs, size_t n)
{
	assert(n <= CRYPTO_BURST);
	if (n == 0)
		return 0;
	size_t sample = crypto_sample_pick(c, n);
	if (sample < n)
		crypto_sample_keep(c, &msgs[sample]);
	c->path->seal(c, label, counter, msgs, n);
	if (sample < n)
		crypto_sample_seal(c, label, counter, &msgs[sample]);
	stack_wipe();
	return n;
}

size_t crypto_check_burst(struct crypto *c, const struct crypto_label *label,
	const struct crypto_check_msg *msgs, size_t n, uint8_t *is_good)
{
	size_t good = 0;

	assert(n <= CRYPTO_BURST);
	if (n == 0)
		return 0;
	size_t sample = crypto_sample_pick(c, n);
	c->path->check(c, label, msgs, n, is_good);
	if (sample < n)
		crypto_sample_check(c, label, &msgs[sample], is_good[sample]);
	stack_wipe();
	for (size_t i = 0; i < n; i++)
		good += is_good[i];
	return good;
}

size_t crypto_derive_burst(struct crypto *c, const struct crypto_label *label,
	const struct crypto_hmac_state *const *psks, size_t n, struct crypto_staged_keys *out)
{
	assert(n <= CRYPTO_BURST);
	if (n == 0)
		return 0;
	size_t sample = crypto_sample_pick(c, n);
	c->path->derive(c, label, psks, n, out);
	if (sample < n)
		crypto_sample_derive(c, label, psks[sample], &out[sample]);
	stack_wipe();
	return n;
}

size_t crypto_seal_staged_burst(struct crypto *c, uint32_t csb_id, uint32_t counter,
	const struct crypto_staged_keys *const *staged, struct crypto_seal_msg *msgs, size_t n)
{
	uint8_t iv[CRYPTO_IV_BYTES];

	assert(n <= CRYPTO_BURST);
	if (n == 0)
		return 0;
	size_t sample = crypto_sample_pick(c, n);
	crypto_iv_init(iv, csb_id, counter);
	if (sample < n)
		crypto_sample_keep(c, &msgs[sample]);
	c->path->seal_staged(c, iv, staged, msgs, n);
	if (sample < n)
		crypto_sample_staged(c, iv, staged[sample], &msgs[sample]);
	stack_wipe();
	return n;
}

size_t crypto_compress(struct crypto *c, size_t n)
{
	return c->path->compress(c, n);
}

const char *crypto_fault(const struct crypto *c)
{
	return c->fault;
}
