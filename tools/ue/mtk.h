// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// MTK messages on multicast addresses (TS 33.246 6.3.3, spec 3.6 and 3.9): one message is heard by
// all phones that are there. What protects it is computed once for all phones with the same MSK;
// each phone then has its own counter and its own MTK IDs. Phones are gone through in slices, so
// that a million of them do not hold up the port.

#pragma once

#include <jansson.h>

#include "frame.h"
#include "phones.h"
#include "rng.h"

#define UE_MTK_GROUPS_MAX 16
#define UE_MTK_SEEN 32

// An address that phones listen on.
struct ue_mtk_group {
	struct ue_address address;
	uint16_t port;
	char interface[16]; // of the kernel's sockets; "": by route
};

// One MTK, as far as it is of interest afterwards.
struct ue_mtk_seen {
	uint32_t msk; // position among the phones' MSKs
	uint32_t mtk_id;
	uint32_t counter;
	uint32_t phones; // that took it
	uint8_t mac[8]; // head of the MAC
	uint8_t check[3]; // check value of the MTK
	uint8_t salt_len;
};

struct ue_mtk_message;

struct ue_mtk {
	struct ue_mtk_group groups[UE_MTK_GROUPS_MAX];
	unsigned group_count;
	bool has_no_rand; // the keys that protect MTKs are derived without RAND (spec 3.7)
	struct ue_mtk_message *first; // the one that phones go through now, then those that wait
	struct ue_mtk_message *last;
	unsigned waiting;
	struct ue_rng rng; // of what single phones do not hear
	struct ue_mtk_seen seen[UE_MTK_SEEN]; // the last ones; counts on
	uint64_t seen_count;
};

struct ue_site;

// "232.1.1.1:5004", "[ff3e::1]:5004", an interface behind the address: "232.1.1.1%lo:5004"; with
// commas between them. Returns how many, 0 when one of them is none.
unsigned ue_mtk_groups_parse(struct ue_mtk_group groups[UE_MTK_GROUPS_MAX], const char *text);
void ue_mtk_fini(struct ue_mtk *mtk);

bool ue_address_is_multicast(const struct ue_address *address);
// The MAC address of a group (RFC 1112 6.4, RFC 2464 7).
void ue_group_mac(const struct ue_address *address, uint8_t mac[6]);

// Takes a frame to a group: phones will hear it.
enum ue_refusal ue_mtk_take(struct ue_site *site, const struct ue_frame *frame);
// True while there are phones that have not heard a message yet.
static inline bool ue_mtk_is_busy(const struct ue_mtk *mtk)
{
	return mtk->first != NULL;
}
// Lets the next phones hear it.
void ue_mtk_slice(struct ue_site *site, const struct ue_now *now);
// The last MTKs, by check value.
json_t *ue_mtk_report(const struct ue_site *site);
