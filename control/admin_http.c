// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The admin API's side of libmicrohttpd, with admin_http_reply.c: listeners, and from a
// connection's callbacks to calls.

#include "admin_http.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <microhttpd.h>

#include "admin_access.h"
#include "admin_call.h"
#include "admin_http_reply.h"
#include "admin_routes.h"
#include "conf.h"
#include "console.h"
#include "listen.h"
#include "log.h"
#include "pem.h"

#define CONNECTIONS_MAX 64 // of each listener
#define IDLE_TIMEOUT_S 60

static char tls_priorities[] = "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2";

struct listener {
	struct admin_http *http;
	enum admin_via via;
	bool is_tls;
	struct MHD_Daemon *daemon; // NULL: not open
	char address[112]; // path of the socket, or address and port as they were chosen
};

struct admin_http {
	struct ctl *ctl;
	struct admin_access *access;
	struct listener by[ADMIN_VIAS]; // enum admin_via
	struct pem_pair tls;
};

struct admin_query {
	struct MHD_Connection *connection;
	char *value[8]; // decoded, freed with the request
	unsigned values;
};

struct request {
	struct admin_query query;
	struct admin_peer peer;
	const struct console_file *file; // a part of the page; NULL: a call
	struct admin_call *call;
};

// --- Query ----------------------------------------------------------------------------------

static const char *query_get(const struct admin_query *query, const char *name)
{
	// Decoded values are kept with the request, so that handlers may hold on to them.
	struct admin_query *q = (struct admin_query *)(uintptr_t)query;
	const char *raw = MHD_lookup_connection_value(q->connection, MHD_GET_ARGUMENT_KIND, name);
	size_t size = raw == NULL ? 0 : strlen(raw) + 1;
	char *value;

	if (raw == NULL || q->values == sizeof(q->value) / sizeof(q->value[0]))
		return NULL;
	value = malloc(size);
	if (value == NULL)
		return NULL;
	if (admin_percent_decode(raw, size - 1, value, size) < 0)
		value[0] = '\0';
	q->value[q->values++] = value;
	return value;
}

// --- Requests -------------------------------------------------------------------------------

static void peer_find(
	const struct listener *by, struct MHD_Connection *connection, struct admin_peer *out)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);

	*out = (struct admin_peer){0};
	if (by->via == ADMIN_BY_SOCKET && info != NULL)
		admin_access_socket(by->http->access, info->connect_fd, out);
	else if (by->via == ADMIN_BY_TLS || by->via == ADMIN_BY_CONSOLE)
		admin_access_token(by->http->access,
			MHD_lookup_connection_value(
				connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_AUTHORIZATION),
			out);
	else if (by->via == ADMIN_BY_METRICS)
		*out = (struct admin_peer){.name = "anybody", .roles = ADMIN_METRICS};
	out->via = by->via;
}

// The page itself holds nothing: whoever gets at the port may have it.
static const struct console_file *file_find(
	const struct listener *by, const char *method, const char *path)
{
	bool is_asked = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;

	return by->via == ADMIN_BY_CONSOLE && is_asked ? console_file_find(path) : NULL;
}

static struct request *request_begin(const struct listener *by, struct MHD_Connection *connection,
	const char *path, const char *method)
{
	struct request *request = calloc(1, sizeof(*request));
	struct admin_request req = {.ctl = by->http->ctl, .query_get = query_get};

	if (request == NULL)
		return NULL;
	request->file = file_find(by, method, path);
	if (request->file != NULL)
		return request;
	peer_find(by, connection, &request->peer);
	request->query.connection = connection;
	req.peer = &request->peer;
	req.query = &request->query;
	request->call = admin_call_begin(&req, method, path);
	if (request->call == NULL) {
		free(request);
		return NULL;
	}
	return request;
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *connection, const char *url,
	const char *method, const char *version, const char *data, size_t *len, void **state)
{
	const struct listener *by = arg;
	struct request *request = *state;

	(void)version;
	if (request == NULL) {
		request = request_begin(by, connection, url, method);
		*state = request;
		return request == NULL ? MHD_NO : MHD_YES;
	}
	if (*len > 0) {
		if (request->call != NULL)
			admin_call_data(request->call, data, *len);
		*len = 0;
		return MHD_YES;
	}
	if (request->file != NULL)
		return admin_http_file_send(by->via, connection, request->file);
	return admin_http_reply_send(by->via, connection, admin_call_end(request->call));
}

static void on_completed(void *arg, struct MHD_Connection *connection, void **state,
	enum MHD_RequestTerminationCode why)
{
	struct request *request = *state;

	(void)arg;
	(void)connection;
	(void)why;
	if (request == NULL)
		return;
	*state = NULL;
	if (request->call != NULL)
		admin_call_free(request->call);
	for (unsigned i = 0; i < request->query.values; i++)
		free(request->query.value[i]);
	free(request);
}

// Paths and arguments stay as they were sent: an encoded slash is part of a name.
static size_t unescape_nothing(void *arg, struct MHD_Connection *connection, char *text)
{
	(void)arg;
	(void)connection;
	return strlen(text);
}

static void on_mhd_message(void *arg, const char *format, va_list args)
{
	char text[256];
	size_t n;

	(void)arg;
	vsnprintf(text, sizeof(text), format, args);
	n = strcspn(text, "\n\"");
	log_debug("http", "text=\"%.*s\"", (int)n, text);
}

// --- Listeners --------------------------------------------------------------------------------

// Serves a listening socket, which is the listener's from here on.
static int listener_serve(struct listener *l, int fd, char why[256])
{
	unsigned flags = MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD |
		MHD_USE_POLL | MHD_USE_ERROR_LOG;
	struct MHD_OptionItem tls[] = {
		{MHD_OPTION_HTTPS_MEM_CERT, 0, l->http->tls.certificate.text},
		{MHD_OPTION_HTTPS_MEM_KEY, 0, l->http->tls.key.text},
		{MHD_OPTION_HTTPS_PRIORITIES, 0, tls_priorities},
		{MHD_OPTION_END, 0, NULL},
	};
	struct MHD_OptionItem none[] = {{MHD_OPTION_END, 0, NULL}};

	l->daemon = MHD_start_daemon(l->is_tls ? flags | MHD_USE_TLS : flags, 0, NULL, NULL,
		on_request, l, MHD_OPTION_EXTERNAL_LOGGER, on_mhd_message, NULL,
		MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS_MAX,
		MHD_OPTION_CONNECTION_TIMEOUT, IDLE_TIMEOUT_S, MHD_OPTION_UNESCAPE_CALLBACK,
		unescape_nothing, NULL, MHD_OPTION_NOTIFY_COMPLETED, on_completed, l,
		MHD_OPTION_ARRAY, l->is_tls ? tls : none, MHD_OPTION_END);
	if (l->daemon != NULL)
		return 0;
	snprintf(why, 256, "%.180s cannot be served%s", l->address,
		l->is_tls ? ": certificate and private key do not do" : "");
	close(fd);
	return -EIO;
}

static int socket_up(struct admin_http *http, const char *path, char why[256])
{
	struct listener *l = &http->by[ADMIN_BY_SOCKET];
	int fd = admin_socket_open(path, admin_access_group(http->access), why), ret;

	if (fd < 0)
		return fd;
	*l = (struct listener){.http = http, .via = ADMIN_BY_SOCKET};
	snprintf(l->address, sizeof(l->address), "%.107s", path);
	ret = listener_serve(l, fd, why);
	if (ret != 0)
		unlink(path);
	return ret;
}

// Opens a listener for TCP when the configuration has an address for it.
static int tcp_up(
	struct admin_http *http, enum admin_via via, const char *text, bool is_tls, char why[256])
{
	static const char *const keys[] = {
		[ADMIN_BY_TLS] = "admin.listen",
		[ADMIN_BY_CONSOLE] = "console.listen",
		[ADMIN_BY_METRICS] = "metrics.listen",
	};
	struct listener *l = &http->by[via];
	int fd;

	*l = (struct listener){.http = http, .via = via, .is_tls = is_tls};
	if (text[0] == '\0')
		return 0;
	fd = listen_open(keys[via], text, false, l->address, why);
	return fd < 0 ? fd : listener_serve(l, fd, why);
}

static void listener_down(struct listener *l)
{
	if (l->daemon == NULL)
		return;
	if (l->via == ADMIN_BY_SOCKET)
		unlink(l->address);
	MHD_stop_daemon(l->daemon);
	l->daemon = NULL;
}

// --- Certificates -----------------------------------------------------------------------------

static int tls_read(const struct conf *conf, struct pem_pair *out, char why[256])
{
	*out = (struct pem_pair){0};
	if (conf->admin.listen[0] == '\0' && !conf_console_is_tls(conf))
		return 0;
	return pem_pair_read(conf->admin.certificate, conf->admin.private_key, out, why);
}

// Opens a listener again that was closed for its certificate, at the port it had.
static int again_up(struct admin_http *http, enum admin_via via, char why[256])
{
	char address[sizeof(http->by[via].address)];

	if (!http->by[via].is_tls)
		return 0;
	memcpy(address, http->by[via].address, sizeof(address));
	return tcp_up(http, via, address, true, why);
}

// New files are in force for new connections; those that are open are cut.
static int tls_reload(struct admin_http *http, const struct conf *conf, char why[256])
{
	struct pem_pair fresh;
	bool is_same;
	int ret = tls_read(conf, &fresh, why);

	if (ret != 0)
		return ret;
	is_same = pem_pair_is_same(&fresh, &http->tls);
	if (!is_same)
		ret = pem_pair_try(&fresh, "admin", why);
	if (ret != 0 || is_same) {
		pem_pair_wipe(&fresh);
		return ret;
	}
	for (int via = 0; via < ADMIN_VIAS; via++)
		if (http->by[via].is_tls)
			listener_down(&http->by[via]);
	pem_pair_wipe(&http->tls);
	http->tls = fresh;
	log_info("admin-certificate", "file=\"%s\"", conf->admin.certificate);
	ret = again_up(http, ADMIN_BY_TLS, why);
	return ret != 0 ? ret : again_up(http, ADMIN_BY_CONSOLE, why);
}

// --- The API as a whole -----------------------------------------------------------------------

int admin_http_start(struct ctl *ctl, char why[256])
{
	const struct conf *conf = ctl->conf;
	struct admin_http *http = calloc(1, sizeof(*http));
	int ret;

	if (http == NULL)
		return -ENOMEM;
	http->ctl = ctl;
	ctl->admin = http;
	ret = admin_access_create(conf, &http->access, why);
	if (ret == 0)
		ret = tls_read(conf, &http->tls, why);
	if (ret == 0)
		ret = socket_up(http, conf->socket, why);
	if (ret == 0)
		ret = tcp_up(http, ADMIN_BY_TLS, conf->admin.listen, true, why);
	if (ret == 0)
		ret = tcp_up(http, ADMIN_BY_CONSOLE, conf->console.listen,
			conf_console_is_tls(conf), why);
	if (ret == 0)
		ret = tcp_up(http, ADMIN_BY_METRICS, conf->metrics.listen, false, why);
	if (ret != 0)
		admin_http_stop(http);
	return ret;
}

int admin_http_reload(struct admin_http *http, const struct conf *conf, char why[256])
{
	int ret = admin_access_reload(http->access, conf, why);

	return ret != 0 ? ret : tls_reload(http, conf, why);
}

const char *admin_http_address(const struct admin_http *http, enum admin_via via)
{
	const struct listener *l = &http->by[via];

	return l->daemon == NULL ? NULL : l->address;
}

void admin_http_stop(struct admin_http *http)
{
	if (http == NULL)
		return;
	for (int via = 0; via < ADMIN_VIAS; via++)
		listener_down(&http->by[via]);
	pem_pair_wipe(&http->tls);
	admin_access_destroy(http->access);
	http->ctl->admin = NULL;
	free(http);
}
