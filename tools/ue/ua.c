// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// A phone is idle until something makes it want a procedure: an order, a solicited pull, an unknown
// MSK ID. Then it is due at a time and, when that has come, asks as soon as there is a connection.
// An answer that counts ends the procedure; the next one it wants follows. After a fetch that was
// granted it expects the MSKs and asks again when they do not come. What does not work out is
// tried again, each time later; after some failures in a row the phone has gone: it wants nothing
// until it is ordered or solicited again.

#include "ua_inside.h"

#include <errno.h>
#include <stdlib.h>

#include "csv.h"
#include "holding.h"

#define DOUBLINGS_MAX 6 // of the back-off

// --- What phones want -----------------------------------------------------------------------

bool ue_ua_is_about(const struct ue_subject *subject, const struct ue_subject *key)
{
	return subject->service.data == NULL && subject->profile == key->profile &&
		subject->group == key->group &&
		(subject->number == 0 || subject->number == key->number) &&
		(subject->profile == MIKEY_PROFILE_V600 ||
			memcmp(subject->kdi, key->kdi, sizeof(key->kdi)) == 0);
}

// The names of a list of services, in the phones' memory.
static size_t services_split(const char *list, struct ue_subject subjects[UE_SUBJECTS_MAX])
{
	size_t count = 0;

	while (*list != '\0' && count < UE_SUBJECTS_MAX) {
		size_t len = strcspn(list, " ");

		if (len > 0)
			subjects[count++] = (struct ue_subject){.service = {list, len}};
		list += len + (list[len] == ' ');
	}
	return count;
}

static uint16_t body_wanted(struct ue_ua *ua, uint32_t phone, enum ue_procedure procedure,
	const struct ue_subject *keys, size_t count)
{
	const struct ue_phone *owner = &ua->phones->phones[phone];
	struct ue_subject subjects[UE_SUBJECTS_MAX];
	uint16_t names = owner->services;

	if (procedure == UE_FETCH) {
		if (count == 0)
			return ue_ua_body_get(ua, procedure, ua->conf.keys, ua->conf.key_count);
		return ue_ua_body_get(ua, procedure, keys, count);
	}
	if (procedure == UE_DEREGISTER && owner->registered != 0)
		names = owner->registered;
	count = services_split(ua->phones->names[names], subjects);
	return ue_ua_body_get(ua, procedure, subjects, count);
}

static bool is_asking_for(const struct ue_ua *ua, const struct ue_ua_phone *s,
	enum ue_procedure procedure, uint16_t body)
{
	const struct ue_ua_body *wanted = &ua->bodies[body];

	return s->state == UE_UA_ASKING && s->asking == procedure &&
		ue_ua_body_covers(&ua->bodies[s->asked], wanted->subjects, wanted->count);
}

// Bodies are joined at their ends: bits stay where they are.
static uint64_t came(const struct ue_ua *ua, const struct ue_ua_phone *s)
{
	return ue_ua_subjects(ua, s->fetched) & ~s->awaited;
}

static void want_add(
	struct ue_ua *ua, struct ue_ua_phone *s, enum ue_procedure procedure, uint16_t body)
{
	if ((s->wants & 1u << procedure) != 0) {
		ua->events[UE_UA_MERGED]++;
		body = ue_ua_body_join(ua, s->body[procedure], body);
	} else if (procedure == UE_FETCH && s->awaited != 0) {
		s->came = came(ua, s);
		body = ue_ua_body_join(ua, s->fetched, body);
	} else if (procedure == UE_FETCH) {
		s->came = 0;
	}
	s->body[procedure] = body;
	s->wants |= (uint8_t)(1u << procedure);
}

bool ue_ua_want(struct ue_ua *ua, uint32_t phone, enum ue_procedure procedure,
	const struct ue_subject *keys, size_t count, int64_t due)
{
	struct ue_ua_phone *s = &ua->states[phone];
	uint16_t body = body_wanted(ua, phone, procedure, keys, count);

	if (body == UE_UA_NO_BODY)
		return false;
	if (is_asking_for(ua, s, procedure, body)) {
		ua->events[UE_UA_MERGED]++;
		return true;
	}
	want_add(ua, s, procedure, body);
	if (s->state == UE_UA_GONE) {
		ua->events[UE_UA_CAME_BACK]++;
		s->failures = 0;
		s->renegotiations = 0;
		s->stale = 0;
	}
	if (s->state == UE_UA_DUE && s->due < due)
		due = s->due;
	if (s->state != UE_UA_ASKING)
		ue_ua_enter(ua, phone, UE_UA_DUE, due);
	return true;
}

void ue_ua_msk_came(struct ue_ua *ua, uint32_t phone, const struct ue_now *now)
{
	struct ue_ua_phone *s = &ua->states[phone];

	ua->events[UE_UA_MSK_CAME]++;
	ue_histogram_add(&ua->msk_latency, now->mono - s->promised_at);
	s->failures = 0;
	s->promised_at = 0;
	if (s->state == UE_UA_EXPECTING)
		ue_ua_enter(ua, phone, UE_UA_IDLE, 0);
}

// --- Taking turns ---------------------------------------------------------------------------

void ue_ua_want_again(struct ue_ua *ua, uint32_t phone)
{
	struct ue_ua_phone *s = &ua->states[phone];
	uint8_t bit = (uint8_t)(1u << s->asking);

	if (s->asking == UE_FETCH)
		s->came = came(ua, s);
	s->body[s->asking] = (s->wants & bit) != 0
		? ue_ua_body_join(ua, s->asked, s->body[s->asking])
		: s->asked;
	s->wants |= bit;
}

void ue_ua_retry(struct ue_ua *ua, uint32_t phone, int64_t wait_us, enum ue_ua_leave cause,
	const struct ue_now *now)
{
	struct ue_ua_phone *s = &ua->states[phone];
	int64_t delay = ua->conf.back_off_us
		<< (s->failures < DOUBLINGS_MAX ? s->failures : DOUBLINGS_MAX);

	if (++s->failures >= ua->conf.attempts) {
		ue_ua_leave(ua, phone, cause);
		return;
	}
	ua->events[UE_UA_RETRIES]++;
	ue_ua_want_again(ua, phone);
	if (delay < wait_us)
		delay = wait_us;
	// Phones that failed together shall not come back together.
	delay += (int64_t)ue_rng_below(&ua->rng, (uint64_t)delay + 1) / 2;
	ue_ua_enter(ua, phone, UE_UA_DUE, now->mono + delay);
}

void ue_ua_go_on(struct ue_ua *ua, uint32_t phone, const struct ue_now *now)
{
	struct ue_ua_phone *s = &ua->states[phone];

	s->stale = 0;
	s->renegotiations = 0;
	if (s->awaited == 0)
		s->failures = 0;
	if (s->wants != 0)
		ue_ua_enter(ua, phone, UE_UA_DUE, now->mono);
	else if (s->awaited != 0)
		ue_ua_enter(ua, phone, UE_UA_EXPECTING, now->mono + ua->conf.msk_wait_us);
	else
		ue_ua_enter(ua, phone, UE_UA_IDLE, 0);
}

// Spec 3.11: an MSK of the group that can still be used.
static bool has_valid_msk(const struct ue_ua *ua, uint32_t phone, const struct ue_subject *subject)
{
	const struct ue_phones *phones = ua->phones;
	struct ue_subject any = *subject;

	any.number = 0;
	for (uint32_t at = phones->phones[phone].holding; at != UE_NONE;
		at = phones->holdings[at].next) {
		const struct ue_holding *holding = &phones->holdings[at];
		const struct ue_msk *msk = &phones->msks[holding->msk];
		struct ue_subject key = {.profile = msk->profile, .group = msk->group};

		memcpy(key.kdi, msk->kdi, sizeof(key.kdi));
		if (ue_ua_is_about(&any, &key) && holding->seq_s < holding->seq_u)
			return true;
	}
	return false;
}

static bool can_do_without(const struct ue_ua *ua, uint32_t phone)
{
	const struct ue_ua_phone *s = &ua->states[phone];
	const struct ue_ua_body *body = &ua->bodies[s->asked];

	if (s->asking != UE_FETCH)
		return false;
	for (size_t i = 0; i < body->count; i++) {
		if (!has_valid_msk(ua, phone, &body->subjects[i]))
			return false;
	}
	return true;
}

void ue_ua_leave(struct ue_ua *ua, uint32_t phone, enum ue_ua_leave cause)
{
	struct ue_ua_phone *s = &ua->states[phone];
	bool is_kept = can_do_without(ua, phone);

	s->wants = 0;
	s->awaited = 0;
	s->promised_at = 0;
	s->failures = 0;
	s->reasons = 0;
	s->cause = (uint8_t)cause;
	ua->left[cause] += !is_kept;
	ua->events[UE_UA_KEPT_OLDER] += is_kept;
	ue_ua_enter(ua, phone, is_kept ? UE_UA_IDLE : UE_UA_GONE, 0);
}

// The BM-SC said 200 and has not sent what it promised.
static void msk_miss(struct ue_ua *ua, uint32_t phone, const struct ue_now *now)
{
	struct ue_ua_phone *s = &ua->states[phone];

	ua->events[UE_UA_MSK_MISSING]++;
	s->asking = UE_FETCH;
	s->asked = s->fetched;
	ue_ua_retry(ua, phone, 0, UE_UA_LEFT_NO_MSK, now);
}

// A phone that is offline does what is due when it is back. False when it is not.
static bool put_off(struct ue_ua *ua, uint32_t phone, const struct ue_now *now)
{
	int64_t back = ua->phones->offline_until;

	if ((ua->phones->phones[phone].habits & UE_OFFLINE) == 0)
		return false;
	ue_ua_enter(ua, phone, (enum ue_ua_state)ua->states[phone].state,
		back > now->mono ? back : now->mono + 1);
	return true;
}

uint32_t ue_ua_take(struct ue_ua *ua, const struct ue_now *now)
{
	while (ue_ua_due(ua) <= now->mono) {
		uint32_t phone = ua->schedule[0];

		if (put_off(ua, phone, now))
			continue;
		if (ua->states[phone].state == UE_UA_DUE) {
			ue_ua_enter(ua, phone, UE_UA_ASKING, 0);
			return phone;
		}
		msk_miss(ua, phone, now);
	}
	return UE_NONE;
}

// --- Creation -------------------------------------------------------------------------------

static int states_create(struct ue_ua *ua)
{
	uint32_t count = ua->phones->phone_count;

	// One more, so that there may be no phone at all.
	ua->states = calloc((size_t)count + 1, sizeof(*ua->states));
	ua->schedule = calloc((size_t)count + 1, sizeof(*ua->schedule));
	ua->reader = ue_answer_reader_create();
	if (ua->states == NULL || ua->schedule == NULL || ua->reader == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < count; i++) {
		ua->states[i].at = UE_NONE;
		ua->states[i].credential = UE_NONE;
	}
	ua->in_state[UE_UA_IDLE] = count;
	return 0;
}

int ue_ua_create(struct ue_ua **out, const struct ue_ua_conf *conf, struct ue_phones *phones)
{
	struct ue_ua *ua = calloc(1, sizeof(*ua));

	if (ua == NULL)
		return -ENOMEM;
	ua->conf = *conf;
	ua->phones = phones;
	// Another sequence than that of the wire, which has the same seed.
	ue_rng_init(&ua->rng, conf->seed ^ 0x5561);
	for (int i = 0; i < UE_PROCEDURE_COUNT; i++)
		snprintf(ua->targets[i], sizeof(ua->targets[i]), "%s%s", conf->base,
			ue_procedure_target((enum ue_procedure)i));
	if (states_create(ua) != 0) {
		ue_ua_destroy(ua);
		return -ENOMEM;
	}
	*out = ua;
	return 0;
}

void ue_ua_destroy(struct ue_ua *ua)
{
	if (ua == NULL)
		return;
	for (uint32_t i = 0; ua->states != NULL && i < ua->phones->phone_count; i++)
		ue_ua_forget_association(&ua->states[i]);
	ue_ua_bodies_free(ua);
	ue_index_fini(&ua->by_pull);
	ue_answer_reader_destroy(ua->reader);
	free(ua->pulls);
	free(ua->schedule);
	free(ua->states);
	free(ua);
}

void ue_ua_count_refused(struct ue_ua *ua, enum ue_ua_refusal refusal)
{
	ua->refused[refusal]++;
}

const struct ue_address *ue_ua_address(const struct ue_ua *ua, uint32_t phone)
{
	return &ua->phones->phones[phone].address;
}
