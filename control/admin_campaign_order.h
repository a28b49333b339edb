// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Inside of the reading of orders: admin_campaign_order.c reads what is sent, how fast and when,
// admin_campaign_choice.c to whom.

#pragma once

#include "admin.h"
#include "campaign.h"
#include "conf.h"

// One order under way through its readers. Each of them returns -EINVAL or so when the reply holds
// the error.
struct order_reading {
	const struct admin_request *req;
	struct admin_reply *reply;
	struct campaign_order *order;
	struct conf_campaign initial; // what holds where the order says nothing
	store_id *ids; // of order->choice.ids; malloc(), whoever began the reading frees it
};

// A number of the body, 1 at least; without one *out stays.
int order_count_read(struct order_reading *rd, const char *name, uint64_t most, uint64_t *out);
int order_choice_read(struct order_reading *rd);
