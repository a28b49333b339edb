// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The phones' side of Ua (TS 33.246 6.3.2): which phone wants what of the BM-SC, when it asks, and
// what it makes of the answer. No sockets and no clock: connections (ua_pool.h) ask for requests
// and hand answers in. Belongs to whoever has the turn.

#pragma once

#include <jansson.h>

#include "bsf.h"
#include "keyml.h"
#include "receive.h"
#include "response.h"
#include "ue.h"

enum ue_ua_refusal {
#define UE_UA_REFUSAL(NAME, name, text) UE_UA_REFUSED_##NAME,
#include "ua_refusal.def"
#undef UE_UA_REFUSAL
	UE_UA_REFUSAL_COUNT
};

enum ue_ua_leave {
#define UE_UA_LEAVE(NAME, name, text) UE_UA_LEFT_##NAME,
#include "ua_leave.def"
#undef UE_UA_LEAVE
	UE_UA_LEAVE_COUNT
};

enum ue_ua_event {
#define UE_UA_EVENT(NAME, name, text) UE_UA_##NAME,
#include "ua_event.def"
#undef UE_UA_EVENT
	UE_UA_EVENT_COUNT
};

// The texts have to live as long.
struct ue_ua_conf {
	const char *authority; // of the BM-SC, for Host
	const char *base; // of its URL's path, without a slash at its end
	const char *fqdn; // what the realm has to name
	unsigned attempts; // failures in a row that make a phone give up
	int64_t back_off_us; // after the first failure; doubled with each
	int64_t msk_wait_us; // how long to wait for an MSK that was promised
	int64_t missed_wait_us; // missed update: a fixed wait and a random one
	int64_t missed_back_off_us;
	struct ue_subject keys[UE_SUBJECTS_MAX]; // asked for when nothing else is said
	size_t key_count;
	uint64_t seed;
	struct ue_bsf *bsf; // NULL: phones cannot bootstrap
};

struct ue_ua;

// After the phones are loaded. -ENOMEM.
int ue_ua_create(struct ue_ua **out, const struct ue_ua_conf *conf, struct ue_phones *phones);
void ue_ua_destroy(struct ue_ua *ua);

// Makes a phone carry out a procedure at a time (mono), with what is under way for it. keys are
// those of a fetch; count 0 stands for those of conf. False when there is nothing to ask for.
bool ue_ua_want(struct ue_ua *ua, uint32_t phone, enum ue_procedure procedure,
	const struct ue_subject *keys, size_t count, int64_t due);
// A phone met an MSK ID that it does not know: it asks at a random moment of the back-off, and once
// per group in it.
void ue_ua_miss(
	struct ue_ua *ua, uint32_t phone, const struct ue_subject *key, const struct ue_now *now);
// A phone took a MIKEY message: an MSK that it may be waiting for, or a solicited pull.
void ue_ua_hear(struct ue_ua *ua, const struct ue_receipt *receipt, const struct ue_now *now);
// A phone bootstraps now, unasked. False when it cannot.
bool ue_ua_bootstrap(struct ue_ua *ua, uint32_t phone, const struct ue_now *now);

// The next phone that has something to ask by now, UE_NONE when there is none. It has to be given a
// connection at once.
uint32_t ue_ua_take(struct ue_ua *ua, const struct ue_now *now);
// When there will be one, or something else to do here (mono); INT64_MAX for never.
int64_t ue_ua_due(const struct ue_ua *ua);
// Writes the request of a phone that was taken. 0 when it has none after all.
size_t ue_ua_request(
	struct ue_ua *ua, uint32_t phone, const struct ue_now *now, char *out, size_t cap);
// Takes a whole answer. True when the phone has to ask again at once.
bool ue_ua_answer(struct ue_ua *ua, uint32_t phone, const struct ue_response *response,
	const char *data, const struct ue_now *now);
// There is no answer: connection failed, time is over; or it cannot be believed.
void ue_ua_fail(struct ue_ua *ua, uint32_t phone, enum ue_ua_event event, const struct ue_now *now);
void ue_ua_refuse(
	struct ue_ua *ua, uint32_t phone, enum ue_ua_refusal refusal, const struct ue_now *now);
// Counts what has to do with no phone.
void ue_ua_count_refused(struct ue_ua *ua, enum ue_ua_refusal refusal);

// Everything for the control socket and the report.
json_t *ue_ua_report(const struct ue_ua *ua);
// What one phone is about: state, why it left.
json_t *ue_ua_report_phone(const struct ue_ua *ua, uint32_t phone);
