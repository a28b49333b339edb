// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "rotation.h"

#include <string.h>

#include "dp.h"

#define CAMPAIGNS_MAX 128 // of one MSK; more of them are not looked at

struct count {
	struct ctl *ctl;
	const struct store_reader *r;
	const struct store_group_id *group;
	uint16_t number;
	struct store_eligibility eligibility;
	unsigned campaigns;
	uint32_t campaign[CAMPAIGNS_MAX];
};

static bool group_is(const uint8_t *kdi, uint16_t group, const struct store_group_id *id)
{
	return group == id->group && memcmp(kdi, id->kdi, sizeof(id->kdi)) == 0;
}

static void campaigns_find(struct count *c)
{
	struct store_campaign record = {0};

	while (store_reader_campaign_next(c->r, record.id, &record) == 0)
		if (record.msk_number == c->number && c->campaigns < CAMPAIGNS_MAX &&
			group_is(record.group.kdi, record.group.group, c->group))
			c->campaign[c->campaigns++] = record.id;
}

static bool is_verified(uint8_t state)
{
	return state != STORE_MEMBER_NONE && (state & STORE_MEMBER_REFUSED) == 0 &&
		(state & STORE_MEMBER_VERIFIED) != 0;
}

// Nothing that is known of the id was verified under the present MUK: that was somebody else, or
// before a new bootstrapping.
static bool is_unverified(const struct store_hot *hot)
{
	return (store_hot_flags(hot) & STORE_MUK_VERIFIED) == 0;
}

static bool was_pulled(const struct count *c, store_id id, const struct store_hot *hot)
{
	struct dp_push_note note = {0};

	if (c->ctl->dp != NULL && !is_unverified(hot))
		dp_push_note(c->ctl->dp, id, &note);
	return note.state == DP_PUSH_VERIFIED && note.number == c->number &&
		group_is(note.kdi, note.group, c->group);
}

static void slice_count(struct count *c, uint32_t slice, struct rotation_share *out)
{
	uint8_t has[STORE_SLICE] = {0}, state[STORE_SLICE];
	store_id first = slice * STORE_SLICE, span = store_reader_span(c->r);

	for (unsigned i = 0; i < c->campaigns; i++) {
		if (store_reader_campaign_slice(c->r, c->campaign[i], slice, state) != 0)
			continue;
		for (unsigned k = 0; k < STORE_SLICE; k++)
			has[k] |= is_verified(state[k]);
	}
	for (unsigned k = 0; k < STORE_SLICE && first + k < span; k++) {
		const struct store_hot *hot = store_reader_hot(c->r, first + k);

		if (hot == NULL || (store_hot_flags(hot) & STORE_LIVE) == 0 ||
			!store_eligibility_is_member(&c->eligibility, hot))
			continue;
		out->members++;
		out->have += has[k] || was_pulled(c, first + k, hot);
	}
}

int rotation_share_count(struct ctl *ctl, const struct store_group_id *group, uint16_t number,
	struct rotation_share *out)
{
	struct count c = {.ctl = ctl, .group = group, .number = number};
	struct store_reader *r;
	int ret = ctl_reader_get(ctl, &r);

	*out = (struct rotation_share){0};
	if (ret != 0)
		return ret;
	c.r = r;
	ret = store_eligibility_load(r, group, &c.eligibility);
	if (ret == 0) {
		campaigns_find(&c);
		for (uint32_t s = 0; s * STORE_SLICE < store_reader_span(r); s++)
			slice_count(&c, s, out);
	}
	store_eligibility_free(&c.eligibility);
	ctl_reader_put(ctl, r);
	return ret;
}
