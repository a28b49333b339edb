// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The next hop's MAC address, by ARP (RFC 826) or fixed in the file. One gateway; every worker
// reads it, whichever worker hears an answer writes it, worker 0 asks. Time is an argument.

#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <rte_ether.h>

#define NEIGH_ASK_NS 200000000ull // between two requests while the MAC is not known
#define NEIGH_REFRESH_NS 30000000000ull // a known MAC is asked for again after this time

struct neigh {
	_Atomic uint64_t mac; // 48 bits, NEIGH_KNOWN above them
	bool is_fixed; // from the file: never asked for, never replaced
	_Atomic uint64_t asked_ns; // worker 0: rw, others: ro. 0 = no request is open
	_Atomic uint64_t confirmed_ns;
};

void neigh_init(struct neigh *neigh, const uint8_t fixed_mac[6]);
// Copies the MAC; false when it is not known.
bool neigh_mac(const struct neigh *neigh, struct rte_ether_addr *mac);
// Whether a request is to be sent now; notes that it was.
bool neigh_ask(struct neigh *neigh, uint64_t now_ns);
// The gateway spoke. An answer that nobody asked for does not replace a known MAC. Returns true
// when the MAC is new.
bool neigh_learn(struct neigh *neigh, const struct rte_ether_addr *mac, uint64_t now_ns);
