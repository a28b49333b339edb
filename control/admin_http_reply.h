// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Inside of admin_http.c: what its connections send.

#pragma once

#include <microhttpd.h>

#include "admin.h"
#include "console.h"

// MHD_NO: there is no memory, and the connection is to be closed. The connection's thread.
enum MHD_Result admin_http_reply_send(
	enum admin_via via, struct MHD_Connection *connection, const struct admin_reply *reply);
enum MHD_Result admin_http_file_send(
	enum admin_via via, struct MHD_Connection *connection, const struct console_file *file);
