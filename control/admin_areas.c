// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// GET /v1/campaigns/ID/areas: how far a campaign is in each area.

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "admin_campaign_json.h"
#include "cmd.h"
#include "conf.h"
#include "dp.h"

#define AREAS (CONF_AREAS_MAX + 1) // and, last, who is in none

struct area_counts {
	uint32_t members;
	uint32_t verified;
	uint32_t refused;
	uint32_t given_up;
};

struct areas_reading {
	struct ctl *ctl;
	struct store_reader *r;
	struct area_counts count[AREAS];
	struct dp_addr addr[STORE_SLICE];
	uint8_t area[STORE_SLICE];
	uint8_t state[STORE_SLICE];
};

static void member_count(struct area_counts *count, uint8_t state)
{
	count->members++;
	if ((state & STORE_MEMBER_REFUSED) != 0)
		count->refused++;
	else if ((state & STORE_MEMBER_VERIFIED) != 0)
		count->verified++;
	else if (state == STORE_MEMBER_GIVEN_UP || state == STORE_MEMBER_ABORTED)
		count->given_up++;
}

// The areas where those of a slice lie now. One who has moved since the campaign began is counted
// where he is.
static void slice_locate(struct areas_reading *rd, uint32_t slice)
{
	memset(rd->addr, 0, sizeof(rd->addr));
	for (uint32_t i = 0; i < STORE_SLICE; i++) {
		const struct store_hot *hot = store_reader_hot(rd->r, slice * STORE_SLICE + i);

		if (hot != NULL)
			memcpy(rd->addr[i].byte, hot->addr.byte, sizeof(rd->addr[i].byte));
	}
	memset(rd->area, (int)rd->ctl->conf->areas, sizeof(rd->area));
	pthread_mutex_lock(&rd->ctl->dp_lock);
	if (rd->ctl->dp != NULL)
		dp_areas_find(rd->ctl->dp, rd->addr, STORE_SLICE, rd->area);
	pthread_mutex_unlock(&rd->ctl->dp_lock);
}

static void slices_count(struct areas_reading *rd, const struct store_campaign *record)
{
	uint32_t slices = (record->span + STORE_SLICE - 1) / STORE_SLICE;

	for (uint32_t slice = 0; slice < slices; slice++) {
		if (campaign_slice_read(rd->ctl, rd->r, record->id, slice, rd->state) != 0)
			continue;
		slice_locate(rd, slice);
		for (uint32_t i = 0; i < STORE_SLICE; i++)
			if (rd->state[i] != STORE_MEMBER_NONE)
				member_count(&rd->count[rd->area[i]], rd->state[i]);
	}
}

static json_t *area_json(const char *name, const struct area_counts *count)
{
	uint32_t settled = count->verified + count->given_up + count->refused;

	return json_pack("{s:s?, s:I, s:I, s:I, s:I, s:I}", "name", name, "members",
		(json_int_t)count->members, "verified", (json_int_t)count->verified, "given_up",
		(json_int_t)count->given_up, "refused", (json_int_t)count->refused, "pending",
		(json_int_t)(count->members - settled));
}

static json_t *areas_json(const struct areas_reading *rd)
{
	const struct conf *conf = rd->ctl->conf;
	json_t *list = json_array();

	for (unsigned i = 0; i < conf->areas; i++)
		json_array_append_new(list, area_json(conf->area[i].name, &rd->count[i]));
	if (rd->count[conf->areas].members > 0)
		json_array_append_new(list, area_json(NULL, &rd->count[conf->areas]));
	return json_pack("{s:o}", "areas", list);
}

void admin_campaign_areas(const struct admin_request *req, struct admin_reply *reply)
{
	struct areas_reading *rd;
	struct campaign_view view;
	uint32_t id;
	int ret;

	if (admin_campaign_id_read(req, reply, &id) != 0)
		return;
	rd = calloc(1, sizeof(*rd));
	ret = rd == NULL ? -ENOMEM : ctl_reader_get(req->ctl, &rd->r);
	if (ret == 0) {
		rd->ctl = req->ctl;
		ret = campaign_view(req->ctl, rd->r, id, &view);
		if (ret == 0)
			slices_count(rd, &view.record);
		ctl_reader_put(req->ctl, rd->r);
	}
	if (ret == 0)
		reply->body = areas_json(rd);
	else
		admin_error_store(reply, ret, "campaign");
	free(rd);
}
