// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Walks along the edges of every vector message. Each input stands in a heap block of exactly its
// size, so that the sanitizer build sees any octet read behind it.

#include "support.h"

#include <stdlib.h>
#include <string.h>

#define MUTATIONS 200000
#define SEED 0x6d736b70

static void every_prefix_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < message_count; i++) {
		struct mikey_bytes message = vector(message_names[i]);

		assert_int_equal(verdict(message.data, message.len), MIKEY_OK);
		for (size_t len = 0; len < message.len; len++)
			assert_int_not_equal(verdict(message.data, len), MIKEY_OK);
	}
}

static void every_octet_more_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < message_count; i++) {
		struct mikey_bytes message = vector(message_names[i]);
		uint8_t longer[512] = {0};

		memcpy(longer, message.data, message.len);
		assert_int_equal(verdict(longer, message.len + 1u), MIKEY_TRAILING);
	}
}

// Where the length fields of a message lie, and how wide they are.
static const struct {
	const char *name;
	uint16_t off;
	uint8_t width;
} lengths[] = {
	{"F.msg", 12, 2}, // EXT
	{"F.msg", 15, 1}, // Key Domain ID
	{"F.msg", 20, 1}, // MSK ID
	{"F.msg", 32, 1}, // RAND
	{"F.msg", 51, 2}, // IDi
	{"F.msg", 69, 2}, // IDr
	{"F.msg", 135, 2}, // encrypted data
	{"K.msg", 8, 1}, // #CS
	{"K.msg", 145, 2}, // policy
	{"K.msg", 148, 1}, // its first parameter
	{"K.msg", 169, 1}, // and its last
	{"G.msg", 18, 2}, // IDr
	{"I1.msg", 26, 1}, // MTK ID
	{"I1.msg", 37, 2}, // encrypted data
	{"F6.msg", 12, 2}, // EXT
	{"F6.msg", 15, 1}, // MSK ID
	{"F6.msg", 44, 2}, // IDi
	{"T2.msg", 26, 1}, // MTK ID of four octets
	{"H.msg", 135, 2}, // encrypted data of no octets
};

static unsigned length_get(const uint8_t *p, uint8_t width)
{
	return width == 1 ? p[0] : (unsigned)(p[0] << 8 | p[1]);
}

static void length_put(uint8_t *p, uint8_t width, unsigned value)
{
	if (width == 2)
		*p++ = (uint8_t)(value >> 8);
	*p = (uint8_t)value;
}

// A length far off can make another well-formed message (only the MAC tells), one off cannot.
static void every_length_that_is_one_off_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		struct mikey_bytes message = vector(lengths[i].name);
		unsigned good = length_get(message.data + lengths[i].off, lengths[i].width);
		unsigned end = lengths[i].width == 1 ? 256 : 65536;
		uint8_t copy[512];

		memcpy(copy, message.data, message.len);
		for (unsigned value = 0; value < end; value++) {
			enum mikey_status got;

			length_put(copy + lengths[i].off, lengths[i].width, value);
			got = verdict(copy, message.len);
			if ((value + 1 == good || value == good + 1) && got == MIKEY_OK)
				fail_msg("%s: a length of %u at octet %u passes", lengths[i].name,
					value, lengths[i].off);
		}
	}
}

static void a_length_one_too_large_or_too_small_has_its_verdict(void **state)
{
	static const struct {
		const char *name;
		uint16_t off;
		enum mikey_status one_more, one_less;
	} cases[] = {
		{"F.msg", 13, MIKEY_KEY_ID_TRUNCATED, MIKEY_KEY_ID_LENGTH},
		{"F.msg", 15, MIKEY_DOMAIN_LENGTH, MIKEY_DOMAIN_LENGTH},
		{"F.msg", 20, MIKEY_KEY_ID_LENGTH, MIKEY_MSK_ID_LENGTH},
		{"F.msg", 136, MIKEY_KEMAC_MAC_ALG, MIKEY_KEMAC_MAC_ALG},
		{"H.msg", 136, MIKEY_KEMAC_MAC_ALG, MIKEY_KEMAC_ENCR_LENGTH},
		{"K.msg", 146, MIKEY_SP_PARAM_TRUNCATED, MIKEY_SP_PARAM_LENGTH},
		{"K.msg", 169, MIKEY_SP_PARAM_LENGTH, MIKEY_SP_PARAM_EMPTY},
		{"I1.msg", 26, MIKEY_KEY_ID_LENGTH, MIKEY_MTK_ID_LENGTH},
	};
	uint8_t copy[512];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct mikey_bytes message = vector(cases[i].name);

		memcpy(copy, message.data, message.len);
		copy[cases[i].off]++;
		assert_int_equal(verdict(copy, message.len), cases[i].one_more);
		copy[cases[i].off] -= 2;
		if (copy[cases[i].off] == 0xff) // the high octet takes part
			copy[cases[i].off - 1]--;
		assert_int_equal(verdict(copy, message.len), cases[i].one_less);
	}
}

// xorshift32: the same octets in every run.
static uint32_t random_next(uint32_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 17;
	*seed ^= *seed << 5;
	return *seed;
}

static size_t mutate(uint8_t *data, size_t len, uint32_t *seed)
{
	unsigned changes = 1 + random_next(seed) % 4;

	while (changes-- > 0) {
		uint32_t draw = random_next(seed);
		size_t at = draw % len;

		if (draw >> 30 == 0)
			len = at + 1;
		else if (draw >> 30 == 1)
			data[at] = (uint8_t)(draw >> 16);
		else
			data[at] = (uint8_t)(data[at] + (draw >> 16) % 3 - 1);
	}
	return len;
}

static void ignore_line(void *arg, const char *line)
{
	size_t *octets = arg;

	*octets += strlen(line);
}

static void assert_inside(const struct mikey_bytes *bytes, const uint8_t *data, size_t len)
{
	if (bytes->len == 0)
		return;
	assert_true(bytes->data >= data && bytes->data + bytes->len <= data + len);
}

static void assert_view_inside(const struct mikey_view *view, const uint8_t *data)
{
	assert_inside(&view->cs_map, data, view->len);
	assert_inside(&view->ts, data, view->len);
	assert_inside(&view->rand, data, view->len);
	assert_inside(&view->identity[0], data, view->len);
	assert_inside(&view->identity[1], data, view->len);
	assert_inside(&view->encr, data, view->len);
	assert_true(view->mac.off + view->mac.len <= view->len);
}

static void mutated_messages_are_never_read_out_of_bounds(void **state)
{
	uint32_t seed = SEED;
	size_t accepted = 0, octets = 0;

	(void)state;
	for (unsigned i = 0; i < MUTATIONS; i++) {
		struct mikey_bytes message = vector(message_names[i % message_count]);
		struct mikey_view view;
		struct mikey_key_data kd;
		uint8_t changed[512], *copy;
		size_t len;

		memcpy(changed, message.data, message.len);
		len = mutate(changed, message.len, &seed);
		copy = copy_exact(changed, len);
		if (mikey_parse(copy, len, &view) == MIKEY_OK) {
			accepted++;
			assert_view_inside(&view, copy);
			mikey_key_data_parse(view.encr.data, view.encr.len, &kd);
		}
		if (i % 16 == 0)
			mikey_dump(copy, len, ignore_line, &octets);
		free(copy);
	}
	assert_true(accepted > MUTATIONS / 100 && accepted < MUTATIONS);
	assert_true(octets > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_prefix_is_refused),
		cmocka_unit_test(every_octet_more_is_refused),
		cmocka_unit_test(every_length_that_is_one_off_is_refused),
		cmocka_unit_test(a_length_one_too_large_or_too_small_has_its_verdict),
		cmocka_unit_test(mutated_messages_are_never_read_out_of_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
