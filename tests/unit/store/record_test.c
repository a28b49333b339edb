// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "record.h"

#include <errno.h>

#include "support.h"

// Decodes a record of some kind and throws the result away.
struct kind {
	size_t len;
	uint8_t data[1024];
	int (*decode)(struct blob in);
};

static int decode_prev(struct blob in)
{
	struct store_prev out;

	return record_decode_prev(in, &out);
}

static int decode_change(struct blob in)
{
	struct store_subscriber out;
	store_id id;

	return record_decode_change(in, &id, &out);
}

static int decode_service(struct blob in)
{
	struct store_service out;

	return record_decode_service(in, 1, &out);
}

static int decode_group(struct blob in)
{
	static const struct group_key key;
	struct store_group out;

	return record_decode_group(in, &key, &out);
}

static int decode_msk(struct blob in)
{
	static const struct msk_key key;
	struct store_msk out;

	return record_decode_msk(in, &key, &out);
}

static int decode_campaign(struct blob in)
{
	struct store_campaign out;

	return record_decode_campaign(in, 1, &out);
}

#define KINDS 7

static void make_kinds(struct kind kind[KINDS])
{
	struct store_group group = test_group(1, STORE_PROFILE_TS33246);
	struct store_msk msk = test_msk(&group, 1, 5);
	struct store_prev prev = {.btid = "previous@bsf"};
	struct store_service service = {.name = "name", .group_count = 1};
	struct store_campaign campaign = {.id = 1};
	struct store_subscriber sub;

	memset(kind, 0, KINDS * sizeof(*kind));
	test_subscriber(1, 1, &sub);
	kind[0].len = record_encode_prev(&prev, (void *)kind[0].data);
	kind[0].decode = decode_prev;
	kind[1].len = record_encode_change(9, &sub, (void *)kind[1].data);
	kind[1].decode = decode_change;
	kind[2].len = record_encode_service(&service, (void *)kind[2].data);
	kind[2].decode = decode_service;
	kind[3].len = record_encode_group(&group, (void *)kind[3].data);
	kind[3].decode = decode_group;
	kind[4].len = record_encode_msk(&msk, (void *)kind[4].data);
	kind[4].decode = decode_msk;
	kind[5].len = record_encode_campaign(&campaign, (void *)kind[5].data);
	kind[5].decode = decode_campaign;
	sub.impi[0] = '\0';
	kind[6].len = record_encode_change(9, &sub, (void *)kind[6].data);
	kind[6].decode = decode_change;
}

static void decode_takes_what_was_encoded(void **state)
{
	struct kind kind[KINDS];

	(void)state;
	make_kinds(kind);
	for (unsigned i = 0; i < KINDS; i++)
		assert_int_equal(kind[i].decode((struct blob){kind[i].data, kind[i].len}), 0);
}

static void decode_refuses_unknown_version(void **state)
{
	struct kind kind[KINDS];

	(void)state;
	make_kinds(kind);
	for (unsigned i = 0; i < KINDS; i++) {
		kind[i].data[0]++;
		assert_int_equal(kind[i].decode((struct blob){kind[i].data, kind[i].len}), -EPROTO);
	}
}

static void decode_refuses_every_other_length(void **state)
{
	struct kind kind[KINDS];

	(void)state;
	make_kinds(kind);
	for (unsigned i = 0; i < KINDS; i++)
		for (size_t len = 0; len < sizeof(kind[i].data); len++) {
			// A copy of exactly this size shows a read beyond it to ASan.
			uint8_t *copy = malloc(len + 1);

			assert_non_null(copy);
			memcpy(copy, kind[i].data, len);
			copy = realloc(copy, len != 0 ? len : 1);
			if (len != kind[i].len)
				assert_int_equal(kind[i].decode((struct blob){copy, len}), -EIO);
			free(copy);
		}
}

// No octets of a record may lead out of bounds; ASan and UBSan watch.
static void decode_survives_any_octet(void **state)
{
	struct kind kind[KINDS];

	(void)state;
	make_kinds(kind);
	for (unsigned i = 0; i < KINDS; i++)
		for (size_t at = 1; at < kind[i].len; at++)
			for (unsigned v = 0; v < 256; v += 17) {
				uint8_t saved = kind[i].data[at];

				kind[i].data[at] = (uint8_t)v;
				kind[i].decode((struct blob){kind[i].data, kind[i].len});
				kind[i].data[at] = saved;
			}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(decode_takes_what_was_encoded),
		cmocka_unit_test(decode_refuses_unknown_version),
		cmocka_unit_test(decode_refuses_every_other_length),
		cmocka_unit_test(decode_survives_any_octet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
