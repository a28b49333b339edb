// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The story of one subscriber: its record, its key groups and whether it has their MSK, what
// campaigns made of it, and what happened since the daemon started.

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "admin_campaign_json.h"
#include "conf.h"
#include "dp.h"
#include "history.h"
#include "msk.h"
#include "subscriber_json.h"
#include "ua_items.h"
#include "ua_result.h"

#define EVENTS_USUAL 100
#define EVENTS_MAX 10000
#define CAMPAIGNS_MAX 100 // the newest ones
#define GROUPS_MAX (STORE_SET_MAX * STORE_SERVICE_GROUPS_MAX)

// A key group that the subscriber has to do with, and how its newest MSK fared.
struct trace_group {
	struct store_group_id id;
	bool is_authorised;
	bool is_member;
	bool has_msk;
	uint16_t number;
	uint8_t msk_state;
	char check[MSK_CHECK_TEXT];
	// The last thing that is known of this MSK; a verification outlasts all else.
	const char *state; // NULL: nothing was sent
	const char *why;
	uint32_t campaign; // 0: a single push
	uint64_t at_ms;
};

struct trace {
	const struct admin_request *req;
	struct store_reader *r;
	store_id id;
	struct store_hot hot; // as it was at the beginning: the reader moves on
	struct trace_group group[GROUPS_MAX];
	size_t groups;
	struct history_event *event;
	size_t events;
	uint64_t removed_ms; // of who had the id before
	json_t *campaigns;
};

// --- Key groups -----------------------------------------------------------------------------

static bool group_is(const struct store_group_id *a, const struct store_group_id *b)
{
	return a->group == b->group && memcmp(a->kdi, b->kdi, sizeof(a->kdi)) == 0;
}

static void group_fill(struct trace *t, struct trace_group *g)
{
	struct store_eligibility eligibility;
	struct store_msk msk;

	if (store_eligibility_load(t->r, &g->id, &eligibility) == 0) {
		g->is_authorised = store_eligibility_is_authorised(&eligibility, &t->hot);
		g->is_member = store_eligibility_is_member(&eligibility, &t->hot);
		store_eligibility_free(&eligibility);
	}
	g->has_msk = store_reader_msk_newest(t->r, &g->id, &msk) == 0;
	if (!g->has_msk)
		return;
	g->number = msk.number;
	g->msk_state = msk.state;
	msk_check_text(&msk.key, g->check);
	explicit_bzero(&msk, sizeof(msk));
}

static void group_add(struct trace *t, const struct store_group_id *id)
{
	for (size_t i = 0; i < t->groups; i++)
		if (group_is(&t->group[i].id, id))
			return;
	if (t->groups == GROUPS_MAX)
		return;
	t->group[t->groups].id = *id;
	group_fill(t, &t->group[t->groups++]);
}

static void set_add(struct trace *t, store_set set)
{
	store_service_id ids[STORE_SET_MAX];
	size_t n = store_reader_set(t->r, set, ids);
	struct store_service service;

	for (size_t i = 0; i < n; i++) {
		if (store_reader_service(t->r, ids[i], &service) != 0)
			continue;
		for (unsigned k = 0; k < service.group_count; k++)
			group_add(t, &service.group[k]);
	}
}

static bool is_verified(const char *state)
{
	return state != NULL && strcmp(state, "verified") == 0;
}

// Something became known of an MSK: now is what counts, unless it was verified before.
static void group_learn(struct trace *t, const struct store_group_id *id, uint16_t number,
	const struct trace_group *now)
{
	for (size_t i = 0; i < t->groups; i++) {
		struct trace_group *g = &t->group[i];

		if (!group_is(&g->id, id) || !g->has_msk || g->number != number ||
			is_verified(g->state) ||
			(g->at_ms > now->at_ms && !is_verified(now->state)))
			continue;
		g->state = now->state;
		g->why = now->why;
		g->campaign = now->campaign;
		g->at_ms = now->at_ms;
	}
}

// Why no MSK of the group would be pushed to it now, 0: nothing is in the way.
static unsigned group_refusal(const struct trace *t, const struct trace_group *g)
{
	int64_t fresh_at = (int64_t)time(NULL) + (int64_t)t->req->ctl->conf->muk_margin_s;

	if (!g->is_authorised)
		return DP_REFUSED_NOT_AUTHORISED;
	if (!g->is_member)
		return DP_REFUSED_LEFT;
	return campaign_refusal(STORE_CAMPAIGN_PUSH, &t->hot, fresh_at);
}

static const char *msk_state_text(const struct trace_group *g)
{
	return g->msk_state == STORE_MSK_NEXT ? "next" : "current";
}

static json_t *group_json(const struct trace *t, const struct trace_group *g)
{
	unsigned refusal = group_refusal(t, g);
	json_t *delivery = json_null(), *msk = json_null();

	if (g->has_msk)
		msk = json_pack("{s:o, s:s, s:s}", "number", admin_hex_u32(g->number, 4), "check",
			g->check, "state", msk_state_text(g));
	if (g->state != NULL)
		delivery = json_pack("{s:s, s:s?, s:o, s:o}", "state", g->state, "why", g->why,
			"campaign", g->campaign != 0 ? json_integer(g->campaign) : json_null(),
			"at", admin_time_ms(g->at_ms));
	return json_pack("{s:o, s:b, s:b, s:o, s:o, s:s?, s:s?}", "group", admin_group_json(&g->id),
		"is_authorised", g->is_authorised, "is_member", g->is_member, "msk", msk,
		"delivery", delivery, "reason", refusal == 0 ? NULL : dp_refusal_name(refusal),
		"why", refusal == 0 ? NULL : dp_refusal_text(refusal));
}

static json_t *groups_json(const struct trace *t)
{
	json_t *out = json_array();

	for (size_t i = 0; i < t->groups; i++)
		json_array_append_new(out, group_json(t, &t->group[i]));
	return out;
}

// --- Campaigns ------------------------------------------------------------------------------

static void campaign_add(struct trace *t, const struct store_campaign *record, uint8_t state)
{
	struct admin_member member = admin_member_of(state, record);
	struct trace_group now = {
		.state = member.state,
		.why = member.why,
		.campaign = record->id,
		.at_ms = record->ended_ms != 0 ? record->ended_ms : record->started_ms,
	};

	group_learn(t, &record->group, record->msk_number, &now);
	if (json_array_size(t->campaigns) == CAMPAIGNS_MAX)
		json_array_remove(t->campaigns, 0);
	json_array_append_new(t->campaigns,
		json_pack("{s:I, s:s, s:o, s:o, s:s, s:o, s:o, s:s, s:s?, s:o}", "id",
			(json_int_t)record->id, "kind", admin_campaign_kind_text(record->kind),
			"group", admin_group_json(&record->group), "msk",
			admin_hex_u32(record->msk_number, 4), "campaign",
			admin_campaign_state_text(record), "started",
			admin_time_ms(record->started_ms), "ended", admin_time_ms(record->ended_ms),
			"state", member.state, "why", member.why, "sends",
			admin_member_sends_json(&member)));
}

// How a campaign stands: the record of one that is over is final, that of another may be behind.
// Moves the reader on.
static bool campaign_follow(struct trace *t, struct store_campaign *record)
{
	struct campaign_view view;

	if (record->ended_ms != 0)
		return true;
	if (campaign_view(t->req->ctl, t->r, record->id, &view) != 0)
		return false;
	*record = view.record;
	return true;
}

// Those whose member states are kept: the last eight of each kind over a key group.
static void campaigns_walk(struct trace *t)
{
	struct store_campaign record = {0};
	uint8_t states[STORE_SLICE];

	while (store_reader_campaign_next(t->r, record.id, &record) == 0) {
		uint8_t *state = &states[t->id % STORE_SLICE];

		if (t->id >= record.span || record.created_ms < t->removed_ms ||
			campaign_slice_read(
				t->req->ctl, t->r, record.id, t->id / STORE_SLICE, states) != 0 ||
			*state == STORE_MEMBER_NONE || !campaign_follow(t, &record))
			continue;
		campaign_add(t, &record, *state);
	}
}

// --- Events ---------------------------------------------------------------------------------

static json_t *service_json(const struct trace *t, store_service_id id)
{
	struct store_service service;

	return store_reader_service(t->r, id, &service) == 0 ? json_string(service.name)
							     : json_null();
}

static json_t *request_json(const struct history_event *e)
{
	return json_pack("{s:o, s:s, s:s, s:s, s:i, s:o}", "at", admin_time_ms(e->at_ms), "event",
		"request", "procedure", ua_procedure_name((enum ua_procedure)e->what), "result",
		ua_result_name((enum ua_result)e->result), "status",
		(int)ua_result_status((enum ua_result)e->result), "address",
		subscriber_address_json(&e->address));
}

static json_t *item_json(const struct trace *t, const struct history_event *e)
{
	bool is_msk = e->what == UA_MSK_REQUEST;

	return json_pack("{s:o, s:s, s:s, s:s, s:o, s:o, s:o}", "at", admin_time_ms(e->at_ms),
		"event", "item", "procedure", ua_procedure_name((enum ua_procedure)e->what), "code",
		ua_item_code((enum ua_item_code)e->result), "service",
		is_msk ? json_null() : service_json(t, e->service), "group",
		is_msk ? admin_group_json(&e->group) : json_null(), "msk",
		is_msk ? admin_hex_u32(e->number, 4) : json_null());
}

static json_t *push_json(const struct history_event *e)
{
	bool is_refused = e->what == DP_PUSH_REFUSED;

	return json_pack("{s:o, s:s, s:o, s:o, s:s, s:i, s:s?, s:s?}", "at",
		admin_time_ms(e->at_ms), "event", "push", "group", admin_group_json(&e->group),
		"msk", admin_hex_u32(e->number, 4), "state", dp_push_state_name(e->what), "sends",
		(int)e->sends, "reason", is_refused ? dp_refusal_name(e->result) : NULL, "why",
		is_refused ? dp_refusal_text(e->result) : NULL);
}

static void push_learn(struct trace *t, const struct history_event *e)
{
	struct trace_group now = {
		.state = dp_push_state_name(e->what),
		.why = e->what == DP_PUSH_REFUSED ? dp_refusal_name(e->result) : NULL,
		.at_ms = e->at_ms,
	};

	group_learn(t, &e->group, e->number, &now);
}

static json_t *events_json(struct trace *t)
{
	json_t *out = json_array();

	for (size_t i = 0; i < t->events; i++) {
		const struct history_event *e = &t->event[i];

		if (e->kind == HISTORY_PUSH)
			push_learn(t, e);
		json_array_append_new(out,
			e->kind == HISTORY_REQUEST	  ? request_json(e)
				: e->kind == HISTORY_ITEM ? item_json(t, e)
							  : push_json(e));
	}
	return out;
}

// --- The answer -----------------------------------------------------------------------------

// Its last value, and how far that runs ahead of the clock.
static json_t *counter_json(struct ctl *ctl, store_id id)
{
	uint32_t last = 0, now = 0;

	pthread_mutex_lock(&ctl->dp_lock);
	if (ctl->dp != NULL) {
		last = dp_counter_last(ctl->dp, id);
		now = dp_counter_now(ctl->dp);
	}
	pthread_mutex_unlock(&ctl->dp_lock);
	return json_pack("{s:I, s:I, s:I}", "last", (json_int_t)last, "now", (json_int_t)now,
		"ahead_s", (json_int_t)(last > now ? last - now : 0));
}

// From when on all events are there, null: none are kept.
static json_t *since_json(struct ctl *ctl)
{
	uint64_t since_ms = history_since_ms(ctl->history);

	if (ctl->history == NULL)
		return json_null();
	return admin_time_ms(since_ms != 0 ? since_ms : (uint64_t)ctl->started_ms);
}

static json_t *trace_json(struct trace *t)
{
	struct ctl *ctl = t->req->ctl;
	json_t *subscriber = subscriber_json(t->r, t->id, time(NULL)), *events;

	if (subscriber == NULL)
		return NULL;
	admin_ua_notes_add(subscriber, ctl, t->id);
	set_add(t, store_hot_authorised(&t->hot));
	set_add(t, store_hot_registered(&t->hot));
	campaigns_walk(t);
	events = events_json(t);
	return json_pack("{s:o, s:o, s:o, s:O, s:o, s:o}", "subscriber", subscriber, "counter",
		counter_json(ctl, t->id), "groups", groups_json(t), "campaigns", t->campaigns,
		"events", events, "events_since", since_json(ctl));
}

static void trace_answer(struct trace *t, struct admin_reply *reply, uint64_t limit)
{
	const struct store_hot *hot = store_reader_hot(t->r, t->id);

	if (hot != NULL)
		t->hot = *hot;
	t->event = calloc(limit, sizeof(*t->event));
	t->campaigns = json_array();
	if (hot != NULL && t->event != NULL)
		t->events =
			history_read(t->req->ctl->history, t->id, t->event, limit, &t->removed_ms);
	reply->body = hot != NULL && t->event != NULL ? trace_json(t) : NULL;
	if (reply->body == NULL)
		admin_error_store(reply, t->event == NULL ? -ENOMEM : -EIO, "subscriber");
	json_decref(t->campaigns);
	free(t->event);
}

void admin_subscriber_trace(const struct admin_request *req, struct admin_reply *reply)
{
	uint64_t limit = EVENTS_USUAL;
	struct trace *t;

	if (admin_query_u64(req, reply, "limit", EVENTS_MAX, &limit) < 0)
		return;
	if (limit == 0) {
		admin_error(reply, 400, "bad-query", "limit has to be 1 to %d.", EVENTS_MAX);
		return;
	}
	t = calloc(1, sizeof(*t));
	if (t == NULL) {
		admin_error_store(reply, -ENOMEM, "subscriber");
		return;
	}
	t->req = req;
	if (admin_subscriber_open(req, reply, &t->r, &t->id) == 0) {
		trace_answer(t, reply, limit);
		ctl_reader_put(req->ctl, t->r);
	}
	free(t);
}
