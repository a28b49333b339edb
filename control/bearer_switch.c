// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// From one MSK to the next while MTKs are sent (bearer.c).

#include <errno.h>
#include <string.h>

#include "bearer_inside.h"
#include "log.h"
#include "msk.h"

// The wait is over: MTKs go under the MSK with this number.
static int wait_end(struct bearers *all, const struct stream *s, uint16_t number)
{
	struct store_bearer bearer = s->bearer;

	bearer.number = number;
	bearer.switch_to = 0;
	bearer.switch_percent = 0;
	return bearer_write(all, &bearer);
}

int stream_switch_begin(struct bearers *all, struct stream *s, const struct bearer_now *now)
{
	uint16_t from = s->supply[0].number, to = s->supply[1].number;
	int ret = wait_end(all, s, to);

	if (ret != 0)
		return ret;
	log_info("msk-switching", "group=%04x from=%04x to=%04x", s->bearer.group.group, from, to);
	event_send(all, "msk-switching", &s->bearer.group,
		json_pack("{s:o, s:o}", "from", json_sprintf("%04x", from), "to",
			json_sprintf("%04x", to)));
	ret = stream_withdraw(all, s, 0, now);
	return ret < 0 ? ret : 0;
}

static bool has_dummy(const struct stream *s, const struct bearer_now *now)
{
	const struct store_mtks *mtks = &s->supply[1].mtks;

	for (unsigned i = 0; i < mtks->count; i++)
		if ((mtks->mtk[i].flags & STORE_MTK_DUMMY) != 0 &&
			mtks->mtk[i].to_ms > now->unix_ms)
			return true;
	return false;
}

// Enough have the next MSK. Who lacks it is given time to notice: dummies go under it for a while.
static int switch_prepare(struct bearers *all, struct stream *s, const struct bearer_now *now)
{
	struct store_bearer bearer = s->bearer;
	int ret = 0;

	if (bearer.dummy_ms == 0)
		return stream_switch_begin(all, s, now);
	bearer.switch_percent = 0;
	ret = stream_add_dummy(all, s, now);
	return ret < 0 ? ret : bearer_write(all, &bearer);
}

// It was revoked meanwhile, or has too few MTK IDs.
static int switch_drop(struct bearers *all, struct stream *s)
{
	const char *reason = mtk_wait_name(mtk_supply_check(&s->supply[1]));
	int ret = wait_end(all, s, s->bearer.number);

	if (ret != 0)
		return ret;
	log_warning("msk-switch-dropped", "group=%04x to=%04x reason=%s", s->bearer.group.group,
		s->supply[1].number, reason);
	event_send(all, "msk-switch-dropped", &s->bearer.group,
		json_pack("{s:o, s:s}", "to", json_sprintf("%04x", s->supply[1].number), "reason",
			reason));
	return 0;
}

// For members, or, with no percentage any more, for dummies.
int stream_switch_step(struct bearers *all, struct stream *s, const struct bearer_now *now)
{
	int ret;

	if (s->bearer.switch_to == 0 || s->bearer.switch_to != s->supply[1].number)
		return 0;
	if (stream_next_ends_it(s)) {
		ret = switch_drop(all, s);
	} else if (stream_waits_for_members(s)) {
		if (!s->is_counted || !rotation_is_enough(&s->share, s->bearer.switch_percent))
			return 0;
		ret = switch_prepare(all, s, now);
	} else {
		if (has_dummy(s, now))
			return 0;
		ret = stream_switch_begin(all, s, now);
	}
	return ret != 0 ? ret : 1;
}

int stream_switch_end(struct bearers *all, struct stream *s, const struct bearer_now *now)
{
	struct store_msk msk;
	int ret;

	if (stream_target(s) == 0 ||
		(stream_is_on(s) &&
			mtk_plan_end(&s->supply[0].mtks) + s->bearer.lead_ms > now->unix_ms))
		return 0;
	ret = msk_activate(all->ctl, &s->bearer.group, s->supply[1].number, &msk);
	all->is_stale = true;
	explicit_bzero(&msk, sizeof(msk));
	if (ret != 0)
		return ret;
	log_info("msk-activated", "group=%04x number=%04x", s->bearer.group.group,
		s->supply[1].number);
	event_send(all, "msk-activated", &s->bearer.group,
		json_pack("{s:o}", "msk", json_sprintf("%04x", s->supply[1].number)));
	s->round_last[0] = s->round_last[1];
	s->round_last[1] = 0;
	return 1;
}
