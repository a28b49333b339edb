// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "habits.h"

#include "lot.h"
#include "ua_order.h"

#define ADDRESS_TRIES 64

static void habit_draw(
	struct ue_phones *phones, enum ue_habit habit, double percent, struct ue_rng *rng)
{
	struct ue_lot lot = ue_lot_of(percent, phones->phone_count);

	for (uint32_t i = 0; i < phones->phone_count; i++) {
		phones->phones[i].habits &= (uint8_t)~habit;
		if (ue_lot_draw(&lot, rng))
			phones->phones[i].habits |= (uint8_t)habit;
	}
}

static void offline_draw(
	struct ue_phones *phones, const struct ue_habits *habits, struct ue_rng *rng)
{
	struct ue_lot moving, staying;

	habit_draw(phones, UE_OFFLINE, habits->offline.percent, rng);
	phones->offline = (uint32_t)ue_lot_of(habits->offline.percent, phones->phone_count).wanted;
	phones->offline_until = INT64_MAX;
	staying = ue_lot_of(habits->staying, phones->offline);
	moving = ue_lot_of(habits->moving, phones->offline - staying.wanted);
	for (uint32_t i = 0; i < phones->phone_count; i++) {
		struct ue_phone *phone = &phones->phones[i];

		phone->habits &= (uint8_t) ~(UE_MOVING | UE_STAYING);
		if ((phone->habits & UE_OFFLINE) == 0)
			continue;
		if (ue_lot_draw(&staying, rng))
			phone->habits |= UE_STAYING;
		else if (ue_lot_draw(&moving, rng))
			phone->habits |= UE_MOVING;
	}
}

void ue_habits_draw(struct ue_site *site, const struct ue_habits *habits)
{
	habit_draw(&site->phones, UE_LAZY, habits->lazy, &site->habits_rng);
	habit_draw(&site->phones, UE_STRICT, habits->strict, &site->habits_rng);
	habit_draw(&site->phones, UE_HASTY, habits->hasty, &site->habits_rng);
	offline_draw(&site->phones, habits, &site->habits_rng);
}

void ue_habits_begin(struct ue_site *site, const struct ue_habits *habits, const struct ue_now *now)
{
	// Those who were told to go meanwhile have a time of their own.
	if (site->phones.offline_until == INT64_MAX)
		site->phones.offline_until = now->mono + (int64_t)(habits->offline.seconds * 1e6);
}

// Another address that nobody has: across a bit that separates networks, then further on.
static void phone_relocate(struct ue_site *site, uint32_t phone, struct ue_rng *rng)
{
	struct ue_address address = site->phones.phones[phone].address;

	if (ue_address_is_none(&address))
		return;
	address.octets[13] ^= 0x80;
	for (int i = 0; i < ADDRESS_TRIES; i++) {
		if (ue_phone_at(&site->phones, &address) == UE_NONE) {
			if (ue_phone_move(&site->phones, phone, &address) != 0)
				return;
			site->phones.phones[phone].has_moved = true;
			site->counts[UE_COUNT_MOVED]++;
			return;
		}
		address.octets[15] = (uint8_t)(1 + ue_rng_below(rng, 254));
	}
}

static void phone_return(struct ue_site *site, uint32_t at, const struct ue_now *now)
{
	struct ue_ua_order order = {.procedures = 1u << UE_REGISTER | 1u << UE_FETCH, .count = 1};
	struct ue_phone *phone = &site->phones.phones[at];
	bool is_moving = (phone->habits & UE_MOVING) != 0;

	phone->habits &= (uint8_t) ~(UE_OFFLINE | UE_MOVING | UE_STAYING);
	site->counts[UE_COUNT_CAME_BACK]++;
	if (is_moving)
		phone_relocate(site, at, &site->habits_rng);
	if (!is_moving || site->ua == NULL)
		return;
	order.first = at;
	ue_ua_order(site->ua, &order, now);
}

static void all_return(struct ue_site *site, uint8_t except, const struct ue_now *now)
{
	site->phones.offline_until = INT64_MAX;
	for (uint32_t i = 0; site->phones.offline > 0 && i < site->phones.phone_count; i++) {
		uint8_t habits = site->phones.phones[i].habits;

		if ((habits & UE_OFFLINE) == 0 || (habits & except) != 0)
			continue;
		site->phones.offline--;
		phone_return(site, i, now);
	}
}

void ue_habits_offline(
	struct ue_site *site, const struct ue_habits *habits, const struct ue_now *now)
{
	all_return(site, 0, now);
	offline_draw(&site->phones, habits, &site->habits_rng);
	ue_habits_begin(site, habits, now);
}

void ue_habits_tick(struct ue_site *site, const struct ue_now *now)
{
	if (site->phones.offline > 0 && now->mono >= site->phones.offline_until)
		all_return(site, UE_STAYING, now);
}
