// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// What is remembered of a request once it is answered: the last one of each phone, and the history.

#include "history.h"
#include "ua_server.h"

void ua_note_read(const struct ua *ua, store_id id, struct ua_note *out)
{
	uint64_t note = 0;

	if (ua != NULL && id < ctl_max_subscribers(ua->ctl))
		note = atomic_load_explicit(&ua->note[id], memory_order_relaxed);
	*out = (struct ua_note){
		.at_s = (uint32_t)(note >> 32),
		.procedure = (uint8_t)(note >> 8),
		.result = (uint8_t)note,
	};
}

void ua_note_forget(struct ua *ua, store_id id)
{
	if (ua != NULL && id < ctl_max_subscribers(ua->ctl))
		atomic_store_explicit(&ua->note[id], 0, memory_order_relaxed);
}

static void note_write(const struct ua_call *call)
{
	struct ua *ua = call->thread->ua;

	if (!call->is_authenticated || call->id >= ctl_max_subscribers(ua->ctl))
		return;
	atomic_store_explicit(&ua->note[call->id],
		(uint64_t)call->thread->unix_s << 32 | (uint64_t)call->procedure << 8 |
			(uint64_t)call->result,
		memory_order_relaxed);
}

// --- The history ----------------------------------------------------------------------------

static store_service_id service_of(const struct ua_call *call, unsigned i)
{
	struct ua_text name = ua_item_name(&call->items->items, i);
	struct store_service service;
	char text[UA_SERVICE_MAX + 1];

	memcpy(text, name.data, name.len);
	text[name.len] = '\0';
	return store_reader_service_by_name(call->thread->reader, text, &service) == 0
		? service.id
		: STORE_SERVICE_NONE;
}

static struct history_event item_event(const struct ua_call *call, unsigned i)
{
	const struct ua_item *item = &call->items->items.item[i];
	struct history_event event = {
		.id = call->id,
		.kind = HISTORY_ITEM,
		.what = (uint8_t)call->procedure,
		.result = call->code[i],
	};

	if (item->kind == UA_ITEM_SERVICE) {
		event.service = service_of(call, i);
		return event;
	}
	memcpy(event.group.kdi, item->kdi, sizeof(event.group.kdi));
	event.group.group = item->group;
	event.number = item->number;
	return event;
}

// Whether it was this phone, or somebody who tries to be: wrong responses are limited, so nobody
// can fill the ring with them.
static bool is_of_phone(const struct ua_call *call)
{
	return call->id != STORE_ID_NONE &&
		(call->is_authenticated || call->result == UA_EXPIRED || call->result == UA_STALE ||
			call->result == UA_WRONG_RESPONSE);
}

static void history_write(const struct ua_call *call)
{
	struct history_event events[1 + UA_ITEMS_MAX];
	unsigned n = 1;

	events[0] = (struct history_event){
		.id = call->id,
		.kind = HISTORY_REQUEST,
		.what = (uint8_t)call->procedure,
		.result = (uint8_t)call->result,
	};
	ua_peer_addr(call, &events[0].address);
	for (unsigned i = 0; call->result == UA_OK && i < call->items->items.n; i++)
		events[n++] = item_event(call, i);
	history_add(call->thread->ua->ctl->history, events, n);
}

void ua_note_write(struct ua_call *call)
{
	note_write(call);
	if (is_of_phone(call) && call->thread->ua->ctl->history != NULL)
		history_write(call);
}
