// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include <errno.h>
#include <string.h>

#include "dict.h"
#include "meta.h"
#include "view.h"

#define GROUP_SERVICES_MAX 64 // services that may name one group: bits of an eligibility mask

// How many services other than `except` name the group.
static size_t group_services(
	const struct view *v, const struct store_group_id *group, store_service_id except)
{
	struct store_service service = {0};
	size_t n = 0;

	while (meta_service_next(v, service.id, &service) == 0)
		if (service.id != except && meta_service_names(&service, group))
			n++;
	return n;
}

static int service_check(const struct view *v, const struct store_service *service)
{
	size_t len = strnlen(service->name, sizeof(service->name));

	if (len == 0 || len > STORE_NAME_MAX || service->group_count > STORE_SERVICE_GROUPS_MAX ||
		service->policy > STORE_POLICY_BOOTSTRAP)
		return -EINVAL;
	for (unsigned i = 0; i < service->group_count; i++) {
		struct store_group group;
		int rc = meta_group(v, &service->group[i], &group);

		if (rc != 0)
			return rc;
		if (group_services(v, &service->group[i], service->id) >= GROUP_SERVICES_MAX)
			return -E2BIG;
	}
	return 0;
}

static int service_write(struct store_txn *txn, const struct store_service *service)
{
	struct service_record record;
	size_t len = record_encode_service(service, &record);
	uint32_t id = service->id;

	txn_state(txn)->dict_version++;
	return sealed_put(txn, DB_SERVICE, blob_u32(&id), &record, len);
}

int store_service_put(struct store_txn *txn, struct store_service *service)
{
	struct store_service old;
	uint32_t id;
	int rc = meta_service_by_name(&txn->view, service->name, &old);

	if (rc != 0 && rc != -ENOENT)
		return rc;
	service->id = rc == 0 ? old.id : STORE_SERVICE_NONE;
	rc = service_check(&txn->view, service);
	if (rc != 0)
		return rc;
	if (service->id == STORE_SERVICE_NONE) {
		// Numbers of services are never used again: sets that hold them stay.
		id = txn->state.last_service + 1;
		if (id > UINT16_MAX)
			return -ENOSPC;
		rc = db_put(&txn->view, DB_SERVICE_NAME,
			(struct blob){service->name, strlen(service->name)}, blob_u32(&id));
		if (rc != 0)
			return rc;
		txn_state(txn)->last_service = id;
		service->id = (store_service_id)id;
	}
	return service_write(txn, service);
}

static bool set_has(const struct view *v, store_set set, store_service_id service)
{
	store_service_id list[STORE_SET_MAX];
	size_t n = dict_set_list(v, set, list);

	for (size_t i = 0; i < n; i++)
		if (list[i] == service)
			return true;
	return false;
}

static bool block_uses(const struct view *v, const struct store_block *block, uint32_t left,
	store_service_id service)
{
	store_set known_not = STORE_SET_NONE; // neighbours mostly have the same set

	for (uint32_t i = 0; i < STORE_BLOCK_SUBSCRIBERS && i < left; i++) {
		const struct store_hot *hot = &block->hot[i];
		store_set sets[2] = {store_hot_authorised(hot), store_hot_registered(hot)};

		for (unsigned j = 0; j < 2 && store_hot_flags(hot) & STORE_LIVE; j++) {
			if (sets[j] == known_not || sets[j] == STORE_SET_NONE)
				continue;
			if (set_has(v, sets[j], service))
				return true;
			known_not = sets[j];
		}
	}
	return false;
}

static int service_is_used(const struct view *v, store_service_id service, bool *is_used)
{
	uint32_t span = v->state->span;

	*is_used = false;
	for (store_id id = 0; id < span && !*is_used; id += STORE_BLOCK_SUBSCRIBERS) {
		const struct store_block *block;
		int rc = view_hot_block(v, id / STORE_BLOCK_SUBSCRIBERS, &block);

		if (rc != 0 && rc != -ENOENT)
			return rc;
		if (rc == 0)
			*is_used = block_uses(v, block, span - id, service);
	}
	return 0;
}

int store_service_remove(struct store_txn *txn, store_service_id id)
{
	struct store_service service;
	bool is_used;
	int rc = meta_service(&txn->view, id, &service);

	if (rc != 0)
		return rc;
	if (txn->view.env->import != NULL)
		return -EINPROGRESS;
	rc = service_is_used(&txn->view, id, &is_used);
	if (rc == 0 && is_used)
		rc = -EBUSY;
	if (rc == 0)
		rc = db_del(&txn->view, DB_SERVICE_NAME,
			(struct blob){service.name, strlen(service.name)});
	if (rc == 0)
		rc = db_del_u32(&txn->view, DB_SERVICE, id);
	txn_state(txn)->dict_version++;
	return rc;
}
