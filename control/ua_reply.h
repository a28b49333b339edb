// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// XML of answers: one Response for each item of the request, in its order.

#pragma once

#include "ua_items.h"

// The longest: names of which each octet is escaped, and what stands around them.
#define UA_REPLY_MAX (UA_ITEMS_TEXT * 6 + UA_ITEMS_MAX * 192 + 256)

// Returns the octets written, no terminator.
size_t ua_reply_write(enum ua_procedure procedure, const struct ua_items *items,
	const uint8_t codes[UA_ITEMS_MAX], char out[UA_REPLY_MAX]);
