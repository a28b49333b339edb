// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The admin API over HTTP, a thread a connection: on a UNIX socket, and when the configuration
// says so over TLS, with the console's page beside it, and /metrics alone over TCP.

#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "admin_access.h"
#include "ctl.h"

struct conf;
struct admin_http;

// Listens where ctl->conf says; ctl->admin is set. A socket nobody listens on is replaced.
// -EADDRINUSE: another daemon listens. why gets a sentence.
int admin_http_start(struct ctl *ctl, char why[256]);
// Takes over roles, tokens and certificates as they are now. Calls over TLS that run are cut when
// the certificate has changed. On error all that could not be read stays as it was. Main thread.
int admin_http_reload(struct admin_http *http, const struct conf *conf, char why[256]);
// Where one of them is served, with the port that was chosen; NULL: not.
const char *admin_http_address(const struct admin_http *http, enum admin_via via);
// Refuses new calls, lets the handlers that run finish, cancels streams, removes the socket.
void admin_http_stop(struct admin_http *http);

// The listening socket (admin_socket.c): mode 0600, in a directory that is made with mode 0700 when
// missing; 0660 and 0711 for a group ((gid_t)-1: none). The descriptor, or -errno.
int admin_socket_open(const char *path, gid_t group, char why[256]);
