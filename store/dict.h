// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The dictionaries: suffixes of NAIs and sets of services. Entries are added and never changed,
// so a number means the same in each snapshot that knows it.

#pragma once

#include "env.h"
#include "nai.h"

#define DICT_SUFFIX_MAX 65534 // number 0 is no suffix
#define DICT_SET_MAX 0xffffff

int dict_suffix_text(const struct view *v, uint16_t number, struct blob *text);
// -EOVERFLOW: the dictionary is full, the NAI has to be kept as text.
int dict_suffix_intern(struct store_txn *txn, struct nai_suffix suffix, uint16_t *number);

// Services of a set, ascending; at most STORE_SET_MAX, 0 for an unknown set.
size_t dict_set_list(const struct view *v, store_set set, store_service_id out[STORE_SET_MAX]);
