// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Inside of the dataplane: one worker, and what moves through its pipeline. A worker owns its
// port queue, crypto context, store snapshot and counters; nothing here is shared between workers
// but what struct dp_shared holds.

#pragma once

#include <stdatomic.h>

#include <rte_ether.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#include "cmd.h"
#include "conf.h"
#include "counter.h"
#include "crypto.h"
#include "dp.h"
#include "event.h"
#include "mikey.h"
#include "neigh.h"
#include "pace.h"
#include "reader.h"
#include "rounds.h"
#include "stats.h"

#define BURST CRYPTO_BURST
#define OUT_MAX 64 // ARP and echo answers that wait for the port
#define CHECK_INPUT_BYTES 1024 // octets the MAC of a verification covers, at most
#define RX_PER_TURN 4 // receive bursts for one send burst: answers must not pile up

// The clocks of one turn. Nothing below worker_loop() asks for the time.
struct dp_now {
	uint64_t ns; // CLOCK_BOOTTIME
	uint32_t counter; // T the counter's clock stands at
	int64_t unix_s; // the later of CLOCK_REALTIME and the counter's clock
};

// A campaign as one worker runs it.
struct run {
	struct dp_campaign *campaign;
	struct mikey_template tpl; // holds the MSK in the clear
	struct crypto_label label;
	struct mikey_bytes idi; // as its messages carry it
	struct store_eligibility eligibility;
	struct rounds rounds;
};

// MSK messages of one campaign on their way out. Members are chosen (due), and chosen ones wait
// until a counter value and buffers can be had; once built they wait until the port takes them.
struct burst {
	struct run *run;
	unsigned n;
	unsigned sent; // mbufs the port has taken
	unsigned round; // they are sends number `round` of their members
	bool is_built; // mbufs are held: fetch and build are over
	uint32_t counter; // build .. seal
	uint64_t built_ns; // build .. tx
	uint32_t id[BURST];
	uint32_t address[BURST]; // fetch .. frame, IPv4, network order
	uint16_t port[BURST]; // fetch .. frame, host order
	uint16_t idr_len[BURST]; // fetch .. build
	uint8_t idr[BURST][STORE_NAI_MAX + 3]; // fetch .. build
	struct rte_mbuf *mbuf[BURST]; // build .. tx
	struct crypto_hmac_state psk[BURST]; // fetch .. seal
	struct crypto_seal_msg seal[BURST]; // build .. seal
};

// Verification messages on their way in.
struct intake {
	unsigned n;
	struct rte_mbuf *mbuf[BURST];
	struct mikey_view view[BURST];
	store_id id[BURST];
	uint8_t is_prev[BURST];
	uint8_t drop[BURST]; // enum dp_drop, or DP_DROP_COUNT once accepted
	struct store_muk_state muk[BURST]; // the key they answered under
	uint8_t input[BURST][CHECK_INPUT_BYTES];
};

// What all workers of a dataplane see.
struct dp_shared {
	const struct dp_conf *conf;
	uint16_t port_id;
	struct rte_ether_addr mac; // ours
	bool is_checksum_offloaded;
	struct neigh neigh; // workers: rw (atomic)
	_Atomic uint32_t mark; // control: wo, workers: ro
	_Atomic bool is_measuring; // control: wo, workers: ro
	_Atomic bool stop_requested;
	_Atomic(struct capture *) capture; // control: wo, workers: ro
	_Atomic uint64_t held; // times a worker stopped for changed records. workers: rw
	struct rte_ring *events;
	struct dp_counter_start counter_start;
	struct counter counter; // each entry: rw by the worker that owns the id's slice
	struct worker *worker[DP_WORKERS_MAX];
	unsigned workers;
};

struct worker {
	struct dp_shared *shared;
	unsigned index;
	uint16_t queue;
	struct crypto *crypto;
	struct store_reader *reader;
	struct rte_mempool *pool;
	struct rte_ring *commands;
	struct run *run[DP_CAMPAIGNS_MAX];
	unsigned runs;
	unsigned next_run; // whose turn it is
	bool is_held; // sends nothing until changed records are taken over
	bool has_waiting;
	struct dp_cmd waiting; // the command that has to wait for the other workers
	uint64_t holds; // times it stopped
	uint64_t known_version; // newest commit whose changes it was told
	struct burst burst;
	uint64_t stuck_since_ns; // when the port first took nothing, 0 = it takes
	struct rte_mbuf *out[OUT_MAX];
	unsigned out_n;
	struct intake intake;
	struct counter_owner counter; // this worker's view of the counter
	struct dp_stats stats;
	struct rte_mbuf *copies[BURST]; // of frames that are being sent, for the capture
	unsigned copied;
	struct capture *capturing;
};

// shared.c: what all workers see, from its set-up to its end, and what is asked of all of them.
// conf lives as long as shared.
int shared_init(struct dp_shared *shared, const struct dp_conf *conf,
	const struct dp_counter_start *counter, char why[256]);
int shared_workers_create(struct dp_shared *shared, struct store_env *env, char why[256]);
void shared_fini(struct dp_shared *shared); // also after one of the two above failed
int shared_command(struct dp_shared *shared, const struct dp_cmd *cmd); // see dp_command()
// Highest value any worker has used.
uint32_t shared_counter_highest(const struct dp_shared *shared);

// worker.c
int worker_create(
	struct dp_shared *shared, unsigned index, struct store_env *env, struct worker **out);
void worker_destroy(struct worker *w);
int worker_loop(void *worker); // an lcore's function
void worker_now(const struct dp_shared *shared, struct dp_now *now);
// The same from given clocks: CLOCK_BOOTTIME in ns, CLOCK_REALTIME in s.
void worker_now_at(const struct dp_counter_start *start, uint64_t boottime_ns, int64_t realtime_s,
	struct dp_now *now);
// One round of the pipeline; returns how many frames moved. pipeline.c
unsigned worker_turn(struct worker *w, const struct dp_now *now);

// command.c: takes what control has sent.
void worker_commands(struct worker *w, const struct dp_now *now);
bool worker_may_send(const struct worker *w);
void worker_event(struct worker *w, const struct dp_event *event);
void run_close(struct worker *w, struct run *run); // frees it

// The stages, in the order of pipeline.c. Each works on the worker's burst or intake.
bool stage_due(struct worker *w, const struct dp_now *now); // chooses members; false: none
void stage_fetch(struct worker *w, const struct dp_now *now); // records; refuses by name
bool stage_build(struct worker *w, const struct dp_now *now); // counter and messages; false: wait
void stage_seal(struct worker *w);
void stage_frame(struct worker *w);
unsigned stage_tx(struct worker *w, const struct dp_now *now);
unsigned stage_rx(struct worker *w, const struct dp_now *now);
void stage_check(struct worker *w, const struct dp_now *now);

// answer.c: ARP and echo. Takes the mbuf.
void answer_arp(struct worker *w, struct rte_mbuf *mbuf, const struct dp_now *now);
void answer_echo(struct worker *w, struct rte_mbuf *mbuf);
// Sends what waits in w->out, asks for the gateway when it is time. Returns frames sent.
unsigned answer_tx(struct worker *w, const struct dp_now *now);

// capture.c: copies frames for a running capture. Sent frames are copied before the port owns
// them, and kept when it took them.
void capture_rx(struct worker *w, struct rte_mbuf **mbufs, unsigned n);
void capture_tx_begin(struct worker *w, struct rte_mbuf **mbufs, unsigned n);
void capture_tx_end(struct worker *w, unsigned taken);

void worker_drop(struct worker *w, struct rte_mbuf *mbuf, enum dp_drop why);
// Gives up what the burst holds, for a run that closes.
void burst_discard(struct worker *w);
// Gives it back to the rounds, which choose it again: what waits too long is made anew.
void burst_return(struct worker *w);
// Whether a burst that was built may still leave.
bool burst_is_fresh(const struct worker *w, const struct dp_now *now);

static inline void run_mark_dirty(struct run *run, store_id id)
{
	atomic_store_explicit(&run->campaign->is_dirty[id / STORE_SLICE], 1, memory_order_release);
}

static inline void run_stall(struct worker *w, struct run *run, enum dp_stall stall)
{
	_Atomic uint32_t *seat = &run->campaign->worker[w->index].stall;

	if (atomic_load_explicit(seat, memory_order_relaxed) != stall)
		atomic_store_explicit(seat, stall, memory_order_relaxed);
}
