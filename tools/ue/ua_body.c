// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "ua_inside.h"

#include <stdlib.h>

#define BODY_MAX_BYTES 16384
#define HEAD_MAX_BYTES 1024

// Copies the subjects and the names in them.
static bool subjects_copy(struct ue_ua_body *body, const struct ue_subject *subjects, size_t count)
{
	size_t names = 0;
	char *at;

	for (size_t i = 0; i < count; i++)
		names += subjects[i].service.len;
	body->subjects = malloc(count * sizeof(*subjects) + names);
	if (body->subjects == NULL)
		return false;
	memcpy(body->subjects, subjects, count * sizeof(*subjects));
	body->count = count;
	at = (char *)(body->subjects + count);
	for (size_t i = 0; i < count; i++) {
		struct ue_subject *subject = &body->subjects[i];

		// A request in v600 names the group alone.
		if (subject->profile == MIKEY_PROFILE_V600) {
			memset(subject->kdi, 0, sizeof(subject->kdi));
			subject->number = 0;
		}
		if (subject->service.data == NULL)
			continue;
		memcpy(at, subject->service.data, subject->service.len);
		subject->service.data = at;
		at += subject->service.len;
	}
	return true;
}

static bool head_make(const struct ue_ua *ua, struct ue_ua_body *body)
{
	char head[HEAD_MAX_BYTES];
	int len = snprintf(head, sizeof(head),
		"POST %s HTTP/1.1\r\n"
		"Host: %s\r\n"
		"User-Agent: mskpush-ue 3gpp-gba\r\n"
		"Content-Type: %s\r\n"
		"Content-Length: %zu\r\n",
		ua->targets[body->procedure], ua->conf.authority,
		ue_procedure_request_type(body->procedure), body->text_len);

	if (len < 0 || (size_t)len >= sizeof(head))
		return false;
	body->head_len = (size_t)len;
	body->head = strdup(head);
	return body->head != NULL;
}

static void body_free(struct ue_ua_body *body)
{
	free(body->subjects);
	free(body->head);
	free(body->text);
	free(body->answer);
	*body = (struct ue_ua_body){.subjects = NULL};
}

static bool body_make(const struct ue_ua *ua, struct ue_ua_body *body, struct ue_text text,
	const struct ue_subject *subjects, size_t count)
{
	body->text = malloc(text.len);
	if (body->text == NULL)
		return false;
	memcpy(body->text, text.data, text.len);
	body->text_len = text.len;
	if (!subjects_copy(body, subjects, count) || !head_make(ua, body))
		return false;
	ue_digest_target_init(&body->target, "POST", ue_text_of(ua->targets[body->procedure]),
		(struct ue_text){body->text, body->text_len});
	return true;
}

static uint16_t body_add(struct ue_ua *ua, enum ue_procedure procedure, struct ue_text text,
	const struct ue_subject *subjects, size_t count)
{
	struct ue_ua_body body = {.procedure = procedure};
	struct ue_ua_body *grown = reallocarray(ua->bodies, ua->body_count + 1, sizeof(*grown));

	if (grown == NULL)
		return UE_UA_NO_BODY;
	ua->bodies = grown;
	if (!body_make(ua, &body, text, subjects, count) ||
		ue_index_add(&ua->by_body, ue_hash(text.data, text.len),
			(uint32_t)ua->body_count) != 0) {
		body_free(&body);
		return UE_UA_NO_BODY;
	}
	ua->bodies[ua->body_count] = body;
	return (uint16_t)ua->body_count++;
}

uint16_t ue_ua_body_get(struct ue_ua *ua, enum ue_procedure procedure,
	const struct ue_subject *subjects, size_t count)
{
	char buffer[BODY_MAX_BYTES];
	struct ue_writer writer = {buffer, buffer + sizeof(buffer), false};
	struct ue_text text;
	uint32_t hash, at;
	size_t cursor;

	if (count == 0)
		return UE_UA_NO_BODY;
	ue_request_put(&writer, procedure, subjects, count);
	if (writer.is_full)
		return UE_UA_NO_BODY;
	text = (struct ue_text){buffer, (size_t)(writer.at - buffer)};
	hash = ue_hash(text.data, text.len);
	cursor = hash;
	while ((at = ue_index_next(&ua->by_body, hash, &cursor)) != UE_NONE) {
		const struct ue_ua_body *body = &ua->bodies[at];

		if (body->procedure == procedure &&
			ue_text_equal((struct ue_text){body->text, body->text_len}, text))
			return (uint16_t)at;
	}
	if (ua->body_count == UE_UA_NO_BODY)
		return UE_UA_NO_BODY;
	return body_add(ua, procedure, text, subjects, count);
}

static bool body_has(const struct ue_ua_body *body, const struct ue_subject *subject)
{
	for (size_t i = 0; i < body->count; i++) {
		if (ue_subject_equal(&body->subjects[i], subject))
			return true;
	}
	return false;
}

bool ue_ua_body_covers(
	const struct ue_ua_body *body, const struct ue_subject *subjects, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (!body_has(body, &subjects[i]))
			return false;
	}
	return true;
}

uint16_t ue_ua_body_join(struct ue_ua *ua, uint16_t a, uint16_t b)
{
	const struct ue_ua_body *first = &ua->bodies[a], *second = &ua->bodies[b];
	struct ue_subject subjects[UE_SUBJECTS_MAX];
	size_t count = first->count;
	uint16_t joined;

	memcpy(subjects, first->subjects, count * sizeof(*subjects));
	for (size_t i = 0; i < second->count && count < UE_SUBJECTS_MAX; i++) {
		if (!body_has(first, &second->subjects[i]))
			subjects[count++] = second->subjects[i];
	}
	joined = ue_ua_body_get(ua, first->procedure, subjects, count);
	return joined != UE_UA_NO_BODY ? joined : a;
}

void ue_ua_bodies_free(struct ue_ua *ua)
{
	for (size_t i = 0; i < ua->body_count; i++)
		body_free(&ua->bodies[i]);
	free(ua->bodies);
	ue_index_fini(&ua->by_body);
}
