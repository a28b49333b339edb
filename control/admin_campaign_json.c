// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// A campaign as the outside sees it.

#include "admin_campaign_json.h"

#include <errno.h>
#include <string.h>

#include "cmd.h"
#include "conf.h"
#include "msk.h"

static const char *const states[] = {
	[STORE_CAMPAIGN_RUNNING] = "running",
	[STORE_CAMPAIGN_PAUSED] = "paused",
	[STORE_CAMPAIGN_DONE] = "done",
	[STORE_CAMPAIGN_ABORTED] = "aborted",
	[STORE_CAMPAIGN_SCHEDULED] = "scheduled",
};

static const char *const kinds[] = {
	[STORE_CAMPAIGN_PUSH] = "push",
	[STORE_CAMPAIGN_SOLICIT] = "solicit",
	[STORE_CAMPAIGN_AUTO] = "auto",
};

int admin_campaign_kind_parse(const char *text, uint8_t *kind)
{
	for (uint8_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(text, kinds[i]) != 0)
			continue;
		*kind = i;
		return 0;
	}
	return -EINVAL;
}

static json_t *msk_json(const struct store_reader *r, const struct store_campaign *record)
{
	char check[MSK_CHECK_TEXT];
	struct store_msk msk;
	json_t *out;

	if (store_reader_msk(r, &record->group, record->msk_number, &msk) != 0)
		return json_pack("{s:o}", "number", admin_hex_u32(record->msk_number, 4));
	msk_check_text(&msk.key, check);
	out = json_pack("{s:o, s:s, s:o, s:o}", "number", admin_hex_u32(msk.number, 4), "check",
		check, "csb_id", admin_hex_u32(msk.csb_id, 8), "rand",
		admin_hex(msk.rand, sizeof(msk.rand)));
	explicit_bzero(&msk, sizeof(msk));
	return out;
}

static json_t *refused_json(const uint32_t refused_by[CAMPAIGN_REASONS])
{
	json_t *out = json_object();

	for (unsigned i = 0; i < CAMPAIGN_REASONS; i++)
		if (refused_by[i] != 0)
			json_object_set_new(out, dp_refusal_name(i), json_integer(refused_by[i]));
	return out;
}

static json_t *solicit_json(const struct store_campaign *record)
{
	if (record->kind == STORE_CAMPAIGN_PUSH)
		return json_null();
	return json_pack("{s:i, s:b, s:o, s:o}", "sends", record->solicits, "previous",
		(record->flags & STORE_CAMPAIGN_PREVIOUS) != 0, "csb_id",
		admin_hex_u32(record->solicit_csb_id, 8), "rand",
		admin_hex(record->solicit_rand, sizeof(record->solicit_rand)));
}

static double seconds(const struct store_campaign *record)
{
	uint64_t end = record->ended_ms != 0 ? record->ended_ms : campaign_now_ms();

	return end > record->started_ms ? (double)(end - record->started_ms) / 1000 : 0;
}

static void progress_add(json_t *out, const struct campaign_view *view)
{
	const struct store_campaign *r = &view->record;
	bool is_begun = r->state != STORE_CAMPAIGN_SCHEDULED;
	double took = is_begun ? seconds(r) : 0;

	json_object_set_new(out, "members", json_integer(r->members));
	json_object_set_new(out, "verified", json_integer(r->verified));
	json_object_set_new(out, "given_up", json_integer(r->given_up));
	json_object_set_new(out, "refused", json_integer(r->refused));
	json_object_set_new(out, "pending", json_integer(view->pending));
	json_object_set_new(out, "refused_by", refused_json(view->refused_by));
	json_object_set_new(out, "pushes", json_integer((json_int_t)r->pushes));
	json_object_set_new(out, "solicits", json_integer((json_int_t)r->solicits_sent));
	json_object_set_new(
		out, "pushes_per_s", json_real(took > 0 ? (double)r->pushes / took : 0));
	json_object_set_new(out, "seconds", json_real(took));
	json_object_set_new(out, "created", admin_time_ms(r->created_ms));
	json_object_set_new(out, "started", is_begun ? admin_time_ms(r->started_ms) : json_null());
	json_object_set_new(out, "ended", admin_time_ms(r->ended_ms));
}

const char *admin_campaign_kind_text(uint8_t kind)
{
	return kind <= STORE_CAMPAIGN_AUTO ? kinds[kind] : "unknown";
}

const char *admin_campaign_state_text(const struct store_campaign *record)
{
	if (record->state == STORE_CAMPAIGN_PAUSED && (record->flags & STORE_CAMPAIGN_ARMED) != 0)
		return "armed";
	return record->state <= STORE_CAMPAIGN_SCHEDULED ? states[record->state] : "unknown";
}

// What is ready for when it is fired, and in the rounds after that.
static json_t *armed_json(const struct campaign_view *view)
{
	bool is_armed = (view->record.flags & STORE_CAMPAIGN_ARMED) != 0;

	if (!view->is_open || (view->staged == 0 && !is_armed))
		return json_null();
	return json_pack("{s:s, s:I, s:I}", "what",
		(view->record.flags & STORE_CAMPAIGN_FRAMES) != 0 ? "frames" : "keys", "members",
		(json_int_t)view->staged, "bytes", (json_int_t)view->staged_bytes);
}

json_t *admin_campaign_json(const struct store_reader *r, const struct campaign_view *view)
{
	const struct store_campaign *record = &view->record;
	bool is_open = view->is_open && view->stall != DP_STALL_NONE;
	json_t *out = json_pack("{s:I, s:s, s:o, s:o, s:s, s:o, s:I, s:i, s:i, s:i}", "id",
		(json_int_t)record->id, "kind", admin_campaign_kind_text(record->kind), "group",
		admin_group_json(&record->group), "msk", msk_json(r, record), "state",
		admin_campaign_state_text(record), "stall",
		is_open ? json_string(dp_stall_name((enum dp_stall)view->stall)) : json_null(),
		"rate", (json_int_t)record->rate, "sends", record->sends, "round", record->round,
		"rounds", view->rounds);

	if (out != NULL) {
		json_object_set_new(out, "solicit", solicit_json(record));
		json_object_set_new(out, "armed", armed_json(view));
		json_object_set_new(out, "at", admin_time_ms(record->start_ms));
		json_object_set_new(
			out, "is_halted", json_boolean(record->flags & STORE_CAMPAIGN_HALTED));
		progress_add(out, view);
	}
	return out;
}

// --- Members --------------------------------------------------------------------------------

// What who was given up was sent, where all were sent the same; -1: they were not.
static int sends_of_all(const struct store_campaign *record)
{
	bool has_previous = (record->flags & STORE_CAMPAIGN_PREVIOUS) != 0;

	if (record->kind == STORE_CAMPAIGN_PUSH)
		return record->sends;
	return record->kind == STORE_CAMPAIGN_SOLICIT && !has_previous ? record->solicits : -1;
}

struct admin_member admin_member_of(uint8_t state, const struct store_campaign *record)
{
	if ((state & STORE_MEMBER_REFUSED) != 0)
		return (struct admin_member){
			"refused", dp_refusal_name(state & ~STORE_MEMBER_REFUSED), -1};
	if ((state & STORE_MEMBER_VERIFIED) != 0)
		return (struct admin_member){"verified", NULL, state & ~STORE_MEMBER_VERIFIED};
	if (state == STORE_MEMBER_GIVEN_UP)
		return (struct admin_member){"given-up", "no-answer", sends_of_all(record)};
	// One that was taken back before it began has its members as they were chosen.
	if (state == STORE_MEMBER_ABORTED || record->state == STORE_CAMPAIGN_ABORTED)
		return (struct admin_member){"given-up", "aborted", -1};
	return (struct admin_member){"pending", NULL, state};
}

json_t *admin_member_sends_json(const struct admin_member *member)
{
	return member->sends < 0 ? json_null() : json_integer(member->sends);
}

// --- Plans ----------------------------------------------------------------------------------

static json_t *seconds_json(double seconds)
{
	return seconds > 0 ? json_real(seconds) : json_null();
}

static json_t *plan_area_json(const struct conf *conf, const struct campaign_plan *plan, unsigned i)
{
	const struct campaign_plan_area *area = &plan->area[i];

	return json_pack("{s:o, s:I, s:I, s:I, s:o}", "name",
		i < conf->areas ? json_string(conf->area[i].name) : json_null(), "members",
		(json_int_t)area->members, "solicits", (json_int_t)area->solicits, "rate",
		(json_int_t)area->rate, "seconds", seconds_json(area->seconds));
}

json_t *admin_plan_json(struct ctl *ctl, const struct campaign_plan *plan)
{
	json_t *areas = json_array();
	uint32_t refused = 0;

	for (unsigned i = 0; i < plan->areas; i++)
		if (plan->area[i].members > 0)
			json_array_append_new(areas, plan_area_json(ctl->conf, plan, i));
	for (unsigned i = 0; i < CAMPAIGN_REASONS; i++)
		refused += plan->refused_by[i];
	return json_pack("{s:I, s:I, s:I, s:I, s:o, s:I, s:o, s:o}", "members",
		(json_int_t)plan->members, "pushes", (json_int_t)plan->pushes, "solicits",
		(json_int_t)plan->solicits, "refused", (json_int_t)refused, "refused_by",
		refused_json(plan->refused_by), "rate", (json_int_t)plan->rate, "seconds",
		seconds_json(plan->seconds), "areas", areas);
}
