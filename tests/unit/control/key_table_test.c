// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "key_table.h"
#include "test.h"

#define A_MINUTE_MS 60000

// One who waits, and what he was told.
struct asker {
	struct key_waiter waiter;
	unsigned answers;
	enum key_verdict verdict;
};

static void on_answer(void *arg, const struct key_answer *answer)
{
	struct asker *asker = arg;

	asker->answers++;
	asker->verdict = answer->verdict;
}

static enum key_verdict ask(
	struct key_table *t, const char *btid, const char *address, struct asker *asker)
{
	*asker = (struct asker){.waiter = {.done = on_answer, .arg = asker, .address = address}};
	return key_table_ask(t, btid, A_MINUTE_MS, &asker->waiter);
}

static void answer(struct key_table *t, struct key_question *question, enum key_verdict verdict)
{
	key_table_answer(t, question, &(struct key_answer){.verdict = verdict});
}

static int table_up(void **state)
{
	return key_table_create((struct key_table **)state);
}

static int table_down(void **state)
{
	key_table_destroy(*state);
	return 0;
}

static void all_who_ask_for_one_btid_wait_for_one_question(void **state)
{
	struct key_table *t = *state;
	struct key_source_stats stats;
	struct asker one, two, other;
	struct key_question *question;

	assert_int_equal(ask(t, "a@bsf", "10.0.0.1", &one), KEY_KNOWN);
	assert_int_equal(ask(t, "b@bsf", "10.0.0.1", &other), KEY_KNOWN);
	question = key_table_take(t);
	assert_string_equal(question->btid, "a@bsf");
	assert_int_equal(ask(t, "a@bsf", "10.0.0.2", &two), KEY_KNOWN); // it is under way
	answer(t, question, KEY_NOT_AUTHORISED);
	assert_int_equal(one.answers + two.answers, 2);
	assert_int_equal(one.verdict, KEY_NOT_AUTHORISED);
	assert_int_equal(other.answers, 0);
	assert_int_equal(ask(t, "a@bsf", "10.0.0.1", &one), KEY_KNOWN);
	answer(t, key_table_take(t), KEY_KNOWN);
	assert_int_equal(other.answers, 1);
	answer(t, key_table_take(t), KEY_KNOWN); // it was asked anew
	assert_int_equal(one.answers, 1);
	assert_null(key_table_take(t));
	key_table_stats_read(t, &stats);
	assert_int_equal(stats.asked, 3);
	assert_int_equal(stats.coalesced, 1);
	assert_int_equal(stats.answered[KEY_KNOWN], 2);
}

static void not_known_is_remembered_by_btid_and_address(void **state)
{
	struct key_table *t = *state;
	struct key_source_stats stats;
	struct asker asker;

	assert_int_equal(ask(t, "a@bsf", "10.0.0.1", &asker), KEY_KNOWN);
	answer(t, key_table_take(t), KEY_NOT_KNOWN);
	assert_int_equal(ask(t, "a@bsf", "10.0.0.1", &asker), KEY_NOT_KNOWN);
	assert_int_equal(asker.answers, 0);
	assert_int_equal(ask(t, "a@bsf", "10.0.0.2", &asker), KEY_KNOWN);
	answer(t, key_table_take(t), KEY_BUSY);
	assert_int_equal(ask(t, "a@bsf", "10.0.0.2", &asker), KEY_KNOWN); // busy is not
	answer(t, key_table_take(t), KEY_BUSY);
	key_table_stats_read(t, &stats);
	assert_int_equal(stats.remembered, 1);
}

static void question_whose_turn_does_not_come_is_overdue(void **state)
{
	struct key_table *t = *state;
	struct asker late, early;
	struct key_question *question;

	late.waiter = (struct key_waiter){.done = on_answer, .arg = &late, .address = ""};
	late.answers = 0;
	assert_int_equal(key_table_ask(t, "late@bsf", 0, &late.waiter), KEY_KNOWN);
	assert_int_equal(ask(t, "early@bsf", "", &early), KEY_KNOWN);
	question = key_table_overdue(t);
	assert_string_equal(question->btid, "late@bsf");
	assert_null(key_table_overdue(t));
	answer(t, question, KEY_BUSY);
	assert_int_equal(late.answers, 1);
	answer(t, key_table_take(t), KEY_KNOWN);
	assert_int_equal(early.answers, 1);
}

static void nobody_waits_on_when_it_is_stopped(void **state)
{
	struct key_table *t = *state;
	struct asker before, after;

	assert_int_equal(ask(t, "a@bsf", "", &before), KEY_KNOWN);
	key_table_stop(t);
	assert_true(key_table_is_stopped(t));
	assert_int_equal(ask(t, "b@bsf", "", &after), KEY_BUSY);
	answer(t, key_table_overdue(t), KEY_BUSY);
	assert_int_equal(before.answers, 1);
	assert_null(key_table_overdue(t));
}

#define T(name) cmocka_unit_test_setup_teardown(name, table_up, table_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(all_who_ask_for_one_btid_wait_for_one_question),
		T(not_known_is_remembered_by_btid_and_address),
		T(question_whose_turn_does_not_come_is_overdue),
		T(nobody_waits_on_when_it_is_stopped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
