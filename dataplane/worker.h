// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Inside of the dataplane: one worker. What moves through its pipeline is in burst.h. A worker owns
// its port queue, crypto context, store snapshot and counters; nothing here is shared between
// workers but what struct dp_shared holds.

#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include <rte_ether.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#include "burst.h"
#include "conf.h"
#include "counter.h"
#include "dp.h"
#include "event.h"
#include "frame.h"
#include "hop.h"
#include "mtk.h"
#include "nap.h"
#include "pace.h"
#include "port.h"
#include "push_note.h"

#define HANDED 1024 // verifications for another worker that wait for it, power of two
#define RX_PER_TURN 4 // receive bursts for one send burst: answers must not pile up
#define FLOOD_SURE 8 // full bursts of useless frames in a row that make a flood
#define FLOOD_TURNS 32 // in a flood, one receive burst for so many send bursts
#define AHEAD_TURNS 16 // one burst ahead in so many turns, however much else there is to do

// The clocks of one turn. Nothing below worker_loop() asks for the time.
struct dp_now {
	uint64_t ns; // CLOCK_BOOTTIME
	uint32_t counter; // T the counter's clock stands at
	int64_t unix_s; // the later of CLOCK_REALTIME and the counter's clock
};

// What all workers of a dataplane see.
struct dp_shared {
	const struct dp_conf *conf;
	struct port port[DP_PORTS_MAX];
	unsigned ports;
	// Held by who starts or stops devices, or asks them anything but to move frames.
	pthread_mutex_t ports_lock;
	struct routes routes;
	// Counts changes of what can be used: ports, links, MACs. Whoever changes it: rw
	_Atomic uint32_t ways_version;
	_Atomic uint32_t mark; // control: wo, workers: ro
	_Atomic bool is_measuring; // control: wo, workers: ro
	_Atomic bool stop_requested;
	// What came out wrong when it was computed a second time (crypto_fault()): nothing is sent
	// any more. workers: rw, control: ro
	_Atomic(const char *) fault;
	_Atomic(struct capture *) capture; // control: wo, workers: ro
	_Atomic uint64_t held; // times a worker stopped for changed records. workers: rw
	_Atomic uint32_t singles; // single pushes under way. workers: rw
	struct pace area_pace[DP_AREAS_MAX]; // of all campaigns
	struct pace solicit_pace; // likewise, of solicited pulls: what the HTTP side can serve
	struct push_notes notes;
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
	struct singles singles;
	struct single_msk single_msk[SINGLES_MSKS_MAX]; // by the seat that singles name
	struct rte_ring *orders; // of struct dp_single; any thread puts, this worker takes
	struct nap nap; // who puts an order ends it
	bool has_order;
	struct dp_single order; // the order that waits for a newer snapshot
	struct rte_ring *handed; // verifications for ids of this worker; other workers put
	struct rte_ring *verifications; // of struct dp_verification, for control
	struct rte_ring *push_events; // of struct dp_push_event, for control
	bool is_singles_turn;
	bool is_held; // sends nothing until changed records are taken over
	bool has_waiting;
	struct dp_cmd waiting; // the command that has to wait for the other workers
	uint64_t holds; // times it stopped
	uint64_t known_version; // newest commit whose changes it was told
	struct burst burst;
	// How the ways out stand in this turn.
	uint32_t known_ways; // version of the shared ones
	uint32_t ways_epoch; // moves on whenever something that could not be used now can
	enum port_state port_state[DP_PORTS_MAX];
	enum dp_stall hop_stall[DP_HOPS_MAX];
	struct frame_headers headers[DP_HOPS_MAX];
	struct egress egress[DP_PORTS_MAX];
	struct intake intake;
	unsigned flood_bursts; // in a row, up to FLOOD_SURE
	struct counter_owner counter; // this worker's view of the counter
	struct mtk_sender mtk;
	struct dp_stats stats;
	struct dp_area_stats area[DP_AREAS_MAX + 1];
	struct rte_mbuf *copies[BURST]; // of frames that are being sent, for the capture
	uint8_t copy_of[BURST]; // which frame of the burst each is of
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
// Waits until each worker that runs has begun another turn: none holds what it saw before.
void shared_workers_pass(const struct dp_shared *shared);
// The same, and none holds a buffer that it received before.
void shared_workers_drain(const struct dp_shared *shared);
size_t shared_singles(struct dp_shared *shared, const struct dp_single *orders, size_t n);
int shared_mtk(struct dp_shared *shared, const struct dp_mtk *order); // see dp_mtk()
size_t shared_mtk_notes(struct dp_shared *shared, struct dp_mtk_note *out, size_t n);
// Highest value any worker has used.
uint32_t shared_counter_highest(const struct dp_shared *shared);

// worker.c
int worker_create(
	struct dp_shared *shared, unsigned index, struct store_env *env, struct worker **out);
void worker_destroy(struct worker *w);
int worker_loop(void *worker); // an lcore's function
uint64_t worker_clock_ns(clockid_t clock);
void worker_now(const struct dp_shared *shared, struct dp_now *now);
// The same from given clocks: CLOCK_BOOTTIME in ns, CLOCK_REALTIME in s.
void worker_now_at(const struct dp_counter_start *start, uint64_t boottime_ns, int64_t realtime_s,
	struct dp_now *now);
// Whether what the crypto has just computed can be trusted. If not, no worker sends any more.
bool worker_trusts_crypto(struct worker *w);
// One round of the pipeline; returns how many frames moved. pipeline.c
unsigned worker_turn(struct worker *w, const struct dp_now *now);

// command.c: takes what control has sent.
void worker_commands(struct worker *w, const struct dp_now *now);
bool worker_may_send(const struct worker *w);
// Takes the newest snapshot; what was made from the one before is given back.
void worker_follow(struct worker *w, const struct dp_now *now);
// Whether its snapshot has a commit. One that the worker was told of may be taken over at any time;
// for another one it has to wait.
bool worker_has_seen(struct worker *w, uint64_t version, const struct dp_now *now);
void worker_event(struct worker *w, const struct dp_event *event);
// Template, label and eligibility of an MSK, which lives as long as the run.
int run_prepare(struct worker *w, struct run *run, const struct dp_msk *msk);
void run_close(struct worker *w, struct run *run); // frees it

// sweeps.c: how the members of a campaign are parted. -ENOMEM; fini also then.
int sweeps_init(struct worker *w, struct run *run, const struct dp_now *now);
void sweeps_fini(struct run *run);
// Begins those that waited for others; holds those that solicit while the HTTP side serves nobody.
void sweeps_follow(struct worker *w, struct run *run, const struct dp_now *now);
bool sweeps_are_through(const struct run *run, const struct dp_now *now);
// The round the last of them is in; those solicited from the start do not count beside others.
unsigned sweeps_round(const struct run *run);
bool sweeps_have_blocked(const struct run *run);

// The stages, in the order of pipeline.c. Each works on the worker's burst or intake.
bool stage_due(struct worker *w, const struct dp_now *now); // chooses members; false: none
void stage_fetch(struct worker *w, const struct dp_now *now); // records; refuses by name
void stage_route(struct worker *w, const struct dp_now *now); // next hops; puts aside
bool stage_build(struct worker *w, const struct dp_now *now); // counter and messages; false: wait
bool stage_seal(struct worker *w); // false: what it computed cannot be trusted
void stage_frame(struct worker *w, const struct dp_now *now); // hands over to the egress
unsigned stage_tx(struct worker *w, const struct dp_now *now);
// Prepares armed campaigns. Returns 0 when there is nothing to do.
unsigned stage_ahead(struct worker *w, const struct dp_now *now);
unsigned stage_rx(struct worker *w, unsigned port, const struct dp_now *now);
void stage_check(struct worker *w, const struct dp_now *now);

// Writes headers in front of a message, which begins where the data of a fresh buffer do.
// stage_frame.c
void frame_mbuf_put(
	struct rte_mbuf *m, const struct frame_headers *h, const struct dp_addr *to, uint16_t port);

// egress.c: what can be used to send, looked up once a turn. Frames whose way is gone, or that
// waited too long, are given back to the rounds: they are made anew, with a higher counter.
void egress_look(struct worker *w, const struct dp_now *now);
enum egress_state {
	EGRESS_READY, // a next hop takes messages
	EGRESS_FULL, // one will soon
	EGRESS_STALLED, // none can be used; *why tells
};
enum egress_state egress_state(
	const struct worker *w, const struct dp_now *now, enum dp_stall *why);
// Number of the next hop that a message of this route goes to now; -1: none, *why tells, and
// DP_STALL_NONE means that its port is just busy.
int egress_choose(struct worker *w, uint16_t route, const struct dp_now *now, enum dp_stall *why);
// Whether a frame for this member waits at another port than that of this next hop. It may go by
// that one before it can be given back; nothing with a higher value may leave before.
bool egress_holds_elsewhere(struct worker *w, unsigned hop, uint32_t id);
// Notes what the port did with n frames it was given.
void egress_took(struct egress *e, unsigned n, unsigned taken, const struct dp_now *now);
bool egress_is_stuck(const struct egress *e, const struct dp_now *now);
bool egress_is_empty(const struct worker *w); // of all ports, answers too
void egress_return(struct worker *w, struct egress *e);
// It holds nothing any more: who was put aside for that may come again.
void egress_clear(struct worker *w, struct egress *e);
// Something that could not be used before may be used now.
void ways_changed(struct dp_shared *shared);

// answer_arp.c, answer_nd.c, answer_icmp.c: our own addresses on the wire. They take the mbuf, a
// frame of a port with l2_len and, of IP, l3_len set.
struct packet;
void answer_arp(struct worker *w, unsigned port, struct rte_mbuf *mbuf, const struct dp_now *now);
void answer_icmp(struct worker *w, unsigned port, struct rte_mbuf *mbuf, const struct packet *p);
void answer_icmp6(struct worker *w, unsigned port, struct rte_mbuf *mbuf, const struct packet *p,
	const struct dp_now *now);
void answer_nd(struct worker *w, unsigned port, struct rte_mbuf *mbuf, const struct packet *p,
	const struct dp_now *now);
// Asks for the MAC of a next hop; false: no buffer, or no room.
bool ask_arp(struct worker *w, const struct hop *hop, bool is_direct);
bool ask_nd(struct worker *w, const struct hop *hop, bool is_direct);

// ask.c. A frame of ours with everything up to the type; NULL: no buffer.
struct rte_mbuf *ask_frame(struct worker *w, const struct port *port, uint16_t type);
// Takes the mbuf; it is sent with the next answer_tx(). False: it was dropped, the port takes none.
bool answer_send(struct worker *w, unsigned port, struct rte_mbuf *mbuf);
// The same, back to where the frame came from.
bool answer_turn(struct worker *w, unsigned port, struct rte_mbuf *mbuf);
// Somebody on this port says that `addr` has this MAC.
void hop_hear(struct worker *w, unsigned port, const struct dp_addr *addr,
	const struct rte_ether_addr *mac, const struct dp_now *now);
// Asks, and sends what waits of all this. Returns frames sent.
unsigned answer_tx(struct worker *w, const struct dp_now *now);
// Takes a frame of a port and finds out what it is. stage_rx.c
void worker_receive(
	struct worker *w, unsigned port, struct rte_mbuf *mbuf, const struct dp_now *now);

// capture.c: copies frames for a running capture. Sent frames are copied before the port owns
// them, and kept when it took them.
void capture_rx(struct worker *w, unsigned port, struct rte_mbuf **mbufs, unsigned n);
void capture_tx_begin(struct worker *w, unsigned port, struct rte_mbuf **mbufs, unsigned n);
void capture_tx_end(struct worker *w, unsigned taken);

void worker_drop(struct worker *w, struct rte_mbuf *mbuf, enum dp_drop why);
// Wipes the keys that the fetch stage has put there.
void burst_forget_keys(struct burst *b);
// Gives up what burst and egress hold; of one run, or of all (NULL).
void burst_discard(struct worker *w, const struct run *run);
// Gives it back to the rounds, which choose it again: what waits too long is made anew.
void burst_return(struct worker *w);
// Number of the message that member i of the burst gets.
unsigned member_send(const struct worker *w, unsigned i);
// Whether that is a solicited pull under the MUK before the current one.
bool member_gets_previous(const struct worker *w, unsigned i);
// A message of this campaign has this value: answers with lower ones are from before.
void campaign_begin_at(struct dp_campaign *c, uint32_t counter);
// Member i of the burst gets none in this round.
void member_pass_over(struct worker *w, unsigned i);
// Member i of the burst is not sent to, for a reason (enum dp_refusal).
void member_refuse(struct worker *w, unsigned i, unsigned why, const struct dp_now *now);
// Its values are too far ahead of the clock, by a second at most: it comes again.
void member_delay(struct worker *w, unsigned i, const struct dp_now *now);
// It has no way now: nobody waits for it, and it comes again when there is one.
void member_put_aside(struct worker *w, unsigned i, enum dp_stall why, const struct dp_now *now);
// One member of a campaign that was chosen is not sent to now.
void member_return(struct worker *w, struct sweep *sweep, unsigned round, store_id id);

static inline void run_mark_dirty(struct run *run, store_id id)
{
	atomic_store_explicit(&run->campaign->is_dirty[id / STORE_SLICE], 1, memory_order_release);
}

static inline void run_stall(struct worker *w, struct run *run, enum dp_stall stall)
{
	_Atomic uint32_t *seat;

	if (run->campaign == NULL)
		return;
	seat = &run->campaign->worker[w->index].stall;
	if (atomic_load_explicit(seat, memory_order_relaxed) != stall)
		atomic_store_explicit(seat, stall, memory_order_relaxed);
}
