// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Registration and deregistration (TS 33.246 6.3.2.1A, 6.3.2.1B). What changes a record waits for
// the commit; what changes nothing does not.

#include <errno.h>
#include <stdlib.h>

#include "ua_server.h"

struct ua_registration {
	struct ctl *ctl;
	struct store_registration reg;
	unsigned n;
	store_service_id service[UA_ITEMS_MAX]; // each once
};

void ua_register_free(struct ua_call *call)
{
	free(call->registration);
	call->registration = NULL;
}

static bool set_has(const struct store_reader *r, store_set set, store_service_id id)
{
	store_service_id list[STORE_SET_MAX];
	size_t n = store_reader_set(r, set, list);

	for (size_t i = 0; i < n; i++)
		if (list[i] == id)
			return true;
	return false;
}

// The service an item names; STORE_SERVICE_NONE.
static store_service_id service_find(
	const struct ua_call *call, unsigned i, struct store_service *out)
{
	struct ua_text name = ua_item_name(&call->items->items, i);
	char text[UA_SERVICE_MAX + 1];

	memcpy(text, name.data, name.len);
	text[name.len] = '\0';
	return store_reader_service_by_name(call->thread->reader, text, out) == 0
		? out->id
		: STORE_SERVICE_NONE;
}

static enum ua_item_code item_judge(
	const struct ua_call *call, const struct store_hot *hot, store_service_id id)
{
	const struct store_reader *r = call->thread->reader;

	if (id == STORE_SERVICE_NONE)
		return UA_ITEM_UNKNOWN;
	if (set_has(r, store_hot_authorised(hot), id))
		return UA_ITEM_OK;
	// Who may not have it any more can still leave it.
	return call->procedure == UA_DEREGISTER && set_has(r, store_hot_registered(hot), id)
		? UA_ITEM_OK
		: UA_ITEM_FORBIDDEN;
}

static void service_add(struct ua_registration *reg, store_service_id id)
{
	for (unsigned i = 0; i < reg->n; i++)
		if (reg->service[i] == id)
			return;
	reg->service[reg->n++] = id;
}

static bool is_change(const struct ua_call *call, const struct store_hot *hot)
{
	const struct ua_registration *reg = call->registration;
	bool is_registering = call->procedure == UA_REGISTER;
	struct store_addr addr;

	for (unsigned i = 0; i < reg->n; i++)
		if (set_has(call->thread->reader, store_hot_registered(hot), reg->service[i]) !=
			is_registering)
			return true;
	return is_registering && ua_place_differs(call, hot, &addr);
}

static int registration_job(struct store_txn *txn, void *arg)
{
	const struct ua_call *call = arg;
	struct ua_registration *reg = call->registration;
	int ret = store_subscriber_register(txn, &reg->reg);

	// Who leaves is to be sent nothing more at once, also in a campaign.
	if (ret == 0 && call->procedure == UA_DEREGISTER)
		ctl_store_changed(reg->ctl, 0, 0);
	return ret;
}

static void registration_fill(struct ua_call *call, const struct store_hot *hot)
{
	struct ua_registration *reg = call->registration;
	const struct ua_text *name = &call->auth.username;

	reg->ctl = call->thread->ua->ctl;
	reg->reg = (struct store_registration){
		.id = call->id,
		.btid = {(const uint8_t *)name->data, (uint16_t)name->len},
		.port = ua_port_of(hot),
	};
	if (call->procedure == UA_DEREGISTER) {
		reg->reg.drop = reg->service;
		reg->reg.drops = reg->n;
		return;
	}
	reg->reg.add = reg->service;
	reg->reg.adds = reg->n;
	reg->reg.has_place = ua_place_of(call, &reg->reg.addr);
}

// --- Pushes ---------------------------------------------------------------------------------

// All MSKs that are given out. Who comes back may have been away when the others were told that one
// was revoked.
static void group_push(struct ua_call *call, const struct ua_group *group)
{
	const uint16_t number[] = {
		group->revoked[0], group->revoked[1], group->current, group->next};

	for (unsigned i = 0; i < sizeof(number) / sizeof(number[0]); i++)
		if (number[i] != 0)
			ua_order_push(call, group, number[i], true);
}

static bool service_push(struct ua_call *call, const struct store_service *service)
{
	struct ua_thread *t = call->thread;

	if (!ua_orders_have_room(t, 2u * service->group_count))
		return false;
	for (unsigned i = 0; i < service->group_count; i++) {
		const struct ua_group *group =
			ua_catalogue_group(t->catalogue, t->reader, &service->group[i]);

		if (group != NULL)
			group_push(call, group);
	}
	return true;
}

// Pushes of groups that no other service of the phone has come to their end.
static void service_end(
	struct ua_call *call, const struct store_service *service, const struct store_hot *hot)
{
	struct ua_thread *t = call->thread;

	for (unsigned i = 0; i < service->group_count; i++) {
		const struct ua_group *group =
			ua_catalogue_group(t->catalogue, t->reader, &service->group[i]);

		if (group == NULL || !store_eligibility_is_member(&group->eligibility, hot))
			ua_order_end(call, &service->group[i]);
	}
}

static void items_follow(struct ua_call *call)
{
	const struct store_hot *hot = store_reader_hot(call->thread->reader, call->id);
	struct store_service service;

	for (unsigned i = 0; i < call->items->items.n; i++) {
		if (call->code[i] != UA_ITEM_OK ||
			service_find(call, i, &service) == STORE_SERVICE_NONE)
			continue;
		if (call->procedure == UA_DEREGISTER)
			service_end(call, &service, hot);
		else if (!service_push(call, &service))
			call->code[i] = UA_ITEM_BUSY;
	}
}

// --- The procedure --------------------------------------------------------------------------

bool ua_register_run(struct ua_call *call)
{
	const struct store_hot *hot = store_reader_hot(call->thread->reader, call->id);
	struct ua_registration *reg = calloc(1, sizeof(*reg));
	struct store_service service;

	call->registration = reg;
	if (reg == NULL) {
		ua_call_end(call, UA_INTERNAL);
		return false;
	}
	for (unsigned i = 0; i < call->items->items.n; i++) {
		store_service_id id = service_find(call, i, &service);

		call->code[i] = (uint8_t)item_judge(call, hot, id);
		if (call->code[i] == UA_ITEM_OK)
			service_add(reg, id);
	}
	if (!is_change(call, hot)) {
		items_follow(call);
		return true;
	}
	registration_fill(call, hot);
	if (!ua_call_post(call, UA_STATE_COMMIT, registration_job))
		ua_call_end(call, UA_STORE_BUSY);
	return false;
}

void ua_register_committed(struct ua_call *call)
{
	// What is pushed now is made from the record as it is now.
	if (store_reader_version(call->thread->reader) < call->job_version)
		ua_thread_follow(call->thread, true);
	items_follow(call);
}
