// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// libmicrohttpd on Ua, shared by ua_http.c, ua_http_request.c and ua_http_tls.c.

#pragma once

#include <microhttpd.h>

#include "ua_connections.h"
#include "ua_server.h"

#define UA_HTTP_OLD_MAX (4 * CONF_EAL_ARGS_MAX)

struct ua_http {
	struct ua_thread *thread;
	struct MHD_Daemon *daemon[CONF_EAL_ARGS_MAX];
	int listen_fd[CONF_EAL_ARGS_MAX]; // of each, closed with it
	unsigned daemons;
	// Under an earlier certificate, till their connections end.
	struct MHD_Daemon *old[UA_HTTP_OLD_MAX];
	unsigned olds;
	unsigned tls_version; // of the certificate that is in force here
	int epoll_fd; // of the daemons and of the thread's wake_fd
	struct ua_connections connections;
};

// --- ua_http.c ------------------------------------------------------------------------------

// A daemon for a socket that listens; NULL: libmicrohttpd does not start, or takes not this TLS.
struct MHD_Daemon *ua_http_daemon_start(struct ua_http *http, int fd, const struct pem_pair *tls);
// Has the thread wait for it, too. -errno.
int ua_http_daemon_watch(struct ua_http *http, struct MHD_Daemon *daemon);

// --- ua_http_request.c: what libmicrohttpd calls while a request comes and is answered ----------

void *ua_http_on_uri(void *arg, const char *uri, struct MHD_Connection *connection);
enum MHD_Result ua_http_on_request(void *arg, struct MHD_Connection *connection, const char *url,
	const char *method, const char *version, const char *data, size_t *len, void **state);
void ua_http_on_completed(void *arg, struct MHD_Connection *connection, void **state,
	enum MHD_RequestTerminationCode why);
// Takes up the calls whose wait is over.
void ua_http_resume(struct ua_http *http);
// Frees the calls that are kept for the next requests.
void ua_http_spares_free(struct ua_thread *t);

// --- ua_http_tls.c --------------------------------------------------------------------------

// Puts the newest certificate in force for connections that come.
void ua_http_tls_follow(struct ua_http *http);
// Serves the connections that came under earlier ones, and ends what has none left.
void ua_http_olds_serve(struct ua_http *http);
