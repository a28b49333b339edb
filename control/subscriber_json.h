// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// One subscriber as the admin API names and shows it.

#pragma once

#include <jansson.h>

#include "reader.h"

// Finds a subscriber by IMPI, else by B-TID. STORE_ID_NONE when there is none.
store_id subscriber_find(const struct store_reader *r, const char *name);
// Text of an address, null for none.
json_t *subscriber_address_json(const struct store_addr *addr);
// What may be shown of one; keys never are. NULL when the id is free or the record is damaged.
// now_s: Unix seconds.
json_t *subscriber_json(const struct store_reader *r, store_id id, int64_t now_s);
// What can be said of one whose record is damaged.
json_t *subscriber_damaged_json(const struct store_reader *r, store_id id);
