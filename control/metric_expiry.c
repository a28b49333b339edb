// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// MUKs by the day they expire. It takes a look at every subscriber, some tenths of a second for
// ten million, so the figures of the last count are given out for a while.

#include <string.h>

#include "meter.h"
#include "metric_facts.h"

#define AGE_MS 60000
#define DAY_S 86400

static void muk_count(struct meter_expiry *e, const struct store_hot *hot, uint64_t now_s)
{
	if (!(store_hot_flags(hot) & STORE_LIVE))
		return;
	if (!(store_hot_flags(hot) & STORE_HAS_MUK))
		e->none++;
	else if (hot->expires <= now_s)
		e->expired++;
	else if ((hot->expires - now_s) / DAY_S < METER_DAYS)
		e->day[(hot->expires - now_s) / DAY_S]++;
	else
		e->later++;
}

static void count_again(struct meter_expiry *e, const struct store_reader *r, uint64_t now_ms)
{
	store_id span = store_reader_span(r);

	e->expired = e->later = e->none = 0;
	memset(e->day, 0, sizeof(e->day));
	for (store_id id = 0; id < span; id++) {
		const struct store_hot *hot = store_reader_hot(r, id);

		if (hot != NULL)
			muk_count(e, hot, now_ms / 1000);
	}
	e->counted_ms = now_ms;
}

void metric_expiry_read(struct ctl *ctl, const struct store_reader *r, struct metric_facts *facts)
{
	struct meter_expiry *e = &ctl->meters.expiry;
	uint64_t now_ms = campaign_now_ms();

	_Static_assert(sizeof(facts->expires_in) == sizeof(e->day), "a figure a day");
	pthread_mutex_lock(&e->lock);
	if (e->counted_ms == 0 || now_ms < e->counted_ms || now_ms - e->counted_ms > AGE_MS)
		count_again(e, r, now_ms);
	facts->expired = e->expired;
	memcpy(facts->expires_in, e->day, sizeof(e->day));
	facts->expires_later = e->later;
	facts->without_muk = e->none;
	pthread_mutex_unlock(&e->lock);
}
