// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The BM-SC is this test, at the other end of loopback connections: what it sends is there when it
// has been sent, so nothing waits and nothing depends on time.

#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "scene.h"

#define PHONES_ROWS                                                       \
	"a@ims," BTID "," MUK "," MRK "," EXPIRES ",10.0.0.1,,me,news,\n" \
	"b@ims,b@bsf," MUK "," MRK "," EXPIRES ",10.0.0.2,,me,news,\n"    \
	"c@ims,c@bsf," MUK "," MRK "," EXPIRES ",10.0.0.3,,me,news,\n"

struct stand {
	struct scene scene;
	struct ue_pool *pool;
	int epoll;
	int listener; // -1 when there is none any more
	int peers[8]; // accepted, in order
	int peer_count;
};

static struct stand stand_with(unsigned connections)
{
	struct stand stand = {.scene = scene_with(PHONES_ROWS, false)};
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000001)};
	struct ue_pool_conf conf = {
		.server_len = sizeof(address),
		.connections = connections,
		.timeout_us = SECOND,
		.source = 0x7f000002,
		.source_count = 2,
	};
	socklen_t len = sizeof(address);

	stand.listener = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(stand.listener, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(stand.listener, 8), 0);
	assert_int_equal(getsockname(stand.listener, (struct sockaddr *)&address, &len), 0);
	memcpy(&conf.server, &address, sizeof(address));
	stand.epoll = epoll_create1(0);
	assert_int_equal(ue_pool_create(&stand.pool, &conf, stand.scene.ua, stand.epoll), 0);
	return stand;
}

static void stand_end(struct stand *stand)
{
	ue_pool_destroy(stand->pool);
	for (int i = 0; i < stand->peer_count; i++)
		close(stand->peers[i]);
	if (stand->listener >= 0)
		close(stand->listener);
	close(stand->epoll);
	scene_end(&stand->scene);
}

// A turn as the port loop gives it.
static void turn(struct stand *stand)
{
	struct epoll_event events[16];
	int n = epoll_wait(stand->epoll, events, 16, 0);

	for (int i = 0; i < n; i++)
		ue_pool_event(stand->pool, events[i].data.u64, events[i].events, &stand->scene.now);
	ue_pool_turn(stand->pool, &stand->scene.now);
}

static void fetch(struct stand *stand, uint32_t phone)
{
	assert_true(ue_ua_want(stand->scene.ua, phone, UE_FETCH, NULL, 0, stand->scene.now.mono));
	turn(stand);
}

static int peer_accept(struct stand *stand)
{
	int fd = accept(stand->listener, NULL, NULL);

	assert_true(fd >= 0);
	stand->peers[stand->peer_count++] = fd;
	turn(stand); // what waited for the connection is sent
	return fd;
}

static struct bmsc_request peer_read(int fd)
{
	char text[8192];
	ssize_t len = recv(fd, text, sizeof(text), 0);

	assert_true(len > 0);
	return bmsc_read(text, (size_t)len);
}

// A phone fetches over a new connection; the request has been read.
static int peer_asked(struct stand *stand, uint32_t phone)
{
	int peer;

	fetch(stand, phone);
	peer = peer_accept(stand);
	assert_string_equal(peer_read(peer).user, "");
	return peer;
}

static void peer_send(struct stand *stand, int fd, const char *text, size_t len)
{
	assert_int_equal(send(fd, text, len, 0), len);
	turn(stand);
}

static void peer_say(struct stand *stand, int fd, const char *text)
{
	peer_send(stand, fd, text, strlen(text));
}

static long connections(const struct stand *stand, const char *name)
{
	json_t *report = ue_pool_report(stand->pool);
	long value = (long)json_integer_value(json_object_get(report, name));

	json_decref(report);
	return value;
}

static const char *granted(const struct bmsc_request *request)
{
	const struct bmsc_answer ok = {.body = BMSC_KEY_ANSWER("200 OK")};

	return bmsc_ok(request, PASSWORD, &ok);
}

static void exchange_stays_on_its_connection(void **state)
{
	struct stand stand = stand_with(4);
	struct bmsc_request request;
	int peer;

	(void)state;
	peer = peer_asked(&stand, 0);
	peer_say(&stand, peer, bmsc_challenge("n", ""));
	request = peer_read(peer);
	assert_true(bmsc_is_right(&request, PASSWORD));
	peer_say(&stand, peer, granted(&request));
	expect_number(&stand.scene, "expecting", 1);
	assert_int_equal(connections(&stand, "open"), 1);
	assert_int_equal(connections(&stand, "busy"), 0);
	// Another phone takes it over.
	fetch(&stand, 1);
	assert_string_equal(peer_read(peer).user, "");
	assert_int_equal(connections(&stand, "opened"), 1);
	stand_end(&stand);
}

static void phones_wait_when_all_connections_are_busy(void **state)
{
	struct stand stand = stand_with(2);
	int first, second;

	(void)state;
	for (uint32_t i = 0; i < 3; i++)
		fetch(&stand, i);
	first = peer_accept(&stand);
	second = peer_accept(&stand);
	peer_read(first);
	peer_read(second);
	expect_number(&stand.scene, "asking", 2);
	expect_number(&stand.scene, "due", 1);
	peer_say(&stand, first, bmsc_status("404 Not Found"));
	turn(&stand);
	expect_number(&stand.scene, "gone", 1);
	peer_read(first);
	expect_number(&stand.scene, "asking", 2);
	stand_end(&stand);
}

static void answer_may_come_octet_by_octet(void **state)
{
	struct stand stand = stand_with(1);
	const char *text = bmsc_challenge("n", "");
	int peer;

	(void)state;
	peer = peer_asked(&stand, 0);
	for (size_t i = 0; i < strlen(text); i++) {
		expect_number(&stand.scene, "events/challenged", 0);
		peer_send(&stand, peer, text + i, 1);
	}
	expect_number(&stand.scene, "events/challenged", 1);
	stand_end(&stand);
}

static void connection_that_ended_while_idle_is_replaced(void **state)
{
	struct stand stand = stand_with(1);
	int peer;

	(void)state;
	peer = peer_asked(&stand, 0);
	peer_say(&stand, peer, bmsc_status("404 Not Found"));
	shutdown(peer, SHUT_RDWR);
	turn(&stand);
	assert_int_equal(connections(&stand, "open"), 0);
	// Likewise when the end is noticed only after the request was sent.
	peer = peer_asked(&stand, 1);
	peer_say(&stand, peer, bmsc_status("404 Not Found"));
	assert_true(ue_ua_want(stand.scene.ua, 2, UE_FETCH, NULL, 0, stand.scene.now.mono));
	ue_pool_turn(stand.pool, &stand.scene.now);
	peer_read(peer);
	shutdown(peer, SHUT_RDWR);
	turn(&stand);
	expect_number(&stand.scene, "events/reopened", 1);
	expect_number(&stand.scene, "events/retries", 0);
	peer_read(peer_accept(&stand));
	stand_end(&stand);
}

static void answer_that_is_cut_off_is_a_failure(void **state)
{
	struct stand stand = stand_with(1);
	const char *text = "HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\n\r\nxx";
	int peer;

	(void)state;
	peer = peer_asked(&stand, 0);
	assert_int_equal(send(peer, text, strlen(text), 0), strlen(text));
	shutdown(peer, SHUT_RDWR);
	turn(&stand);
	expect_number(&stand.scene, "events/closed", 1);
	expect_number(&stand.scene, "due", 1);
	stand_end(&stand);
}

// The last answer of a connection counts, also when its end arrives along with it.
static void answer_before_the_end_counts(void **state)
{
	struct stand stand = stand_with(1);
	struct bmsc_request request;
	const char *text = bmsc_challenge("n", "");
	int peer;

	(void)state;
	peer = peer_asked(&stand, 0);
	assert_int_equal(send(peer, text, strlen(text), 0), strlen(text));
	shutdown(peer, SHUT_RDWR);
	turn(&stand);
	expect_number(&stand.scene, "events/challenged", 1);
	// The phone asks on, over another connection in the end.
	turn(&stand);
	peer = peer_accept(&stand);
	request = peer_read(peer);
	assert_true(bmsc_is_right(&request, PASSWORD));
	text = "HTTP/1.1 404 Not Found\r\n\r\nto the end";
	assert_int_equal(send(peer, text, strlen(text), 0), strlen(text));
	shutdown(peer, SHUT_RDWR);
	turn(&stand);
	expect_number(&stand.scene, "left/unknown", 1);
	expect_number(&stand.scene, "events/retries", 0);
	stand_end(&stand);
}

static void octets_that_nobody_asked_for_are_counted(void **state)
{
	struct stand stand = stand_with(1);
	char twice[2048];
	int peer;

	(void)state;
	peer = peer_asked(&stand, 0);
	snprintf(twice, sizeof(twice), "%s", bmsc_status("404 Not Found"));
	strcat(twice, bmsc_status("404 Not Found"));
	peer_say(&stand, peer, twice);
	expect_number(&stand.scene, "refused/unsolicited", 1);
	expect_number(&stand.scene, "left/unknown", 1);
	assert_int_equal(connections(&stand, "open"), 0);
	peer = peer_asked(&stand, 1);
	peer_say(&stand, peer, bmsc_status("404 Not Found"));
	peer_say(&stand, peer, "HTTP");
	expect_number(&stand.scene, "refused/unsolicited", 2);
	assert_int_equal(connections(&stand, "open"), 0);
	stand_end(&stand);
}

static void answer_that_does_not_come_in_time_is_given_up(void **state)
{
	struct stand stand = stand_with(2);

	(void)state;
	peer_asked(&stand, 0);
	stand.scene.now.mono += SECOND / 2;
	peer_asked(&stand, 1);
	stand.scene.now.mono += SECOND / 2;
	turn(&stand);
	expect_number(&stand.scene, "events/timeout", 1);
	expect_number(&stand.scene, "asking", 1);
	stand_end(&stand);
}

static void server_that_is_away_is_a_failure(void **state)
{
	struct stand stand = stand_with(1);

	(void)state;
	close(stand.listener);
	stand.listener = -1;
	fetch(&stand, 0);
	turn(&stand);
	expect_number(&stand.scene, "events/connect-failed", 1);
	expect_number(&stand.scene, "due", 1);
	stand_end(&stand);
}

static void garbage_is_refused(void **state)
{
	struct stand stand = stand_with(1);
	int peer;

	(void)state;
	peer = peer_asked(&stand, 0);
	peer_say(&stand, peer, "HTTP/1.1 abc\r\n\r\n");
	expect_number(&stand.scene, "refused/framing", 1);
	stand_end(&stand);
}

static void connections_come_from_the_addresses_in_turn(void **state)
{
	struct stand stand = stand_with(2);

	(void)state;
	for (uint32_t i = 0; i < 2; i++) {
		struct sockaddr_in from;
		socklen_t len = sizeof(from);

		fetch(&stand, i);
		assert_int_equal(
			getpeername(peer_accept(&stand), (struct sockaddr *)&from, &len), 0);
		assert_int_equal(ntohl(from.sin_addr.s_addr), 0x7f000002 + i);
	}
	stand_end(&stand);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exchange_stays_on_its_connection),
		cmocka_unit_test(phones_wait_when_all_connections_are_busy),
		cmocka_unit_test(answer_may_come_octet_by_octet),
		cmocka_unit_test(connection_that_ended_while_idle_is_replaced),
		cmocka_unit_test(answer_that_is_cut_off_is_a_failure),
		cmocka_unit_test(answer_before_the_end_counts),
		cmocka_unit_test(octets_that_nobody_asked_for_are_counted),
		cmocka_unit_test(answer_that_does_not_come_in_time_is_given_up),
		cmocka_unit_test(server_that_is_away_is_a_failure),
		cmocka_unit_test(garbage_is_refused),
		cmocka_unit_test(connections_come_from_the_addresses_in_turn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
