// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// What phones hear of the BM-SC by MIKEY and do about it over HTTP. Two things make a phone fetch
// unasked: a solicited pull, at once, and an unknown MSK ID in the traffic, at a random moment of
// the back-off. Either way it does so once per key group within the back-off. An unknown MSK ID
// will be met again, so a further one is passed over; a further solicited pull is put off to the
// end of the back-off, unless the phone is about to ask anyway.

#include "ua_inside.h"

#include <stdlib.h>

static uint32_t pull_hash(uint32_t phone, const struct ue_subject *key)
{
	const uint32_t words[] = {phone, (uint32_t)key->profile << 16 | key->group,
		(uint32_t)key->kdi[0] << 16 | key->kdi[1] << 8 | key->kdi[2]};

	return ue_hash(words, sizeof(words));
}

static struct ue_ua_pull *pull_find(
	struct ue_ua *ua, uint32_t phone, const struct ue_subject *key, uint32_t hash)
{
	size_t cursor = hash;
	uint32_t at;

	while ((at = ue_index_next(&ua->by_pull, hash, &cursor)) != UE_NONE) {
		struct ue_ua_pull *pull = &ua->pulls[at];

		if (pull->phone == phone && pull->group == key->group &&
			pull->profile == key->profile &&
			memcmp(pull->kdi, key->kdi, sizeof(pull->kdi)) == 0)
			return pull;
	}
	return NULL;
}

static struct ue_ua_pull *pull_add(
	struct ue_ua *ua, uint32_t phone, const struct ue_subject *key, uint32_t hash)
{
	struct ue_ua_pull *pull;

	if (ua->pull_count == ua->pull_room) {
		uint32_t room = ua->pull_room != 0 ? 2 * ua->pull_room : 1024;
		struct ue_ua_pull *grown = reallocarray(ua->pulls, room, sizeof(*grown));

		if (grown == NULL)
			return NULL;
		ua->pulls = grown;
		ua->pull_room = room;
	}
	if (ue_index_add(&ua->by_pull, hash, ua->pull_count) != 0)
		return NULL;
	pull = &ua->pulls[ua->pull_count++];
	*pull = (struct ue_ua_pull){
		.phone = phone, .group = key->group, .profile = key->profile, .until = INT64_MIN};
	memcpy(pull->kdi, key->kdi, sizeof(pull->kdi));
	return pull;
}

// The record of a phone's pulls for a key group, made when there is none; NULL without memory.
static struct ue_ua_pull *pull_get(struct ue_ua *ua, uint32_t phone, const struct ue_subject *key)
{
	uint32_t hash = pull_hash(phone, key);
	struct ue_ua_pull *pull = pull_find(ua, phone, key, hash);

	if (pull == NULL)
		pull = pull_add(ua, phone, key, hash);
	if (pull == NULL)
		ua->events[UE_UA_MEMORY]++;
	return pull;
}

static int64_t back_off_us(const struct ue_ua *ua)
{
	return ua->conf.missed_wait_us + ua->conf.missed_back_off_us;
}

// True when a body asks for an MSK of the key's group, whichever.
static bool body_is_about(const struct ue_ua_body *body, const struct ue_subject *key)
{
	for (size_t i = 0; i < body->count; i++) {
		struct ue_subject any = body->subjects[i];

		any.number = 0;
		if (ue_ua_is_about(&any, key))
			return true;
	}
	return false;
}

// True when the phone has sent a request for this group, or waits for what it brings.
static bool is_pulling(
	const struct ue_ua *ua, const struct ue_ua_phone *s, const struct ue_subject *key)
{
	if (s->state == UE_UA_ASKING && s->asking == UE_FETCH &&
		body_is_about(&ua->bodies[s->asked], key))
		return true;
	return s->awaited != 0 && body_is_about(&ua->bodies[s->fetched], key);
}

static bool is_about_to_pull(
	const struct ue_ua *ua, const struct ue_ua_phone *s, const struct ue_subject *key)
{
	return s->state == UE_UA_DUE && (s->wants & 1u << UE_FETCH) != 0 &&
		body_is_about(&ua->bodies[s->body[UE_FETCH]], key);
}

void ue_ua_miss(
	struct ue_ua *ua, uint32_t phone, const struct ue_subject *key, const struct ue_now *now)
{
	const struct ue_ua_conf *conf = &ua->conf;
	struct ue_ua_phone *s = &ua->states[phone];
	struct ue_ua_pull *pull = pull_get(ua, phone, key);
	int64_t due = now->mono + conf->missed_wait_us +
		(int64_t)ue_rng_below(&ua->rng, (uint64_t)conf->missed_back_off_us + 1);

	if (pull == NULL)
		return;
	if (now->mono < pull->until || is_pulling(ua, s, key) || is_about_to_pull(ua, s, key)) {
		ua->events[UE_UA_MERGED]++;
		return;
	}
	pull->from = now->mono;
	pull->until = now->mono + back_off_us(ua);
	ua->events[UE_UA_MISSED]++;
	ue_ua_want(ua, phone, UE_FETCH, key, 1, due);
	s->reasons |= 1u << UE_WAY_MISSED;
}

// A solicited pull that held (spec 3.10).
static void solicit_hear(
	struct ue_ua *ua, uint32_t phone, const struct ue_subject *key, const struct ue_now *now)
{
	struct ue_ua_phone *s = &ua->states[phone];
	struct ue_ua_pull *pull = pull_get(ua, phone, key);
	bool is_about_to = is_about_to_pull(ua, s, key);

	ua->events[UE_UA_SOLICITED]++;
	if (pull == NULL)
		return;
	s->reasons |= 1u << UE_WAY_SOLICITED;
	if (is_pulling(ua, s, key) || (is_about_to && s->failures > 0)) {
		ua->events[UE_UA_MERGED]++;
		return;
	}
	if (!is_about_to) {
		pull->from = pull->until > now->mono ? pull->until : now->mono;
		pull->until = pull->from + back_off_us(ua);
		ua->events[UE_UA_DEFERRED] += pull->from > now->mono;
	}
	ue_ua_want(ua, phone, UE_FETCH, key, 1, pull->from > now->mono ? pull->from : now->mono);
}

// What brought an MSK: a pull that is under way, or a push.
static enum ue_way way_of(const struct ue_ua_phone *s, bool is_awaited)
{
	if (is_awaited && (s->reasons & 1u << UE_WAY_SOLICITED) != 0)
		return UE_WAY_SOLICITED;
	if (is_awaited && (s->reasons & 1u << UE_WAY_MISSED) != 0)
		return UE_WAY_MISSED;
	// The MSKs that follow a registration are not awaited one by one.
	return (s->reasons & 1u << UE_WAY_ASKED) != 0 ? UE_WAY_ASKED : UE_WAY_PUSHED;
}

static uint64_t subjects_about(const struct ue_ua_body *body, const struct ue_subject *key)
{
	uint64_t about = 0;

	for (size_t i = 0; i < body->count; i++) {
		if (ue_ua_is_about(&body->subjects[i], key))
			about |= (uint64_t)1 << i;
	}
	return about;
}

// True when the MSK is one that the phone's pull was promised. One that comes before the phone has
// asked is the same as far as it knows: the BM-SC merges requests while a push is under way.
static bool msk_take(struct ue_ua *ua, struct ue_ua_phone *s, const struct ue_subject *key)
{
	uint64_t before = s->awaited;

	if ((s->wants & 1u << UE_FETCH) != 0)
		s->came |= subjects_about(&ua->bodies[s->body[UE_FETCH]], key);
	if (before != 0)
		s->awaited &= ~subjects_about(&ua->bodies[s->fetched], key);
	return s->awaited != before;
}

// A missed update that has come by itself is not asked for any more.
static void miss_end(struct ue_ua *ua, uint32_t phone, const struct ue_subject *key)
{
	struct ue_ua_phone *s = &ua->states[phone];
	const struct ue_ua_body *body;

	if (s->state != UE_UA_DUE || s->wants != 1u << UE_FETCH ||
		s->reasons != 1u << UE_WAY_MISSED)
		return;
	body = &ua->bodies[s->body[UE_FETCH]];
	if (body->count != 1 || !ue_ua_is_about(&body->subjects[0], key))
		return;
	ua->events[UE_UA_OVERTAKEN]++;
	s->wants = 0;
	s->reasons = 0;
	s->failures = 0;
	ue_ua_enter(ua, phone, UE_UA_IDLE, 0);
}

static enum ue_way msk_hear(
	struct ue_ua *ua, uint32_t phone, const struct ue_subject *key, const struct ue_now *now)
{
	struct ue_ua_phone *s = &ua->states[phone];
	bool is_awaited = msk_take(ua, s, key);
	enum ue_way way = way_of(s, is_awaited);

	// Before the 200 was read it is not known what had to come.
	if (is_awaited && s->awaited == 0 && s->promised_at != 0)
		ue_ua_msk_came(ua, phone, now);
	if (!is_awaited)
		miss_end(ua, phone, key);
	if (s->awaited == 0 && s->wants == 0 && s->state != UE_UA_ASKING)
		s->reasons = 0;
	return way;
}

enum ue_way ue_ua_hear(struct ue_ua *ua, const struct ue_receipt *receipt, const struct ue_now *now)
{
	struct ue_subject key = {
		.profile = (uint8_t)receipt->profile,
		.group = receipt->id.group,
		.number = receipt->id.number,
	};

	// A request in v600 names the group alone.
	if (receipt->profile == MIKEY_PROFILE_TS33246)
		memcpy(key.kdi, receipt->id.kdi, sizeof(key.kdi));
	if (receipt->is_solicit)
		solicit_hear(ua, receipt->phone, &key, now);
	else if (!receipt->change.is_revoked)
		return msk_hear(ua, receipt->phone, &key, now);
	return UE_WAY_PUSHED;
}

bool ue_ua_is_concerned(const struct ue_ua *ua, uint32_t phone, const struct mikey_key_id *id)
{
	const struct ue_phones *phones = ua->phones;

	for (size_t i = 0; i < ua->conf.key_count; i++) {
		if (ua->conf.keys[i].group == id->group)
			return true;
	}
	for (uint32_t at = phones->phones[phone].holding; at != UE_NONE;
		at = phones->holdings[at].next) {
		if (phones->msks[phones->holdings[at].msk].group == id->group)
			return true;
	}
	return ua->conf.key_count == 0;
}

bool ue_ua_has_left(const struct ue_ua *ua, uint32_t phone)
{
	return ua->states[phone].state == UE_UA_GONE;
}
