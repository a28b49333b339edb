// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// What crypto_create() refuses: a library that computes wrong. The file takes in mb.c to reach the
// manager and puts faulty functions in place of single primitives.

#include "support.h"

#include "../../../dataplane/crypto/context.h"
#include "../../../dataplane/crypto/mb.c"

static submit_hash_burst_t right_hmac;
static burst_fn_t right_submit;
static burst_fn_t right_flush;
static submit_cipher_burst_t right_cipher;
static keyexp_t right_keyexp;
static hash_one_block_t right_block;
static uint32_t faulty_job; // of a burst: a lane that fails alone
static uint32_t faulty_count; // only bursts of so many jobs are faulty; 0: all

static uint32_t faulty_hmac(IMB_MGR *mgr, IMB_JOB *jobs, uint32_t n, IMB_HASH_ALG hash)
{
	uint32_t done = right_hmac(mgr, jobs, n, hash);

	if (faulty_job < n && (faulty_count == 0 || faulty_count == n))
		jobs[faulty_job].auth_tag_output[3] ^= 1;
	return done;
}

static uint32_t faulty_submit(IMB_MGR *mgr, uint32_t n, IMB_JOB **jobs)
{
	uint8_t *digest = jobs[faulty_job < n ? faulty_job : 0]->auth_tag_output;
	uint32_t done = right_submit(mgr, n, jobs);

	if (faulty_job < done)
		digest[7] ^= 0x10;
	return done;
}

static uint32_t faulty_flush(IMB_MGR *mgr, uint32_t most, IMB_JOB **jobs)
{
	uint32_t done = right_flush(mgr, most, jobs);

	if (done > 0)
		jobs[done - 1]->auth_tag_output[0] ^= 0x80;
	return done;
}

static uint32_t faulty_cipher(IMB_MGR *mgr, IMB_JOB *jobs, uint32_t n, IMB_CIPHER_MODE mode,
	IMB_CIPHER_DIRECTION dir, IMB_KEY_SIZE_BYTES key_size)
{
	uint32_t done = right_cipher(mgr, jobs, n, mode, dir, key_size);

	if (n > 0)
		jobs[n - 1].dst[25] ^= 1;
	return done;
}

static void faulty_keyexp(const void *key, void *encrypt, void *decrypt)
{
	right_keyexp(key, encrypt, decrypt);
	((uint8_t *)encrypt)[175] ^= 1;
}

static void faulty_block(const void *data, void *state)
{
	right_block(data, state);
	((uint32_t *)state)[4] ^= 1;
}

static IMB_MGR *mgr_of(struct crypto *c)
{
	IMB_MGR *mgr = c->mb->mgr;

	right_hmac = mgr->submit_hash_burst_nocheck;
	right_submit = mgr->submit_burst_nocheck;
	right_flush = mgr->flush_burst;
	right_cipher = mgr->submit_cipher_burst_nocheck;
	right_keyexp = mgr->keyexp_128;
	right_block = mgr->sha1_one_block;
	return mgr;
}

static void refuses_a_wrong_hmac_in_any_job(void **state)
{
	IMB_MGR *mgr = mgr_of(*state);

	mgr->submit_hash_burst_nocheck = faulty_hmac;
	for (faulty_job = 0; faulty_job < IMB_MAX_BURST_SIZE; faulty_job++)
		assert_int_equal(crypto_kat_run(*state), -EIO);
	mgr->submit_hash_burst_nocheck = right_hmac;
	assert_int_equal(crypto_kat_run(*state), 0);
}

// Only a check derives exactly one key for each message of a full burst.
static void refuses_a_wrong_check(void **state)
{
	IMB_MGR *mgr = mgr_of(*state);

	mgr->submit_hash_burst_nocheck = faulty_hmac;
	faulty_count = CRYPTO_BURST;
	faulty_job = CRYPTO_BURST - 2;
	assert_int_equal(crypto_kat_run(*state), -EIO);
	faulty_count = 0;
	mgr->submit_hash_burst_nocheck = right_hmac;
	assert_int_equal(crypto_kat_run(*state), 0);
}

static void refuses_a_wrong_sha1(void **state)
{
	IMB_MGR *mgr = mgr_of(*state);

	mgr->submit_burst_nocheck = faulty_submit;
	for (faulty_job = 0; faulty_job < CRYPTO_BURST / 2; faulty_job++)
		assert_int_equal(crypto_kat_run(*state), -EIO);
	mgr->submit_burst_nocheck = right_submit;
	mgr->flush_burst = faulty_flush;
	assert_int_equal(crypto_kat_run(*state), -EIO);
	mgr->flush_burst = right_flush;
	assert_int_equal(crypto_kat_run(*state), 0);
}

static void refuses_a_wrong_cipher(void **state)
{
	IMB_MGR *mgr = mgr_of(*state);

	mgr->submit_cipher_burst_nocheck = faulty_cipher;
	assert_int_equal(crypto_kat_run(*state), -EIO);
	mgr->submit_cipher_burst_nocheck = right_cipher;
	mgr->keyexp_128 = faulty_keyexp;
	assert_int_equal(crypto_kat_run(*state), -EIO);
	mgr->keyexp_128 = right_keyexp;
	assert_int_equal(crypto_kat_run(*state), 0);
}

static void refuses_a_wrong_key_state(void **state)
{
	IMB_MGR *mgr = mgr_of(*state);

	mgr->sha1_one_block = faulty_block;
	assert_int_equal(crypto_kat_run(*state), -EIO);
	mgr->sha1_one_block = right_block;
	assert_int_equal(crypto_kat_run(*state), 0);
}

static void path_text_names_library_version_and_instruction_set(void **state)
{
	static const char *const texts[] = {"ipsec-mb 1.3.0 avx512", "ipsec-mb 1.3.0 avx2",
		"ipsec-mb 1.3.0 avx", "ipsec-mb 1.3.0 sse"};
	size_t found = 0;

	for (size_t i = 0; i < 4; i++)
		found += strcmp(crypto_path_text(*state), texts[i]) == 0;
	assert_int_equal(found, 1);
}

static int mb_setup(void **state)
{
	return crypto_create_path(CRYPTO_PATH_IPSEC_MB, (struct crypto **)state);
}

static int mb_teardown(void **state)
{
	crypto_destroy(*state);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_a_wrong_hmac_in_any_job),
		cmocka_unit_test(refuses_a_wrong_check),
		cmocka_unit_test(refuses_a_wrong_sha1),
		cmocka_unit_test(refuses_a_wrong_cipher),
		cmocka_unit_test(refuses_a_wrong_key_state),
		cmocka_unit_test(path_text_names_library_version_and_instruction_set),
	};

	return cmocka_run_group_tests(tests, mb_setup, mb_teardown);
}
