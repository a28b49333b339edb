// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// A campaign as the outside sees it.

#include "admin_campaign_json.h"

#include <string.h>

#include "cmd.h"
#include "msk.h"

static const char *const states[] = {
	[STORE_CAMPAIGN_RUNNING] = "running",
	[STORE_CAMPAIGN_PAUSED] = "paused",
	[STORE_CAMPAIGN_DONE] = "done",
	[STORE_CAMPAIGN_ABORTED] = "aborted",
};

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

static json_t *refused_json(const struct campaign_view *view)
{
	json_t *out = json_object();

	for (unsigned i = 0; i < CAMPAIGN_REASONS; i++)
		if (view->refused_by[i] != 0)
			json_object_set_new(
				out, dp_refusal_name(i), json_integer(view->refused_by[i]));
	return out;
}

static double seconds(const struct store_campaign *record)
{
	uint64_t end = record->ended_ms != 0 ? record->ended_ms : campaign_now_ms();

	return end > record->started_ms ? (double)(end - record->started_ms) / 1000 : 0;
}

static void progress_add(json_t *out, const struct campaign_view *view)
{
	const struct store_campaign *r = &view->record;
	double took = seconds(r);

	json_object_set_new(out, "members", json_integer(r->members));
	json_object_set_new(out, "verified", json_integer(r->verified));
	json_object_set_new(out, "given_up", json_integer(r->given_up));
	json_object_set_new(out, "refused", json_integer(r->refused));
	json_object_set_new(out, "pending", json_integer(view->pending));
	json_object_set_new(out, "refused_by", refused_json(view));
	json_object_set_new(out, "pushes", json_integer((json_int_t)r->pushes));
	json_object_set_new(
		out, "pushes_per_s", json_real(took > 0 ? (double)r->pushes / took : 0));
	json_object_set_new(out, "seconds", json_real(took));
	json_object_set_new(out, "created", admin_time_ms(r->created_ms));
	json_object_set_new(out, "started", admin_time_ms(r->started_ms));
	json_object_set_new(out, "ended", admin_time_ms(r->ended_ms));
}

json_t *admin_campaign_json(const struct store_reader *r, const struct campaign_view *view)
{
	const struct store_campaign *record = &view->record;
	bool is_open = view->is_open && view->stall != DP_STALL_NONE;
	json_t *out = json_pack("{s:I, s:s, s:o, s:o, s:s, s:o, s:I, s:i, s:i, s:i}", "id",
		(json_int_t)record->id, "kind", "push", "group", admin_group_json(&record->group),
		"msk", msk_json(r, record), "state",
		record->state <= STORE_CAMPAIGN_ABORTED ? states[record->state] : "unknown",
		"stall",
		is_open ? json_string(dp_stall_name((enum dp_stall)view->stall)) : json_null(),
		"rate", (json_int_t)record->rate, "sends", record->sends, "round", record->round,
		"rounds", view->rounds);

	if (out != NULL)
		progress_add(out, view);
	return out;
}
