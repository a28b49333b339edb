// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "ue/ua_order.h"

#include <stdlib.h>

#include "scene.h"
#include "ue/histogram.h"

#define THREE_ROWS \
	"a@ims,,,,,10.0.0.1,,me,news,\nb@ims,,,,,10.0.0.2,,me,news,\nc@ims,,,,,10.0.0.3,,me,,\n"

static void orders_go_to_phones_one_after_the_other(void **state)
{
	struct scene scene = scene_with(THREE_ROWS, true);
	struct ue_ua_order order = {
		.procedures = 1u << UE_FETCH, .first = 1, .count = 10, .rate = 4};
	int64_t begin = scene.now.mono;

	(void)state;
	assert_int_equal(ue_ua_order(scene.ua, &order, &scene.now), 2);
	assert_int_equal(ue_ua_take(scene.ua, &scene.now), 1);
	assert_int_equal(ue_ua_take(scene.ua, &scene.now), UE_NONE);
	assert_int_equal(ue_ua_due(scene.ua), begin + SECOND / 4);
	// The third one has no service to register for.
	order = (struct ue_ua_order){.procedures = 1u << UE_REGISTER, .count = 3};
	assert_int_equal(ue_ua_order(scene.ua, &order, &scene.now), 2);
	order = (struct ue_ua_order){.procedures = 1u << UE_FETCH, .first = 3, .count = 1};
	assert_int_equal(ue_ua_order(scene.ua, &order, &scene.now), 0);
	scene_end(&scene);
}

static void expect_answer(struct scene *scene, const char *line, const char *wanted)
{
	bool stop = false;
	json_t *answer = ue_command(scene->site, line, strlen(line), &scene->now, &stop);
	char *text = json_dumps(answer, JSON_COMPACT);

	assert_string_equal(text, wanted);
	free(text);
	json_decref(answer);
}

static void verbs_order_what_they_say(void **state)
{
	struct scene scene = scene_with(THREE_ROWS, true);

	(void)state;
	expect_answer(&scene, "{\"do\":\"join\",\"id\":\"b@ims\"}", "{\"phones\":1}");
	ask_phone(&scene, 1);
	assert_non_null(strstr(scene.request.line, "requesttype=register"));
	expect_answer(&scene, "{\"do\":\"bootstrap\",\"first\":1,\"count\":9}", "{\"phones\":2}");
	expect_answer(&scene,
		"{\"do\":\"fetch\",\"first\":2,\"groups\":[\"001-01/0002\",\"001-01/0003:v600\"]}",
		"{\"phones\":1}");
	ask_phone(&scene, 2);
	assert_non_null(strstr(scene.request.body, "<MSKID>AAIAAA==</MSKID>"));
	assert_non_null(strstr(scene.request.body, "<keyGroupID>0003</keyGroupID>"));
	expect_answer(&scene,
		"{\"do\":\"miss\",\"id\":\"a@ims\",\"group\":\"001-01/0001\",\"number\":7}",
		"{\"phones\":1}");
	expect_number(&scene, "events/missed", 1);
	expect_answer(&scene, "{\"do\":\"key-source\",\"answers\":\"busy\"}", "{\"ok\":true}");
	scene_end(&scene);
}

static void verbs_without_http_say_so(void **state)
{
	struct scene scene = {.site = site_of_one(), .now = now_at(0)};

	(void)state;
	expect_answer(&scene, "{\"do\":\"fetch\"}", "{\"error\":\"there is no HTTP: --ua\"}");
	expect_answer(&scene, "{\"do\":\"bootstrap\"}", "{\"error\":\"there is no HTTP: --ua\"}");
	expect_answer(&scene, "{\"do\":\"miss\"}", "{\"error\":\"there is no HTTP: --ua\"}");
	expect_answer(&scene, "{\"do\":\"key-source\"}",
		"{\"error\":\"there is no key source: --key-source\"}");
	ue_site_destroy(scene.site);
}

static void spread_orders_fall_within_the_time(void **state)
{
	struct scene scene = scene_with(THREE_ROWS, true);
	const struct ue_ua_order order = {
		.procedures = 1u << UE_FETCH, .count = 3, .spread_us = SECOND};

	(void)state;
	assert_int_equal(ue_ua_order(scene.ua, &order, &scene.now), 3);
	scene.now.mono += SECOND;
	for (int i = 0; i < 3; i++)
		assert_int_not_equal(ue_ua_take(scene.ua, &scene.now), UE_NONE);
	scene_end(&scene);
}

static void procedures_are_read(void **state)
{
	static const char *const bad[] = {"", "x", "register,", ",register", "register,register",
		"Register", "register fetch"};
	unsigned procedures;

	(void)state;
	assert_true(ue_procedures_parse(&procedures, "fetch,register"));
	assert_int_equal(procedures, 1u << UE_FETCH | 1u << UE_REGISTER);
	assert_true(ue_procedures_parse(&procedures, "deregister"));
	assert_int_equal(procedures, 1u << UE_DEREGISTER);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(ue_procedures_parse(&procedures, bad[i]));
}

static void key_groups_are_read(void **state)
{
	static const char *const bad[] = {"", "001-01", "001-01/", "001-01/1", "001-01/00001",
		"001-01/000g", "001-01/0001:v6", "x/0001", "001-01/0001,",
		"001-01/0001,,001-01/0002", "0000000000000000000000/0001"};
	struct ue_subject keys[UE_SUBJECTS_MAX];

	(void)state;
	assert_int_equal(ue_key_groups_parse(keys, "001-01/0001,310-150/aBcD:v600"), 2);
	assert_int_equal(keys[0].profile, MIKEY_PROFILE_TS33246);
	assert_memory_equal(keys[0].kdi, ((const uint8_t[]){0x00, 0xf1, 0x10}), 3);
	assert_int_equal(keys[0].group, 1);
	assert_int_equal(keys[1].profile, MIKEY_PROFILE_V600);
	assert_memory_equal(keys[1].kdi, ((const uint8_t[]){0x13, 0x00, 0x51}), 3);
	assert_int_equal(keys[1].group, 0xabcd);
	assert_int_equal(keys[1].number, 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(ue_key_groups_parse(keys, bad[i]), 0);
}

static void expect_url(const char *text, const char *host, const char *port, const char *authority,
	const char *base)
{
	struct ue_url url;

	assert_true(ue_url_parse(&url, text));
	assert_string_equal(url.host, host);
	assert_string_equal(url.port, port);
	assert_string_equal(url.authority, authority);
	assert_string_equal(url.base, base);
}

static void urls_are_read(void **state)
{
	static const char *const bad[] = {"", "http://", "127.0.0.1:80", "https://x",
		"http://x:", "http://x:0", "http://x:65536", "http://x:a", "http://:80",
		"http://x/a b", "http://x/?a=b", "http://x/#a", "http://u@x", "http://[::1",
		"http://x/\"", "http://x\r\n"};
	struct ue_url url;

	(void)state;
	expect_url("http://127.0.0.1:8080", "127.0.0.1", "8080", "127.0.0.1:8080", "");
	expect_url("http://bmsc.home1.net/", "bmsc.home1.net", "80", "bmsc.home1.net", "");
	expect_url("http://[::1]:8080/a/b/", "::1", "8080", "[::1]:8080", "/a/b");
	expect_url("http://[::1]", "::1", "80", "[::1]", "");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (ue_url_parse(&url, bad[i]))
			fail_msg("taken: %s", bad[i]);
	}
}

static void sources_are_read(void **state)
{
	static const char *const bad[] = {"", "::1", "127.0.0.1/", "127.0.0.1/33", "127.0.0.1/7",
		"127.0.0.1/x", "127.0.0.1.1"};
	uint32_t first, count;

	(void)state;
	assert_true(ue_source_parse(&first, &count, "127.0.3.9"));
	assert_int_equal(first, 0x7f000309);
	assert_int_equal(count, 1);
	assert_true(ue_source_parse(&first, &count, "127.0.3.9/24"));
	assert_int_equal(first, 0x7f000300);
	assert_int_equal(count, 256);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(ue_source_parse(&first, &count, bad[i]));
}

// Within a bucket's width of what sorting would give.
static void percentiles_are_near_the_truth(void **state)
{
	static struct ue_histogram histogram;

	(void)state;
	assert_int_equal(ue_histogram_percentile(&histogram, 50), 0);
	for (int64_t i = 1; i <= 100000; i++)
		ue_histogram_add(&histogram, i);
	ue_histogram_add(&histogram, -5);
	assert_in_range(ue_histogram_percentile(&histogram, 50), 50000, 53500);
	assert_in_range(ue_histogram_percentile(&histogram, 99), 99000, 100000);
	assert_int_equal(ue_histogram_percentile(&histogram, 100), 100000);
	assert_int_equal(histogram.largest, 100000);
	ue_histogram_add(&histogram, INT64_MAX);
	assert_int_equal(ue_histogram_percentile(&histogram, 100), INT64_MAX);
}

// Each value is within its bucket and above the one before.
static void buckets_hold_their_values(void **state)
{
	(void)state;
	for (uint64_t value = 1; value < UINT64_C(1) << 62; value += value / 7 + 1) {
		unsigned bucket = ue_histogram_bucket(value);

		assert_true(ue_histogram_value(bucket) >= value);
		assert_true(ue_histogram_value(bucket - 1) < value);
		assert_true(bucket < UE_HISTOGRAM_BUCKETS);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(orders_go_to_phones_one_after_the_other),
		cmocka_unit_test(verbs_order_what_they_say),
		cmocka_unit_test(verbs_without_http_say_so),
		cmocka_unit_test(spread_orders_fall_within_the_time),
		cmocka_unit_test(procedures_are_read),
		cmocka_unit_test(key_groups_are_read),
		cmocka_unit_test(urls_are_read),
		cmocka_unit_test(sources_are_read),
		cmocka_unit_test(percentiles_are_near_the_truth),
		cmocka_unit_test(buckets_hold_their_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
