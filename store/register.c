// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// What phones change of themselves: the services they are registered with and where they are, for
// which only the hot block is written; and their keys, when they have bootstrapped.

#include <errno.h>
#include <string.h>

#include "subscriber.h"
#include "view.h"

// Keeps the services of a sorted list that the other one has (or has not); returns how many.
static size_t services_filter(
	store_service_id *list, size_t n, const store_service_id *other, size_t others, bool has)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		bool is_there = false;

		for (size_t k = 0; k < others && !is_there; k++)
			is_there = other[k] == list[i];
		if (is_there == has)
			list[kept++] = list[i];
	}
	return kept;
}

// The set that a registration leads to; those the subscriber is not authorised for are left out.
static int registered_set(struct store_txn *txn, const struct store_hot *hot,
	const struct store_registration *reg, store_set *out)
{
	store_service_id list[2 * STORE_SET_MAX], authorised[STORE_SET_MAX];
	const struct view *v = &txn->view;
	size_t n = dict_set_list(v, store_hot_registered(hot), list);
	size_t allowed = dict_set_list(v, store_hot_authorised(hot), authorised);
	size_t added = reg->adds <= STORE_SET_MAX ? reg->adds : STORE_SET_MAX;

	n = services_filter(list, n, reg->drop, reg->drops, false);
	memcpy(list + n, reg->add, added * sizeof(*list));
	added = services_filter(list + n, added, authorised, allowed, true);
	added = services_filter(list + n, added, list, n, false);
	n += added;
	return store_set_intern(txn, list, n, out);
}

static bool place_is_same(const struct store_hot *hot, const struct store_registration *reg)
{
	return !reg->has_place ||
		(hot->port == reg->port && memcmp(&hot->addr, &reg->addr, sizeof(hot->addr)) == 0);
}

int store_subscriber_register(struct store_txn *txn, const struct store_registration *reg)
{
	uint32_t number = reg->id / STORE_BLOCK_SUBSCRIBERS;
	char btid[STORE_NAI_MAX + 1];
	const struct store_hot *old;
	struct store_block block;
	struct store_hot *hot;
	store_set set;
	int rc = view_hot(&txn->view, reg->id, &old);

	if (rc == 0 &&
		(view_btid(&txn->view, reg->id, old, btid) != reg->btid.len ||
			memcmp(btid, reg->btid.data, reg->btid.len) != 0))
		rc = -ENOENT;
	if (rc == 0)
		rc = registered_set(txn, old, reg, &set);
	if (rc != 0)
		return rc;
	// Interning may have moved what `old` points to.
	rc = hot_block_load(&txn->view, number, &block);
	hot = &block.hot[reg->id % STORE_BLOCK_SUBSCRIBERS];
	if (rc == 0 && (set != store_hot_registered(hot) || !place_is_same(hot, reg))) {
		hot->registered = set;
		if (reg->has_place) {
			hot->addr = reg->addr;
			hot->port = reg->port;
		}
		rc = hot_block_put(txn, number, &block);
	}
	explicit_bzero(&block, sizeof(block));
	return rc;
}

int store_subscriber_bootstrap(struct store_txn *txn, const struct store_subscriber *keys,
	bool has_services, bool may_reuse_id, store_id *id, bool *is_new)
{
	const struct view *v = &txn->view;
	store_id known = view_find_impi(v, keys->impi, strlen(keys->impi));
	struct store_subscriber sub = *keys, old;
	int rc = 0;

	if (known != STORE_ID_NONE) {
		rc = view_subscriber(v, known, &old);
		sub.addr = old.addr;
		sub.port = old.port;
		sub.registered = old.registered;
		if (!has_services)
			sub.authorised = old.authorised;
		explicit_bzero(&old, sizeof(old));
	}
	if (rc == 0)
		rc = store_subscriber_put(txn, &sub, may_reuse_id, id, is_new);
	explicit_bzero(&sub, sizeof(sub));
	return rc;
}
