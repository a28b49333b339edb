// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "scene.h"

#include <stdlib.h>

#include "ue/habits.h"
#include "ue/report.h"

#define EXPIRED_ROW IMPI "," BTID "," MUK "," MRK ",1799999999," ADDRESS ",,me,news,\n"

static const struct ue_habits all_strict = {.strict = 100}, all_lazy = {.lazy = 100},
			      all_hasty = {.hasty = 100};

static struct ue_site *site_of_many(unsigned count)
{
	static char rows[4000];
	size_t len = 0;

	for (unsigned i = 0; i < count; i++)
		len += (size_t)sprintf(rows + len, "%u@ims,,,,,10.0.1.%u,,me,news,\n", i, i);
	return site_of(rows);
}

static unsigned count_with(const struct ue_site *site, enum ue_habit habit)
{
	unsigned count = 0;

	for (uint32_t i = 0; i < site->phones.phone_count; i++)
		count += (site->phones.phones[i].habits & habit) != 0;
	return count;
}

static void shares_are_exact_and_follow_the_seed(void **state)
{
	const struct ue_habits habits = {
		.lazy = 25, .strict = 10, .hasty = 50, .offline = {40, 3}, .moving = 25};
	struct ue_site *a = site_of_many(100), *b = site_of_many(100);

	(void)state;
	ue_habits_draw(a, &habits);
	ue_habits_draw(b, &habits);
	assert_int_equal(count_with(a, UE_LAZY), 25);
	assert_int_equal(count_with(a, UE_STRICT), 10);
	assert_int_equal(count_with(a, UE_HASTY), 50);
	assert_int_equal(count_with(a, UE_OFFLINE), 40);
	assert_int_equal(a->phones.offline, 40);
	assert_int_equal(count_with(a, UE_MOVING), 10);
	for (uint32_t i = 0; i < 100; i++)
		assert_int_equal(a->phones.phones[i].habits, b->phones.phones[i].habits);
	ue_site_destroy(a);
	ue_site_destroy(b);
}

static void strict_phone_refuses_an_expired_solicit(void **state)
{
	struct ue_site *site = site_of(EXPIRED_ROW);
	struct push push = solicit_f(1);

	(void)state;
	ue_habits_draw(site, &all_strict);
	expect_refusal(site, push_seal(&push), UE_TOO_OLD);
	assert_int_equal(credential_of(site, BTID)->counter, 0);
	// A MUK that has not expired is as good as anybody's.
	credential_of(site, BTID)->expires = NOW_S + 1;
	expect_accepted(site, push_seal(&push));
	ue_site_destroy(site);
}

static void lazy_phone_asks_with_the_old_btid_and_is_told(void **state)
{
	struct scene scene = scene_with(EXPIRED_ROW, true);
	struct push push = solicit_f(1);
	char password[45];

	(void)state;
	ue_habits_draw(scene.site, &all_lazy);
	site_at(&scene, push_seal(&push));
	ask(&scene);
	expect_number(&scene, "events/bootstraps", 0);
	expect_again(&scene, bmsc_challenge("n1", ""));
	assert_string_equal(scene.request.user, BTID);
	assert_true(bmsc_is_right(&scene.request, PASSWORD));
	expect_again(&scene, bmsc_challenge("n2", ""));
	expect_number(&scene, "events/renegotiated", 1);
	expect_number(&scene, "events/bootstraps", 1);
	assert_string_not_equal(scene.request.user, BTID);
	current(&scene, password);
	assert_true(bmsc_is_right(&scene.request, password));
	scene_end(&scene);
}

static void hasty_phone_takes_its_muk_for_expired(void **state)
{
	struct scene scene = scene_with(NULL, true);
	struct push push = push_f(1);

	(void)state;
	ue_habits_draw(scene.site, &all_hasty);
	site_at(&scene, push_seal(&push));
	assert_int_equal(ue_site_refused(scene.site, UE_MUK_EXPIRED), 1);
	push = solicit_f(2);
	site_at(&scene, push_seal(&push));
	ask(&scene);
	expect_number(&scene, "events/bootstraps", 1);
	// The new one it believes.
	want(&scene, UE_REGISTER);
	expect_end(&scene, bmsc_status("500 Down"));
	scene.now.mono += 2 * SECOND;
	ask(&scene);
	expect_number(&scene, "events/bootstraps", 1);
	scene_end(&scene);
}

static void offline_phone_neither_hears_nor_asks(void **state)
{
	const struct ue_habits habits = {.offline = {100, 3}};
	struct scene scene = scene_with(NULL, false);
	struct push push = push_f(1);

	(void)state;
	ue_habits_draw(scene.site, &habits);
	ue_habits_begin(scene.site, &habits, &scene.now);
	want(&scene, UE_FETCH);
	assert_int_equal(site_at(&scene, push_seal(&push)).len, 0);
	assert_int_equal(ue_site_refused(scene.site, UE_OFF), 1);
	expect_nobody_asks(&scene);
	scene.now.mono += 3 * SECOND - 1;
	ue_site_tick(scene.site, &scene.now);
	expect_nobody_asks(&scene);
	scene.now.mono++;
	ue_site_tick(scene.site, &scene.now);
	assert_int_equal(scene.site->phones.offline, 0);
	assert_int_equal(ue_site_count(scene.site, UE_COUNT_CAME_BACK), 1);
	assert_int_not_equal(site_at(&scene, push_seal(&push)).len, 0);
	ask(&scene);
	scene_end(&scene);
}

static void phone_comes_back_with_another_address_and_says_so(void **state)
{
	const struct ue_habits habits = {.offline = {100, 3}, .moving = 100};
	struct scene scene = scene_with(NULL, false);
	struct push push = push_f(1);
	struct ue_address old = phone_of(scene.site, IMPI)->address;

	(void)state;
	ue_habits_draw(scene.site, &habits);
	ue_habits_begin(scene.site, &habits, &scene.now);
	scene.now.mono += 3 * SECOND;
	ue_site_tick(scene.site, &scene.now);
	assert_false(ue_address_equal(&phone_of(scene.site, IMPI)->address, &old));
	assert_true(phone_of(scene.site, IMPI)->has_moved);
	assert_int_equal(ue_phone_at(&scene.site->phones, &old), UE_NONE);
	site_at(&scene, push_seal(&push));
	assert_int_equal(ue_site_refused(scene.site, UE_WRONG_ADDRESS), 1);
	ask(&scene);
	assert_string_equal(scene.request.type, "application/mbms-register+xml");
	expect_again(&scene, bmsc_challenge("n1", ""));
	grant(&scene, BMSC_SERVICE_ANSWER("200 OK"));
	ask(&scene);
	assert_string_equal(scene.request.type, "application/mbms-msk+xml");
	scene_end(&scene);
}

// Told before the port was up, which is when the time of the options begins.
static void phones_told_to_go_stay_away_for_their_own_time(void **state)
{
	const struct ue_habits none = {.lazy = 0}, habits = {.offline = {50, 2}};
	struct ue_now now = now_at(0);
	struct ue_site *site = site_of_many(100);

	(void)state;
	ue_habits_draw(site, &none);
	ue_habits_offline(site, &habits, &now);
	ue_habits_begin(site, &none, &now);
	now = now_at(1000000);
	ue_site_tick(site, &now);
	assert_int_equal(site->phones.offline, 50);
	now = now_at(2000000);
	ue_site_tick(site, &now);
	assert_int_equal(site->phones.offline, 0);
	ue_site_destroy(site);
}

static void some_phones_do_not_come_back(void **state)
{
	const struct ue_habits habits = {.offline = {50, 1}, .staying = 20};
	struct ue_now now = now_at(0);
	struct ue_site *site = site_of_many(100);

	(void)state;
	ue_habits_offline(site, &habits, &now);
	assert_int_equal(site->phones.offline, 50);
	now = now_at(1000000);
	ue_site_tick(site, &now);
	assert_int_equal(site->phones.offline, 10);
	assert_int_equal(count_with(site, UE_OFFLINE), 10);
	ue_habits_offline(site, &(struct ue_habits){.lazy = 0}, &now);
	assert_int_equal(site->phones.offline, 0);
	assert_int_equal(count_with(site, UE_OFFLINE), 0);
	ue_site_destroy(site);
}

static void report_tells_who_is_unreachable(void **state)
{
	struct ue_site *site =
		site_of(IMPI "," BTID "," MUK "," MRK "," EXPIRES "," ADDRESS ",,me,news,\n"
			     "a@ims,,,,,10.0.0.8,,me,news,\n"
			     "b@ims,,,,,10.0.0.9,,me,news,\n");
	struct ue_now now = now_at(0);
	json_t *report, *group;
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	(void)state;
	assert_non_null(out);
	expect_accepted(site, vector("F.msg"));
	phone_of(site, "a@ims")->habits = UE_OFFLINE;
	site->phones.offline = 1;
	report = ue_report_final(site, &now);
	group = json_array_get(json_object_get(report, "groups"), 0);
	assert_int_equal(json_integer_value(json_object_get(group, "without")), 2);
	assert_int_equal(json_integer_value(json_object_get(group, "unreachable")), 1);
	json_decref(report);
	ue_report_table(site, out);
	assert_int_equal(fclose(out), 0);
	assert_string_equal(text,
		"MSK 0001 of 001-01/0001\n"
		"  pushed                1\n"
		"  solicited             0\n"
		"  missed                0\n"
		"  asked                 0\n"
		"  unreachable           1\n"
		"  without it            1\n");
	free(text);
	ue_site_destroy(site);
}

static void nobody_gets_an_address_that_is_taken(void **state)
{
	const struct ue_habits habits = {.offline = {100, 1}, .moving = 100};
	struct ue_now now = now_at(0);
	struct ue_site *site = site_of_many(100);

	(void)state;
	ue_habits_offline(site, &habits, &now);
	now = now_at(1000000);
	ue_site_tick(site, &now);
	assert_int_equal(ue_site_count(site, UE_COUNT_MOVED), 100);
	// A second time they go back to where nobody is now, or further on.
	ue_habits_offline(site, &habits, &now);
	now = now_at(2000000);
	ue_site_tick(site, &now);
	assert_int_equal(ue_site_count(site, UE_COUNT_MOVED), 200);
	for (uint32_t i = 0; i < 100; i++)
		assert_int_equal(ue_phone_at(&site->phones, &site->phones.phones[i].address), i);
	ue_site_destroy(site);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shares_are_exact_and_follow_the_seed),
		cmocka_unit_test(strict_phone_refuses_an_expired_solicit),
		cmocka_unit_test(lazy_phone_asks_with_the_old_btid_and_is_told),
		cmocka_unit_test(hasty_phone_takes_its_muk_for_expired),
		cmocka_unit_test(offline_phone_neither_hears_nor_asks),
		cmocka_unit_test(phone_comes_back_with_another_address_and_says_so),
		cmocka_unit_test(phones_told_to_go_stay_away_for_their_own_time),
		cmocka_unit_test(some_phones_do_not_come_back),
		cmocka_unit_test(report_tells_who_is_unreachable),
		cmocka_unit_test(nobody_gets_an_address_that_is_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
