// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// MTKs of an MSK, and how they are sent: what the writer refuses, and what survives.

#include <errno.h>
#include <stdio.h>

#include "offline.h"
#include "support.h"

struct site {
	const char *dir;
	struct store_env *env;
	struct store_group group;
	struct store_msk msk;
};

static int set_up(void **state)
{
	struct site *s = calloc(1, sizeof(*s));
	struct store_txn *txn;

	assert_non_null(s);
	s->dir = test_dir();
	s->env = test_open(s->dir);
	s->group = test_group(1, STORE_PROFILE_TS33246);
	s->msk = test_msk(&s->group, 1, 7);
	s->msk.seq_l = 0;
	s->msk.seq_u = 40;
	txn = test_begin(s->env);
	assert_int_equal(store_group_put(txn, &s->group), 0);
	assert_int_equal(store_msk_put(txn, &s->msk), 0);
	test_commit(txn);
	*state = s;
	return 0;
}

static int tear_down(void **state)
{
	struct site *s = *state;

	store_env_close(s->env);
	free(s);
	return 0;
}

static void again(struct site *s)
{
	store_env_close(s->env);
	s->env = test_open(s->dir);
}

static int put(struct site *s, const struct store_mtks *mtks, uint32_t *reservation)
{
	struct store_txn *txn = test_begin(s->env);
	int rc = store_mtks_put(txn, mtks, reservation);

	test_commit(txn);
	return rc;
}

static void mtks_are_as_they_were_put(void **state)
{
	struct site *s = *state;
	struct store_mtks mtks = test_mtks(&s->msk, 5), got;
	struct store_reader *r;
	uint32_t reservation;

	assert_int_equal(put(s, &mtks, &reservation), 0);
	assert_int_equal(reservation, 1);
	again(s);
	r = test_reader(s->env);
	assert_int_equal(store_reader_mtks(r, &s->group.id, 1, &got), 0);
	assert_int_equal(got.count, 5);
	assert_int_equal(got.last_id, 5);
	assert_false(got.is_barred);
	for (unsigned i = 0; i < 5; i++) {
		assert_int_equal(got.mtk[i].id, mtks.mtk[i].id);
		assert_int_equal(got.mtk[i].flags, mtks.mtk[i].flags);
		assert_int_equal(got.mtk[i].send_ms, mtks.mtk[i].send_ms);
		assert_int_equal(got.mtk[i].from_ms, mtks.mtk[i].from_ms);
		assert_int_equal(got.mtk[i].to_ms, mtks.mtk[i].to_ms);
		assert_memory_equal(&got.mtk[i].key, &mtks.mtk[i].key, 16);
		assert_memory_equal(got.mtk[i].salt, mtks.mtk[i].salt, 14);
	}
	assert_int_equal(store_reader_mtks(r, &s->group.id, 2, &got), -ENOENT);
	assert_int_equal(store_reader_mtk_reservations(r), 1);
	store_reader_destroy(r);
}

static void mtk_id_never_names_another_mtk(void **state)
{
	struct site *s = *state;
	struct store_mtks mtks = test_mtks(&s->msk, 5), other;
	uint32_t reservation;

	assert_int_equal(put(s, &mtks, &reservation), 0);
	other = mtks;
	other.mtk[2].key.byte[15] ^= 1;
	assert_int_equal(put(s, &other, &reservation), -EINVAL);
	other = mtks;
	other.mtk[2].salt[0] ^= 1;
	assert_int_equal(put(s, &other, &reservation), -EINVAL);
	other = mtks;
	other.mtk[2].flags = STORE_MTK_DUMMY;
	assert_int_equal(put(s, &other, &reservation), -EINVAL);
	// They are over and left out, and their IDs stay taken.
	other = mtks;
	other.count = 0;
	assert_int_equal(put(s, &other, &reservation), 0);
	assert_int_equal(put(s, &mtks, &reservation), -EINVAL);
	other.last_id = 4;
	assert_int_equal(put(s, &other, &reservation), -EINVAL);
	other.last_id = 6;
	other.count = 1;
	other.mtk[0].id = 6;
	assert_int_equal(put(s, &other, &reservation), 0);
	assert_int_equal(reservation, 2);
}

static void mtk_ids_ascend_between_the_ends_of_the_msk(void **state)
{
	struct site *s = *state;
	struct store_mtks mtks = test_mtks(&s->msk, 2);
	uint32_t reservation;

	mtks.mtk[0].id = 2;
	assert_int_equal(put(s, &mtks, &reservation), -EINVAL);
	mtks.mtk[0].id = 0;
	assert_int_equal(put(s, &mtks, &reservation), -EINVAL);
	mtks.mtk[0].id = 1;
	mtks.mtk[1].id = 41;
	mtks.last_id = 41;
	assert_int_equal(put(s, &mtks, &reservation), -ERANGE);
	mtks.mtk[1].id = 40;
	mtks.last_id = 40;
	assert_int_equal(put(s, &mtks, &reservation), 0);
	mtks.number = 2;
	assert_int_equal(put(s, &mtks, &reservation), -ENOENT);
}

static void copy_bars_the_msks_that_live(void **state)
{
	struct site *s = *state;
	struct store_mtks mtks = test_mtks(&s->msk, 2), got;
	struct store_backup_result result;
	struct store_reader *r;
	uint32_t reservation;
	char path[256], why[256], kept[64];

	assert_int_equal(put(s, &mtks, &reservation), 0);
	snprintf(path, sizeof(path), "%s/backup", s->dir);
	assert_int_equal(store_backup(s->env, path, &result, why), 0);
	store_env_close(s->env);
	assert_int_equal(store_restore(path, s->dir, kept, why), 0);
	s->env = test_open(s->dir);
	r = test_reader(s->env);
	assert_int_equal(store_reader_mtks(r, &s->group.id, 1, &got), 0);
	store_reader_destroy(r);
	assert_true(got.is_barred);
	assert_int_equal(got.count, 0);
	// Nor by the next start, nor by being put.
	again(s);
	mtks = test_mtks(&s->msk, 3);
	assert_int_equal(put(s, &mtks, &reservation), -EINVAL);
	mtks.is_barred = true;
	memmove(&mtks.mtk[0], &mtks.mtk[2], sizeof(mtks.mtk[0]));
	mtks.count = 1;
	assert_int_equal(put(s, &mtks, &reservation), -EKEYREVOKED);
}

static void bar_counts_reservations_it_is_told_of(void **state)
{
	struct site *s = *state;
	struct store_txn *txn = test_begin(s->env);
	struct store_mtks mtks;
	struct store_reader *r;

	assert_int_equal(store_mtks_bar(txn, 77), 0);
	test_commit(txn);
	r = test_reader(s->env);
	assert_int_equal(store_reader_mtk_reservations(r), 77);
	assert_int_equal(store_reader_mtks(r, &s->group.id, 1, &mtks), 0);
	assert_true(mtks.is_barred);
	store_reader_destroy(r);
}

static void bearer_is_as_it_was_put_and_goes_with_its_group(void **state)
{
	struct site *s = *state;
	struct store_bearer got,
		bearer = {
			.group = s->group.id,
			.flags = STORE_BEARER_ON | STORE_BEARER_SALT,
			.places = 2,
			.place = {{{{[10] = 0xff, [11] = 0xff, [12] = 232, [15] = 1}}, 5004},
				{{{0xff, 0x3e, [15] = 9}}, 5005}},
			.lead_ms = 30000,
			.interval_ms = 60000,
			.repeat_ms = 10000,
			.dummy_ms = 5,
			.number = 1,
			.switch_to = 2,
			.switch_percent = 98,
			.started = 1800000000,
		};
	struct store_mtks mtks = test_mtks(&s->msk, 2);
	struct store_reader *r;
	struct store_txn *txn;
	uint32_t reservation;

	assert_int_equal(put(s, &mtks, &reservation), 0);
	txn = test_begin(s->env);
	assert_int_equal(store_bearer_put(txn, &bearer), 0);
	test_commit(txn);
	r = test_reader(s->env);
	assert_int_equal(store_reader_bearer(r, &s->group.id, &got), 0);
	assert_memory_equal(&got, &bearer, sizeof(got));
	assert_int_equal(store_reader_bearer_next(r, &(struct store_group_id){{0}, 0}, &got), 0);
	assert_int_equal(store_reader_bearer_next(r, &got.group, &got), -ENOENT);
	txn = test_begin(s->env);
	assert_int_equal(store_group_remove(txn, &s->group.id), -EBUSY);
	bearer.flags = 0;
	assert_int_equal(store_bearer_put(txn, &bearer), 0);
	assert_int_equal(store_group_remove(txn, &s->group.id), 0);
	test_commit(txn);
	assert_true(store_reader_renew(r) >= 0);
	assert_int_equal(store_reader_bearer(r, &s->group.id, &got), -ENOENT);
	assert_int_equal(store_reader_mtks(r, &s->group.id, 1, &mtks), -ENOENT);
	store_reader_destroy(r);
}

static void mark_file_keeps_the_reservations(void **state)
{
	static const uint8_t machine[16] = "this machine...";
	const char *dir = test_dir();
	enum store_mark_state mark_state;
	struct store_mark *m;
	uint32_t mark;

	(void)state;
	assert_int_equal(store_mark_open(dir, machine, &m, &mark, &mark_state), 0);
	assert_int_equal(store_mark_write(m, 1000, 0), 0);
	assert_int_equal(store_mark_mtk_reserve(m, 5), 0);
	assert_int_equal(store_mark_mtk_reserve(m, 4), 0);
	assert_int_equal(store_mark_write(m, 1010, 0), 0);
	store_mark_close(m);
	assert_int_equal(store_mark_open(dir, machine, &m, &mark, &mark_state), 0);
	assert_int_equal(mark, 1010);
	assert_int_equal(store_mark_mtk_reservations(m), 5);
	store_mark_close(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(mtks_are_as_they_were_put, set_up, tear_down),
		cmocka_unit_test_setup_teardown(mtk_id_never_names_another_mtk, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			mtk_ids_ascend_between_the_ends_of_the_msk, set_up, tear_down),
		cmocka_unit_test_setup_teardown(copy_bars_the_msks_that_live, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			bar_counts_reservations_it_is_told_of, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			bearer_is_as_it_was_put_and_goes_with_its_group, set_up, tear_down),
		cmocka_unit_test(mark_file_keeps_the_reservations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
