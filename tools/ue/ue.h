// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The emulator without its port: phones behind one gateway as a function of frames and time.
// The port loop drives it with a real clock, scenario tests with a virtual one. One thread at a
// time.
//
//	ue_site_create, ue_csv_load (csv.h)
//	each turn: ue_site_receive for what came in, ue_site_poll until it returns 0

#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "address.h"

// Why a frame was not taken; the texts are in refusal.def.
enum ue_refusal {
#define UE_REFUSAL(NAME, name, text) UE_##NAME,
#include "refusal.def"
#undef UE_REFUSAL
	UE_REFUSAL_COUNT
};

enum ue_count {
#define UE_COUNT(NAME, name, text) UE_COUNT_##NAME,
#include "count.def"
#undef UE_COUNT
	UE_COUNT_COUNT
};

enum ue_finding {
#define UE_FINDING(NAME, name, text) UE_FINDING_##NAME,
#include "finding.def"
#undef UE_FINDING
	UE_FINDING_COUNT
};

const char *ue_refusal_name(enum ue_refusal refusal);
const char *ue_count_name(enum ue_count count);
const char *ue_finding_name(enum ue_finding finding);

// Both in microseconds. `wall` is Unix time (MUK lifetimes, stamps), `mono` never goes back
// (delays, rates).
struct ue_now {
	int64_t wall;
	int64_t mono;
};

// What the wire does to frames, each way alike. Percentages 0..100.
struct ue_impairment {
	double loss;
	double duplicate;
	double reorder;
	uint32_t delay_us;
	uint32_t jitter_us; // the delay is drawn from delay - jitter .. delay + jitter
};

struct ue_conf {
	const char *fqdn; // expected in IDi (ts33246)
	struct ue_address gateway;
	struct ue_address gateway6; // none: not there
	uint8_t mac[6];
	uint32_t vlans;
	uint16_t vlan[2]; // outer tag first
	unsigned ts_bytes; // of the timestamp in the MAC of verifications: 4 or 8
	uint64_t seed;
	struct ue_impairment impairment;
};

#define UE_FRAME_MAX_BYTES 1514 // Ethernet, without the frame check sequence

enum ue_direction {
	UE_IN,
	UE_OUT
};

// Sees every frame on the wire: coming in before artificial loss, going out before it as well.
typedef void ue_tap(
	void *arg, enum ue_direction direction, const uint8_t *data, size_t len, int64_t wall);

struct ue_site;
struct ue_phones;

// Copies conf, its text too. -ENOMEM.
int ue_site_create(struct ue_site **out, const struct ue_conf *conf);
void ue_site_destroy(struct ue_site *site);
struct ue_phones *ue_site_phones(struct ue_site *site);
void ue_site_tap(struct ue_site *site, ue_tap *tap, void *arg);

// How many frames may be received before ue_site_poll() has to make room. Taking more costs
// memory but loses nothing.
size_t ue_site_room(const struct ue_site *site);
// Takes one frame. Writes the frame that has to go out at once, if any, and returns its length.
// out needs UE_FRAME_MAX_BYTES for the longest answer; longer ones than cap are refused by name.
size_t ue_site_receive(struct ue_site *site, const uint8_t *data, size_t len,
	const struct ue_now *now, uint8_t *out, size_t cap);
// Carries on what is due: returns the length of the next frame to send, 0 when none is due.
size_t ue_site_poll(struct ue_site *site, const struct ue_now *now, uint8_t *out, size_t cap);
// When ue_site_poll() has something to do next (mono), INT64_MAX for never.
int64_t ue_site_due(const struct ue_site *site);

uint64_t ue_site_refused(const struct ue_site *site, enum ue_refusal refusal);
uint64_t ue_site_count(const struct ue_site *site, enum ue_count count);
uint64_t ue_site_finding(const struct ue_site *site, enum ue_finding finding);
