// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// How many wrong responses a sender may give: counts in a table of fixed size, each over a minute.
// Only wrong responses are counted and only answers to them are limited, so nobody can be locked
// out by somebody else. Any thread; time and the key of the hash are arguments.

#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ua_text.h"

#define UA_LIMIT_WINDOW_S 60

struct ua_limit;

// -ENOMEM.
int ua_limit_create(const uint8_t hash_key[16], struct ua_limit **out);
void ua_limit_destroy(struct ua_limit *limit);
// Notes one more from `what` (two parts, both count); true when there were more than `most` of
// them within the window. most = 0: there is no limit.
bool ua_limit_exceeds(struct ua_limit *limit, struct ua_text what, struct ua_text part,
	uint32_t most, uint32_t now_s);
