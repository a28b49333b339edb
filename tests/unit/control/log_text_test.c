// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "log_text.h"
#include "test.h"

static char text[256];

static size_t format(size_t size, const char *pairs, ...) __attribute__((format(printf, 2, 3)));
static size_t format(size_t size, const char *pairs, ...)
{
	va_list args;
	size_t n;

	va_start(args, pairs);
	n = log_text_format(text, size, pairs, args);
	va_end(args);
	assert_int_equal(n, strlen(text));
	return n;
}

// printf() is the second opinion.
#define SAME(...)                                              \
	do {                                                   \
		char wanted[256];                              \
		snprintf(wanted, sizeof(wanted), __VA_ARGS__); \
		format(sizeof(text), __VA_ARGS__);             \
		assert_string_equal(text, wanted);             \
	} while (0)

static void numbers_and_plain_texts_are_as_printf_writes_them(void **state)
{
	(void)state;
	SAME("a=%u b=%d c=%x", 4000000000u, -7, 0xabcu);
	SAME("g=%04x t=%.3f z=%zu", 0x1fu, 12.3456, (size_t)9);
	SAME("l=%lu ll=%llu p=%" PRIu64 " n=%ld", ~0ul, ~0ull, UINT64_MAX, -5l);
	SAME("s=%s q=\"%s\" p=\"%.*s\" c=\"%.3s\"", "plain", "two words", 3, "abcdef", "abcdef");
	SAME("done=100 name=%s last=%u", "x", 1u);
}

static void argument_cannot_forge_a_pair_a_text_or_a_line(void **state)
{
	const char *volatile none = NULL;

	(void)state;
	format(sizeof(text), "q=\"%s\" n=%u", "a\" forged=1 b=\"c\nlevel=info \x1b[31m\\", 5u);
	assert_string_equal(text, "q=\"a' forged=1 b='c?level=info ?[31m/\" n=5");
	format(sizeof(text), "key=%s n=%u", "store.dir forged=1", 5u);
	assert_string_equal(text, "key=store.dir_forged=1 n=5");
	format(sizeof(text), "q=\"%s\"", none);
	assert_string_equal(text, "q=\"none\"");
}

static void what_does_not_fit_is_cut_off(void **state)
{
	(void)state;
	assert_int_equal(format(8, "a=%u b=\"%s\"", 1u, "long text"), 7);
	assert_string_equal(text, "a=1 b=\"");
	assert_int_equal(format(1, "a=%u", 1u), 0);
}

static void pairs_are_walked_over_in_order(void **state)
{
	const char *at = "a=1 given-up=22 why=\"two words = here\" last=x", *key, *value;
	static const char *const wanted[][2] = {
		{"a", "1"}, {"given-up", "22"}, {"why", "two words = here"}, {"last", "x"}};
	size_t key_len, value_len;

	(void)state;
	for (int i = 0; i < 4; i++) {
		key_len = log_text_next(&at, &key, &value, &value_len);
		assert_int_equal(key_len, strlen(wanted[i][0]));
		assert_memory_equal(key, wanted[i][0], key_len);
		assert_int_equal(value_len, strlen(wanted[i][1]));
		assert_memory_equal(value, wanted[i][1], value_len);
	}
	assert_int_equal(log_text_next(&at, &key, &value, &value_len), 0);
	at = "cut=\"in the middle";
	assert_int_equal(log_text_next(&at, &key, &value, &value_len), 3);
	assert_int_equal(value_len, 13);
	assert_int_equal(log_text_next(&at, &key, &value, &value_len), 0);
	at = "words without pairs";
	assert_int_equal(log_text_next(&at, &key, &value, &value_len), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_and_plain_texts_are_as_printf_writes_them),
		cmocka_unit_test(argument_cannot_forge_a_pair_a_text_or_a_line),
		cmocka_unit_test(what_does_not_fit_is_cut_off),
		cmocka_unit_test(pairs_are_walked_over_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
