// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "neigh.h"

#include <string.h>

#define NEIGH_KNOWN (1ull << 48)

static uint64_t mac_pack(const uint8_t mac[6])
{
	uint64_t packed = 0;

	for (int i = 0; i < 6; i++)
		packed = packed << 8 | mac[i];
	return packed | NEIGH_KNOWN;
}

void neigh_init(struct neigh *neigh, const uint8_t fixed_mac[6])
{
	static const uint8_t none[6];

	memset(neigh, 0, sizeof(*neigh));
	neigh->is_fixed = memcmp(fixed_mac, none, sizeof(none)) != 0;
	if (neigh->is_fixed)
		neigh->mac = mac_pack(fixed_mac);
}

bool neigh_mac(const struct neigh *neigh, struct rte_ether_addr *mac)
{
	uint64_t packed = atomic_load_explicit(&neigh->mac, memory_order_relaxed);

	for (int i = 0; i < 6; i++)
		mac->addr_bytes[i] = (uint8_t)(packed >> (40 - 8 * i));
	return (packed & NEIGH_KNOWN) != 0;
}

bool neigh_ask(struct neigh *neigh, uint64_t now_ns)
{
	uint64_t asked = neigh->asked_ns;
	bool is_known = (neigh->mac & NEIGH_KNOWN) != 0;

	if (neigh->is_fixed)
		return false;
	if (is_known && now_ns < neigh->confirmed_ns + NEIGH_REFRESH_NS)
		return false;
	if (asked != 0 && now_ns < asked + NEIGH_ASK_NS)
		return false;
	neigh->asked_ns = now_ns;
	return true;
}

bool neigh_learn(struct neigh *neigh, const struct rte_ether_addr *mac, uint64_t now_ns)
{
	uint64_t packed = mac_pack(mac->addr_bytes), old = neigh->mac;
	bool is_asked = neigh->asked_ns != 0;

	// A fixed MAC is known and never asked for.
	if (!rte_is_unicast_ether_addr(mac) || ((old & NEIGH_KNOWN) && !is_asked))
		return false;
	neigh->confirmed_ns = now_ns;
	neigh->asked_ns = 0;
	neigh->mac = packed;
	return packed != old;
}
