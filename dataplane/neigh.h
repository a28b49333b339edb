// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The MAC address of one next hop, by ARP (RFC 826) or ND (RFC 4861), or fixed in the file. Every
// worker reads it, whichever worker hears an answer writes it, worker 0 asks. Time is an argument.
//
// unknown:    everybody on the link is asked until somebody answers.
// known:      confirmed by an answer; asked for again after a time.
// questioned: it is asked directly, and a few times in vain. Nobody else is believed meanwhile.
// doubted:    it does not answer. Everybody is asked, and whoever answers is the new one, but in a
//             storm of claims: then it has until it is lost.
// lost:       nobody answered for long. Unknown again.
//
// Nothing is sent to a next hop that is doubted, nor to one whose link was down until it has
// answered again: that would be a message lost.
//
// An answer that nobody asked for never replaces a MAC; one that contradicts it makes the question
// come earlier. So a gateway that was exchanged is found in a second, and one that somebody else
// speaks for is not.

#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <rte_ether.h>

#define NEIGH_ASK_NS 200000000ull // between two questions
#define NEIGH_REFRESH_NS 2000000000ull // a known MAC is asked for again after this time
#define NEIGH_CONTRADICTION_NS 1000000000ull // and after this one when somebody contradicts
#define NEIGH_DIRECT 3 // questions to the known MAC before everybody is asked
#define NEIGH_CLAIMS 64 // more since the last answer are a storm, no gateway that was exchanged
#define NEIGH_LOST 25 // questions in vain after which it is unknown

struct neigh {
	_Atomic uint64_t mac; // 48 bits, a flag above them: known
	bool is_fixed; // from the file: never asked for, never replaced
	_Atomic uint64_t asked_ns; // worker 0: rw, others: ro. 0 = no question is open
	_Atomic uint64_t confirmed_ns;
	_Atomic uint32_t questions; // since the last answer
	_Atomic uint32_t contradictions; // claims of another MAC since the last answer
	_Atomic bool is_unconfirmed; // since its link was down
};

enum neigh_question {
	NEIGH_ASK_NOBODY, // it is not time
	NEIGH_ASK_IT, // at its MAC
	NEIGH_ASK_ALL,
};

void neigh_init(struct neigh *neigh, const uint8_t fixed_mac[6]);
// Copies the MAC; false when it is not known.
bool neigh_mac(const struct neigh *neigh, struct rte_ether_addr *mac);
// The MAC as a number that differs with it, 0 when it is not known.
static inline uint64_t neigh_mark(const struct neigh *neigh)
{
	return atomic_load_explicit(&neigh->mac, memory_order_relaxed);
}
// Whether anything may be sent there.
bool neigh_is_usable(const struct neigh *neigh);
// Whom to ask now.
enum neigh_question neigh_due(const struct neigh *neigh, uint64_t now_ns);
// It was asked. Returns true when the MAC was known and is not any more.
bool neigh_asked(struct neigh *neigh, uint64_t now_ns);
// Somebody says that the next hop has this MAC. Returns true when that is taken and new.
bool neigh_learn(struct neigh *neigh, const struct rte_ether_addr *mac, uint64_t now_ns);
// The link goes down or comes up: what is known may be out of date.
void neigh_doubt(struct neigh *neigh);
