// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "ua_inside.h"

static const char *const refusal_names[] = {
#define UE_UA_REFUSAL(NAME, name, text) name,
#include "ua_refusal.def"
#undef UE_UA_REFUSAL
};

static const char *const leave_names[] = {
#define UE_UA_LEAVE(NAME, name, text) name,
#include "ua_leave.def"
#undef UE_UA_LEAVE
};

static const char *const event_names[] = {
#define UE_UA_EVENT(NAME, name, text) name,
#include "ua_event.def"
#undef UE_UA_EVENT
};

static const char *const state_names[] = {
	[UE_UA_IDLE] = "idle",
	[UE_UA_DUE] = "due",
	[UE_UA_ASKING] = "asking",
	[UE_UA_EXPECTING] = "expecting",
	[UE_UA_GONE] = "gone",
};

// Those that are not zero, by name.
static json_t *counts_json(const char *const *names, const uint64_t *counts, size_t count)
{
	json_t *object = json_object();

	for (size_t i = 0; i < count; i++) {
		if (counts[i] > 0)
			json_object_set_new(object, names[i], json_integer((json_int_t)counts[i]));
	}
	return object;
}

// Likewise by HTTP status.
static json_t *statuses_json(const uint64_t counts[600])
{
	json_t *object = json_object();
	char name[8];

	for (unsigned i = 0; i < 600; i++) {
		if (counts[i] == 0)
			continue;
		snprintf(name, sizeof(name), "%u", i);
		json_object_set_new(object, name, json_integer((json_int_t)counts[i]));
	}
	return object;
}

static json_t *latency_json(const struct ue_histogram *histogram)
{
	static const struct {
		const char *name;
		double percent;
	} rows[] = {{"p50", 50}, {"p90", 90}, {"p99", 99}, {"p999", 99.9}};
	json_t *object = json_pack("{s:I}", "count", (json_int_t)histogram->count);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		json_object_set_new(object, rows[i].name,
			json_integer(
				(json_int_t)ue_histogram_percentile(histogram, rows[i].percent)));
	json_object_set_new(object, "max", json_integer((json_int_t)histogram->largest));
	return object;
}

static json_t *procedure_json(const struct ue_ua *ua, enum ue_procedure procedure)
{
	return json_pack("{s:I, s:o, s:o, s:o}", "requests", (json_int_t)ua->requests[procedure],
		"answers", statuses_json(ua->statuses[procedure]), "items",
		statuses_json(ua->items[procedure]), "latency_us",
		latency_json(&ua->latency[procedure]));
}

json_t *ue_ua_report(const struct ue_ua *ua)
{
	json_t *object = json_object();

	for (int i = 0; i <= UE_UA_GONE; i++)
		json_object_set_new(
			object, state_names[i], json_integer((json_int_t)ua->in_state[i]));
	for (int i = 0; i < UE_PROCEDURE_COUNT; i++)
		json_object_set_new(object, ue_procedure_name((enum ue_procedure)i),
			procedure_json(ua, (enum ue_procedure)i));
	json_object_set_new(
		object, "events", counts_json(event_names, ua->events, UE_UA_EVENT_COUNT));
	json_object_set_new(
		object, "refused", counts_json(refusal_names, ua->refused, UE_UA_REFUSAL_COUNT));
	json_object_set_new(object, "left", counts_json(leave_names, ua->left, UE_UA_LEAVE_COUNT));
	json_object_set_new(object, "msk_latency_us", latency_json(&ua->msk_latency));
	return object;
}

json_t *ue_ua_report_phone(const struct ue_ua *ua, uint32_t phone)
{
	const struct ue_ua_phone *s = &ua->states[phone];
	bool has_left = s->state == UE_UA_GONE;

	return json_pack("{s:s, s:s?, s:i, s:i}", "state", state_names[s->state], "left",
		has_left ? leave_names[s->cause] : NULL, "failures", s->failures, "bootstraps",
		ua->phones->phones[phone].bootstraps);
}
