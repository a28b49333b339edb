// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// A site for tests: a real store in a fresh directory, the store writer, campaigns, and the fake
// dataplane. Time does not pass by itself: settle_step() is called by the test.

#pragma once

#include "campaign.h"
#include "conf.h"
#include "ctl.h"
#include "fake_dp.h"

struct site {
	struct conf conf;
	struct ctl ctl;
	struct dp *dp;
	char dir[64];
	struct store_group_id group;
	store_service_id service;
	store_set set;
};

int site_up(void **state); // cmocka set-up: a site with one group and one service
int site_down(void **state); // cmocka tear-down
#define WITH_SITE(test) cmocka_unit_test_setup_teardown(test, site_up, site_down)

// Stops everything but the store's files, and starts again: what a restart does. Without settle
// when it is a crash.
void site_restart(struct site *s, bool is_crash);
// n members more, from id 0 upwards; B-TIDs are "b<number>@x".
void site_subscribers(struct site *s, unsigned n);
// A subscriber with keys in the UICC and a B-TID of this many octets.
void site_uicc_subscriber(struct site *s, unsigned btid_len);
// Gives a subscriber a new B-TID and tells the workers, as a registration does.
void site_rekey(struct site *s, unsigned number, const char *btid);
uint8_t site_flags(struct site *s, store_id id);
// Orders a push with these many sends; returns the campaign's number.
uint32_t site_push(struct site *s, uint8_t sends);
// The first campaign of a site, over these many members; returns it as the workers got it. id may
// be NULL.
struct dp_campaign *site_campaign(struct site *s, unsigned members, uint8_t sends, uint32_t *id);
struct campaign_view site_view(struct site *s, uint32_t id);
uint8_t site_member(struct site *s, uint32_t campaign, store_id id);
// Two steps: the workers are told, and their answers are taken.
void site_settle(struct site *s);
// counts: members, verified, given up, refused, pending.
void site_expect(
	struct site *s, uint32_t id, const uint32_t counts[5], enum store_campaign_state state);
#define COUNTS(...) ((const uint32_t[5]){__VA_ARGS__})
