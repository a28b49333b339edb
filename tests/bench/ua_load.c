// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Loads an HTTP server over keep-alive connections from one thread and says what came of it, as
// one JSON object. Three modes, so that a BM-SC, a bare libmicrohttpd and Apache are asked by the
// same program:
//   ua-load --url URL --mode msk-request --csv ues.csv --fqdn F [--body-group 001-01/0001]
//   ua-load --url URL --mode get-digest --user U --password P
//   ua-load --url URL --mode post-plain [--body-group 001-01/0001]
// and in all of them [--connections N] [--seconds S] [--pipeline N] [--rotate N].
//
// A connection has a user of the CSV, number c of connection c; with --rotate it goes on to user
// c + connections after so many requests. What is measured begins when every connection has had its
// first good answer. A request counts when its answer was 200 and proved itself.

#include "ua_load.h"

#include <errno.h>
#include <jansson.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "ue/histogram.h"

#define EVENTS 512
#define BUFFER_BYTES (2 * UE_RESPONSE_MAX_BYTES)
#define BEGIN_MAX_S 30 // for the first answers
#define STALL_US 10000000 // a connection without an answer for so long has failed

enum failure {
	FAIL_CONNECT,
	FAIL_CLOSED,
	FAIL_FRAMING,
	FAIL_STATUS,
	FAIL_CHALLENGE,
	FAIL_PROOF,
	FAIL_STALLED,
	FAILURES,
};
static const char *const failure_names[FAILURES] = {
	"connect", "closed", "framing", "status", "challenge", "proof", "stalled"};

struct connection {
	int fd;
	uint32_t user;
	unsigned outstanding; // requests without answer
	uint32_t answered; // requests of this user that were answered well
	bool has_begun;
	bool wants_renewal; // a nonce waits until nothing is outstanding
	bool is_challenged; // likewise a challenge: that of the last answer counts
	int64_t sent_at[LOAD_PIPELINE_MAX]; // by number of the request
	int64_t heard_at;
	size_t in_len;
	char *in; // UE_RESPONSE_MAX_BYTES, NULL while nothing is kept
	char nonce[LOAD_NONCE_MAX];
	size_t nonce_len;
	struct load_login login;
};

struct load {
	struct load_setup setup;
	struct connection *connections;
	int epoll;
	unsigned begun;
	bool is_measuring;
	bool is_ending;
	int64_t now;
	uint64_t requests;
	uint64_t shed; // 503: to come later
	uint64_t errors[FAILURES];
	uint64_t statuses[600];
	struct ue_histogram latency;
	char in[BUFFER_BYTES];
	char out[LOAD_PIPELINE_MAX * LOAD_REQUEST_MAX];
};

static int64_t clock_us(clockid_t id)
{
	struct timespec now;

	clock_gettime(id, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void fail(struct load *load, enum failure failure)
{
	load->errors[failure]++;
}

// --- Sending --------------------------------------------------------------------------------

static bool connection_open(struct load *load, struct connection *c)
{
	struct epoll_event event = {EPOLLIN | EPOLLRDHUP, {.ptr = c}};
	const int on = 1;

	c->fd = socket(load->setup.server.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0)
		return false;
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	// Connecting may block: it is not what is measured.
	if (connect(c->fd, (const struct sockaddr *)&load->setup.server, load->setup.server_len) !=
			0 ||
		epoll_ctl(load->epoll, EPOLL_CTL_ADD, c->fd, &event) != 0) {
		close(c->fd);
		c->fd = -1;
		return false;
	}
	c->outstanding = 0;
	c->in_len = 0;
	c->heard_at = load->now;
	return true;
}

// Sends n requests at once. They fit a socket's buffer, so that sending does not block.
static bool requests_send(struct load *load, struct connection *c, unsigned n)
{
	size_t len = 0;

	for (unsigned i = 0; i < n; i++) {
		len += load_login_next(&c->login, &load->setup.target, load->out + len);
		c->sent_at[c->login.nc % LOAD_PIPELINE_MAX] = load->now;
	}
	c->outstanding += n;
	return send(c->fd, load->out, len, MSG_NOSIGNAL) == (ssize_t)len;
}

static bool requests_refill(struct load *load, struct connection *c)
{
	// Without credentials there is nothing to send behind the first request.
	bool is_plain = load->setup.target.mode == LOAD_POST_PLAIN;
	unsigned room = c->login.nc_at > 0 || is_plain ? load->setup.pipeline : 1;

	if ((c->wants_renewal || c->is_challenged) && c->outstanding > 0)
		return true;
	c->is_challenged = false;
	if (c->wants_renewal) {
		c->wants_renewal = false;
		if (!load_login_renew(&c->login, &load->setup.target, &load->setup.users[c->user],
			    (struct ue_text){c->nonce, c->nonce_len}))
			return false;
	}
	if (load->setup.rotate > 0 && c->answered >= load->setup.rotate) {
		if (c->outstanding > 0)
			return true;
		c->answered = 0;
		c->user = (c->user + load->setup.connections) % load->setup.user_count;
		load_login_begin(&c->login, &load->setup.target);
		room = 1;
	}
	return c->outstanding >= room || requests_send(load, c, room - c->outstanding);
}

static void connection_end(struct load *load, struct connection *c)
{
	close(c->fd);
	free(c->in);
	c->in = NULL;
	c->fd = -1;
	c->wants_renewal = false;
	c->is_challenged = false;
	if (load->is_ending)
		return;
	load_login_begin(&c->login, &load->setup.target);
	if (!connection_open(load, c) || !requests_refill(load, c))
		fail(load, FAIL_CONNECT);
}

// --- Receiving ------------------------------------------------------------------------------

static bool challenge_take(
	struct load *load, struct connection *c, const struct ue_response *response, char *data)
{
	c->is_challenged = true;
	if (c->outstanding > 0)
		return true;
	if (response->challenge_count == 0 ||
		!load_login_answer(&c->login, &load->setup.target, &load->setup.users[c->user],
			ue_response_text(data, response->challenges[0]))) {
		fail(load, FAIL_CHALLENGE);
		return false;
	}
	c->wants_renewal = false;
	return true;
}

static bool proof_take(
	struct load *load, struct connection *c, const struct ue_response *response, char *data)
{
	struct ue_text info =
		ue_response_text(data, response->fields[UE_FIELD_AUTHENTICATION_INFO]);
	struct ue_text body = ue_response_text(data, response->body), next = {NULL, 0};
	uint32_t nc = c->login.nc - c->outstanding; // this answer is counted as had already

	if (!load_login_check(&c->login, &load->setup.target, nc, info, body, &next)) {
		fail(load, FAIL_PROOF);
		return false;
	}
	if (next.data != NULL && next.len > 0 && next.len < sizeof(c->nonce)) {
		memcpy(c->nonce, next.data, next.len);
		c->nonce_len = next.len;
		c->wants_renewal = true;
	}
	return true;
}

static bool answer_take(
	struct load *load, struct connection *c, const struct ue_response *response, char *data)
{
	uint32_t number = c->login.nc - --c->outstanding;
	bool is_good = response->status == 200;

	c->heard_at = load->now;
	if (load->is_measuring)
		load->statuses[response->status]++;
	if (response->status == 401 && load->setup.target.mode != LOAD_POST_PLAIN)
		return challenge_take(load, c, response, data);
	if (response->status == 503)
		load->shed++;
	else if (!is_good)
		fail(load, FAIL_STATUS);
	else if (load->setup.target.mode != LOAD_POST_PLAIN)
		is_good = proof_take(load, c, response, data);
	if (!is_good)
		return true;
	c->answered++;
	if (!c->has_begun) {
		c->has_begun = true;
		load->begun++;
	}
	if (load->is_measuring) {
		load->requests++;
		ue_histogram_add(
			&load->latency, load->now - c->sent_at[number % LOAD_PIPELINE_MAX]);
	}
	return true;
}

// Takes the answers in data; keeps what is left of the last one.
static bool answers_take(struct load *load, struct connection *c, char *data, size_t len)
{
	while (len > 0) {
		struct ue_response response = {.status = 0};
		enum ue_response_verdict verdict = ue_response_parse(&response, data, len, false);

		if (verdict == UE_RESPONSE_MORE)
			break;
		if (verdict == UE_RESPONSE_BAD || c->outstanding == 0) {
			fail(load, FAIL_FRAMING);
			return false;
		}
		if (!answer_take(load, c, &response, data) || response.is_last)
			return false;
		data += response.len;
		len -= response.len;
	}
	if (len > 0 && c->in == NULL)
		c->in = malloc(UE_RESPONSE_MAX_BYTES);
	if (len > 0 && (c->in == NULL || len > UE_RESPONSE_MAX_BYTES))
		return false;
	if (len > 0)
		memcpy(c->in, data, len);
	c->in_len = len;
	return true;
}

static void connection_serve(struct load *load, struct connection *c)
{
	ssize_t n;

	if (c->in_len > 0)
		memcpy(load->in, c->in, c->in_len);
	n = recv(c->fd, load->in + c->in_len, UE_RESPONSE_MAX_BYTES, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0 && c->outstanding > 0)
		fail(load, FAIL_CLOSED);
	if (n <= 0 || !answers_take(load, c, load->in, c->in_len + (size_t)n) ||
		!requests_refill(load, c))
		connection_end(load, c);
}

// --- Run ------------------------------------------------------------------------------------

static void stalled_end(struct load *load)
{
	for (unsigned i = 0; i < load->setup.connections; i++) {
		struct connection *c = &load->connections[i];

		if (c->fd >= 0 && c->outstanding > 0 && load->now - c->heard_at > STALL_US) {
			fail(load, FAIL_STALLED);
			connection_end(load, c);
		}
	}
}

static void events_serve(struct load *load)
{
	struct epoll_event events[EVENTS];
	int n = epoll_wait(load->epoll, events, EVENTS, 100);

	load->now = clock_us(CLOCK_MONOTONIC);
	if (n <= 0)
		stalled_end(load);
	for (int i = 0; i < n; i++)
		connection_serve(load, events[i].data.ptr);
}

static uint64_t errors_sum(const struct load *load)
{
	uint64_t sum = 0;

	for (int i = 0; i < FAILURES; i++)
		sum += load->errors[i];
	return sum;
}

static void connections_begin(struct load *load)
{
	int64_t end;

	load->now = clock_us(CLOCK_MONOTONIC);
	end = load->now + BEGIN_MAX_S * 1000000;
	for (unsigned i = 0; i < load->setup.connections; i++) {
		struct connection *c = &load->connections[i];

		c->user = i % load->setup.user_count;
		load_login_begin(&c->login, &load->setup.target);
		if (!connection_open(load, c) || !requests_refill(load, c))
			fail(load, FAIL_CONNECT);
	}
	while (load->begun < load->setup.connections && load->now < end &&
		errors_sum(load) + load->shed < load->setup.connections)
		events_serve(load);
}

static json_t *run(struct load *load)
{
	int64_t begin, cpu;
	json_t *report;
	double elapsed;

	connections_begin(load);
	load->is_measuring = true;
	begin = load->now;
	cpu = clock_us(CLOCK_PROCESS_CPUTIME_ID);
	while (load->now < begin + (int64_t)(load->setup.seconds * 1e6))
		events_serve(load);
	elapsed = (double)(load->now - begin) / 1e6;
	cpu = clock_us(CLOCK_PROCESS_CPUTIME_ID) - cpu;
	report = json_pack("{s:i, s:i, s:f, s:I, s:f, s:I, s:I, s:I, s:I, s:I, s:f}", "connections",
		(int)load->setup.connections, "pipeline", (int)load->setup.pipeline, "seconds",
		elapsed, "requests", (json_int_t)load->requests, "requests_per_s",
		(double)load->requests / elapsed, "p50_us",
		(json_int_t)ue_histogram_percentile(&load->latency, 50), "p99_us",
		(json_int_t)ue_histogram_percentile(&load->latency, 99), "max_us",
		(json_int_t)load->latency.largest, "errors", (json_int_t)errors_sum(load),
		"shed", (json_int_t)load->shed,
		"cpu_us_per_request",
		load->requests > 0 ? (double)cpu / (double)load->requests : 0.0);
	return report;
}

static void report_complete(const struct load *load, json_t *report)
{
	json_t *statuses = json_object(), *errors = json_object();
	char name[8];

	for (unsigned i = 0; i < 600; i++) {
		snprintf(name, sizeof(name), "%u", i);
		if (load->statuses[i] > 0)
			json_object_set_new(
				statuses, name, json_integer((json_int_t)load->statuses[i]));
	}
	for (int i = 0; i < FAILURES; i++) {
		if (load->errors[i] > 0)
			json_object_set_new(errors, failure_names[i],
				json_integer((json_int_t)load->errors[i]));
	}
	json_object_set_new(report, "by_status", statuses);
	json_object_set_new(report, "errors_by_kind", errors);
}

int main(int argc, char **argv)
{
	static struct load load;
	json_t *report;

	load_setup_read(&load.setup, argc, argv);
	load.epoll = epoll_create1(EPOLL_CLOEXEC);
	load.connections = calloc(load.setup.connections, sizeof(*load.connections));
	if (load.epoll < 0 || load.connections == NULL) {
		fprintf(stderr, "ua-load: %s\n", strerror(errno));
		return 1;
	}
	report = run(&load);
	report_complete(&load, report);
	load.is_ending = true;
	json_dumpf(report, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(report);
	ue_phones_fini(&load.setup.phones);
	return load.requests > 0 ? 0 : 1;
}
