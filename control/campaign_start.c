// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// A campaign begins: its MSK is chosen, and with that it opens (campaign_open.c), now or when its
// time has come (campaign_later.c).

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "campaign_run.h"
#include "log.h"
#include "msk.h"

// A scheduled campaign begins: its members are those of now, unless they were chosen before.
static void record_begin(const struct store_campaign *scheduled, const struct store_reader *r,
	struct store_campaign *record)
{
	*record = *scheduled;
	record->state = STORE_CAMPAIGN_RUNNING;
	record->started_ms = campaign_now_ms();
	if ((record->flags & STORE_CAMPAIGN_SELECTED) == 0 && record->only == STORE_ID_NONE)
		record->span = store_reader_span(r);
}

int campaign_order_msk(
	const struct store_reader *r, const struct campaign_order *order, struct store_msk *msk)
{
	int ret = order->msk_number == 0
		? store_reader_msk_newest(r, &order->group, msk)
		: store_reader_msk(r, &order->group, order->msk_number, msk);

	if (ret != 0 || msk->state == STORE_MSK_RETIRED)
		return -ENOKEY;
	// Who is solicited asks for it, and nobody gets one that is revoked.
	return order->kind == STORE_CAMPAIGN_SOLICIT && msk->seq_l > msk->seq_u ? -EKEYREVOKED : 0;
}

int campaign_order_run(struct ctl *ctl, const struct campaign_order *order,
	const struct store_campaign *scheduled, uint32_t *id, char why[256])
{
	struct campaign_opening opening = {0};
	struct store_group group;
	struct store_campaign record = {0};
	struct store_reader *r;
	int ret = ctl_reader_get(ctl, &r);

	if (ret != 0)
		return ret;
	ret = store_reader_group(r, &order->group, &group);
	if (ret == 0)
		ret = campaign_order_msk(r, order, &opening.msk);
	if (ret == 0 && scheduled != NULL)
		record_begin(scheduled, r, &record);
	else if (ret == 0)
		ret = campaign_order_make(ctl, order, &group, r, &record);
	ctl_reader_put(ctl, r);
	if (ret == 0)
		ret = campaign_run_create(&record, &opening.run);
	if (ret == 0)
		ret = campaign_run_enlist(ctl->campaigns, opening.run);
	if (ret == 0)
		ret = campaign_run_open(ctl, &opening, &group, order, why);
	if (ret != 0 && opening.run != NULL) {
		campaign_run_delist(ctl->campaigns, opening.run);
		campaign_run_destroy(opening.run);
	}
	explicit_bzero(&opening, sizeof(opening));
	*id = record.id;
	return ret;
}

int campaign_msk_choose(struct ctl *ctl, const struct campaign_order *order)
{
	struct store_msk msk;
	int ret = 0;

	if (order->is_msk_new && !campaigns_have_room(ctl->campaigns))
		ret = -EMFILE;
	else if (order->is_msk_new)
		ret = msk_new(ctl, &order->group, 0, UINT16_MAX, &msk);
	explicit_bzero(&msk, sizeof(msk));
	return ret;
}

void campaign_start_explain(int ret, uint32_t id, char why[256])
{
	const char *text = ret == -ENOENT ? "There is no such key group"
		: ret == -ENOKEY ? "The key group has no MSK that is not retired: make one first"
		: ret == -EKEYREVOKED
		? "The MSK is revoked, and no phone gets it that asks: push it, or name another"
		: ret == -EMFILE ? "As many campaigns are open as there can be"
		: ret == -EAGAIN ? "A worker takes no commands"
		: ret == -ESTALE ? "What that campaign did not reach is not known any more"
		: ret == -EBUSY	 ? "The key group has a next MSK already: activate it or push it"
				 : strerror(-ret);

	if (why[0] != '\0')
		return;
	if (ret == -EBUSY && id != 0)
		snprintf(why, 256, "Campaign %u runs on this key group", id);
	else
		snprintf(why, 256, "%s", text);
}

// What an order cannot come to is found before an MSK is made for it.
static int order_check(struct ctl *ctl, const struct campaign_order *order, char why[256])
{
	struct campaign_plan plan;

	if (!order->is_msk_new || (order->within_s == 0 && order->choice.undelivered_of == 0))
		return 0;
	return campaign_plan(ctl, order, &plan, why);
}

static int order_begin(
	struct ctl *ctl, const struct campaign_order *order, uint32_t *id, char why[256])
{
	int ret = order_check(ctl, order, why);

	if (ret == 0)
		ret = campaign_msk_choose(ctl, order);
	if (ret != 0)
		return ret;
	pthread_mutex_lock(&ctl->msk_lock);
	ret = campaign_order_run(ctl, order, NULL, id, why);
	pthread_mutex_unlock(&ctl->msk_lock);
	return ret;
}

int campaign_start(struct ctl *ctl, const struct campaign_order *order, uint32_t *id, char why[256])
{
	struct campaigns *all = ctl->campaigns;
	int ret = 0;

	*id = 0;
	why[0] = '\0';
	pthread_mutex_lock(&all->start_lock);
	if (order->start_ms != 0) {
		ret = campaign_order_schedule(ctl, order, id, why);
	} else {
		if (order->only == STORE_ID_NONE)
			*id = campaigns_of_group(all, &order->group);
		ret = *id != 0 ? -EBUSY : order_begin(ctl, order, id, why);
	}
	pthread_mutex_unlock(&all->start_lock);
	if (ret != 0) {
		campaign_start_explain(ret, *id, why);
	} else {
		if (order->start_ms == 0)
			atomic_fetch_add(&ctl->meters.campaigns_started, 1);
		log_info(order->start_ms != 0	  ? "campaign-scheduled"
				: order->is_armed ? "campaign-armed"
						  : "campaign-started",
			"campaign=%u group=%04x", *id, order->group.group);
	}
	return ret;
}
