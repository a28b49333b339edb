// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Keys that were opened stay open: of as many subscribers as memory can be locked for.

#include <cap-ng.h>
#include <sys/resource.h>

#include "support_import.h"
#include "wrap_support.h"

#define CHUNK_SUBSCRIBERS (2048 * 45)
#define PEOPLE (2 * CHUNK_SUBSCRIBERS) // 7.5 MB of keys: Debian lets users lock 8 MiB

static uint64_t key_bytes(void)
{
	struct store_memory_info info;

	store_memory_info(&info);
	return info.locked_bytes + info.unlocked_bytes;
}

static void muk_is_right(struct store_reader *r, store_id id)
{
	struct store_muk_state muk;
	struct store_subscriber sub;

	test_subscriber(id, id, &sub);
	assert_int_equal(store_reader_muk(r, id, &muk), 0);
	assert_memory_equal(&muk, &sub.muk_state, sizeof(muk));
}

// The keys of subscribers one chunk after the other, and again.
static void chunks_are_right(struct store_reader *r)
{
	for (int i = 0; i < 2; i++)
		for (store_id id = 0; id < PEOPLE; id += CHUNK_SUBSCRIBERS)
			muk_is_right(r, id + 7);
}

static struct store_env *people_import(void)
{
	struct store_env_conf conf = {.dir = test_dir(),
		.map_bytes = PEOPLE * 300,
		.max_readers = 4,
		.wrapping_key = wrapped_right_key()};
	struct store_env *env;
	char why[256];

	assert_int_equal(store_env_open(&conf, &env, why), 0);
	test_import_range(env, 0, PEOPLE);
	return env;
}

static bool may_lock(rlim_t bytes)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_MEMLOCK, &limit), 0);
	capng_get_caps_process();
	return limit.rlim_cur >= bytes || capng_have_capability(CAPNG_EFFECTIVE, CAP_IPC_LOCK) != 0;
}

static void memory_for_keys_grows_with_those_that_are_used(void **state)
{
	uint64_t before, one;
	struct store_reader *r;
	struct store_env *env;

	(void)state;
	if (!may_lock(8 << 20))
		skip();
	env = people_import();
	before = key_bytes();
	assert_int_equal(store_reader_create(env, &r), 0);
	assert_int_equal(key_bytes(), before);
	muk_is_right(r, 0);
	muk_is_right(r, CHUNK_SUBSCRIBERS - 1);
	one = key_bytes() - before;
	assert_true(one > CHUNK_SUBSCRIBERS * sizeof(struct store_muk_state));
	chunks_are_right(r);
	assert_int_equal(key_bytes(), before + 2 * one);
	store_reader_destroy(r);
	assert_int_equal(key_bytes(), before);
	store_env_close(env);
}

static void lock_no_more_than(rlim_t bytes)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_MEMLOCK, &limit), 0);
	limit.rlim_cur = bytes < limit.rlim_max ? bytes : limit.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_MEMLOCK, &limit), 0);
	// Who has the capability has no limit.
	capng_get_caps_process();
	capng_update(CAPNG_DROP, CAPNG_EFFECTIVE, CAP_IPC_LOCK);
	assert_int_equal(capng_apply(CAPNG_SELECT_CAPS), 0);
}

static void keys_beyond_what_can_be_locked_share_its_place(void **state)
{
	struct store_env *env = people_import();
	struct store_memory_info info;
	struct store_reader *r;
	uint64_t before, one;

	(void)state;
	store_memory_info(&info);
	before = key_bytes();
	lock_no_more_than(info.locked_bytes + (6 << 20));
	assert_int_equal(store_reader_create(env, &r), 0);
	muk_is_right(r, 0);
	one = key_bytes() - before;
	chunks_are_right(r);
	assert_int_equal(key_bytes(), before + one);
	store_reader_destroy(r);
	store_env_close(env);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_for_keys_grows_with_those_that_are_used),
		cmocka_unit_test(keys_beyond_what_can_be_locked_share_its_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
