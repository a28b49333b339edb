// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The record of what an operator orders, with what is drawn for it.

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "campaign_run.h"

// Ids that an armed campaign has room for, beside as many again as there are.
#define ARMED_MORE (16 * STORE_SLICE)

// The label of the solicited pulls of a campaign (docs/mikey-profile.md): drawn for it alone.
static int solicit_label_draw(const struct store_group *group, struct store_campaign *record)
{
	uint8_t octets[sizeof(record->solicit_rand) + sizeof(record->solicit_csb_id)];

	if (getrandom(octets, sizeof(octets), 0) != sizeof(octets))
		return -EIO;
	memcpy(record->solicit_rand, octets, sizeof(record->solicit_rand));
	memcpy(&record->solicit_csb_id, octets + sizeof(record->solicit_rand),
		sizeof(record->solicit_csb_id));
	if (group->profile == STORE_PROFILE_V600)
		record->solicit_csb_id = group->id.group;
	return 0;
}

// The message under the previous MUK follows the last one at once.
static void previous_add(struct store_campaign *record)
{
	record->flags |= STORE_CAMPAIGN_PREVIOUS;
	record->solicit_wait_s[record->solicits] = record->solicit_wait_s[record->solicits - 1];
	record->solicit_wait_s[record->solicits++ - 1] = 0;
}

static void solicits_set(const struct campaign_order *order, struct store_campaign *record)
{
	record->solicits = order->solicits;
	memcpy(record->solicit_wait_s, order->solicit_wait_s, sizeof(record->solicit_wait_s));
	if (order->is_previous)
		previous_add(record);
}

bool campaign_order_chooses(const struct campaign_order *order)
{
	const struct campaign_choice *choice = &order->choice;

	return choice->sample_ppm != 0 || choice->area != 0 || choice->ids != NULL ||
		choice->undelivered_of != 0;
}

// Who comes until it is fired belongs to it, too: there is room for as many again.
static void armed_set(const struct campaign_order *order, struct store_campaign *record)
{
	record->flags |= STORE_CAMPAIGN_ARMED | (order->has_frames ? STORE_CAMPAIGN_FRAMES : 0);
	if (campaign_order_chooses(order))
		record->flags |= STORE_CAMPAIGN_FIXED;
	record->state = STORE_CAMPAIGN_PAUSED;
	if (record->only == STORE_ID_NONE)
		record->span += record->span + ARMED_MORE;
}

void campaign_order_record(const struct campaign_order *order, const struct store_reader *r,
	struct store_campaign *record)
{
	*record = (struct store_campaign){
		.kind = order->kind,
		.state = STORE_CAMPAIGN_RUNNING,
		.group = order->group,
		.rate = order->rate,
		.sends = order->kind == STORE_CAMPAIGN_SOLICIT ? 0 : order->sends,
		.round = 1,
		.created_ms = campaign_now_ms(),
		.started_ms = campaign_now_ms(),
		.span = order->only == STORE_ID_NONE ? store_reader_span(r) : order->only + 1,
		.only = order->only,
		.stop_percent = order->stop_percent,
		.stop_after = order->stop_after,
		.start_ms = order->start_ms,
	};
	memcpy(record->wait_s, order->wait_s, sizeof(record->wait_s));
	if (order->is_armed)
		armed_set(order, record);
	if (order->kind != STORE_CAMPAIGN_PUSH)
		solicits_set(order, record);
}

static int id_job(struct store_txn *txn, void *id)
{
	return store_campaign_next_id(txn, id);
}

int campaign_order_make(struct ctl *ctl, const struct campaign_order *order,
	const struct store_group *group, const struct store_reader *r,
	struct store_campaign *record)
{
	int ret;

	campaign_order_record(order, r, record);
	ret = solicit_label_draw(group, record);
	return ret != 0 ? ret : ctl_writer_run(ctl, id_job, &record->id);
}
