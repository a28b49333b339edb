// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "ua_connections.h"

#include <stdlib.h>
#include <sys/socket.h>

#define LOOK_NS 500000000u // between two looks at lives
#define LEAST_NS 1000000000u // that a phone is given before it makes room for others
#define SHARE 16 // of the room is kept free, one part

void ua_connections_init(
	struct ua_connections *c, unsigned most, uint64_t request_s, uint64_t idle_s)
{
	*c = (struct ua_connections){.most = most};
	for (int i = 0; i < UA_CONNECTION_PLACES; i++) {
		TAILQ_INIT(&c->list[i]);
		c->life_ns[i] = request_s * 1000000000u;
	}
	// The first line of the next request may be on its way.
	c->life_ns[UA_CONNECTION_IDLE] += idle_s * 1000000000u;
}

static void enter(struct ua_connections *c, struct ua_connection *connection,
	enum ua_connection_place place, uint64_t now_ns)
{
	connection->place = (uint8_t)place;
	connection->since_ns = now_ns;
	TAILQ_INSERT_TAIL(&c->list[place], connection, in_list);
}

struct ua_connection *ua_connections_add(struct ua_connections *c, int fd, uint64_t now_ns)
{
	struct ua_connection *connection = calloc(1, sizeof(*connection));

	if (connection == NULL)
		return NULL;
	connection->fd = fd;
	enter(c, connection, UA_CONNECTION_FRESH, now_ns);
	c->n++;
	return connection;
}

void ua_connections_remove(struct ua_connections *c, struct ua_connection *connection)
{
	if (connection == NULL)
		return;
	TAILQ_REMOVE(&c->list[connection->place], connection, in_list);
	c->n--;
	free(connection);
}

void ua_connections_move(struct ua_connections *c, struct ua_connection *connection,
	enum ua_connection_place place, uint64_t now_ns)
{
	if (connection == NULL)
		return;
	TAILQ_REMOVE(&c->list[connection->place], connection, in_list);
	enter(c, connection, place, now_ns);
}

// The first of a list, if it has been there for longer than that: it goes to the end of the list.
static struct ua_connection *oldest_take(
	struct ua_connections *c, enum ua_connection_place place, uint64_t life_ns, uint64_t now_ns)
{
	struct ua_connection *connection = TAILQ_FIRST(&c->list[place]);

	if (connection == NULL || now_ns - connection->since_ns <= life_ns)
		return NULL;
	ua_connections_move(c, connection, place, now_ns);
	return connection;
}

unsigned ua_connections_expire(struct ua_connections *c, uint64_t now_ns)
{
	struct ua_connection *connection;
	unsigned ended = 0;

	if (now_ns - c->looked_ns < LOOK_NS)
		return 0;
	c->looked_ns = now_ns;
	for (int i = 0; i < UA_CONNECTION_PLACES; i++)
		while ((connection = oldest_take(c, i, c->life_ns[i], now_ns)) != NULL)
			if (!connection->is_held)
				ended += shutdown(connection->fd, SHUT_RDWR) == 0;
	return ended;
}

unsigned ua_connections_make_room(struct ua_connections *c, uint64_t now_ns)
{
	unsigned ended = 0;

	while (c->n - ended + c->most / SHARE >= c->most) {
		struct ua_connection *connection =
			oldest_take(c, UA_CONNECTION_FRESH, LEAST_NS, now_ns);

		if (connection == NULL)
			connection = oldest_take(c, UA_CONNECTION_IDLE, LEAST_NS, now_ns);
		if (connection == NULL)
			break;
		shutdown(connection->fd, SHUT_RDWR);
		ended++;
	}
	return ended;
}
