// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Who belongs to a campaign: the members of its key group in the store's snapshot, or those of them
// that the operator chose; in which area each is; and how an auto campaign begins with each.

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "campaign_run.h"
#include "conf.h"
#include "dp.h"

#define FIND_MAX 64 // addresses looked up at once

// --- Choosing -------------------------------------------------------------------------------

static void member_drop(struct campaign_run *run, store_id id)
{
	run->dp->round[id] = DP_MEMBER_NONE;
}

static void ids_choose(struct campaign_run *run, const struct campaign_choice *choice)
{
	uint32_t k = 0;

	for (store_id id = 0; id < run->record.span; id++) {
		while (k < choice->n && choice->ids[k] < id)
			k++;
		if (k == choice->n || choice->ids[k] != id)
			member_drop(run, id);
	}
}

static void area_choose(struct campaign_run *run, unsigned area)
{
	for (store_id id = 0; id < run->record.span; id++)
		if (run->dp->area == NULL || run->dp->area[id] != area)
			member_drop(run, id);
}

static bool is_delivered(uint8_t state)
{
	return state == STORE_MEMBER_NONE ||
		((state & STORE_MEMBER_REFUSED) == 0 && (state & STORE_MEMBER_VERIFIED) != 0);
}

static int undelivered_choose(struct campaign_run *run, const struct store_reader *r, uint32_t of)
{
	struct store_campaign record;
	uint8_t state[STORE_SLICE];
	bool is_known = false;

	if (store_reader_campaign(r, of, &record) != 0)
		return -ESTALE;
	for (uint32_t i = 0; i < run->slices; i++) {
		memset(state, STORE_MEMBER_NONE, sizeof(state));
		is_known |= store_reader_campaign_slice(r, of, i, state) == 0;
		for (uint32_t k = 0; k < STORE_SLICE; k++) {
			store_id id = i * STORE_SLICE + k;

			if (id < run->record.span && is_delivered(state[k]))
				member_drop(run, id);
		}
	}
	return is_known || record.members == 0 ? 0 : -ESTALE;
}

static uint32_t members_count(const struct campaign_run *run)
{
	uint32_t n = 0;

	for (store_id id = 0; id < run->record.span; id++)
		n += run->dp->round[id] != DP_MEMBER_NONE;
	return n;
}

static uint64_t random_next(uint64_t *state)
{
	// splitmix64: a fair draw is all that is asked for.
	uint64_t z = *state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

// Keeps exactly that share of the members, rounded up, each set as likely as any other
// (Knuth, TAOCP 2, 3.4.2, algorithm S).
static int sample_choose(struct campaign_run *run, uint32_t ppm)
{
	uint64_t members = members_count(run), wanted = (members * ppm + 999999) / 1000000;
	uint64_t state;

	if (getrandom(&state, sizeof(state), 0) != sizeof(state))
		return -EIO;
	for (store_id id = 0; id < run->record.span; id++) {
		if (run->dp->round[id] == DP_MEMBER_NONE)
			continue;
		if (random_next(&state) % members < wanted)
			wanted--;
		else
			member_drop(run, id);
		members--;
	}
	return 0;
}

// --- Areas and ways -------------------------------------------------------------------------

static int areas_find(struct ctl *ctl, struct campaign_run *run, const struct store_reader *r)
{
	struct dp_addr addr[FIND_MAX];

	if (ctl->conf->areas == 0 || run->dp->area != NULL)
		return 0;
	run->dp->area = calloc(run->record.span + 1, 1);
	if (run->dp->area == NULL)
		return -ENOMEM;
	// The dataplane stops after everybody who could be here.
	for (store_id first = 0; first < run->record.span; first += FIND_MAX) {
		store_id left = run->record.span - first, n = left < FIND_MAX ? left : FIND_MAX;

		memset(addr, 0, sizeof(addr));
		for (store_id i = 0; i < n; i++) {
			const struct store_hot *hot = store_reader_hot(r, first + i);

			if (hot != NULL)
				memcpy(addr[i].byte, hot->addr.byte, sizeof(addr[i].byte));
		}
		dp_areas_find(ctl->dp, addr, n, run->dp->area + first);
	}
	return 0;
}

// Where the workers find that a MUK expired meanwhile, or lives again, they go by that.
static int ways_find(struct ctl *ctl, struct campaign_run *run, const struct store_reader *r)
{
	int64_t fresh_at = (int64_t)time(NULL) + (int64_t)ctl->conf->muk_margin_s;

	if (run->record.kind != STORE_CAMPAIGN_AUTO)
		return 0;
	run->dp->way = calloc(run->record.span + 1, 1);
	if (run->dp->way == NULL)
		return -ENOMEM;
	for (store_id id = 0; id < run->record.span; id++) {
		const struct store_hot *hot = store_reader_hot(r, id);

		if (run->dp->round[id] != DP_MEMBER_NONE && hot != NULL &&
			(store_hot_flags(hot) & STORE_HAS_MUK) != 0 &&
			(int64_t)hot->expires <= fresh_at)
			run->dp->way[id] = DP_WAY_SOLICIT;
	}
	return 0;
}

int campaign_members_part(struct ctl *ctl, struct campaign_run *run, const struct store_reader *r)
{
	int ret = areas_find(ctl, run, r);

	return ret != 0 ? ret : ways_find(ctl, run, r);
}

// --- All of it ------------------------------------------------------------------------------

// Those registered with and authorised for a service of the group, MUK or not.
static int members_all(struct campaign_run *run, const struct store_reader *r)
{
	struct store_eligibility eligibility;
	int ret = store_eligibility_load(r, &run->record.group, &eligibility);

	if (ret != 0)
		return ret;
	for (store_id id = 0; id < run->record.span; id++) {
		const struct store_hot *hot = store_reader_hot(r, id);

		if (run->dp->round[id] != DP_MEMBER_NONE || hot == NULL ||
			(store_hot_flags(hot) & STORE_LIVE) == 0 ||
			!store_eligibility_is_member(&eligibility, hot))
			continue;
		run->dp->round[id] = 0;
		atomic_store(&run->dp->is_dirty[id / STORE_SLICE], 1);
	}
	store_eligibility_free(&eligibility);
	return 0;
}

int campaign_members_join(struct campaign_run *run, const struct store_reader *r)
{
	if (run->record.only != STORE_ID_NONE || (run->record.flags & STORE_CAMPAIGN_FIXED) != 0)
		return 0;
	return members_all(run, r);
}

int campaign_members_find(struct ctl *ctl, struct campaign_run *run, const struct store_reader *r,
	const struct campaign_choice *choice)
{
	int ret;

	// A campaign for one subscriber takes him as he is; the worker says by name why it will
	// not send.
	if (run->record.only != STORE_ID_NONE) {
		run->dp->round[run->record.only] = 0;
		return 0;
	}
	ret = members_all(run, r);
	if (ret == 0 && choice->ids != NULL)
		ids_choose(run, choice);
	if (ret == 0 && choice->undelivered_of != 0)
		ret = undelivered_choose(run, r, choice->undelivered_of);
	if (ret == 0 && choice->area != 0) {
		ret = areas_find(ctl, run, r);
		if (ret == 0)
			area_choose(run, choice->area - 1);
	}
	if (ret == 0 && choice->sample_ppm != 0)
		ret = sample_choose(run, choice->sample_ppm);
	return ret;
}
