// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// What lanes compute is held against ipsec-mb: all of it at the start, one message in 65,536 later.

#include "support.h"

#include <errno.h>
#include <string.h>

#include "faulty.h"

#define EVERY 65536

static bool is_lanes(void **state)
{
	return ((struct crypto *)*state)->lanes != NULL;
}

static int teardown_fault(void **state)
{
	struct crypto *c = *state;

	faulty_remove(c);
	c->fault = NULL;
	return 0;
}

static int setup_fault(void **state)
{
	faulty_install(*state);
	return 0;
}

// A burst of everything, with noise under keys of noise.
static void run_all(struct crypto *c, size_t n)
{
	static uint8_t keys[CRYPTO_BURST][32], data[CRYPTO_BURST][200 + MAC_BYTES];
	static struct crypto_hmac_state states[CRYPTO_BURST];
	static struct crypto_staged_keys derived[CRYPTO_BURST];
	const struct crypto_label label = vector_label(7, 16);
	const struct crypto_hmac_state *psks[CRYPTO_BURST];
	const struct crypto_staged_keys *staged[CRYPTO_BURST];
	struct crypto_seal_msg seal[CRYPTO_BURST];
	struct crypto_check_msg checks[CRYPTO_BURST];
	uint8_t is_good[CRYPTO_BURST];

	for (size_t i = 0; i < n; i++) {
		psks[i] = &states[i];
		staged[i] = &derived[i];
		seal[i] = (struct crypto_seal_msg){&states[i], data[i], 40, 26, 164};
		checks[i] = (struct crypto_check_msg){&states[i], data[i], 164, data[i] + 164};
	}
	crypto_hmac_state_burst(c, keys[0], 32, 32, states, n);
	crypto_seal_burst(c, &label, 1, seal, n);
	crypto_check_burst(c, &label, checks, n, is_good);
	crypto_derive_burst(c, &label, psks, n, derived);
	crypto_seal_staged_burst(c, 7, 2, staged, seal, n);
}

static void one_message_in_65536_is_a_sample(void **state)
{
	struct crypto *c = *state;
	uint64_t seed = 11, at = 0, last = 0;
	unsigned picked = 0;

	if (!is_lanes(state))
		return;
	c->until_sample = 0;
	while (at < 40ull * EVERY) {
		size_t n = noise_between(&seed, 1, CRYPTO_BURST);
		size_t sample = crypto_sample_pick(c, n);
		if (sample < n) {
			assert_int_equal(at + sample, picked == 0 ? 0 : last + EVERY);
			last = at + sample;
			picked++;
		}
		at += n;
	}
	assert_int_equal(picked, 40);
}

static void ipsec_mb_is_not_held_against_itself(void **state)
{
	struct crypto *c = *state;

	c->until_sample = 0;
	if (!is_lanes(state))
		assert_int_equal(crypto_sample_pick(c, 1), 1);
}

static void right_results_are_no_fault(void **state)
{
	struct crypto *c = *state;

	for (uint32_t i = 0; i < CRYPTO_BURST; i++) {
		c->until_sample = i;
		run_all(c, CRYPTO_BURST);
		assert_null(crypto_fault(c));
	}
	assert_true(!is_lanes(state) || c->until_sample > EVERY - 6 * CRYPTO_BURST);
}

static void wrong_sample_is_a_fault_that_stays(void **state)
{
	static const char *const texts[FAULTY_COUNT] = {
		[FAULTY_STATE] = "the state of a key",
		[FAULTY_SEAL] = "a sealed message",
		[FAULTY_CHECK] = "the verdict on a message",
		[FAULTY_DERIVE] = "derived keys",
		[FAULTY_STAGED] = "a sealed message",
	};
	struct crypto *c = *state;

	for (enum faulty_what what = FAULTY_NOTHING + 1; what < FAULTY_COUNT; what++) {
		// The faces of crypto.h are used in the order of the enumeration.
		size_t before = (what - FAULTY_STATE) * CRYPTO_BURST;

		c->fault = NULL;
		faulty = (struct faulty){.what = what, .message = 9};
		c->until_sample = (uint32_t)before + 8;
		run_all(c, CRYPTO_BURST);
		assert_null(crypto_fault(c));
		c->until_sample = (uint32_t)before + 9;
		run_all(c, CRYPTO_BURST);
		assert_string_equal(crypto_fault(c), texts[what]);
		faulty.what = FAULTY_NOTHING;
		run_all(c, CRYPTO_BURST);
		assert_string_equal(crypto_fault(c), texts[what]);
	}
}

static void known_answers_see_each_wrong_lane(void **state)
{
	struct crypto *c = *state;

	for (enum faulty_what what = FAULTY_SEAL; what < FAULTY_COUNT; what++) {
		for (size_t i = 0; i < CRYPTO_BURST; i++) {
			faulty = (struct faulty){.what = what, .message = i};
			assert_int_equal(crypto_kat_run(c), -EIO);
		}
	}
	faulty = (struct faulty){.what = FAULTY_STATE, .message = 0};
	assert_int_equal(crypto_kat_run(c), -EIO);
	faulty.what = FAULTY_NOTHING;
	assert_int_equal(crypto_kat_run(c), 0);
}

// Known answers have three blocks; this one has five.
static void noise_sees_what_known_answers_do_not(void **state)
{
	struct crypto *c = *state;
	int seen = 0;

	for (size_t i = 0; i < CRYPTO_BURST; i++) {
		faulty = (struct faulty){.what = FAULTY_SEAL, .message = i, .len = 256};
		assert_int_equal(crypto_kat_run(c), 0);
		seen += crypto_noise_check(c) == -EIO;
	}
	assert_int_equal(seen, 1);
	for (size_t i = 0; i < CRYPTO_BURST; i++) {
		faulty = (struct faulty){.what = FAULTY_STATE, .message = i};
		assert_int_equal(crypto_noise_check(c), -EIO);
		faulty.what = FAULTY_CHECK;
		assert_int_equal(crypto_noise_check(c), -EIO);
	}
	faulty.what = FAULTY_NOTHING;
	assert_int_equal(crypto_noise_check(c), 0);
}

#define with_faulty_path(test) cmocka_unit_test_setup_teardown(test, setup_fault, teardown_fault)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_message_in_65536_is_a_sample),
		cmocka_unit_test(ipsec_mb_is_not_held_against_itself),
		cmocka_unit_test(right_results_are_no_fault),
		with_faulty_path(wrong_sample_is_a_fault_that_stays),
		with_faulty_path(known_answers_see_each_wrong_lane),
		with_faulty_path(noise_sees_what_known_answers_do_not),
	};

	return run_on_every_path(tests);
}
