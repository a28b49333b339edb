// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The table of calls: method and path to handler. docs/admin-api.md has a row for each of them,
// and a test that holds it to that.

#pragma once

#include "admin.h"

#define ADMIN_PATH_MAX 1024

// Version of what the table says: the first number stands in the paths, the second grows when
// something is added.
#define ADMIN_API_VERSION "1.2"

enum admin_route_flags {
	ADMIN_NEEDS_BODY = 1,
	ADMIN_SECRET_BODY = 2, // its body is not kept in the audit log
};

struct admin_route {
	const char *method;
	const char *path; // a '*' stands for one segment
	enum admin_role role; // that the caller needs
	unsigned flags; // enum admin_route_flags
	admin_handler *handle; // one of these two
	const struct admin_stream *stream;
	const char *text; // what it does
};
extern const struct admin_route admin_routes[];
extern const size_t admin_routes_count;

// Finds the route of a raw path (percent-encoded, no query) and decodes what stands at its
// wildcards into text, which req->arg[] then points to. NULL: the reply holds the error.
const struct admin_route *admin_route_find(const char *method, const char *path,
	char text[ADMIN_PATH_MAX], struct admin_request *req, struct admin_reply *reply);
// Decodes percent-encoding. -EINVAL: not well formed, or a NUL octet, or no room.
int admin_percent_decode(const char *from, size_t len, char *to, size_t size);
