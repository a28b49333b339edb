// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// MSK requests (TS 33.246 6.3.2.2): for each key that was asked for, whether the phone may have it,
// and a push of it. Nothing is written, so nothing is waited for.

#include <string.h>

#include "dp.h"
#include "ua_server.h"

#define CHALLENGE_S 30 // a nonce is one of a challenge for this long

static const struct ua_group *group_of(struct ua_call *call, const struct ua_item *item)
{
	struct ua_thread *t = call->thread;
	struct store_group_id id = {.group = item->group};

	if (item->kind == UA_ITEM_GROUP)
		return ua_catalogue_old_group(t->catalogue, t->reader, item->group);
	memcpy(id.kdi, item->kdi, sizeof(id.kdi));
	return ua_catalogue_group(t->catalogue, t->reader, &id);
}

static bool has_place(const struct ua_call *call, const struct store_hot *hot)
{
	static const struct store_addr none;
	struct store_addr addr;

	return ua_place_of(call, &addr) || memcmp(&hot->addr, &none, sizeof(none)) != 0;
}

static bool is_asked_for(const struct ua_group *group, const struct ua_item *item, uint16_t number)
{
	return item->number == 0 ? number == group->current || number == group->next
				 : item->number == number;
}

// A missed update is fetched once within the back-off that is announced: who has verified since
// then what it asks for lacks nothing. What is known of the last push may be from before a new
// bootstrapping, which may have taken the MSKs along, or of another subscriber who had this id:
// then nothing has been verified under the present MUK.
static bool is_too_soon(const struct ua_call *call, const struct ua_group *group,
	const struct ua_item *item, const struct store_hot *hot)
{
	const struct conf *conf = call->thread->ua->conf;
	int64_t back_off_s = (int64_t)(conf->ua.wait_time_s + conf->ua.max_back_off_s);
	struct dp_push_note note;

	if (!group->is_spaced || (store_hot_flags(hot) & STORE_MUK_VERIFIED) == 0)
		return false;
	dp_push_note(call->thread->ua->ctl->dp, call->id, &note);
	return note.state == DP_PUSH_VERIFIED && note.group == group->id.group &&
		memcmp(note.kdi, group->id.kdi, sizeof(note.kdi)) == 0 &&
		is_asked_for(group, item, note.number) &&
		note.at_s + back_off_s > call->thread->unix_s;
}

// Key Number 0: the current MSK, then the next one if it is released; the UE keeps both, in this
// order.
static enum ua_item_code group_push(struct ua_call *call, const struct ua_group *group,
	const struct ua_item *item, const struct store_hot *hot)
{
	// Who never registered may ask all the same; who did, and leaves, is sent nothing more.
	bool is_member = store_eligibility_is_member(&group->eligibility, hot);
	bool wants_current = item->number == 0 || item->number == group->current;
	bool wants_next = item->number == 0 || item->number == group->next;

	if (group->current == 0 && group->next == 0)
		return UA_ITEM_NO_MSK;
	if (!wants_current && !wants_next)
		return UA_ITEM_UNKNOWN;
	if (is_too_soon(call, group, item, hot))
		return UA_ITEM_TOO_SOON;
	if (!ua_orders_have_room(call->thread, 2))
		return UA_ITEM_BUSY;
	if (wants_current && group->current != 0)
		ua_order_push(call, group, group->current, is_member);
	if (wants_next && group->next != 0)
		ua_order_push(call, group, group->next, is_member);
	return UA_ITEM_OK;
}

static enum ua_item_code item_run(
	struct ua_call *call, const struct ua_item *item, const struct store_hot *hot)
{
	const struct ua_group *group = group_of(call, item);

	if (group == NULL)
		return UA_ITEM_UNKNOWN;
	if (!store_eligibility_is_authorised(&group->eligibility, hot))
		return UA_ITEM_FORBIDDEN;
	if (!has_place(call, hot))
		return UA_ITEM_NO_ADDRESS;
	return group_push(call, group, item, hot);
}

// A nonce that was issued a moment ago, and is used for the first time.
static bool is_challenged(const struct ua_call *call)
{
	return call->auth.nc == 1 &&
		ua_nonce_age_s(call->nonce.issued_s, call->thread->now_s) <= CHALLENGE_S;
}

enum ua_result ua_msk_demand(struct ua_call *call)
{
	const struct store_hot *hot = store_reader_hot(call->thread->reader, call->id);
	const struct ua_items *items = &call->items->items;
	unsigned policy = STORE_POLICY_ACCEPT;

	for (unsigned i = 0; i < items->n; i++) {
		const struct ua_group *group = group_of(call, &items->item[i]);
		unsigned its = group != NULL ? ua_group_policy(group, hot) : policy;

		policy = its > policy ? its : policy;
	}
	if (policy == STORE_POLICY_BOOTSTRAP && (store_hot_flags(hot) & STORE_MUK_VERIFIED) != 0)
		return UA_RENEWAL;
	if (policy == STORE_POLICY_REAUTHENTICATE && !is_challenged(call))
		return UA_REAUTHENTICATE;
	return UA_OK;
}

void ua_msk_run(struct ua_call *call)
{
	const struct store_hot *hot = store_reader_hot(call->thread->reader, call->id);
	const struct ua_items *items = &call->items->items;

	for (unsigned i = 0; i < items->n; i++)
		call->code[i] = (uint8_t)item_run(call, &items->item[i], hot);
	ua_place_note(call, hot);
}
