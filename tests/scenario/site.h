// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// A BM-SC in virtual time: the real packet path on a port made of rings, run by one thread, with
// clocks, counter marks and restarts that a script decides about.

#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "control.h"
#include "fetch.h"
#include "monitor.h"
#include "people.h"
#include "wire.h"
#include "worker.h"

#define SITE_CAMPAIGNS 1024
#define SITE_NEWS_MAX 64

struct site {
	struct dp_conf conf;
	struct dp_shared shared;
	struct people people;
	struct wire wire;
	struct monitor monitor;
	bool has_eal;
	bool is_built; // the wire, the store and the phones are there
	bool is_running; // the daemon is up
	char refusal[256]; // why the last start was refused, empty: it was not

	// Clocks. The true time is what the phones go by.
	uint64_t ns; // since the scenario began
	uint64_t booted_ns; // where CLOCK_BOOTTIME stands at zero
	int64_t clock_error_s; // CLOCK_REALTIME minus the true time
	struct dp_now now;
	unsigned turns;

	// The mark of the counter: its file, and the copy in the store.
	bool has_mark_file;
	bool has_store_mark;
	bool is_mark_frozen; // the disk is full
	bool is_other_machine;
	bool is_half_damaged;
	uint32_t mark;
	uint32_t old_mark; // as the file stood ten seconds ago
	uint32_t store_mark;

	// What control has to tell the workers of commits, and keeps back while news are late.
	bool is_news_late;
	struct dp_cmd news[SITE_NEWS_MAX];
	unsigned news_count;

	enum fetch fetch;
	uint32_t *fetched; // solicited pulls each phone has answered
	struct control control;
	uint64_t seed; // of everything that is drawn
	char run_dir[64]; // DPDK's, removed at the end
};

// How a restart goes.
enum site_mark {
	SITE_MARK_KEPT,
	SITE_MARK_LOST,
	SITE_MARK_OLD,
	SITE_MARK_OTHER_MACHINE,
	SITE_MARK_HALF, // the sector with the newest mark is damaged
};
struct site_restart {
	double after_s;
	int64_t clock_s; // the wall clock is set forward by this
	enum site_mark mark;
	bool is_store_lost; // subscribers come back from the CSV, in another order
	bool is_clock_accepted;
	bool is_reboot;
	unsigned workers; // 0: as many as before
};

void site_init(struct site *s);
void site_fini(struct site *s);
// Makes wire, store and phones and starts the daemon, unless that was done before.
void site_build(struct site *s);
void site_restart(struct site *s, const struct site_restart *how);
void site_advance(struct site *s, uint64_t ns);
// Lets time pass until no campaign is open any more, at most ns.
void site_settle(struct site *s, uint64_t ns);
// Tells the workers that the record of a person has changed, after its commit.
void site_changed(struct site *s, unsigned person);
// The same of everybody, as control merges the news of many commits.
void site_changed_all(struct site *s);
// Commits something that does not concern the workers, and tells them that.
void site_commit(struct site *s);
// Tells the workers to take the newest snapshot.
void site_look(struct site *s);
// Tells what was kept back.
void site_news(struct site *s);
// One gateway more on the link of a port.
struct wire_gateway *site_gateway(struct site *s, unsigned port, const char *address);
int64_t site_true_s(const struct site *s);
