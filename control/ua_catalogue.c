// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "ua_catalogue.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SEATS 256

struct seat {
	struct ua_group group;
	uint64_t version; // of the snapshot it was read from, 0: never
	bool is_there;
};

// Which domain a group number of the old profile is of.
struct old_seat {
	struct store_group_id id;
	uint64_t version;
	bool is_there;
};

struct ua_catalogue {
	struct seat seat[SEATS];
	struct old_seat old[SEATS];
};

int ua_catalogue_create(struct ua_catalogue **out)
{
	*out = calloc(1, sizeof(**out));
	return *out == NULL ? -ENOMEM : 0;
}

void ua_catalogue_destroy(struct ua_catalogue *c)
{
	if (c == NULL)
		return;
	for (int i = 0; i < SEATS; i++)
		store_eligibility_free(&c->seat[i].group.eligibility);
	free(c);
}

static bool id_is(const struct store_group_id *a, const struct store_group_id *b)
{
	return a->group == b->group && memcmp(a->kdi, b->kdi, sizeof(a->kdi)) == 0;
}

// The MSKs that are given out: the current one, and the next one once it is released. One that was
// revoked is no answer to a request: the phone would delete it, and ask again.
static void msks_load(struct ua_group *group, const struct store_reader *r)
{
	struct store_msk msk = {0};

	group->current = group->next = group->revoked[0] = group->revoked[1] = 0;
	while (store_reader_msk_next(r, &group->id, msk.number, &msk) == 0) {
		bool is_current = msk.state == STORE_MSK_CURRENT;

		if (!is_current && (msk.state != STORE_MSK_NEXT || !msk.is_released))
			continue;
		if (msk.seq_l > msk.seq_u)
			group->revoked[!is_current] = msk.number;
		else if (is_current)
			group->current = msk.number;
		else
			group->next = msk.number;
	}
	explicit_bzero(&msk, sizeof(msk));
}

static bool has_open_campaign(const struct store_reader *r, const struct store_group_id *id)
{
	struct store_campaign c = {0};

	while (store_reader_campaign_next(r, c.id, &c) == 0)
		if (id_is(&c.group, id) &&
			(c.state == STORE_CAMPAIGN_RUNNING || c.state == STORE_CAMPAIGN_PAUSED))
			return true;
	return false;
}

static bool is_spaced(const struct store_reader *r, const struct store_group_id *id)
{
	struct store_bearer bearer;

	return store_reader_bearer(r, id, &bearer) == 0 && (bearer.flags & STORE_BEARER_ON) != 0 &&
		!has_open_campaign(r, id);
}

static bool service_names(const struct store_service *service, const struct store_group_id *id)
{
	for (unsigned i = 0; i < service->group_count; i++)
		if (id_is(&service->group[i], id))
			return true;
	return false;
}

// Services in the order of their numbers, as the masks have them.
static void policies_load(struct ua_group *group, const struct store_reader *r)
{
	struct store_service service = {0};
	uint64_t bit = 1;

	group->reauthenticates = group->bootstraps = 0;
	while (store_reader_service_next(r, service.id, &service) == 0) {
		if (!service_names(&service, &group->id))
			continue;
		if (service.policy == STORE_POLICY_REAUTHENTICATE)
			group->reauthenticates |= bit;
		if (service.policy == STORE_POLICY_BOOTSTRAP)
			group->bootstraps |= bit;
		bit <<= 1;
	}
}

unsigned ua_group_policy(const struct ua_group *group, const struct store_hot *hot)
{
	const struct store_eligibility *e = &group->eligibility;
	uint32_t set = store_hot_authorised(hot);
	uint64_t mask = set < e->set_count ? e->mask[set] : 0;

	return (mask & group->bootstraps) != 0	       ? STORE_POLICY_BOOTSTRAP
		: (mask & group->reauthenticates) != 0 ? STORE_POLICY_REAUTHENTICATE
						       : STORE_POLICY_ACCEPT;
}

static void eligibility_load(struct ua_group *group, const struct store_reader *r, bool is_same)
{
	struct store_eligibility *e = &group->eligibility;

	if (is_same && e->mask != NULL && e->dict_version == store_reader_dict_version(r))
		return;
	store_eligibility_free(e);
	// Without it nobody is authorised.
	if (store_eligibility_load(r, &group->id, e) != 0)
		memset(e, 0, sizeof(*e));
	policies_load(group, r);
}

static void seat_load(struct seat *s, const struct store_reader *r, const struct store_group_id *id)
{
	bool is_same = s->version != 0 && id_is(&s->group.id, id);
	struct store_group record;

	s->version = store_reader_version(r);
	s->group.id = *id;
	s->is_there = store_reader_group(r, id, &record) == 0;
	if (!s->is_there)
		return;
	s->group.profile = record.profile;
	msks_load(&s->group, r);
	s->group.is_spaced = is_spaced(r, id);
	eligibility_load(&s->group, r, is_same);
}

const struct ua_group *ua_catalogue_group(
	struct ua_catalogue *c, const struct store_reader *r, const struct store_group_id *id)
{
	struct seat *s = &c->seat[(id->group ^ id->kdi[2] * 7u) % SEATS];

	if (s->version != store_reader_version(r) || !id_is(&s->group.id, id))
		seat_load(s, r, id);
	return s->is_there ? &s->group : NULL;
}

static void old_seat_load(struct old_seat *s, const struct store_reader *r, uint16_t number)
{
	struct store_group group = {0};

	s->version = store_reader_version(r);
	s->is_there = false;
	while (!s->is_there && store_reader_group_next(r, &group.id, &group) == 0)
		s->is_there = group.profile == STORE_PROFILE_V600 && group.id.group == number;
	s->id = group.id;
	s->id.group = number;
}

const struct ua_group *ua_catalogue_old_group(
	struct ua_catalogue *c, const struct store_reader *r, uint16_t number)
{
	struct old_seat *s = &c->old[number % SEATS];

	if (s->version != store_reader_version(r) || s->id.group != number)
		old_seat_load(s, r, number);
	return s->is_there ? ua_catalogue_group(c, r, &s->id) : NULL;
}
