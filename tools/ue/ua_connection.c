// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Connections of the pool: the lists they are in, from where they are opened, how they are closed.

#include "ua_pool_inside.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "checksum.h"

// --- Lists ----------------------------------------------------------------------------------

static void list_remove(struct ue_pool *pool, uint32_t at)
{
	struct connection *c = &pool->connections[at];
	struct list *list = &pool->lists[c->which];

	if (c->before != UE_NONE)
		pool->connections[c->before].behind = c->behind;
	else
		list->first = c->behind;
	if (c->behind != UE_NONE)
		pool->connections[c->behind].before = c->before;
	else
		list->last = c->before;
	list->count--;
}

static void list_append(struct ue_pool *pool, uint32_t at, enum which which)
{
	struct connection *c = &pool->connections[at];
	struct list *list = &pool->lists[which];

	c->which = (uint8_t)which;
	c->before = list->last;
	c->behind = UE_NONE;
	if (list->last != UE_NONE)
		pool->connections[list->last].behind = at;
	else
		list->first = at;
	list->last = at;
	list->count++;
}

void ue_connection_move(struct ue_pool *pool, uint32_t at, enum which which)
{
	list_remove(pool, at);
	list_append(pool, at, which);
}

// --- Opening and closing --------------------------------------------------------------------

void ue_buffer_drop(char **buffer, size_t *len)
{
	free(*buffer);
	*buffer = NULL;
	*len = 0;
}

void ue_connection_close(struct ue_pool *pool, uint32_t at)
{
	struct connection *c = &pool->connections[at];

	close(c->fd);
	c->fd = -1;
	c->phone = UE_NONE;
	ue_buffer_drop(&c->in, &c->in_len);
	ue_buffer_drop(&c->out, &c->out_len);
	ue_connection_move(pool, at, CLOSED);
}

// An address that is only routed here is none of an interface's.
static int phone_bind(const struct ue_pool *pool, int fd, const struct ue_address *address)
{
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
	struct sockaddr_in v4 = {.sin_family = AF_INET};
	const int on = 1;
	bool is_v6 = pool->conf.server.ss_family == AF_INET6;

	if (is_v6 == address_is_v4(address)) {
		errno = EAFNOSUPPORT;
		return -1;
	}
	memcpy(&v4.sin_addr, &address->octets[12], sizeof(v4.sin_addr));
	memcpy(&v6.sin6_addr, address->octets, sizeof(v6.sin6_addr));
	if (is_v6) {
		setsockopt(fd, IPPROTO_IPV6, IPV6_FREEBIND, &on, sizeof(on));
		return bind(fd, (const struct sockaddr *)&v6, sizeof(v6));
	}
	setsockopt(fd, IPPROTO_IP, IP_FREEBIND, &on, sizeof(on));
	return bind(fd, (const struct sockaddr *)&v4, sizeof(v4));
}

static int source_bind(const struct ue_pool *pool, int fd, uint32_t phone)
{
	const struct ue_pool_conf *conf = &pool->conf;
	struct sockaddr_in source = {.sin_family = AF_INET};
	const int on = 1;

	// The port is chosen with the destination: each address has all of them.
	setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
	if (conf->is_from_phone)
		return phone_bind(pool, fd, ue_ua_address(pool->ua, phone));
	if (conf->source_count == 0)
		return 0;
	source.sin_addr.s_addr =
		htonl(conf->source + (uint32_t)(pool->opened % conf->source_count));
	return bind(fd, (const struct sockaddr *)&source, sizeof(source));
}

bool ue_connection_open(struct ue_pool *pool, uint32_t at, uint32_t phone)
{
	const struct ue_pool_conf *conf = &pool->conf;
	struct connection *c = &pool->connections[at];
	struct epoll_event event = {EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, {.u64 = at}};
	const int on = 1;
	int fd = socket(
		conf->server.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);

	if (fd < 0)
		return false;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (source_bind(pool, fd, phone) != 0 ||
		(connect(fd, (const struct sockaddr *)&conf->server, conf->server_len) != 0 &&
			errno != EINPROGRESS) ||
		epoll_ctl(pool->epoll, EPOLL_CTL_ADD, fd, &event) != 0) {
		close(fd);
		return false;
	}
	c->fd = fd;
	c->is_used = false;
	pool->opened++;
	return true;
}

int ue_connections_create(struct ue_pool *pool)
{
	pool->connections = calloc(pool->conf.connections, sizeof(*pool->connections));
	if (pool->connections == NULL)
		return -ENOMEM;
	for (int i = 0; i < LISTS; i++)
		pool->lists[i] = (struct list){UE_NONE, UE_NONE, 0};
	for (uint32_t i = 0; i < pool->conf.connections; i++) {
		pool->connections[i].fd = -1;
		pool->connections[i].phone = UE_NONE;
		list_append(pool, i, CLOSED);
	}
	return 0;
}

void ue_connections_destroy(struct ue_pool *pool)
{
	for (uint32_t i = 0; i < pool->conf.connections; i++) {
		if (pool->connections[i].fd >= 0)
			ue_connection_close(pool, i);
	}
	free(pool->connections);
}
