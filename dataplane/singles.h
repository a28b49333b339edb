// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Single pushes of one worker: one MSK to one subscriber, a campaign of one. Each is sent, waits
// for its verification (as long as a member of a campaign does), is sent again, and is given up
// after the last wait. A UE drops what was overtaken, so its singles go one after the other: the
// next one when the one before is verified, or after SINGLES_SPACE_NS. Nothing here knows packets
// or the store; time is an argument.

#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "cmd.h"

#define SINGLES_SPACE_NS 100000000u
#define SINGLES_MSKS_MAX 64 // MSKs that singles are under way for

// Where a single stands.
enum single_place {
	SINGLE_READY, // to be sent as soon as it goes
	SINGLE_SPACED, // after another one of its UE
	SINGLE_WAITING, // for its verification
	SINGLE_TAKEN, // in a burst
};

struct single_ue;

struct single {
	TAILQ_ENTRY(single) in_queue;
	TAILQ_ENTRY(single) of_ue;
	struct single_ue *ue;
	struct dp_single order;
	uint64_t since_ns; // when it came to its place
	uint32_t first_counter; // value of its first message, 0: none yet
	uint8_t msk; // seat of its MSK
	uint8_t place; // enum single_place
	uint8_t sends;
	bool is_over; // free, or ended while it was taken: then it goes when it is given back
};
TAILQ_HEAD(single_queue, single);

struct single_ue {
	struct single_ue *next; // in its bucket, or among the free ones
	struct single_queue singles; // in the order they came
	uint64_t sent_ns; // last message, 0: none, or that one was verified
	uint32_t id;
};

struct singles {
	uint8_t sends; // most messages of a single
	uint32_t wait_ms[DP_SENDS_MAX];
	struct single_queue ready[SINGLES_MSKS_MAX]; // by seat of the MSK
	struct single_queue spaced;
	struct single_queue waiting[DP_SENDS_MAX + 1]; // by sends so far: each in order of time
	unsigned next_msk; // whose turn it is
	unsigned n;
	unsigned of_msk[SINGLES_MSKS_MAX];
	unsigned max;
	struct single *pool; // max of them; zero pages cost nothing
	unsigned pool_used; // seats that were ever used
	struct single_ue *ue_pool;
	unsigned ue_pool_used;
	struct single_ue **bucket; // by id
	struct single_queue free;
	struct single_ue *free_ue;
};

// -ENOMEM.
int singles_init(
	struct singles *s, uint8_t sends, const uint32_t wait_ms[DP_SENDS_MAX], unsigned max);
void singles_fini(struct singles *s);

// The one under way for this MSK and UE, NULL: none.
struct single *singles_find(const struct singles *s, uint32_t id, unsigned msk);
// The first one of a UE; the others follow by of_ue. NULL: none.
struct single *singles_of(const struct singles *s, uint32_t id);
// Takes an order; the caller has seen that none is under way for it. NULL: there are too many.
struct single *singles_add(
	struct singles *s, const struct dp_single *order, unsigned msk, uint64_t now_ns);

// Takes up to n that are to be sent now, all of one MSK and each of another UE. They come back by
// one of the three below.
unsigned singles_take(struct singles *s, uint64_t now_ns, struct single **out, unsigned n);
// The port took its message.
void singles_sent(struct singles *s, struct single *single, uint64_t now_ns);
// It was not sent, and is ready again.
void singles_return(struct singles *s, struct single *single, uint64_t now_ns);
// It was not sent, and comes again after SINGLES_SPACE_NS.
void singles_delay(struct singles *s, struct single *single, uint64_t now_ns);

// One whose last wait is over, NULL: none. The caller ends it.
struct single *singles_given_up(struct singles *s, uint64_t now_ns);
// It is verified: the next one of its UE need not wait.
void singles_verified(struct singles *s, struct single *single, uint64_t now_ns);
// It ends, for any reason but a verification. One that is taken stays until it is given back.
void singles_end(struct singles *s, struct single *single);
