// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// What the operator sees of Ua.

#include <string.h>

#include "admin.h"
#include "campaign_run.h"
#include "conf.h"
#include "dp.h"
#include "key_source.h"
#include "ua.h"

json_t *admin_ua_status(const struct ua *ua)
{
	const char *at = ua_addresses(ua);
	json_t *addresses = json_array();
	struct ua_stats stats;

	while (*at != '\0') {
		size_t len = strcspn(at, " ");

		json_array_append_new(addresses, json_stringn(at, len));
		at += len + (at[len] == ' ');
	}
	ua_stats_read(ua, &stats);
	return json_pack("{s:o, s:I, s:I}", "listen", addresses, "connections",
		(json_int_t)stats.connections, "waiting", (json_int_t)stats.waiting);
}

// By procedure and outcome; what never came is left out: there are many.
static json_t *results_json(const struct ua_stats *stats)
{
	json_t *out = json_object();

	for (unsigned p = 0; p <= UA_PROCEDURES; p++) {
		json_t *results = json_object();

		for (unsigned i = 0; i < UA_RESULTS; i++)
			if (stats->result[p][i] != 0)
				json_object_set_new(results, ua_result_name((enum ua_result)i),
					json_integer((json_int_t)stats->result[p][i]));
		json_object_set_new(out, ua_procedure_name((enum ua_procedure)p), results);
	}
	return out;
}

static json_t *items_json(const struct ua_stats *stats)
{
	json_t *out = json_object();

	for (unsigned p = 0; p < UA_PROCEDURES; p++) {
		json_t *codes = json_object();

		for (unsigned i = 0; i < UA_ITEM_CODES; i++)
			if (stats->item[p][i] != 0)
				json_object_set_new(codes, ua_item_code((enum ua_item_code)i),
					json_integer((json_int_t)stats->item[p][i]));
		json_object_set_new(out, ua_procedure_name((enum ua_procedure)p), codes);
	}
	return out;
}

static json_t *key_source_json(const struct ua *ua)
{
	struct key_source_stats s;

	if (ua_key_source(ua) == NULL)
		return json_null();
	key_source_stats_read(ua_key_source(ua), &s);
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "asked", (json_int_t)s.asked,
		"coalesced", (json_int_t)s.coalesced, "remembered", (json_int_t)s.remembered,
		"known", (json_int_t)s.answered[KEY_KNOWN], "not_known",
		(json_int_t)s.answered[KEY_NOT_KNOWN], "not_authorised",
		(json_int_t)s.answered[KEY_NOT_AUTHORISED], "busy",
		(json_int_t)s.answered[KEY_BUSY]);
}

// How solicited pulls are governed; rate is null when they are not, 0 when none may be sent.
json_t *admin_governor_json(struct ctl *ctl)
{
	const struct governor *g = &ctl->campaigns->governor;
	uint32_t rate = 0;

	pthread_mutex_lock(&ctl->dp_lock);
	if (ctl->dp != NULL)
		rate = dp_solicit_rate(ctl->dp);
	pthread_mutex_unlock(&ctl->dp_lock);
	return json_pack("{s:o, s:f, s:f}", "rate",
		rate == 0 ? json_null() : json_integer(rate == DP_RATE_NOTHING ? 0 : rate),
		"utilisation", g->utilisation, "p99_ms", g->p99_ms);
}

json_t *admin_ua_stats(const struct ua *ua)
{
	struct ua_stats s;

	ua_stats_read(ua, &s);
	return json_pack("{s:o, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:o}",
		"requests", results_json(&s), "items", items_json(&s), "connections",
		(json_int_t)s.connections, "connections_accepted",
		(json_int_t)s.connections_accepted, "connections_slow",
		(json_int_t)s.connections_slow, "connections_shed", (json_int_t)s.connections_shed,
		"http_errors", (json_int_t)s.http_errors, "waiting", (json_int_t)s.waiting,
		"pushes_ordered", (json_int_t)s.pushes_ordered, "ha1_made", (json_int_t)s.ha1_made,
		"bodies_read", (json_int_t)s.bodies_read, "busy_s", (double)s.busy_ns / 1e9,
		"key_source", key_source_json(ua));
}

static json_t *pull_json(const struct ua_note *note)
{
	if (note->at_s == 0)
		return json_null();
	return json_pack("{s:o, s:s, s:s}", "at", admin_time_s(note->at_s), "procedure",
		ua_procedure_name((enum ua_procedure)note->procedure), "result",
		ua_result_name((enum ua_result)note->result));
}

static json_t *push_json(struct ctl *ctl, store_id id)
{
	struct dp_push_note note = {0};
	struct store_group_id group;

	pthread_mutex_lock(&ctl->dp_lock);
	if (ctl->dp != NULL)
		dp_push_note(ctl->dp, id, &note);
	pthread_mutex_unlock(&ctl->dp_lock);
	if (note.state == DP_PUSH_NONE)
		return json_null();
	group.group = note.group;
	memcpy(group.kdi, note.kdi, sizeof(group.kdi));
	return json_pack("{s:o, s:o, s:o, s:s, s:i, s:s?, s:s?}", "at", admin_time_s(note.at_s),
		"group", admin_group_json(&group), "msk", admin_hex_u32(note.number, 4), "state",
		dp_push_state_name(note.state), "sends", (int)note.sends, "reason",
		note.state == DP_PUSH_REFUSED ? dp_refusal_name(note.refusal) : NULL, "why",
		note.state == DP_PUSH_REFUSED ? dp_refusal_text(note.refusal) : NULL);
}

void admin_ua_notes_add(json_t *subscriber, struct ctl *ctl, store_id id)
{
	struct ua_note pull;
	bool is_anothers;

	ua_note_read(ctl->ua, id, &pull);
	// Single pushes come of requests: who made none has the id of somebody who did.
	is_anothers = ctl->ua != NULL && pull.at_s == 0;
	json_object_set_new(subscriber, "last_pull", pull_json(&pull));
	json_object_set_new(
		subscriber, "last_push", is_anothers ? json_null() : push_json(ctl, id));
}
