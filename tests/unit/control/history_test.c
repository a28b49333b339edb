// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include <errno.h>

#include "history.h"
#include "test.h"

#define SEATS 10000 // more than a reader looks at in one go

static struct history *ring;

static int ring_up(void **state)
{
	(void)state;
	return history_create(SEATS * sizeof(struct history_event), &ring);
}

static int ring_down(void **state)
{
	(void)state;
	history_destroy(ring);
	return 0;
}

static void add(store_id id, uint16_t number)
{
	struct history_event event = {.id = id, .kind = HISTORY_PUSH, .number = number};

	history_add(ring, &event, 1);
}

static void fill(size_t n)
{
	for (size_t i = 0; i < n; i++)
		add(99, 0);
}

// Reads events of an id, and expects these numbers.
static void expect(store_id id, size_t max, const uint16_t *numbers, size_t n)
{
	struct history_event got[16];
	uint64_t removed_ms;

	assert_int_equal(history_read(ring, id, got, max, &removed_ms), n);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(got[i].id, id);
		assert_int_equal(got[i].number, numbers[i]);
		assert_true(got[i].at_ms > 0);
	}
}
#define EXPECT(id, max, ...)                             \
	expect(id, max, (const uint16_t[]){__VA_ARGS__}, \
		sizeof((const uint16_t[]){__VA_ARGS__}) / sizeof(uint16_t))

static void events_of_one_phone_come_oldest_first(void **state)
{
	(void)state;
	add(7, 1);
	add(8, 2);
	add(7, 3);
	EXPECT(7, 16, 1, 3);
	EXPECT(8, 16, 2);
	expect(9, 16, NULL, 0);
}

static void newest_are_kept_of_more_than_are_asked_for(void **state)
{
	(void)state;
	for (uint16_t i = 1; i <= 5; i++)
		add(7, i);
	EXPECT(7, 2, 4, 5);
}

static void events_far_apart_are_found(void **state)
{
	(void)state;
	add(7, 1);
	fill(SEATS - 2);
	add(7, 2);
	EXPECT(7, 16, 1, 2);
	assert_int_equal(history_since_ms(ring), 0);
}

static void the_oldest_make_room_and_that_is_told(void **state)
{
	(void)state;
	add(7, 1);
	add(7, 2);
	fill(SEATS - 1);
	EXPECT(7, 16, 2);
	assert_true(history_since_ms(ring) > 0);
	fill(3 * SEATS);
	expect(7, 16, NULL, 0);
}

static void who_gets_an_id_next_begins_with_nothing(void **state)
{
	struct history_event removed = {.id = 7, .kind = HISTORY_REMOVED}, got[4];
	uint64_t removed_ms = 0;

	(void)state;
	add(7, 1);
	assert_int_equal(history_read(ring, 7, got, 4, &removed_ms), 1);
	assert_int_equal(removed_ms, 0);
	history_add(ring, &removed, 1);
	add(7, 2);
	EXPECT(7, 16, 2);
	history_read(ring, 7, got, 4, &removed_ms);
	assert_true(removed_ms > 0);
}

static void events_that_belong_together_stay_so(void **state)
{
	struct history_event together[3] = {
		{.id = 7, .kind = HISTORY_REQUEST, .number = 1},
		{.id = 7, .kind = HISTORY_ITEM, .number = 2},
		{.id = 7, .kind = HISTORY_ITEM, .number = 3},
	};
	struct history_event got[3];
	uint64_t removed_ms;

	(void)state;
	fill(SEATS - 1);
	history_add(ring, together, 3);
	assert_int_equal(history_read(ring, 7, got, 3, &removed_ms), 3);
	assert_int_equal(got[0].kind, HISTORY_REQUEST);
	assert_int_equal(got[2].at_ms, got[0].at_ms);
	EXPECT(7, 3, 1, 2, 3);
}

static void without_room_none_is_kept(void **state)
{
	struct history_event event = {.id = 7};
	struct history *none = NULL;
	uint64_t removed_ms;

	(void)state;
	assert_int_equal(history_create(0, &none), 0);
	assert_null(none);
	history_add(none, &event, 1);
	assert_int_equal(history_read(none, 7, &event, 1, &removed_ms), 0);
	assert_int_equal(history_since_ms(none), 0);
	history_destroy(none);
}

#define WITH_RING(test) cmocka_unit_test_setup_teardown(test, ring_up, ring_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_RING(events_of_one_phone_come_oldest_first),
		WITH_RING(newest_are_kept_of_more_than_are_asked_for),
		WITH_RING(events_far_apart_are_found),
		WITH_RING(the_oldest_make_room_and_that_is_told),
		WITH_RING(who_gets_an_id_next_begins_with_nothing),
		WITH_RING(events_that_belong_together_stay_so),
		cmocka_unit_test(without_room_none_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
