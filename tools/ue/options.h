// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// What the command line says.

#pragma once

#include "generate.h"
#include "habits.h"
#include "ue.h"

struct ue_options {
	const char *phones; // CSV to read
	const char *port;
	const char *control;
	const char *report;
	const char *csv_out;
	const char *mtk; // multicast addresses; NULL: none
	const char *mtk_rand; // msk or none
	const char *pcap;
	const char *record; // file that outlives the process; NULL: none
	const char *power_down; // keep or delete
	const char *state; // directory of what phones keep; NULL: they keep nothing
	const char *out;
	const char *file_prefix;
	const char *key_source; // socket where the BM-SC asks; NULL: no BSF
	const char *ua; // URL of the BM-SC; NULL: no HTTP
	const char *ua_do; // what phones begin with; NULL: nothing
	const char *ua_groups;
	const char *ua_source;
	uint64_t pcap_frames;
	uint64_t memory_mb;
	uint64_t wait_s;
	uint64_t cpu; // UE_CPU_ANY for none
	uint64_t ts_bytes;
	uint64_t lifetime;
	uint64_t ua_attempts;
	uint64_t ua_connections;
	uint64_t ua_phones; // that begin
	double ua_rate;
	// In seconds.
	double ua_back_off;
	double ua_missed_back_off;
	double ua_missed_wait;
	double ua_msk_wait;
	double ua_spread;
	double ua_timeout;
	double gba_u; // percent
	struct ue_habits habits;
	struct ue_conf site;
	struct ue_generate generate; // count 0: do not generate
};

#define UE_CPU_ANY UINT64_MAX
#define UE_SOURCE_PHONE "phone" // --ua-source: each phone asks from its own address
#define UE_PORT_KERNEL "kernel" // --port: no DPDK, the kernel's sockets

// Reads the command line; prints what is wrong and ends the program with status 2 when it cannot.
void ue_options_parse(struct ue_options *options, int argc, char **argv);
