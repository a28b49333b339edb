// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// What control hands to the workers. Commands travel on one ring per worker; a command that does
// not fit stays with the sender (-EAGAIN), and is never given to some workers only.

#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define DP_SENDS_MAX 31
#define DP_CAMPAIGNS_MAX 64 // open at once

enum dp_refusal {
#define DP_REFUSAL(name, number, label, text) DP_REFUSED_##name = number,
#include "refusal.def"
#undef DP_REFUSAL
};
const char *dp_refusal_name(unsigned refusal); // "no-muk"; "unknown" when out of range
const char *dp_refusal_text(unsigned refusal);

// State of one member in round[]. Values are those of STORE_MEMBER_* (store/types.h) except that
// `verified` stands in done[].
#define DP_MEMBER_NONE 0xff
#define DP_MEMBER_REFUSED 0x80 // | enum dp_refusal

// Verified in done[], and under which MUK. A record that changes while the campaign runs turns
// CURRENT into PREV: what was verified is not what is current now.
#define DP_DONE_CURRENT 1
#define DP_DONE_PREV 2

// What a campaign sends. Values are those of STORE_CAMPAIGN_* (store/types.h).
enum dp_campaign_kind {
	DP_CAMPAIGN_PUSH, // the MSK; who has no fresh MUK is refused
	DP_CAMPAIGN_SOLICIT, // solicited pulls (TS 33.246 6.3.2.2.4)
	DP_CAMPAIGN_AUTO, // the MSK; solicited pulls to those it cannot or did not reach
};

// How members of an AUTO campaign are reached.
enum dp_way {
	DP_WAY_PUSH,
	DP_WAY_SOLICIT, // from the start: the MUK had expired
	DP_WAY_ESCALATED, // after the pushes: the MUK has expired since
};

// What an armed campaign has made ahead for a member, and what that takes.
enum dp_staged {
	DP_STAGED_NONE,
	DP_STAGED_KEYS,
	DP_STAGED_FRAME,
};
#define DP_STAGED_KEYS_BYTES 72
#define DP_STAGED_FRAME_BYTES 256

// The MSK a campaign distributes, and the coding of its messages. Secret.
struct dp_msk {
	uint8_t profile; // enum mikey_profile
	uint8_t kdi[3];
	uint16_t group;
	uint16_t number;
	uint32_t csb_id;
	uint8_t rand[16];
	uint8_t key[16];
	uint16_t seq_l;
	uint16_t seq_u;
};

// When the next UE is due, in 1/64 ns of CLOCK_BOOTTIME, and when the next one may be sent to at
// the latest pace there is (pace.h). workers: rw
struct dp_schedule {
	_Atomic uint64_t due;
	_Atomic uint64_t free;
};

// One campaign, shared by control and the workers from DP_CMD_CAMPAIGN_OPEN until every worker
// has answered DP_CMD_CAMPAIGN_CLOSE with DP_EVENT_CAMPAIGN_CLOSED. Control allocates and frees
// it; fields without a tag are const in between.
struct dp_campaign {
	uint32_t id;
	uint8_t kind; // enum dp_campaign_kind
	struct dp_msk msk; // of a SOLICIT campaign all but the key: it sends none
	uint8_t sends; // most MSK messages a member gets, 1 .. DP_SENDS_MAX; 0 in SOLICIT
	uint32_t wait_ms[DP_SENDS_MAX]; // to wait after send i+1 before the next one, or the end
	uint8_t solicits; // most solicited pulls behind them, 0 in PUSH; sends + solicits fit, too
	uint32_t solicit_wait_ms[DP_SENDS_MAX];
	bool is_last_previous; // the last solicited pull goes under the previous MUK
	// Of the solicited pulls. v600: the CSB ID is the group.
	uint32_t solicit_csb_id;
	uint8_t solicit_rand[16];
	uint32_t span; // ids 0 .. span-1 have a state
	uint8_t first_round; // 1, or the round to go on with after a restart
	uint32_t only; // one subscriber id, or UINT32_MAX: all members

	_Atomic uint32_t rate; // UEs per second over all workers, 0 = no limit. control: wo
	_Atomic bool is_paused; // control: wo, workers: ro
	_Atomic bool is_aborted; // control: wo, workers: ro

	// No more messages than this before control has seen how the first members answer; 0 = no
	// limit. control: wo, workers: ro. And those that were made. workers: rw
	_Atomic uint32_t trial;
	_Atomic uint32_t tried;

	// The rate in force and its schedule (pace.h). workers: rw
	_Atomic uint32_t pace_rate;
	struct dp_schedule pace_schedule;

	// One octet a member. round: sends so far, or refused, or none; written only by the worker
	// that owns the slice. done: 0, then DP_DONE_* once verified, by whichever worker saw it.
	uint8_t *round;
	uint8_t *done;
	uint8_t *way; // enum dp_way, likewise by the owner; NULL but in AUTO
	uint8_t *area; // number of each member's area when it began; NULL: there are none
	// Of a campaign that was armed: what was made ahead, by id, staged_bytes each (of keys, or
	// of frames where such are wanted), and enum dp_staged for each id. Written by the owner of
	// the id. NULL: nothing. Secret.
	void *staged;
	uint8_t *is_staged;
	uint16_t staged_bytes;
	// One octet per slice of 4,080 ids, set to 1 after a state in it changed. Settle clears it
	// before it reads the slice.
	_Atomic uint8_t *is_dirty;

	// The lowest value any worker has used for this campaign, 0 = none yet: an answer with a
	// lower one is from before. workers: rw
	_Atomic uint32_t first_counter;

	struct dp_campaign_worker {
		// worker: wo, control: ro
		_Alignas(64) _Atomic uint32_t round; // the round it is in, sends + 1 when through
		_Atomic bool is_through; // all rounds sent and the last wait is over
		_Atomic int error; // -errno when the worker could not take the campaign up
		_Atomic uint64_t pushes; // MSK messages the port took
		_Atomic uint64_t solicits; // solicited pulls likewise
		_Atomic uint32_t stall; // enum dp_stall
		_Atomic uint32_t staged; // members for whom something is ready
	} worker[32];
};

enum dp_stall {
	DP_STALL_NONE, // sending, or waiting for the next round
	DP_STALL_PACE, // the rate allows no more now
	DP_STALL_PORT, // the port takes nothing, or gives no buffer back
	DP_STALL_NO_MAC, // the next hop's MAC is not known
	DP_STALL_LINK_DOWN, // the link of the port is down
	DP_STALL_PORT_GONE, // the device of the port is not there any more
	DP_STALL_MARK, // the counter mark has not moved on yet
	DP_STALL_COUNTER, // values would run too far ahead of the clock
	DP_STALL_PAUSED,
	DP_STALL_HTTP, // solicited pulls wait: the HTTP side serves no more now
	DP_STALL_TRIAL, // the first members were sent to; their answers decide
};
const char *dp_stall_name(enum dp_stall stall);

enum dp_cmd_kind {
	DP_CMD_CAMPAIGN_OPEN, // campaign
	DP_CMD_CAMPAIGN_CLOSE, // campaign; each worker answers DP_EVENT_CAMPAIGN_CLOSED
	DP_CMD_STORE_CHANGED, // ids [first, first + n) are new or changed: raise their counters,
			      // then take the newest snapshot. n = 0: only take the snapshot.
			      // Sent after the commit; workers see no snapshot without it
	DP_CMD_STORE_KNOWN, // version: the commits up to this one need no more than was said
};

struct dp_cmd {
	enum dp_cmd_kind kind;
	struct dp_campaign *campaign;
	uint32_t first;
	uint32_t n;
	// STORE_CHANGED, STORE_KNOWN: number of the newest commit that all said so far covers. A
	// worker whose snapshot is newer sends nothing until it hears of that commit.
	uint64_t version;
	bool has_more; // STORE_CHANGED: another range of the same commit follows, keep the old
		       // snapshot until it is there
};

// One MTK message: sent once, to a multicast address. MSK and MTK are read from the store. One
// worker sends all of them, in the order they come in.
struct dp_mtk {
	uint16_t group;
	uint16_t number; // Key Number of the MSK
	uint8_t kdi[3];
	uint8_t has_no_rand; // its keys are derived without the RAND of the MSK
	uint16_t mtk_id;
	uint16_t port;
	uint8_t address[16]; // IPv6, or IPv4 as ::ffff:a.b.c.d
	uint64_t until_ns; // of CLOCK_BOOTTIME: not sent by then, it never is
	uint64_t version; // number of the store's commit that the worker has to see before
};
_Static_assert(sizeof(struct dp_mtk) == 48, "a ring takes it as it is");

// One MSK for one subscriber, sent, repeated and given up like a campaign of one. It goes to the
// worker that owns the subscriber; what is asked for while it is under way is merged with it.
struct dp_single {
	uint32_t id; // subscriber
	uint16_t group;
	uint16_t number; // Key Number; 0 with is_end: all MSKs of the group
	uint8_t kdi[3];
	uint8_t is_end; // nothing of this is sent any more: the subscriber has left
	uint8_t needs_registration; // refused when the subscriber is not registered at that moment
	uint8_t reserved;
	uint16_t port; // 0: address and port are those of the record
	uint8_t address[16]; // IPv6, or IPv4 as ::ffff:a.b.c.d
	uint64_t version; // number of the store's commit that the worker has to see before
};
_Static_assert(sizeof(struct dp_single) == 40, "a ring takes it as it is");
