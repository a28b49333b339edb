// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The admin socket: HTTP on a UNIX socket, a thread a connection.

#pragma once

#include "ctl.h"

struct admin_http;

// Listens on path: mode 0600, in a directory that is made with mode 0700 when missing. A socket
// nobody listens on is replaced. -EADDRINUSE: another daemon listens. why gets a sentence.
int admin_http_start(struct ctl *ctl, const char *path, struct admin_http **out, char why[256]);
// Refuses new calls, lets the handlers that run finish, cancels streams, removes the socket.
void admin_http_stop(struct admin_http *http);

// The listening socket (admin_socket.c). The descriptor, or -errno.
int admin_socket_open(const char *path, char why[256]);
