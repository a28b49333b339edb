// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "content.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

static void hex_put(FILE *out, const char *name, const void *data, size_t len)
{
	const uint8_t *p = data;

	fprintf(out, " %s=", name);
	for (size_t i = 0; i < len; i++) {
		putc_unlocked("0123456789abcdef"[p[i] >> 4], out);
		putc_unlocked("0123456789abcdef"[p[i] & 15], out);
	}
}

static void set_put(FILE *out, const struct store_reader *r, const char *name, store_set set)
{
	store_service_id list[STORE_SET_MAX];
	size_t n = store_reader_set(r, set, list);

	fprintf(out, " %s=", name);
	for (size_t i = 0; i < n; i++) {
		struct store_service service;

		if (store_reader_service(r, list[i], &service) == 0)
			fprintf(out, "%s%s", i > 0 ? "," : "", service.name);
		else
			fprintf(out, "%s?", i > 0 ? "," : "");
	}
}

static void prev_put(FILE *out, const struct store_reader *r, store_id id)
{
	struct store_prev prev;
	int rc = store_reader_prev(r, id, &prev);

	fprintf(out, " previous=%s", rc == 0 ? prev.btid : "lost");
	if (rc != 0)
		return;
	fprintf(out, " previous-expires=%u", prev.expires);
	hex_put(out, "previous-muk", &prev.muk, sizeof(prev.muk));
	hex_put(out, "previous-state", &prev.muk_state, sizeof(prev.muk_state));
}

static void subscribers_put(FILE *out, const struct store_reader *r)
{
	for (store_id id = 0; id < store_reader_span(r); id++) {
		const uint8_t own = STORE_HAS_MUK | STORE_HAS_MRK | STORE_IN_UICC | STORE_HAS_PREV |
			STORE_MUK_VERIFIED;
		struct store_subscriber sub;
		int rc = store_reader_subscriber(r, id, &sub);

		if (rc != 0) {
			fprintf(out, "subscriber-%u error=%d\n", id, rc);
			continue;
		}
		fprintf(out, "subscriber %s id=%u btid=%s expires=%u", sub.impi, id, sub.btid,
			sub.expires);
		hex_put(out, "muk", &sub.muk, sizeof(sub.muk));
		fprintf(out, " flags=%02x port=%u", sub.flags & own, sub.port);
		hex_put(out, "address", &sub.addr, sizeof(sub.addr));
		hex_put(out, "state", &sub.muk_state, sizeof(sub.muk_state));
		hex_put(out, "mrk", &sub.mrk, sizeof(sub.mrk));
		set_put(out, r, "authorised", sub.authorised);
		set_put(out, r, "registered", sub.registered);
		if (sub.flags & STORE_HAS_PREV)
			prev_put(out, r, id);
		fprintf(out, " found=%d,%d\n", store_reader_find_impi(r, sub.impi) == id,
			sub.btid[0] == '\0' || store_reader_find_btid(r, sub.btid) == id);
	}
}

static void msks_put(FILE *out, const struct store_reader *r, const struct store_group_id *group)
{
	struct store_msk msk = {0};

	while (store_reader_msk_next(r, group, msk.number, &msk) == 0) {
		fprintf(out, "msk group=%04x number=%04x csb=%08x", group->group, msk.number,
			msk.csb_id);
		hex_put(out, "rand", msk.rand, sizeof(msk.rand));
		hex_put(out, "key", &msk.key, sizeof(msk.key));
		fprintf(out, " state=%u released=%d seq=%u-%u created=%u activated=%u\n", msk.state,
			msk.is_released, msk.seq_l, msk.seq_u, msk.created, msk.activated);
	}
}

static void groups_put(FILE *out, const struct store_reader *r)
{
	struct store_group group = {0};
	struct store_service service = {0};

	while (store_reader_group_next(r, &group.id, &group) == 0) {
		fprintf(out, "group %04x profile=%u last=%04x created=%u\n", group.id.group,
			group.profile, group.last_key_number, group.created);
		msks_put(out, r, &group.id);
	}
	while (store_reader_service_next(r, service.id, &service) == 0) {
		fprintf(out, "service %s id=%u", service.name, service.id);
		for (unsigned i = 0; i < service.group_count; i++)
			fprintf(out, " %04x", service.group[i].group);
		fprintf(out, "\n");
	}
}

struct sum {
	uint32_t members, verified, given_up, refused;
};

static void slice_sum(const uint8_t state[STORE_SLICE], struct sum *sum)
{
	for (unsigned i = 0; i < STORE_SLICE; i++) {
		if (state[i] == STORE_MEMBER_NONE)
			continue;
		sum->members++;
		sum->refused += (state[i] & STORE_MEMBER_REFUSED) != 0;
		sum->verified += (state[i] & 0xc0) == STORE_MEMBER_VERIFIED;
		sum->given_up +=
			state[i] == STORE_MEMBER_GIVEN_UP || state[i] == STORE_MEMBER_ABORTED;
	}
}

static void slices_put(FILE *out, const struct store_reader *r, const struct store_campaign *c)
{
	uint8_t state[STORE_SLICE];
	struct sum sum = {0};

	for (uint32_t i = 0; i * STORE_SLICE < c->span; i++) {
		if (store_reader_campaign_slice(r, c->id, i, state) != 0)
			continue;
		slice_sum(state, &sum);
		fprintf(out, "slice %u.%u", c->id, i);
		hex_put(out, "states", state,
			c->span - i * STORE_SLICE < STORE_SLICE ? c->span - i * STORE_SLICE
								: STORE_SLICE);
		fprintf(out, "\n");
	}
	fprintf(out, "sum %u members=%u verified=%u given-up=%u refused=%u\n", c->id, sum.members,
		sum.verified, sum.given_up, sum.refused);
}

static void campaigns_put(FILE *out, const struct store_reader *r)
{
	struct store_campaign c = {0};

	while (store_reader_campaign_next(r, c.id, &c) == 0) {
		fprintf(out, "campaign %u group=%04x msk=%04x span=%u members=%u state=%u", c.id,
			c.group.group, c.msk_number, c.span, c.members, c.state);
		fprintf(out, " verified=%u given-up=%u refused=%u round=%u pushes=%lu\n",
			c.verified, c.given_up, c.refused, c.round, (unsigned long)c.pushes);
		slices_put(out, r, &c);
	}
}

char *content_text(struct store_env *env)
{
	struct store_reader *r;
	char *text = NULL;
	size_t len = 0;
	uint32_t mark;
	FILE *out;

	if (store_reader_create(env, &r) != 0)
		return NULL;
	out = open_memstream(&text, &len);
	if (out != NULL) {
		fprintf(out, "live %u damaged %u\n", store_reader_subscriber_count(r),
			store_reader_damaged(r));
		subscribers_put(out, r);
		groups_put(out, r);
		campaigns_put(out, r);
		if (store_reader_mark(r, &mark) == 0)
			fprintf(out, "mark %u\n", mark);
		fclose(out);
	}
	store_reader_destroy(r);
	return text;
}

void content_digest(const char *text, char out[CONTENT_DIGEST])
{
	uint8_t digest[EVP_MAX_MD_SIZE] = {0};

	EVP_Digest(text, strlen(text), digest, NULL, EVP_sha256(), NULL);
	for (unsigned i = 0; i < 32; i++)
		snprintf(out + 2 * i, 3, "%02x", digest[i]);
}
