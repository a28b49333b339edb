// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "support.h"

#include <openssl/evp.h>
#include <stdio.h>

static void fill(void *out, size_t len, uint32_t seed)
{
	uint8_t *p = out;

	for (size_t i = 0; i < len; i++) {
		seed = seed * 1664525 + 1013904223;
		p[i] = (uint8_t)(seed >> 24);
	}
}

void test_btid(uint32_t b, char out[STORE_NAI_MAX + 1])
{
	uint8_t rand[16];

	fill(rand, sizeof(rand), b * 7 + 1);
	memcpy(rand, &b, sizeof(b));
	EVP_EncodeBlock((uint8_t *)out, rand, sizeof(rand));
	strcat(out, "@bsf.mnc001.mcc001.pub.3gppnetwork.org");
}

void test_impi(uint32_t i, char out[STORE_NAI_MAX + 1])
{
	snprintf(out, STORE_NAI_MAX + 1, "001010%09u@ims.mnc001.mcc001.3gppnetwork.org", i);
}

void test_subscriber(uint32_t i, uint32_t b, struct store_subscriber *out)
{
	memset(out, 0, sizeof(*out));
	test_impi(i, out->impi);
	test_btid(b, out->btid);
	out->flags = STORE_HAS_MUK | STORE_HAS_MRK;
	out->port = (uint16_t)(2269 + i);
	out->expires = 1900000000 + b;
	fill(&out->addr, sizeof(out->addr), i + 11);
	fill(&out->muk, sizeof(out->muk), b + 22);
	fill(&out->muk_state, sizeof(out->muk_state), b + 33);
	fill(&out->mrk, sizeof(out->mrk), b + 44);
}

void test_same(const struct store_subscriber *a, const struct store_subscriber *b)
{
	const uint8_t flags = STORE_HAS_MUK | STORE_HAS_MRK | STORE_IN_UICC;

	assert_string_equal(a->impi, b->impi);
	assert_string_equal(a->btid, b->btid);
	assert_int_equal(a->flags & flags, b->flags & flags);
	assert_int_equal(a->port, b->port);
	assert_int_equal(a->expires, b->expires);
	assert_int_equal(a->authorised, b->authorised);
	assert_int_equal(a->registered, b->registered);
	assert_memory_equal(&a->addr, &b->addr, sizeof(a->addr));
	assert_memory_equal(&a->muk, &b->muk, sizeof(a->muk));
	assert_memory_equal(&a->muk_state, &b->muk_state, sizeof(a->muk_state));
	assert_memory_equal(&a->mrk, &b->mrk, sizeof(a->mrk));
}

struct store_group test_group(uint16_t number, enum store_profile profile)
{
	return (struct store_group){
		.id = {.kdi = {0x00, 0xf1, 0x10}, .group = number},
		.profile = (uint8_t)profile,
		.created = 1700000000,
	};
}

struct store_msk test_msk(const struct store_group *group, uint16_t number, uint32_t csb_id)
{
	struct store_msk msk = {
		.group = group->id,
		.number = number,
		.state = STORE_MSK_NEXT,
		.seq_u = 0xffff,
		.csb_id = csb_id,
		.created = 1700000000,
	};

	fill(msk.rand, sizeof(msk.rand), csb_id + number);
	fill(&msk.key, sizeof(msk.key), csb_id + number + 1);
	return msk;
}

struct store_reader *test_reader(struct store_env *env)
{
	struct store_reader *r;

	assert_int_equal(store_reader_create(env, &r), 0);
	return r;
}

struct store_mtks test_mtks(const struct store_msk *msk, uint16_t n)
{
	struct store_mtks mtks = {
		.group = msk->group, .number = msk->number, .last_id = n, .count = (uint8_t)n};

	for (uint16_t i = 0; i < n; i++) {
		struct store_mtk *mtk = &mtks.mtk[i];

		*mtk = (struct store_mtk){
			.id = (uint16_t)(i + 1),
			.flags = STORE_MTK_SALTED,
			.send_ms = 1000u * i,
			.from_ms = 1000u * i + 500,
			.to_ms = 1000u * i + 1500,
		};
		memset(&mtk->key, 0x40 + i, sizeof(mtk->key));
		memset(mtk->salt, 0x80 + i, sizeof(mtk->salt));
	}
	return mtks;
}
