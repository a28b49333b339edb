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
	uint64_t packed = neigh_mark(neigh);

	for (int i = 0; i < 6; i++)
		mac->addr_bytes[i] = (uint8_t)(packed >> (40 - 8 * i));
	return (packed & NEIGH_KNOWN) != 0;
}

static bool question_is_due(const struct neigh *neigh, uint64_t now_ns)
{
	uint64_t rest = neigh->contradictions > 0 ? NEIGH_CONTRADICTION_NS : NEIGH_REFRESH_NS;
	bool is_known = (neigh->mac & NEIGH_KNOWN) != 0;

	if (neigh->is_fixed)
		return false;
	if (neigh->asked_ns != 0)
		return now_ns >= neigh->asked_ns + NEIGH_ASK_NS;
	return !is_known || neigh->is_unconfirmed || now_ns >= neigh->confirmed_ns + rest;
}

bool neigh_is_usable(const struct neigh *neigh)
{
	if (neigh->is_fixed)
		return true;
	return neigh_mark(neigh) != 0 &&
		!atomic_load_explicit(&neigh->is_unconfirmed, memory_order_relaxed) &&
		atomic_load_explicit(&neigh->questions, memory_order_relaxed) <= NEIGH_DIRECT;
}

enum neigh_question neigh_due(const struct neigh *neigh, uint64_t now_ns)
{
	if (!question_is_due(neigh, now_ns))
		return NEIGH_ASK_NOBODY;
	return neigh_mark(neigh) != 0 && neigh->questions < NEIGH_DIRECT ? NEIGH_ASK_IT
									 : NEIGH_ASK_ALL;
}

bool neigh_asked(struct neigh *neigh, uint64_t now_ns)
{
	neigh->asked_ns = now_ns;
	if (neigh_mark(neigh) == 0 || ++neigh->questions <= NEIGH_LOST)
		return false;
	neigh->mac = 0;
	neigh->questions = 0;
	neigh->contradictions = 0;
	return true;
}

// Whether an answer with another MAC than the known one counts. In a storm of claims the silence
// of the known one proves nothing: its answers may be among the frames that were lost.
static bool change_is_believed(const struct neigh *neigh)
{
	return neigh->asked_ns != 0 && neigh->questions > NEIGH_DIRECT &&
		neigh->contradictions <= NEIGH_CLAIMS;
}

bool neigh_learn(struct neigh *neigh, const struct rte_ether_addr *mac, uint64_t now_ns)
{
	uint64_t packed = mac_pack(mac->addr_bytes), old = neigh->mac;

	if (neigh->is_fixed || !rte_is_valid_assigned_ether_addr(mac))
		return false;
	if ((old & NEIGH_KNOWN) && packed != old && !change_is_believed(neigh)) {
		neigh->contradictions++;
		return false;
	}
	// Somebody who repeats what is known, unasked, proves nothing.
	if (packed == old && neigh->asked_ns == 0)
		return false;
	neigh->confirmed_ns = now_ns;
	neigh->asked_ns = 0;
	neigh->questions = 0;
	neigh->contradictions = 0;
	neigh->is_unconfirmed = false;
	neigh->mac = packed;
	return packed != old;
}

void neigh_doubt(struct neigh *neigh)
{
	neigh->is_unconfirmed = true;
}
