// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "mtk_plan.h"

#include <string.h>

static const char *const names[] = {
#define MTK_WAIT(name, label, text) [MTK_WAIT_##name] = label,
#include "mtk_wait.def"
#undef MTK_WAIT
};
static const char *const texts[] = {
#define MTK_WAIT(name, label, text) [MTK_WAIT_##name] = text,
#include "mtk_wait.def"
#undef MTK_WAIT
};

const char *mtk_wait_name(unsigned wait)
{
	return wait < MTK_WAITS ? names[wait] : "unknown";
}

const char *mtk_wait_text(unsigned wait)
{
	return wait < MTK_WAITS ? texts[wait] : "unknown";
}

// The first MTK ID is above SEQl: whether SEQl itself may be used, texts do not agree (TS 33.246).
static uint32_t id_next(const struct mtk_supply *supply)
{
	uint32_t last = supply->mtks.last_id;

	return (last > supply->seq_l ? last : supply->seq_l) + 1;
}

uint32_t mtk_ids_left(const struct mtk_supply *supply)
{
	uint32_t next = id_next(supply);

	return supply->number == 0 || next > supply->seq_u ? 0 : supply->seq_u - next + 1;
}

enum mtk_wait mtk_supply_check(const struct mtk_supply *supply)
{
	if (supply->number == 0)
		return MTK_WAIT_NO_MSK;
	if (supply->seq_l > supply->seq_u)
		return MTK_WAIT_REVOKED;
	if (supply->mtks.is_barred)
		return MTK_WAIT_RESTORED;
	return mtk_ids_left(supply) == 0 ? MTK_WAIT_USED_UP : MTK_WAIT_NONE;
}

// Keeps those that `keep` says yes to.
static unsigned mtks_keep(struct store_mtks *mtks,
	bool (*keep)(const struct store_mtk *mtk, uint64_t from_ms, uint64_t to_ms),
	uint64_t from_ms, uint64_t to_ms)
{
	unsigned n = 0, before = mtks->count;

	for (unsigned i = 0; i < before; i++)
		if (keep(&mtks->mtk[i], from_ms, to_ms))
			mtks->mtk[n++] = mtks->mtk[i];
	explicit_bzero(&mtks->mtk[n], (before - n) * sizeof(mtks->mtk[0]));
	mtks->count = (uint8_t)n;
	return before - n;
}

static bool is_within(const struct store_mtk *mtk, uint64_t from_ms, uint64_t to_ms)
{
	return mtk->to_ms > from_ms && mtk->send_ms <= to_ms;
}

unsigned mtk_plan_tidy(struct store_mtks *mtks, uint64_t now_ms)
{
	return mtks_keep(mtks, is_within, now_ms, UINT64_MAX);
}

// The end of a schedule is never further away than this.
static uint64_t reach_ms(const struct store_bearer *bearer, uint64_t now_ms)
{
	return now_ms + bearer->lead_ms + (MTK_AHEAD + 3) * (uint64_t)bearer->interval_ms;
}

bool mtk_plan_is_out_of_reach(
	const struct store_bearer *bearer, const struct store_mtks *mtks, uint64_t now_ms)
{
	bool has_some = false, is_near = false;

	for (unsigned i = 0; i < mtks->count; i++) {
		has_some |= mtks->mtk[i].send_ms > now_ms;
		is_near |= mtks->mtk[i].send_ms <= now_ms + 2ull * bearer->interval_ms;
	}
	// What is on the air already stays, whatever its use was meant to be.
	return has_some && (!is_near || mtk_plan_end(mtks) > reach_ms(bearer, now_ms));
}

unsigned mtk_plan_withdraw(struct store_mtks *mtks, uint64_t now_ms)
{
	return mtks_keep(mtks, is_within, 0, now_ms);
}

uint64_t mtk_plan_end(const struct store_mtks *mtks)
{
	for (unsigned i = mtks->count; i > 0; i--)
		if ((mtks->mtk[i - 1].flags & STORE_MTK_DUMMY) == 0)
			return mtks->mtk[i - 1].to_ms;
	return 0;
}

bool mtk_plan_is_short(const struct store_bearer *bearer, uint64_t end_ms, uint64_t now_ms)
{
	uint64_t least_ms = bearer->lead_ms + (MTK_AHEAD / 2) * (uint64_t)bearer->interval_ms;

	return end_ms < now_ms + least_ms || end_ms > reach_ms(bearer, now_ms);
}

static struct store_mtk *mtk_add(const struct store_bearer *bearer, struct mtk_supply *supply)
{
	struct store_mtks *mtks = &supply->mtks;
	struct store_mtk *mtk = &mtks->mtk[mtks->count];

	if (mtks->count == STORE_MTKS_MAX || mtk_supply_check(supply) != MTK_WAIT_NONE)
		return NULL;
	mtks->count++;
	mtks->last_id = (uint16_t)id_next(supply);
	*mtk = (struct store_mtk){
		.id = mtks->last_id,
		.flags = (bearer->flags & STORE_BEARER_SALT) != 0 ? STORE_MTK_SALTED : 0,
	};
	return mtk;
}

unsigned mtk_plan_extend(const struct store_bearer *bearer, struct mtk_supply *supply,
	uint64_t end_ms, uint64_t now_ms)
{
	uint64_t lead_ms = bearer->lead_ms, interval_ms = bearer->interval_ms;
	uint64_t enough_ms = now_ms + lead_ms + MTK_AHEAD * interval_ms;
	struct store_mtk *mtk;
	unsigned n = 0;

	// After a pause there is nobody to be told of an MTK before its use.
	if (end_ms < now_ms || end_ms > reach_ms(bearer, now_ms))
		end_ms = (now_ms + lead_ms + 999) / 1000 * 1000;
	for (; end_ms < enough_ms && (mtk = mtk_add(bearer, supply)) != NULL; n++) {
		mtk->from_ms = end_ms;
		mtk->to_ms = end_ms += interval_ms;
		mtk->send_ms = mtk->from_ms > now_ms + lead_ms ? mtk->from_ms - lead_ms : now_ms;
	}
	return n;
}

bool mtk_plan_add_dummy(
	const struct store_bearer *bearer, struct mtk_supply *supply, uint64_t now_ms)
{
	struct store_mtk *mtk = mtk_add(bearer, supply);

	if (mtk == NULL)
		return false;
	mtk->flags |= STORE_MTK_DUMMY;
	mtk->send_ms = mtk->from_ms = now_ms;
	mtk->to_ms = now_ms + bearer->dummy_ms;
	return true;
}

static uint64_t div_up(uint64_t a, uint64_t b)
{
	return (a + b - 1) / b;
}

uint64_t mtk_plan_messages(const struct store_bearer *bearer)
{
	uint64_t on_air = div_up(bearer->lead_ms, bearer->interval_ms) + 1;

	return on_air * div_up(bearer->interval_ms, bearer->repeat_ms);
}
