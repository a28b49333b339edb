// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "index.h"

#include <errno.h>

#include "support.h"
#include "view.h"

#define MANY 60000

struct site {
	struct store_env *env;
	struct store_txn *txn;
};

static int set_up(void **state)
{
	struct site *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	s->env = test_open(test_dir());
	s->txn = test_begin(s->env);
	*state = s;
	return 0;
}

static int tear_down(void **state)
{
	struct site *s = *state;

	store_txn_abort(s->txn);
	store_env_close(s->env);
	free(s);
	return 0;
}

static bool has(struct site *s, struct index_slot slot)
{
	struct index_place place;
	unsigned pos = 0;
	store_id id;

	assert_int_equal(index_find(&s->txn->view, DB_BTID, slot.tag, &place), 0);
	assert_true(place.first <= slot.tag && slot.tag <= place.last);
	while ((id = index_block_next(place.block, slot.tag, &pos)) != STORE_ID_NONE)
		if (id == slot.id)
			return true;
	return false;
}

// A full period of 32-bit numbers that look random.
static struct index_slot slot_of(uint32_t i)
{
	return (struct index_slot){i * UINT32_C(2654435761) + 12345, i};
}

static uint64_t blocks(struct site *s)
{
	uint64_t n;

	assert_int_equal(db_entries(&s->txn->view, DB_BTID, &n), 0);
	return n;
}

static size_t slot_count(struct site *s)
{
	struct index_slot slots[INDEX_SLOTS];
	struct index_place place = {.last = 0};
	uint32_t tag = 0;
	size_t n = 0;

	for (;; tag = place.last + 1) {
		assert_int_equal(index_find(&s->txn->view, DB_BTID, tag, &place), 0);
		n += index_block_slots(place.block, slots);
		assert_true(place.block->count <= INDEX_SLOTS);
		if (place.last == UINT32_MAX)
			return n;
	}
}

static void single_slots_split_blocks_as_they_fill(void **state)
{
	struct site *s = *state;
	struct index_slot slot;

	for (uint32_t i = 0; i < MANY; i++) {
		slot = slot_of(i);
		assert_int_equal(index_insert(s->txn, DB_BTID, &slot, 1), 0);
	}
	for (uint32_t i = 0; i < MANY; i++)
		assert_true(has(s, slot_of(i)));
	assert_false(has(s, slot_of(MANY)));
	// At least half full on the average.
	assert_true(blocks(s) >= MANY / INDEX_SLOTS && blocks(s) <= 2 * MANY / INDEX_SLOTS + 1);
}

static void bulk_insert_fills_blocks_well(void **state)
{
	struct site *s = *state;
	struct index_slot *slots = calloc(2 * MANY, sizeof(*slots));
	size_t n;

	assert_non_null(slots);
	for (uint32_t i = 0; i < MANY; i++)
		slots[i] = slot_of(i);
	index_sort(slots, slots + MANY, MANY);
	for (uint32_t i = 1; i < MANY; i++)
		assert_true(slots[i - 1].tag < slots[i].tag);
	assert_int_equal(index_insert(s->txn, DB_BTID, slots, MANY), 0);
	assert_int_equal(blocks(s), (MANY + INDEX_FILL - 1) / INDEX_FILL);
	for (uint32_t i = 0; i < MANY; i++)
		assert_true(has(s, slot_of(i)));
	// Into blocks that are there.
	for (uint32_t i = 0; i < MANY; i++)
		slots[i] = slot_of(MANY + i);
	index_sort(slots, slots + MANY, MANY);
	assert_int_equal(index_insert(s->txn, DB_BTID, slots, MANY), 0);
	for (uint32_t i = 0; i < 2 * MANY; i++)
		assert_true(has(s, slot_of(i)));
	assert_int_equal(index_insert(s->txn, DB_BTID, slots, 0), 0);
	// A second time nothing is added.
	n = slot_count(s);
	assert_int_equal(n, 2 * MANY);
	assert_int_equal(index_insert(s->txn, DB_BTID, slots, MANY), 0);
	assert_int_equal(slot_count(s), n);
	free(slots);
}

static void slots_of_one_tag_stay_together(void **state)
{
	struct site *s = *state;
	struct index_slot slot = {.tag = 0x12345678};

	for (uint32_t i = 0; i < 300; i++) {
		struct index_slot other = slot_of(i);

		slot.id = i;
		assert_int_equal(index_insert(s->txn, DB_BTID, &slot, 1), 0);
		other.id += 1000;
		assert_int_equal(index_insert(s->txn, DB_BTID, &other, 1), 0);
	}
	for (slot.id = 0; slot.id < 300; slot.id++)
		assert_true(has(s, slot));
	for (; slot.id < INDEX_SLOTS; slot.id++)
		assert_int_equal(index_insert(s->txn, DB_BTID, &slot, 1), 0);
	assert_int_equal(index_insert(s->txn, DB_BTID, &slot, 1), -ENOSPC);
}

// Free slots have all bits set, in the tag, too.
static void tag_of_free_slots_finds_what_has_it(void **state)
{
	struct site *s = *state;
	const struct index_slot slots[] = {{UINT32_MAX, 7}, {UINT32_MAX, 9}};

	assert_false(has(s, slots[0]));
	assert_int_equal(index_insert(s->txn, DB_BTID, slots, 2), 0);
	assert_true(has(s, slots[0]));
	assert_true(has(s, slots[1]));
	assert_false(has(s, (struct index_slot){UINT32_MAX, 8}));
}

// Also from one bucket into the next.
static void a_walk_yields_the_slots_of_its_tag_alone(void **state)
{
	const uint32_t tag[2] = {1, 1 + UINT32_C(0x0e8b2f51)}; // neighbours once multiplied
	struct index_block block;
	unsigned pos = 0;

	(void)state;
	assert_int_equal(index_bucket(tag[0]), index_bucket(tag[1]));
	index_block_init(&block);
	for (store_id id = 0; id < 2 * INDEX_BUCKET_SLOTS; id++)
		index_block_add(&block, (struct index_slot){tag[id % 3 == 0], id});
	for (store_id id = 0; id < 2 * INDEX_BUCKET_SLOTS; id += 3)
		assert_int_equal(index_block_next(&block, tag[1], &pos), id);
	assert_int_equal(index_block_next(&block, tag[1], &pos), STORE_ID_NONE);
}

static void slot_is_added_once(void **state)
{
	struct site *s = *state;
	struct index_slot slot = slot_of(1);
	struct index_place place;

	assert_int_equal(index_insert(s->txn, DB_BTID, &slot, 1), 0);
	assert_int_equal(index_insert(s->txn, DB_BTID, &slot, 1), 0);
	assert_int_equal(index_find(&s->txn->view, DB_BTID, slot.tag, &place), 0);
	assert_int_equal(place.block->count, 1);
}

static void removal_keeps_the_chains_of_others(void **state)
{
	struct site *s = *state;
	struct index_slot slot;

	for (uint32_t i = 0; i < 500; i++) {
		slot = slot_of(i);
		assert_int_equal(index_insert(s->txn, DB_BTID, &slot, 1), 0);
	}
	for (uint32_t i = 0; i < 500; i += 2)
		assert_int_equal(index_remove(s->txn, DB_BTID, slot_of(i)), 0);
	for (uint32_t i = 0; i < 500; i++)
		assert_true(has(s, slot_of(i)) == (i % 2 == 1));
	assert_int_equal(index_remove(s->txn, DB_BTID, slot_of(0)), 0);
}

static void trim_drops_ids_above_the_span(void **state)
{
	struct site *s = *state;
	struct index_slot slot;
	uint32_t tag = 0, rounds = 0;
	int rc;

	for (uint32_t i = 0; i < 20000; i++) {
		slot = slot_of(i);
		assert_int_equal(index_insert(s->txn, DB_BTID, &slot, 1), 0);
	}
	s->txn->state.span = 50;
	while ((rc = index_trim(s->txn, DB_BTID, &tag, 10)) == 1)
		rounds++;
	assert_int_equal(rc, 0);
	assert_true(rounds > 2);
	for (uint32_t i = 0; i < 20000; i++)
		assert_true(has(s, slot_of(i)) == (i < 50));
	assert_true(blocks(s) <= 51);
}

struct tagged {
	uint32_t tag;
	uint32_t number;
};

static int by_tag(const void *a, const void *b)
{
	const struct tagged *x = a, *y = b;

	return (x->tag > y->tag) - (x->tag < y->tag);
}

// Finds two IMPIs whose tags are the same; some 200,000 names have a few such pairs.
static bool find_collision(const struct store_env *env, uint32_t pair[2])
{
	const uint32_t n = 400000;
	struct tagged *all = calloc(n, sizeof(*all));
	char impi[STORE_NAI_MAX + 1];
	bool is_found = false;

	assert_non_null(all);
	for (uint32_t i = 0; i < n; i++) {
		test_impi(i, impi);
		all[i] = (struct tagged){env_tag(env, impi, strlen(impi)), i};
	}
	qsort(all, n, sizeof(*all), by_tag);
	for (uint32_t i = 1; i < n && !is_found; i++) {
		is_found = all[i].tag == all[i - 1].tag;
		pair[0] = all[i - 1].number;
		pair[1] = all[i].number;
	}
	free(all);
	return is_found;
}

static void names_with_the_same_tag_are_told_apart(void **state)
{
	struct site *s = *state;
	struct store_subscriber sub[2];
	uint32_t pair[2];
	store_id id[2];
	bool is_new;

	// Missed with a chance of e^-18.
	assert_true(find_collision(s->env, pair));
	for (unsigned i = 0; i < 2; i++) {
		test_subscriber(pair[i], i, &sub[i]);
		assert_int_equal(store_subscriber_put(s->txn, &sub[i], false, &id[i], &is_new), 0);
		assert_true(is_new);
	}
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(
			view_find_impi(&s->txn->view, sub[i].impi, strlen(sub[i].impi)), id[i]);
	assert_int_equal(store_subscriber_remove(s->txn, id[0]), 0);
	assert_int_equal(
		view_find_impi(&s->txn->view, sub[0].impi, strlen(sub[0].impi)), STORE_ID_NONE);
	assert_int_equal(view_find_impi(&s->txn->view, sub[1].impi, strlen(sub[1].impi)), id[1]);
}

// Puts the record's slot under the tags of all B-TIDs that differ from its own in one octet.
static void slots_of_neighbours_add(struct site *s, const char *btid, store_id id)
{
	for (size_t at = 0; at < strlen(btid); at++) {
		char other[STORE_NAI_MAX + 1];
		struct index_slot slot = {.id = id};

		strcpy(other, btid);
		other[at] ^= 1;
		slot.tag = env_tag(s->env, other, strlen(other));
		assert_int_equal(index_insert(s->txn, DB_BTID, &slot, 1), 0);
	}
}

// In bursts of all lengths, so that each stands beside others and alone.
static void neighbours_find(const struct store_reader *r, const char *btid, store_id id)
{
	char text[64][STORE_NAI_MAX + 1];
	struct store_bytes btids[64];
	uint8_t is_prev[64];
	store_id ids[64];

	for (size_t n = 1; n <= strlen(btid) + 1; n++) {
		for (size_t i = 0; i < n; i++) {
			strcpy(text[i], btid);
			text[i][i] ^= i + 1 < n;
			btids[i] = (struct store_bytes){
				(const uint8_t *)text[i], (uint16_t)strlen(btid)};
		}
		store_reader_find_btid_burst(r, btids, n, ids, is_prev);
		for (size_t i = 0; i < n; i++)
			assert_int_equal(ids[i], i + 1 < n ? STORE_ID_NONE : id);
	}
}

static void slot_under_another_b_tid_finds_nobody(void **state)
{
	struct site *s = *state;
	struct store_subscriber sub;
	struct store_reader *r;
	store_id id;
	bool is_new;

	test_subscriber(7, 7, &sub);
	assert_int_equal(store_subscriber_put(s->txn, &sub, false, &id, &is_new), 0);
	slots_of_neighbours_add(s, sub.btid, id);
	test_commit(s->txn);
	s->txn = test_begin(s->env);
	r = test_reader(s->env);
	neighbours_find(r, sub.btid, id);
	store_reader_destroy(r);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(single_slots_split_blocks_as_they_fill),
		TEST(bulk_insert_fills_blocks_well),
		TEST(slots_of_one_tag_stay_together),
		TEST(tag_of_free_slots_finds_what_has_it),
		cmocka_unit_test(a_walk_yields_the_slots_of_its_tag_alone),
		TEST(slot_is_added_once),
		TEST(removal_keeps_the_chains_of_others),
		TEST(trim_drops_ids_above_the_span),
		TEST(names_with_the_same_tag_are_told_apart),
		TEST(slot_under_another_b_tid_finds_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
