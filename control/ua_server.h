// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Inside of Ua: the server, one of its threads, one call. Files: ua.c (life, statistics, what the
// others see), ua_wait.c (calls that wait), ua_http.c, ua_http_request.c and ua_http_tls.c
// (libmicrohttpd, the threads' loop), ua_call.c (a call from its header to its answer), ua_auth.c
// (who it is), ua_key.c (a B-TID that only the key source knows), ua_register.c and ua_msk.c (the
// procedures), ua_orders.c (pushes), ua_history.c (what is remembered).
//
// A call runs in its connection's thread. It never blocks: where it has to wait, for the key source
// or for a commit, its connection is suspended, and the thread takes the call up again when it is
// woken.

#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>

#include "cmd.h"
#include "conf.h"
#include "key_source.h"
#include "pem.h"
#include "ua.h"
#include "ua_authorization.h"
#include "ua_bodies.h"
#include "ua_catalogue.h"
#include "ua_ha1.h"
#include "ua_limit.h"
#include "ua_line.h"
#include "ua_memo.h"
#include "ua_replay.h"

#define UA_BODY_MAX 65536
#define UA_TARGET_MAX 1024
#define UA_ADDRESS_TEXT 46 // INET6_ADDRSTRLEN
#define UA_ORDERS_MAX 4096 // single pushes of a thread that wait for the end of its turn, at most
#define UA_REALM_MAX (CONF_TEXT_MAX + 32)
#define UA_BODIES_HELD_MAX (64u << 20) // octets of request bodies a thread holds at once

struct ua_http; // libmicrohttpd's side of a thread
struct ua_call;

// One that an answer may hold: name and value of a header.
#define UA_HEADER_MAX 1024
struct ua_header {
	const char *name;
	const char *value; // text, or a constant
	char text[UA_HEADER_MAX];
};

struct ua_thread {
	struct ua *ua;
	unsigned index;
	pthread_t thread;
	struct ua_http *http;
	struct store_reader *reader;
	uint64_t reader_ns; // when it was last renewed
	uint64_t renew_ns; // what that cost
	struct ua_bodies *bodies;
	struct ua_memo *memo;
	struct ua_catalogue *catalogue;
	struct dp_muk_prep *muk_prep;
	uint64_t now_ns; // CLOCK_BOOTTIME of this turn
	uint32_t now_s; // the same in seconds
	int64_t unix_s; // the later of CLOCK_REALTIME and that of the daemon's start +
			// CLOCK_BOOTTIME
	size_t bodies_held; // octets
	unsigned waiting; // calls that are suspended
	struct ua_call *spare; // that nobody uses now
	unsigned spares;
	struct ua_line line; // of calls that were turned away
	unsigned answered; // others, in this turn
	struct dp_single order[UA_ORDERS_MAX];
	unsigned orders;
	// Calls whose wait is over; anybody puts, this thread takes.
	pthread_mutex_t woken_lock;
	struct ua_call *woken;
	int wake_fd; // eventfd
	_Atomic uint64_t turns; // of its loop
	// thread: rw, others: ro (aligned words)
	struct ua_stats stats;
};

struct ua {
	struct ctl *ctl;
	const struct conf *conf;
	char realm[2][UA_REALM_MAX]; // that are ours
	unsigned realms;
	char offered[2 * UA_REALM_MAX]; // as the challenge has them
	char opaque[17];
	struct ua_nonce_key nonce_key;
	_Atomic uint64_t nonce_number; // the last one issued
	struct ua_replay *replay;
	struct ua_ha1 *ha1;
	struct ua_limit *limit;
	struct key_source *key_source; // NULL: none
	_Atomic uint64_t *note; // by subscriber; zero pages cost nothing
	char addresses[1024];
	pthread_mutex_t tls_lock;
	struct pem_pair tls; // under tls_lock once it serves; main thread: rw, others: ro
	_Atomic unsigned tls_version;
	int64_t realtime_offset_s; // Unix seconds minus CLOCK_BOOTTIME at start
	_Atomic bool stop_requested;
	unsigned threads;
	struct ua_thread *thread[CONF_WORKERS_MAX];
};

// Where a call stands.
enum ua_state {
	UA_STATE_BEGIN, // its body is complete
	UA_STATE_KEY, // waits for the key source
	UA_STATE_KEY_STORE, // waits for the commit of a new bootstrapping
	UA_STATE_COMMIT, // waits for the commit of a registration
	UA_STATE_END, // answered
};

struct ua_call {
	struct ua_thread *thread;
	uint64_t begun_ns; // meter_now_ns()
	void *connection; // ua_http.c's
	enum ua_state state;
	uint64_t begin_ns; // of the turn in which its header was there
	enum ua_procedure procedure;
	enum ua_result result;

	// The request. Texts of headers live as long as the call.
	size_t target_len; // longer than target: it was cut
	struct ua_text method;
	struct ua_text authorization; // the first one
	unsigned authorizations;
	struct ua_text user_agent;
	struct ua_text content_type;
	unsigned content_lengths;
	unsigned hosts;
	bool is_header_bad; // a name is no token
	struct ua_text transfer_coding;
	uint64_t content_length;
	struct sockaddr_storage peer;
	char address[UA_ADDRESS_TEXT]; // see ua_call_address()
	char *body;
	size_t body_len;
	size_t body_size; // room
	size_t body_read; // octets that came, also those that were passed over
	bool is_body_wanted; // else it is passed over

	// Who it is.
	struct ua_authorization auth;
	struct ua_nonce nonce;
	uint8_t body_hash[UA_HASH_MAX];
	uint8_t ha1[UA_HASH_MAX]; // secret
	bool is_authenticated;
	store_id id;
	struct ua_key *key; // what the key source said; secret, freed with the call

	// What it asks for.
	struct ua_body *items;
	struct ua_registration *registration; // freed with the call

	// Waiting.
	bool is_waiting;
	struct ctl_job job;
	int job_result;
	uint64_t job_version;
	struct ua_call *next_woken;
	struct ua_call *next_spare;

	// The answer.
	const char *reply; // lives until the next call of the thread
	size_t reply_len;
	const char *reply_type;

	// From here on nothing is set when a call begins.
	char target[UA_TARGET_MAX];
	char scratch[UA_AUTHORIZATION_MAX]; // that auth may point into
	uint8_t code[UA_ITEMS_MAX]; // answered to each item
};

// --- ua_call.c ------------------------------------------------------------------------------

// Looks at the header: sets result when the call can be answered without its body, and whether the
// body is wanted.
void ua_call_header(struct ua_call *call);
// Goes on until the answer stands (true), or until it has to wait (false).
bool ua_call_run(struct ua_call *call);
// Headers of the answer; returns how many.
#define UA_HEADERS_MAX 6
unsigned ua_call_headers(struct ua_call *call, struct ua_header out[UA_HEADERS_MAX]);
// What follows on the connection may not be a request: it is answered at once, and closed.
bool ua_call_is_unframed(const struct ua_call *call);
// The peer's address as text.
const char *ua_call_address(struct ua_call *call);
// Wipes and frees what the call holds, not the call itself.
void ua_call_fini(struct ua_call *call);
// Ends the call with a result; returns true, for ua_call_run().
bool ua_call_end(struct ua_call *call, enum ua_result result);

// --- ua_auth.c ------------------------------------------------------------------------------

enum ua_auth_verdict {
	UA_AUTH_DONE, // result is set
	UA_AUTH_GOOD,
	UA_AUTH_ASK_KEY, // nobody here knows the B-TID
};
// Before the body is there: whether the credentials are well formed. False: result is set.
bool ua_auth_header(struct ua_call *call);
enum ua_auth_verdict ua_auth_check(struct ua_call *call);
// Whether the response is right under call->ha1; else result is set.
bool ua_auth_is_right(struct ua_call *call);
// Whether the key that lives until then, and the nonce, are fresh; else result is set. Uses the
// nonce up: to be asked once, of a right response.
bool ua_auth_is_fresh(struct ua_call *call, int64_t expires);
void ua_auth_challenge(struct ua_call *call, enum ua_alg alg, char out[UA_HEADER_MAX]);
void ua_auth_info(struct ua_call *call, char out[UA_HEADER_MAX]);
// HA1 of the call's B-TID and an MRK, into call->ha1.
void ua_auth_ha1(struct ua_call *call, const uint8_t mrk[32]);
// The subscriber with the call's B-TID as the current one; STORE_ID_NONE.
store_id ua_auth_find(struct ua_call *call);
bool ua_muk_is_fresh(const struct ua_thread *t, int64_t expires);

// --- ua_key.c -------------------------------------------------------------------------------

// Asks the key source; the call waits.
void ua_key_ask(struct ua_call *call);
// Its answer is there. True: result is set. False: the call waits on, for the commit of it.
bool ua_key_answered(struct ua_call *call);
// It is in the store: call->id is set. False: result is set.
bool ua_key_stored(struct ua_call *call);
void ua_key_free(struct ua_call *call);

// --- Procedures -----------------------------------------------------------------------------

// True: code[] stands. False: the call waits, or (is_waiting is not set) has ended.
bool ua_register_run(struct ua_call *call);
void ua_register_committed(struct ua_call *call);
void ua_register_free(struct ua_call *call);
void ua_msk_run(struct ua_call *call);
// Whether the policies of the services allow it under this MUK and nonce: UA_OK, or what is to be
// demanded.
enum ua_result ua_msk_demand(struct ua_call *call);

// --- ua_orders.c ----------------------------------------------------------------------------

// Orders pushes of what is given out of a group now. needs: the subscriber has to be registered
// when it is sent. False: there is no room.
bool ua_order_push(struct ua_call *call, const struct ua_group *group, uint16_t number, bool needs);
bool ua_order_end(struct ua_call *call, const struct store_group_id *group);
bool ua_orders_have_room(struct ua_thread *t, unsigned n);
void ua_orders_flush(struct ua_thread *t);
// The peer's address; none when it has none.
void ua_peer_addr(const struct ua_call *call, struct store_addr *addr);
// Where to push to: the address of the request, if the configuration says so. False: as imported.
bool ua_place_of(const struct ua_call *call, struct store_addr *addr);
uint16_t ua_port_of(const struct store_hot *hot);
// Whether that is another place than the record says.
bool ua_place_differs(
	const struct ua_call *call, const struct store_hot *hot, struct store_addr *addr);
// Notes it in the record if it is, without waiting.
void ua_place_note(struct ua_call *call, const struct store_hot *hot);

// --- ua_history.c ---------------------------------------------------------------------------

// Once it is answered, while its items still stand.
void ua_note_write(struct ua_call *call);

// --- ua_wait.c ------------------------------------------------------------------------------

// The call waits from now on.
void ua_call_wait(struct ua_call *call, enum ua_state state);
// Its wait is over. Any thread.
void ua_call_wake(struct ua_call *call);
// Takes all calls that were woken.
struct ua_call *ua_thread_woken(struct ua_thread *t);
// Whether it may wait: there is room, and the daemon does not end.
bool ua_call_may_wait(const struct ua_call *call);
// Posts call->job; the call waits for it. False: it cannot be posted.
bool ua_call_post(
	struct ua_call *call, enum ua_state state, int (*fn)(struct store_txn *txn, void *arg));

// --- ua.c -----------------------------------------------------------------------------------

// Takes the newest snapshot, if at least so many nanoseconds have passed or must is set.
void ua_thread_follow(struct ua_thread *t, bool must);
void ua_thread_clock(struct ua_thread *t);
uint64_t ua_clock_ns(void); // CLOCK_BOOTTIME, now: threads otherwise go by that of their turn
void ua_latency_note(struct ua_call *call);

// --- ua_http.c ------------------------------------------------------------------------------

// Listens; addresses get the ports that were chosen. Before the threads run.
int ua_http_listen(struct ua *ua, char why[256]);
void ua_http_close(struct ua_thread *t);
void *ua_http_loop(void *thread);
