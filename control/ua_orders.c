// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Orders to the workers, and where they are to push to. Orders of a turn go out together at its
// end, when the answers have been handed to the kernel.

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>

#include "dp.h"
#include "log.h"
#include "ua_server.h"

#define PORT 2269 // of MIKEY, where no record says otherwise
#define PLACES_MAX 1000 // changes of address under way at once

// --- Where ----------------------------------------------------------------------------------

void ua_peer_addr(const struct ua_call *call, struct store_addr *addr)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)&call->peer;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&call->peer;

	memset(addr, 0, sizeof(*addr));
	if (call->peer.ss_family == AF_INET6)
		memcpy(addr->byte, &v6->sin6_addr, sizeof(addr->byte));
	if (call->peer.ss_family != AF_INET)
		return;
	addr->byte[10] = addr->byte[11] = 0xff;
	memcpy(addr->byte + 12, &v4->sin_addr, 4);
}

bool ua_place_of(const struct ua_call *call, struct store_addr *addr)
{
	memset(addr, 0, sizeof(*addr));
	if (call->thread->ua->conf->ua.address == CONF_UA_ADDRESS_IMPORTED)
		return false;
	ua_peer_addr(call, addr);
	return call->peer.ss_family == AF_INET6 || call->peer.ss_family == AF_INET;
}

uint16_t ua_port_of(const struct store_hot *hot)
{
	return hot->port != 0 ? hot->port : PORT;
}

bool ua_place_differs(
	const struct ua_call *call, const struct store_hot *hot, struct store_addr *addr)
{
	return ua_place_of(call, addr) && memcmp(addr, &hot->addr, sizeof(*addr)) != 0;
}

// A change of address that nobody waits for.
struct place_job {
	struct ctl_job job;
	struct store_registration reg;
	char btid[UA_BTID_MAX];
};

static _Atomic unsigned places_under_way;

static int place_run(struct store_txn *txn, void *arg)
{
	struct place_job *place = arg;
	int ret = store_subscriber_register(txn, &place->reg);

	return ret == -ENOENT ? 0 : ret;
}

static void place_done(void *arg, int result, uint64_t version)
{
	(void)version;
	if (result != 0)
		log_warning("address-not-noted", "errno=%d", -result);
	atomic_fetch_sub(&places_under_way, 1);
	free(arg);
}

// The push goes to the new address already; its record follows. No write while nothing changes.
void ua_place_note(struct ua_call *call, const struct store_hot *hot)
{
	struct store_addr addr;
	struct place_job *place;

	if (!ua_place_differs(call, hot, &addr) ||
		atomic_load_explicit(&places_under_way, memory_order_relaxed) >= PLACES_MAX)
		return;
	place = calloc(1, sizeof(*place));
	if (place == NULL)
		return;
	memcpy(place->btid, call->auth.username.data, call->auth.username.len);
	place->reg = (struct store_registration){
		.id = call->id,
		.btid = {(const uint8_t *)place->btid, (uint16_t)call->auth.username.len},
		.has_place = true,
		.addr = addr,
		.port = ua_port_of(hot),
	};
	place->job = (struct ctl_job){.fn = place_run, .done = place_done, .arg = place};
	atomic_fetch_add(&places_under_way, 1);
	if (ctl_writer_post(call->thread->ua->ctl, &place->job) != 0)
		place_done(place, 0, 0);
}

// --- Orders ---------------------------------------------------------------------------------

void ua_orders_flush(struct ua_thread *t)
{
	size_t taken;

	if (t->orders == 0)
		return;
	taken = dp_singles(t->ua->ctl->dp, t->order, t->orders);
	t->orders -= (unsigned)taken;
	memmove(t->order, t->order + taken, t->orders * sizeof(t->order[0]));
}

// A turn may have more requests than there is room: then those before do not wait for its end.
bool ua_orders_have_room(struct ua_thread *t, unsigned n)
{
	if (t->orders + n > UA_ORDERS_MAX)
		ua_orders_flush(t);
	return t->orders + n <= UA_ORDERS_MAX;
}

static struct dp_single *order_add(struct ua_call *call, const struct store_group_id *group)
{
	struct ua_thread *t = call->thread;
	struct dp_single *order;

	if (!ua_orders_have_room(t, 1))
		return NULL;
	order = &t->order[t->orders++];
	*order = (struct dp_single){
		.id = call->id,
		.group = group->group,
		.version = store_reader_version(t->reader),
	};
	memcpy(order->kdi, group->kdi, sizeof(order->kdi));
	return order;
}

bool ua_order_push(struct ua_call *call, const struct ua_group *group, uint16_t number,
	bool needs_registration)
{
	const struct store_hot *hot = store_reader_hot(call->thread->reader, call->id);
	struct dp_single *order = order_add(call, &group->id);
	struct store_addr addr;

	if (order == NULL)
		return false;
	order->number = number;
	order->needs_registration = needs_registration;
	if (ua_place_differs(call, hot, &addr)) {
		memcpy(order->address, addr.byte, sizeof(order->address));
		order->port = ua_port_of(hot);
	}
	call->thread->stats.pushes_ordered++;
	return true;
}

bool ua_order_end(struct ua_call *call, const struct store_group_id *group)
{
	struct dp_single *order = order_add(call, group);

	if (order != NULL)
		order->is_end = 1;
	return order != NULL;
}
