// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// MTK messages, from records to the octets of the known answers.

#include <string.h>

#include "mtk_message.h"
#include "support.h"

static struct crypto *crypto;

static int set_up(void **state)
{
	(void)state;
	return crypto_create(&crypto);
}

static int tear_down(void **state)
{
	(void)state;
	crypto_destroy(crypto);
	return 0;
}

static struct mtk_matter matter_of(enum mikey_profile profile)
{
	struct mikey_mtk fields = mtk_fields(profile);
	struct mtk_matter matter = {
		.msk = {.profile = (uint8_t)profile,
			.group = fields.id.group,
			.number = fields.id.number,
			.csb_id = fields.csb_id},
		.mtk = {.id = (uint16_t)fields.id.mtk_id},
	};

	memcpy(matter.msk.kdi, fields.id.kdi, sizeof(matter.msk.kdi));
	memcpy(matter.msk.rand, rand_octets, sizeof(rand_octets));
	memcpy(matter.msk.key, msk_octets, sizeof(msk_octets));
	memcpy(matter.mtk.key.byte, fields.key, sizeof(matter.mtk.key.byte));
	return matter;
}

static void expect_message(const struct mtk_matter *matter, uint32_t counter, const char *name)
{
	struct mikey_bytes want = vector(name);
	uint8_t got[256];

	assert_int_equal(mtk_message_make(crypto, matter, counter, got, sizeof(got)), want.len);
	assert_memory_equal(got, want.data, want.len);
	// One octet less of room is too little.
	assert_int_equal(mtk_message_make(crypto, matter, counter, got, want.len - 1u), 0);
}

static void messages_are_the_known_answers(void **state)
{
	struct mtk_matter matter = matter_of(MIKEY_PROFILE_TS33246);
	struct mtk_matter old = matter_of(MIKEY_PROFILE_V600);

	(void)state;
	expect_message(&matter, 1, "I1.msg");
	expect_message(&old, 1, "I6.msg");
	matter.has_no_rand = true;
	expect_message(&matter, 1, "I2.msg");
}

static void salt_goes_with_the_mtk_when_it_has_one(void **state)
{
	struct mtk_matter matter = matter_of(MIKEY_PROFILE_TS33246);

	(void)state;
	matter.mtk.id = 2;
	for (unsigned i = 0; i < sizeof(matter.mtk.salt); i++)
		matter.mtk.salt[i] = (uint8_t)(0x10 + i);
	matter.mtk.flags = STORE_MTK_SALTED;
	expect_message(&matter, 2, "I3.msg");
}

static void mtk_id_0_is_never_built(void **state)
{
	struct mtk_matter matter = matter_of(MIKEY_PROFILE_TS33246);
	uint8_t got[256];

	(void)state;
	matter.mtk.id = 0;
	assert_int_equal(mtk_message_make(crypto, &matter, 1, got, sizeof(got)), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_are_the_known_answers),
		cmocka_unit_test(salt_goes_with_the_mtk_when_it_has_one),
		cmocka_unit_test(mtk_id_0_is_never_built),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
