// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include <sys/socket.h>
#include <unistd.h>

#include "test.h"
#include "ua_connections.h"

#define MOST 32
#define ROOM_AT (MOST - MOST / 16) // connections, from which on room is made
#define S 1000000000ull
#define REQUEST_S 20
#define IDLE_S 60

static struct ua_connections set;
static struct ua_connection *connection[MOST + 1];
static int peer[MOST + 1];
static unsigned count;

static int set_make(void **state)
{
	(void)state;
	count = 0;
	ua_connections_init(&set, MOST, REQUEST_S, IDLE_S);
	return 0;
}

static int set_drop(void **state)
{
	(void)state;
	for (unsigned i = 0; i < count; i++) {
		close(connection[i]->fd);
		close(peer[i]);
		ua_connections_remove(&set, connection[i]);
	}
	return set.n == 0 ? 0 : -1;
}

static void connections_come(unsigned n, uint64_t now_ns)
{
	for (; n > 0; n--, count++) {
		int pair[2];

		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
		connection[count] = ua_connections_add(&set, pair[0], now_ns);
		peer[count] = pair[1];
		assert_non_null(connection[count]);
	}
}

static void move(unsigned i, enum ua_connection_place place, uint64_t now_ns)
{
	ua_connections_move(&set, connection[i], place, now_ns);
}

// As its peer sees it.
static bool is_ended(unsigned i)
{
	char octet;

	return recv(peer[i], &octet, 1, MSG_DONTWAIT) == 0;
}

static void a_request_that_takes_too_long_is_ended(void **state)
{
	(void)state;
	connections_come(3, 100 * S);
	move(1, UA_CONNECTION_BUSY, 110 * S);
	move(2, UA_CONNECTION_IDLE, 100 * S);
	assert_int_equal(ua_connections_expire(&set, 120 * S), 0);
	// One whose first line never came.
	assert_int_equal(ua_connections_expire(&set, 121 * S), 1);
	assert_true(is_ended(0));
	assert_int_equal(ua_connections_expire(&set, 131 * S), 1);
	assert_true(is_ended(1));
	assert_false(is_ended(2));
	// An idle one may wait, and then send slowly.
	assert_int_equal(ua_connections_expire(&set, 181 * S), 3);
	assert_true(is_ended(2));
}

static void a_new_request_has_its_whole_time(void **state)
{
	(void)state;
	connections_come(1, 100 * S);
	for (uint64_t s = 119; s < 300; s += 19) {
		move(0, UA_CONNECTION_BUSY, s * S);
		assert_int_equal(ua_connections_expire(&set, s * S + 1), 0);
	}
}

static void who_waits_for_us_is_not_ended(void **state)
{
	(void)state;
	connections_come(2, 100 * S);
	move(0, UA_CONNECTION_BUSY, 100 * S);
	move(1, UA_CONNECTION_BUSY, 100 * S);
	connection[0]->is_held = true;
	assert_int_equal(ua_connections_expire(&set, 121 * S), 1);
	assert_false(is_ended(0));
	assert_true(is_ended(1));
	connection[0]->is_held = false;
	assert_int_equal(ua_connections_expire(&set, 142 * S), 2);
	assert_true(is_ended(0));
}

static void idle_ones_make_room_and_busy_ones_stay(void **state)
{
	(void)state;
	connections_come(ROOM_AT - 1, 100 * S);
	for (unsigned i = 0; i < count; i++)
		move(i, i < 4 ? UA_CONNECTION_IDLE : UA_CONNECTION_BUSY, (100 + i) * S);
	assert_int_equal(ua_connections_make_room(&set, 200 * S), 0);
	connections_come(1, 200 * S);
	assert_int_equal(ua_connections_make_room(&set, 200 * S), 1);
	assert_true(is_ended(0));
	assert_false(is_ended(1));
	// What has ended goes at once; until then it counts, and the next one goes.
	connections_come(1, 200 * S);
	assert_int_equal(ua_connections_make_room(&set, 200 * S), 2);
	assert_true(is_ended(1));
	assert_true(is_ended(2));
	for (unsigned i = 3; i < count; i++)
		assert_false(is_ended(i));
}

// Who connects and says nothing goes before phones that were served.
static void silent_ones_go_first_and_everybody_has_a_second(void **state)
{
	(void)state;
	connections_come(MOST, 100 * S);
	for (unsigned i = 0; i < MOST / 2; i++)
		move(i, UA_CONNECTION_IDLE, 50 * S);
	assert_int_equal(ua_connections_make_room(&set, 101 * S), MOST - ROOM_AT + 1);
	for (unsigned i = 0; i < MOST; i++)
		assert_int_equal(is_ended(i), i < MOST - ROOM_AT + 1);
	assert_int_equal(ua_connections_make_room(&set, 101 * S + 1), MOST - ROOM_AT + 1);
	for (unsigned i = MOST / 2; i < MOST; i++)
		assert_int_equal(is_ended(i), i < MOST / 2 + MOST - ROOM_AT + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_request_that_takes_too_long_is_ended, set_make, set_drop),
		cmocka_unit_test_setup_teardown(
			a_new_request_has_its_whole_time, set_make, set_drop),
		cmocka_unit_test_setup_teardown(who_waits_for_us_is_not_ended, set_make, set_drop),
		cmocka_unit_test_setup_teardown(
			idle_ones_make_room_and_busy_ones_stay, set_make, set_drop),
		cmocka_unit_test_setup_teardown(
			silent_ones_go_first_and_everybody_has_a_second, set_make, set_drop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
