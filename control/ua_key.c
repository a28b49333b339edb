// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// A B-TID that is not in the store: the key source is asked while the call waits. What it says goes
// into the store only after the phone has proven that it holds the key, with a nonce that is fresh:
// B-TIDs are public, and nobody else may move a subscriber to another bootstrapping.

#include <errno.h>
#include <stdlib.h>

#include "dp.h"
#include "log.h"
#include "ua_server.h"

#define PORT 2269

struct ua_key {
	struct ua_call *call;
	char btid[UA_BTID_MAX + 1];
	struct key_waiter waiter;
	struct key_answer answer; // secret
	struct store_subscriber sub; // secret
	store_service_id service[KEY_SERVICES_MAX];
	unsigned services;
	bool has_services;
	bool is_new;
	store_id id;
};

void ua_key_free(struct ua_call *call)
{
	if (call->key == NULL)
		return;
	explicit_bzero(call->key, sizeof(*call->key));
	free(call->key);
	call->key = NULL;
}

// In any thread.
static void on_answer(void *arg, const struct key_answer *answer)
{
	struct ua_key *key = arg;

	key->answer = *answer;
	ua_call_wake(key->call);
}

void ua_key_ask(struct ua_call *call)
{
	struct ua_key *key = calloc(1, sizeof(*key));
	const struct key_answer busy = {.verdict = KEY_BUSY};

	ua_call_wait(call, UA_STATE_KEY);
	call->key = key;
	if (key == NULL) {
		ua_call_wake(call);
		return;
	}
	key->call = call;
	memcpy(key->btid, call->auth.username.data, call->auth.username.len);
	key->answer = busy;
	key->waiter = (struct key_waiter){
		.done = on_answer, .arg = key, .address = ua_call_address(call)};
	key_source_ask(call->thread->ua->key_source, key->btid, &key->waiter);
}

// --- Into the store -------------------------------------------------------------------------

static void service_add(struct ua_call *call, const char *name)
{
	struct store_service service;
	char text[LOG_TEXT_MAX];

	if (store_reader_service_by_name(call->thread->reader, name, &service) == 0)
		call->key->service[call->key->services++] = service.id;
	else
		log_warning("key-source", "why=\"unknown service\" service=\"%s\"",
			log_text(name, strlen(name), text));
}

// Services the source names; else, for somebody new, those of the configuration.
static void services_choose(struct ua_call *call)
{
	const struct conf_texts *usual = &call->thread->ua->conf->key_source.services;
	struct ua_key *key = call->key;
	bool is_known =
		store_reader_find_impi(call->thread->reader, key->answer.impi) != STORE_ID_NONE;

	key->has_services = key->answer.has_services;
	for (unsigned i = 0; i < key->answer.services; i++)
		service_add(call, key->answer.service[i]);
	if (key->has_services || is_known)
		return;
	for (unsigned i = 0; i < usual->n; i++)
		service_add(call, usual->value[i]);
}

static int subscriber_fill(struct ua_call *call)
{
	struct ua_key *key = call->key;
	struct store_subscriber *sub = &key->sub;

	*sub = (struct store_subscriber){
		.flags = STORE_HAS_MUK | STORE_HAS_MRK,
		.port = PORT,
		.expires = key->answer.expires,
		.muk = key->answer.muk,
		.mrk = key->answer.mrk,
	};
	if (key->answer.is_in_uicc)
		sub->flags |= STORE_IN_UICC;
	memcpy(sub->impi, key->answer.impi, sizeof(sub->impi));
	memcpy(sub->btid, key->btid, sizeof(sub->btid));
	ua_place_of(call, &sub->addr);
	return dp_muk_prep_burst(call->thread->muk_prep, sub->muk.byte, sizeof(sub->muk),
		&sub->muk_state, sizeof(sub->muk_state), 1);
}

static int store_job(struct store_txn *txn, void *arg)
{
	struct ua_call *call = arg;
	struct ua_key *key = call->key;
	struct ctl *ctl = call->thread->ua->ctl;
	int ret = store_set_intern(txn, key->service, key->services, &key->sub.authorised);

	if (ret == 0)
		ret = store_subscriber_bootstrap(txn, &key->sub, key->has_services,
			ctl_may_reuse_ids(ctl), &key->id, &key->is_new);
	if (ret == 0 && key->id >= ctl_max_subscribers(ctl))
		ret = -EDQUOT;
	if (ret == 0)
		ctl_store_changed(ctl, key->id, 1);
	return ret;
}

// --- The answer -----------------------------------------------------------------------------

static bool known_judge(struct ua_call *call)
{
	struct ua_key *key = call->key;

	ua_auth_ha1(call, key->answer.mrk.byte);
	return ua_auth_is_right(call) && ua_auth_is_fresh(call, key->answer.expires);
}

static enum ua_result verdict_result(enum key_verdict verdict)
{
	switch (verdict) {
	case KEY_KNOWN:
		return UA_OK;
	case KEY_NOT_KNOWN:
		return UA_UNKNOWN_BTID;
	case KEY_NOT_AUTHORISED:
		return UA_NOT_AUTHORISED;
	default:
		return UA_KEY_SOURCE_BUSY;
	}
}

bool ua_key_answered(struct ua_call *call)
{
	call->result = call->key == NULL ? UA_INTERNAL : verdict_result(call->key->answer.verdict);
	if (call->result != UA_OK || !known_judge(call))
		return true;
	services_choose(call);
	if (subscriber_fill(call) != 0) {
		call->result = UA_INTERNAL;
		return true;
	}
	if (ua_call_post(call, UA_STATE_KEY_STORE, store_job))
		return false;
	call->result = UA_STORE_BUSY;
	return true;
}

bool ua_key_stored(struct ua_call *call)
{
	char btid[LOG_TEXT_MAX], impi[LOG_TEXT_MAX];

	if (call->job_result != 0) {
		log_warning("bootstrapping-not-stored", "btid=\"%s\" impi=\"%s\" errno=%d",
			log_text(call->key->btid, strlen(call->key->btid), btid),
			log_text(call->key->answer.impi, strlen(call->key->answer.impi), impi),
			-call->job_result);
		// -EEXIST: another subscriber has this B-TID; the source contradicts the store.
		call->result = call->job_result == -EEXIST ? UA_KEY_SOURCE_BUSY : UA_STORE_BUSY;
		return false;
	}
	call->id = ua_auth_find(call);
	ua_key_free(call);
	if (call->id == STORE_ID_NONE)
		call->result = UA_INTERNAL;
	return call->result == UA_OK;
}
