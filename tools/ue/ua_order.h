// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Orders to many phones at once, and what people write in them.

#pragma once

#include "ua.h"

struct ue_ua_order {
	unsigned procedures; // bit per enum ue_procedure
	uint32_t first; // phones in the order of the CSV
	uint32_t count; // as far as there are so many
	double rate; // phones a second, one after the other; 0: no limit
	int64_t spread_us; // each at a random moment within it, besides; 0: at once
	const struct ue_subject *keys; // of a fetch; key_count 0: the usual ones
	size_t key_count;
};

// Returns how many phones have something to do.
uint32_t ue_ua_order(struct ue_ua *ua, const struct ue_ua_order *order, const struct ue_now *now);

// "register,fetch,deregister", some of them; false when it is anything else.
bool ue_procedures_parse(unsigned *procedures, const char *text);
// "001-01/0001", or "001-01/0001:v600".
bool ue_key_group_parse(struct ue_subject *key, const char *text, size_t len);
// Such groups with commas between them; returns how many, 0 when one of them is none.
size_t ue_key_groups_parse(struct ue_subject keys[UE_SUBJECTS_MAX], const char *text);

// "http://HOST[:PORT][/PATH]"
struct ue_url {
	char host[256]; // without the brackets of an IPv6 address
	char port[8];
	char authority[272]; // as in Host
	char base[256]; // the path without a slash at its end
};
bool ue_url_parse(struct ue_url *url, const char *text);
// "127.0.0.1" or "127.0.1.0/24": the first IPv4 address and how many there are.
bool ue_source_parse(uint32_t *first, uint32_t *count, const char *text);
