// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Phones that do not do what most of them do: which ones, drawn by lot, and those that are offline
// for a while.

#pragma once

#include "rng.h"
#include "site.h"

struct ue_share {
	double percent;
	double seconds;
};

struct ue_habits {
	double lazy; // percent of all phones each
	double strict;
	double hasty;
	double moving; // percent of those that are offline and come back
	double staying; // percent of those that are offline: they do not come back
	struct ue_share offline; // how many, and how long
};

// Draws the habits that last. The phones that will be offline are so from now on; how long, counts
// from ue_habits_begin().
void ue_habits_draw(struct ue_site *site, const struct ue_habits *habits);
void ue_habits_begin(
	struct ue_site *site, const struct ue_habits *habits, const struct ue_now *now);
// Both for being offline alone: those that are offline come back now, others go.
void ue_habits_offline(
	struct ue_site *site, const struct ue_habits *habits, const struct ue_now *now);
// Lets phones come back whose time is over. Those that have moved register and fetch, for nobody
// knows where they are.
void ue_habits_tick(struct ue_site *site, const struct ue_now *now);
