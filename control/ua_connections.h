// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The connections of a thread of Ua by what is waited for on them, so that a request that takes too
// long, and idle ones when there is hardly room for more, can be ended. That is a shutdown() of the
// socket: libmicrohttpd then sees the end of it. One thread; time is an argument.

#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

enum ua_connection_place {
	UA_CONNECTION_FRESH, // for the first line of its first request
	UA_CONNECTION_BUSY, // for the rest of a request, or for the phone to take the answer
	UA_CONNECTION_IDLE, // for the next request
	UA_CONNECTION_PLACES,
};

struct ua_connection {
	TAILQ_ENTRY(ua_connection) in_list;
	uint64_t since_ns; // when it came to its place
	int fd;
	uint8_t place; // enum ua_connection_place
	bool is_held; // waits for us, not for the phone
};
TAILQ_HEAD(ua_connection_list, ua_connection);

struct ua_connections {
	struct ua_connection_list list[UA_CONNECTION_PLACES]; // in order of time
	uint64_t life_ns[UA_CONNECTION_PLACES];
	uint64_t looked_ns; // when lives were last looked at
	unsigned n;
	unsigned most;
};

// most: that there can be; seconds: how long a request may take, and how long there may be none.
void ua_connections_init(
	struct ua_connections *c, unsigned most, uint64_t request_s, uint64_t idle_s);
// A fresh one; NULL: no memory, and it is not looked after.
struct ua_connection *ua_connections_add(struct ua_connections *c, int fd, uint64_t now_ns);
// Frees it; NULL is none.
void ua_connections_remove(struct ua_connections *c, struct ua_connection *connection);
void ua_connections_move(struct ua_connections *c, struct ua_connection *connection,
	enum ua_connection_place place, uint64_t now_ns);
// Ends those whose time is over; returns how many. To be called every turn: looks twice a second.
unsigned ua_connections_expire(struct ua_connections *c, uint64_t now_ns);
// Ends fresh and then idle ones, the oldest first, as long as nearly all of the room is taken;
// returns how many. To be called every turn.
unsigned ua_connections_make_room(struct ua_connections *c, uint64_t now_ns);
