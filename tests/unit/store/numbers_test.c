// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Key Numbers beside the store: none names two MSKs, whichever of the two files is lost.

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "support.h"

static const uint8_t machine[16] = "this machine...";

struct site {
	const char *dir;
	struct store_env *env;
	struct store_mark *mark;
};

static void up(struct site *s)
{
	enum store_mark_state state;
	uint32_t mark;

	s->env = test_open(s->dir);
	assert_int_equal(store_mark_open(s->dir, machine, &s->mark, &mark, &state), 0);
	assert_int_equal(store_mark_keep_numbers(s->mark, s->env), 0);
}

static void down(struct site *s)
{
	store_mark_close(s->mark);
	store_env_close(s->env);
}

static int set_up(void **state)
{
	struct site *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	s->dir = test_dir();
	up(s);
	*state = s;
	return 0;
}

static int tear_down(void **state)
{
	down(*state);
	free(*state);
	return 0;
}

static void path_of(const struct site *s, const char *name, char path[256])
{
	snprintf(path, 256, "%s/%s", s->dir, name);
}

// Without a daemon.
static void lose_file(const struct site *s, const char *name)
{
	char path[256];

	path_of(s, name, path);
	assert_int_equal(unlink(path), 0);
}

static void lose(struct site *s, const char *name)
{
	down(s);
	lose_file(s, name);
	up(s);
}

static void add_group(struct site *s, uint16_t number)
{
	struct store_group group = test_group(number, STORE_PROFILE_TS33246);
	struct store_txn *txn = test_begin(s->env);

	assert_int_equal(store_group_put(txn, &group), 0);
	test_commit(txn);
}

static uint16_t last_number(struct site *s, uint16_t number)
{
	struct store_group group = test_group(number, STORE_PROFILE_TS33246);
	struct store_reader *r = test_reader(s->env);

	assert_int_equal(store_reader_group(r, &group.id, &group), 0);
	store_reader_destroy(r);
	return group.last_key_number;
}

static int try_msk(struct site *s, uint16_t number, uint32_t csb_id)
{
	struct store_group group = test_group(number, STORE_PROFILE_TS33246);
	struct store_txn *txn = test_begin(s->env);
	struct store_msk msk = test_msk(&group, (uint16_t)(last_number(s, number) + 1), csb_id);
	int rc;

	msk.state = STORE_MSK_RETIRED;
	rc = store_msk_put(txn, &msk);
	if (rc == 0)
		test_commit(txn);
	else
		store_txn_abort(txn);
	return rc;
}

static void make_msks(struct site *s, uint16_t number, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		assert_int_equal(try_msk(s, number, 1000u * number + i), 0);
}

static void lost_store_goes_on_above_its_numbers(void **state)
{
	struct site *s = *state;

	for (uint16_t group = 1; group <= 3; group++) {
		add_group(s, group);
		make_msks(s, group, 10u * group);
	}
	lose(s, "data.mdb");
	for (uint16_t group = 1; group <= 4; group++) {
		add_group(s, group);
		assert_int_equal(last_number(s, group), group < 4 ? 10 * group : 0);
	}
	// And again, with numbers of both stores.
	make_msks(s, 2, 5);
	lose(s, "data.mdb");
	add_group(s, 2);
	assert_int_equal(last_number(s, 2), 25);
}

static void group_added_again_goes_on_above_its_numbers(void **state)
{
	struct site *s = *state;
	struct store_group group = test_group(7, STORE_PROFILE_TS33246);
	struct store_txn *txn;

	add_group(s, 7);
	make_msks(s, 7, 3);
	txn = test_begin(s->env);
	assert_int_equal(store_group_remove(txn, &group.id), 0);
	test_commit(txn);
	add_group(s, 7);
	assert_int_equal(last_number(s, 7), 3);
}

static void lost_file_learns_from_the_store(void **state)
{
	struct site *s = *state;

	add_group(s, 1);
	make_msks(s, 1, 4);
	lose(s, "counter.mark");
	lose(s, "data.mdb");
	add_group(s, 1);
	assert_int_equal(last_number(s, 1), 4);
}

// A backup that is older than the file.
static void older_store_learns_from_the_file(void **state)
{
	struct site *s = *state;
	char path[256], kept[600];

	add_group(s, 1);
	make_msks(s, 1, 2);
	path_of(s, "data.mdb", path);
	snprintf(kept, sizeof(kept), "cp %s %s.kept", path, path);
	down(s);
	assert_int_equal(system(kept), 0);
	up(s);
	make_msks(s, 1, 40);
	down(s);
	snprintf(kept, sizeof(kept), "%s.kept", path);
	assert_int_equal(rename(kept, path), 0);
	up(s);
	assert_int_equal(last_number(s, 1), 42);
	down(s);
	up(s);
	assert_int_equal(last_number(s, 1), 42);
}

// Before the MSK is in the store, its number is in the file; without that there is no MSK.
static void number_that_cannot_be_written_names_no_msk(void **state)
{
	const struct rlimit all = {RLIM_INFINITY, RLIM_INFINITY};
	struct rlimit none = {1024 + 16, RLIM_INFINITY};
	struct site *s = *state;

	signal(SIGXFSZ, SIG_IGN);
	add_group(s, 1);
	make_msks(s, 1, 1);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
	assert_int_equal(try_msk(s, 1, 9), -EFBIG);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &all), 0);
	assert_int_equal(last_number(s, 1), 1);
	make_msks(s, 1, 1);
	assert_int_equal(last_number(s, 1), 2);
}

static void flip(const struct site *s, off_t at)
{
	uint8_t octet;
	char path[256];
	int fd;

	path_of(s, "counter.mark", path);
	fd = open(path, O_RDWR);
	assert_int_equal(pread(fd, &octet, 1, at), 1);
	octet ^= 1;
	assert_int_equal(pwrite(fd, &octet, 1, at), 1);
	close(fd);
}

static void damaged_record_spoils_no_other(void **state)
{
	struct site *s = *state;

	add_group(s, 1);
	make_msks(s, 1, 3);
	for (unsigned octet = 0; octet < 16; octet++) {
		down(s);
		flip(s, 1024 + 2 * 16 + octet);
		lose_file(s, "data.mdb");
		up(s);
		add_group(s, 1);
		assert_int_equal(last_number(s, 1), 2);
		down(s);
		flip(s, 1024 + 2 * 16 + octet);
		up(s);
	}
	lose(s, "data.mdb");
	add_group(s, 1);
	assert_int_equal(last_number(s, 1), 3);
}

// A power cut leaves half of a record behind: the next one takes its place.
static void record_that_was_cut_short_is_written_over(void **state)
{
	struct site *s = *state;
	char path[256];

	add_group(s, 1);
	make_msks(s, 1, 2);
	path_of(s, "counter.mark", path);
	down(s);
	assert_int_equal(truncate(path, 1024 + 16 + 7), 0);
	up(s);
	make_msks(s, 1, 1);
	lose(s, "data.mdb");
	add_group(s, 1);
	assert_int_equal(last_number(s, 1), 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			lost_store_goes_on_above_its_numbers, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			group_added_again_goes_on_above_its_numbers, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			lost_file_learns_from_the_store, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			older_store_learns_from_the_file, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			number_that_cannot_be_written_names_no_msk, set_up, tear_down),
		cmocka_unit_test_setup_teardown(damaged_record_spoils_no_other, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			record_that_was_cut_short_is_written_over, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
