// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The table of calls: method and path to handler.

#pragma once

#include "admin.h"

#define ADMIN_PATH_MAX 1024

struct admin_route {
	const char *method;
	const char *path; // a '*' stands for one segment
	admin_handler *handle; // one of these two
	const struct admin_stream *stream;
	bool needs_body;
};
extern const struct admin_route admin_routes[];
extern const size_t admin_routes_count;

// Finds the route of a raw path (percent-encoded, no query) and decodes what stands at its
// wildcards into text, which req->arg[] then points to. NULL: the reply holds the error.
const struct admin_route *admin_route_find(const char *method, const char *path,
	char text[ADMIN_PATH_MAX], struct admin_request *req, struct admin_reply *reply);
// Decodes percent-encoding. -EINVAL: not well formed, or a NUL octet, or no room.
int admin_percent_decode(const char *from, size_t len, char *to, size_t size);
