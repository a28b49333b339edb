// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// A call from its first line to the end of its reply, whatever carries it: begin with the header,
// data as the body arrives, end when it is complete, free when the reply is over or the client
// has gone. All in one thread.

#pragma once

#include "admin.h"

struct admin_call;

// req says who calls, and where from; method lives as long as the call. Its body and arguments are
// filled in here. What it points to lives as long as the call. NULL: no memory.
struct admin_call *admin_call_begin(
	const struct admin_request *req, const char *method, const char *path);
void admin_call_data(struct admin_call *call, const char *data, size_t len);
// Runs the handler. The reply is the call's.
const struct admin_reply *admin_call_end(struct admin_call *call);
// Cancels what has not ended.
void admin_call_free(struct admin_call *call);
