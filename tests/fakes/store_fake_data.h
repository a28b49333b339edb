// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// What a fake store holds. Lists are ordered by key; a snapshot is a copy of all of them.

#pragma once

#include "store_fake.h"

struct fake_list {
	unsigned char *data;
	size_t count;
	size_t room; // items that fit in data
	size_t item_bytes;
};

struct fake_set {
	size_t count;
	store_service_id service[STORE_SET_MAX];
};

struct fake_slice {
	uint32_t campaign;
	uint32_t slice;
	uint8_t state[STORE_SLICE];
};

struct fake_mark {
	uint32_t mark;
};

enum fake_kind {
	FAKE_BLOCK, // struct store_block
	FAKE_SUBSCRIBER, // struct store_subscriber, by id
	FAKE_PREV, // struct store_prev, by id
	FAKE_SET, // struct fake_set, by number - 1
	FAKE_SERVICE,
	FAKE_GROUP,
	FAKE_MSK,
	FAKE_CAMPAIGN,
	FAKE_SLICE,
	FAKE_MARK, // none or one
	FAKE_MTKS,
	FAKE_KINDS,
};

struct fake_data {
	uint64_t version;
	uint64_t dict_version;
	store_service_id last_service;
	struct fake_list list[FAKE_KINDS];
};

struct store_env {
	struct fake_data filled; // by fake_store_*()
	struct fake_data committed; // what a reader copies
};

struct store_reader {
	struct store_env *env;
	struct fake_data d;
};

void fake_data_copy(struct fake_data *to, const struct fake_data *from);
void fake_data_free(struct fake_data *d);
void *fake_list_at(const struct fake_list *l, size_t i);
// Orders keys: group and Key Number, or whatever the kind is walked by.
int fake_group_compare(const struct store_group_id *a, const struct store_group_id *b);
