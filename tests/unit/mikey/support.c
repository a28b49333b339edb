// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "support.h"

#include <jansson.h>

#include <stdlib.h>
#include <string.h>

#define VECTORS_MAX 128

const char *const message_names[] = {
	"F.msg",
	"G.msg",
	"H.msg",
	"I1.msg",
	"I2.msg",
	"I3.msg",
	"K.msg",
	"F6.msg",
	"G6.msg",
	"H6.msg",
	"I6.msg",
	"T2.msg",
	"T3.msg",
};
const size_t message_count = sizeof(message_names) / sizeof(message_names[0]);

const uint8_t rand_octets[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
const uint8_t msk_octets[16] = {0xa0, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8, 0xa9, 0xaa,
	0xab, 0xac, 0xad, 0xae, 0xaf};
static const uint8_t mtk_octets[16] = {0x00, 0xaa, 0x00, 0xbb, 0x00, 0xcc, 0x00, 0xdd, 0x00, 0xee,
	0x00, 0xff, 0x00, 0xaa, 0x00, 0xbb};

struct vector {
	char name[32];
	struct mikey_bytes bytes;
};

// Lives until the program ends.
static struct vector vectors[VECTORS_MAX];
static size_t vector_count;

static uint8_t nibble(char digit)
{
	const char *digits = "0123456789abcdef";
	const char *at = strchr(digits, digit);

	assert_true(digit != '\0' && at != NULL);
	return (uint8_t)(at - digits);
}

static struct mikey_bytes hex_decode(const char *hex)
{
	size_t len = strlen(hex) / 2;
	uint8_t *data = malloc(len);

	assert_non_null(data);
	for (size_t i = 0; i < len; i++)
		data[i] = (uint8_t)(nibble(hex[2 * i]) << 4 | nibble(hex[2 * i + 1]));
	return (struct mikey_bytes){data, (uint16_t)len};
}

static const char *vector_hex(const char *name)
{
	static json_t *root;
	const char *path = getenv("MSKPUSH_VECTORS");

	if (root == NULL && path != NULL)
		root = json_load_file(path, 0, NULL);
	if (root == NULL)
		fail_msg("MSKPUSH_VECTORS names no vectors file");
	return json_string_value(json_object_get(root, name));
}

struct mikey_bytes vector(const char *name)
{
	struct vector *v;
	const char *hex;

	for (size_t i = 0; i < vector_count; i++)
		if (strcmp(vectors[i].name, name) == 0)
			return vectors[i].bytes;
	hex = vector_hex(name);
	if (hex == NULL)
		fail_msg("no vector %s", name);
	assert_true(vector_count < VECTORS_MAX && strlen(name) < sizeof(v->name));
	v = &vectors[vector_count++];
	strcpy(v->name, name);
	v->bytes = hex_decode(hex);
	return v->bytes;
}

uint8_t *copy_exact(const uint8_t *data, size_t len)
{
	uint8_t *copy = malloc(len);

	assert_true(copy != NULL || len == 0);
	if (len > 0)
		memcpy(copy, data, len);
	return copy;
}

enum mikey_status verdict(const uint8_t *data, size_t len)
{
	uint8_t *copy = copy_exact(data, len);
	struct mikey_view view;
	enum mikey_status status = mikey_parse(copy, len, &view);

	free(copy);
	return status;
}

struct mikey_bytes text_bytes(const char *text)
{
	return (struct mikey_bytes){(const uint8_t *)text, (uint16_t)strlen(text)};
}

struct mikey_msk msk_fields(enum mikey_profile profile)
{
	return (struct mikey_msk){
		.profile = profile,
		.wants_verification = true,
		.csb_id = profile == MIKEY_PROFILE_V600 ? 1 : 0x12345678,
		.id = {.kdi = {0x00, 0xf1, 0x10}, .group = 1, .number = 1},
		.counter = 1,
		.rand = {rand_octets, sizeof(rand_octets)},
		.idi = text_bytes(FQDN),
		.idr = text_bytes(BTID),
		.key = msk_octets,
		.key_type = MIKEY_KEY_TEK,
		.seq_l = 1,
		.seq_u = 0xff,
	};
}

struct mikey_mtk mtk_fields(enum mikey_profile profile)
{
	return (struct mikey_mtk){
		.profile = profile,
		.csb_id = profile == MIKEY_PROFILE_V600 ? 1 : 0x12345678,
		.id = {.kdi = {0x00, 0xf1, 0x10},
			.group = 1,
			.number = 1,
			.has_mtk_id = true,
			.mtk_id_bytes = 2,
			.mtk_id = 1},
		.counter = 1,
		.key = mtk_octets,
	};
}
