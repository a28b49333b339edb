// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The inside of a site, for the files that show and change its state.

#pragma once

#include "frame.h"
#include "mtk.h"
#include "phones.h"
#include "receive.h"
#include "record.h"
#include "series.h"
#include "ua_pool.h"
#include "ue.h"
#include "wire.h"

// Where the last accepted message came from, and so where a BM-SC can be found.
struct ue_peer {
	bool is_known;
	uint8_t mac[6];
	struct ue_address address;
	uint16_t port;
};

struct ue_site {
	struct ue_phones phones;
	struct ue_receiver receiver;
	struct ue_wire wire;
	struct ue_mtk mtk;
	struct ue_peer peer;
	struct ue_address gateway;
	struct ue_address gateway6;
	struct ue_station station;
	uint16_t ip_id;
	char *fqdn;
	uint64_t seed;
	// The phones' side of HTTP, not owned; NULL without.
	struct ue_ua *ua;
	struct ue_pool *pool;
	struct ue_bsf *bsf;
	struct ue_record *record; // not owned; NULL: none
	ue_tap *tap;
	void *tap_arg;
	uint64_t refused[UE_REFUSAL_COUNT];
	uint64_t counts[UE_COUNT_COUNT];
	uint64_t findings[UE_FINDING_COUNT];
	uint64_t malformed[MIKEY_STATUS_COUNT]; // mikey-malformed by verdict
	// Frames received per second, over the last whole second.
	int64_t rate_since;
	uint64_t rate_base;
	double rate;
	struct ue_series series;
	struct ue_rng habits_rng;
};

// Room for one frame, and the length of the one that was put there.
struct ue_outgoing {
	uint8_t *data;
	size_t cap;
	size_t len;
	struct ue_record_entry answer; // kind 0: no verification
};

// A frame has reached the gateway; the answer that leaves it, if any, is put into out
// (site_take.c).
void ue_site_take(struct ue_site *site, const uint8_t *data, size_t len, const struct ue_now *now,
	struct ue_outgoing *out);
// Counts a frame at the port, and shows it to the tap.
void ue_site_see(struct ue_site *site, enum ue_direction direction, const uint8_t *data, size_t len,
	const struct ue_now *now);
// Sends a frame of the site's own making, as if a phone had sent it. -ENOMEM.
int ue_site_send(struct ue_site *site, const uint8_t *data, size_t len, const struct ue_now *now);
// What has happened so far, in the order of the series' columns.
void ue_site_totals(const struct ue_site *site, uint64_t totals[UE_SERIES_COUNT]);
