// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Whom an order of a campaign is for: one subscriber, a list of them, an area, a sample, or those
// whom an earlier campaign did not reach.

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "admin_campaign_order.h"
#include "conf.h"
#include "subscriber_json.h"

#define PPM_PER_PERCENT 10000

static int subscriber_read(struct order_reading *rd)
{
	const json_t *value = json_object_get(rd->req->body, "subscriber");
	const char *name = json_string_value(value);
	struct store_reader *r;
	int ret;

	rd->order->only = STORE_ID_NONE;
	if (value == NULL || json_is_null(value))
		return 0;
	if (name == NULL) {
		admin_error(rd->reply, 400, "bad-value", "subscriber is to be an IMPI or a B-TID.");
		return -EINVAL;
	}
	ret = admin_reader_get(rd->req, rd->reply, &r);
	if (ret != 0)
		return ret;
	rd->order->only = subscriber_find(r, name);
	ctl_reader_put(rd->req->ctl, r);
	if (rd->order->only != STORE_ID_NONE)
		return 0;
	admin_error(rd->reply, 404, "unknown-subscriber", "There is no such subscriber.");
	return -ENOENT;
}

static int id_compare(const void *a, const void *b)
{
	store_id x = *(const store_id *)a, y = *(const store_id *)b;

	return x < y ? -1 : x > y;
}

// The ids of a list of names, ascending; the first one that nobody has is named.
static int names_find(struct order_reading *rd, const json_t *names, struct store_reader *r)
{
	struct campaign_choice *choice = &rd->order->choice;
	const json_t *name;
	size_t i;

	json_array_foreach(names, i, name)
	{
		const char *text = json_string_value(name);

		rd->ids[i] = text != NULL ? subscriber_find(r, text) : STORE_ID_NONE;
		if (rd->ids[i] != STORE_ID_NONE)
			continue;
		admin_error(rd->reply, 404, "unknown-subscriber",
			"subscribers: number %zu, \"%.80s\", is nobody's IMPI or B-TID.", i + 1,
			text != NULL ? text : "");
		return -ENOENT;
	}
	choice->n = (uint32_t)json_array_size(names);
	choice->ids = rd->ids;
	qsort(rd->ids, choice->n, sizeof(rd->ids[0]), id_compare);
	return 0;
}

static int subscribers_read(struct order_reading *rd)
{
	const json_t *names = json_object_get(rd->req->body, "subscribers");
	struct store_reader *r;
	int ret;

	if (names == NULL)
		return 0;
	if (!json_is_array(names) || json_array_size(names) == 0) {
		admin_error(rd->reply, 400, "bad-value",
			"subscribers is to be a list of IMPIs and B-TIDs.");
		return -EINVAL;
	}
	ret = admin_reader_get(rd->req, rd->reply, &r);
	if (ret != 0)
		return ret;
	rd->ids = malloc(json_array_size(names) * sizeof(rd->ids[0]));
	if (rd->ids == NULL) {
		ctl_reader_put(rd->req->ctl, r);
		admin_error_store(rd->reply, -ENOMEM, "campaign");
		return -ENOMEM;
	}
	ret = names_find(rd, names, r);
	ctl_reader_put(rd->req->ctl, r);
	return ret;
}

static int area_read(struct order_reading *rd)
{
	const struct conf *conf = rd->req->ctl->conf;
	const json_t *value = json_object_get(rd->req->body, "area");
	const char *name = json_string_value(value);

	if (value == NULL)
		return 0;
	for (unsigned i = 0; name != NULL && i < conf->areas; i++)
		if (strcmp(conf->area[i].name, name) == 0)
			rd->order->choice.area = i + 1;
	if (rd->order->choice.area != 0)
		return 0;
	admin_error(rd->reply, 404, "unknown-area",
		"The configuration has no area of that name: see `areas` in GET /v1/status.");
	return -ENOENT;
}

static int sample_read(struct order_reading *rd)
{
	const json_t *value = json_object_get(rd->req->body, "sample");
	double percent = json_number_value(value);

	if (value == NULL)
		return 0;
	if (!json_is_number(value) || !(percent >= 0.0001) || percent > 100) {
		admin_error(rd->reply, 400, "bad-value",
			"sample is to be a percentage, 0.0001 to 100.");
		return -EINVAL;
	}
	rd->order->choice.sample_ppm = (uint32_t)(percent * PPM_PER_PERCENT + 0.5);
	return 0;
}

int order_choice_read(struct order_reading *rd)
{
	uint64_t undelivered_of = 0;

	if (subscriber_read(rd) != 0 || subscribers_read(rd) != 0 || area_read(rd) != 0 ||
		sample_read(rd) != 0 ||
		order_count_read(rd, "undelivered_of", UINT32_MAX - 1, &undelivered_of) != 0)
		return -EINVAL;
	rd->order->choice.undelivered_of = (uint32_t)undelivered_of;
	if (rd->order->only == STORE_ID_NONE ||
		(rd->ids == NULL && rd->order->choice.area == 0 && undelivered_of == 0 &&
			rd->order->choice.sample_ppm == 0))
		return 0;
	admin_error(rd->reply, 400, "bad-value", "subscriber stands alone: nothing else chooses.");
	return -EINVAL;
}
