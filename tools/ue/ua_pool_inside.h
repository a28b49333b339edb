// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// What the two files of the pool share (ua_pool.c, ua_connection.c).

#pragma once

#include <stdint.h>

#include "response.h"
#include "ua_pool.h"

#define REQUEST_MAX_BYTES 20480

enum which {
	CLOSED,
	IDLE,
	BUSY, // the one that has waited longest is first
	LISTS,
};

struct connection {
	int fd; // -1 when closed
	uint8_t which; // list it is in
	bool is_used; // an answer came over it
	bool has_octets; // of the answer to this request
	uint32_t before; // in its list
	uint32_t behind;
	uint32_t phone; // of the request; UE_NONE when idle
	int64_t deadline;
	struct ue_response response;
	char *in; // what has come of the answer so far; UE_RESPONSE_MAX_BYTES, NULL for nothing
	size_t in_len;
	char *out; // what is still to be sent; NULL for nothing
	size_t out_len;
};

struct list {
	uint32_t first;
	uint32_t last;
	uint32_t count;
};

struct ue_pool {
	struct ue_pool_conf conf;
	struct ue_ua *ua;
	int epoll;
	struct connection *connections;
	struct list lists[LISTS];
	uint64_t opened;
	char request[REQUEST_MAX_BYTES];
	char answer[UE_RESPONSE_MAX_BYTES];
};

// All closed; -ENOMEM.
int ue_connections_create(struct ue_pool *pool);
void ue_connections_destroy(struct ue_pool *pool);
// Puts a connection at the end of a list.
void ue_connection_move(struct ue_pool *pool, uint32_t at, enum which which);
// False when the system does not let us.
bool ue_connection_open(struct ue_pool *pool, uint32_t at, uint32_t phone);
// Nobody is told.
void ue_connection_close(struct ue_pool *pool, uint32_t at);
void ue_buffer_drop(char **buffer, size_t *len);
