// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Keep-alive connections to the BM-SC, taken in turn by all phones: an HTTP/1.1 client with one
// request on a connection at a time. Never blocks. Belongs to whoever has the turn.

#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include "ua.h"

struct ue_pool_conf {
	struct sockaddr_storage server;
	socklen_t server_len;
	unsigned connections; // most at a time
	int64_t timeout_us; // for a whole answer
	// IPv4 addresses that connections come from in turn; count 0: what the system chooses.
	uint32_t source; // host order
	uint32_t source_count;
};

struct ue_pool;

// Descriptors are registered with `epoll`, edge-triggered; the data of their events is the number
// of the connection. -ENOMEM.
int ue_pool_create(
	struct ue_pool **out, const struct ue_pool_conf *conf, struct ue_ua *ua, int epoll);
// Phones that had a connection are left as they are.
void ue_pool_destroy(struct ue_pool *pool);

// Takes an event of a connection.
void ue_pool_event(
	struct ue_pool *pool, uint64_t number, uint32_t events, const struct ue_now *now);
// Ends what took too long and gives connections to phones that are due, to a bounded number of
// them. True when there was anything to do.
bool ue_pool_turn(struct ue_pool *pool, const struct ue_now *now);
// Connections open, with a request, and opened so far.
json_t *ue_pool_report(const struct ue_pool *pool);
