// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The security description of a user service (TS 26.346 11.3, docs/ua-profile.md): where phones get
// its keys, which keys protect which flows. It holds nothing secret.

#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "conf.h"
#include "types.h"

#define ANNOUNCE_FLOWS_MAX 64

struct announce_flow {
	struct store_group_id group;
	char id[64]; // destination and port: 232.1.1.1:5004
};

struct announce_key {
	struct store_group_id group;
	uint8_t profile; // enum store_profile
};

struct announce {
	bool has_confidentiality;
	bool has_integrity;
	const struct conf *conf; // servers, waiting times
	unsigned keys;
	struct announce_key key[STORE_SERVICE_GROUPS_MAX];
	unsigned flows;
	struct announce_flow flow[ANNOUNCE_FLOWS_MAX];
};

// The document, to be freed; NULL: no memory.
char *announce_write(const struct announce *a);
