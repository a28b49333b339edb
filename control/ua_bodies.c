// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "ua_bodies.h"

#include <errno.h>
#include <stdlib.h>

#define SEATS 256

struct seat {
	struct ua_body body;
	enum ua_procedure procedure;
	size_t len; // 0: free
	char octets[UA_BODIES_OCTETS];
	char reply[UA_BODIES_OCTETS];
};

struct ua_bodies {
	struct ua_xml *xml;
	uint64_t count; // of bodies that were read
	struct ua_body other; // of a body that is not kept
	char reply[UA_REPLY_MAX]; // of any body, while it is written
	struct seat seat[SEATS];
};

int ua_bodies_create(struct ua_bodies **out)
{
	struct ua_bodies *b = calloc(1, sizeof(*b));

	if (b == NULL || ua_xml_create(&b->xml) != 0) {
		free(b);
		return -ENOMEM;
	}
	*out = b;
	return 0;
}

void ua_bodies_destroy(struct ua_bodies *b)
{
	if (b == NULL)
		return;
	ua_xml_destroy(b->xml);
	free(b);
}

static bool seat_is_of(const struct seat *s, enum ua_procedure procedure, struct ua_text body)
{
	return s->len != 0 && s->len == body.len && s->procedure == procedure &&
		memcmp(s->octets, body.data, body.len) == 0;
}

enum ua_xml_verdict ua_bodies_read(struct ua_bodies *b, enum ua_procedure procedure,
	struct ua_text body, const uint8_t *hash, struct ua_body **out)
{
	struct seat *s = &b->seat[hash[0] % SEATS];
	bool is_kept = body.len > 0 && body.len <= sizeof(s->octets);
	enum ua_xml_verdict verdict;

	*out = is_kept ? &s->body : &b->other;
	if (is_kept && seat_is_of(s, procedure, body))
		return UA_XML_OK;
	b->count++;
	// What cannot be read is not kept: it is of no use to those who send what can.
	verdict = ua_xml_parse(b->xml, procedure, body.data, body.len, &b->other.items);
	b->other.reply_len = 0;
	if (verdict != UA_XML_OK || !is_kept)
		return verdict;
	s->body.items = b->other.items;
	s->body.reply_len = 0;
	s->procedure = procedure;
	s->len = body.len;
	memcpy(s->octets, body.data, body.len);
	return UA_XML_OK;
}

uint64_t ua_bodies_count(const struct ua_bodies *b)
{
	return b->count;
}

static bool answer_is_kept(const struct ua_bodies *b, const struct ua_body *body,
	const uint8_t codes[UA_ITEMS_MAX], enum ua_alg alg)
{
	return body->reply_len != 0 && body->reply != b->reply && body->reply_alg == alg &&
		memcmp(body->codes, codes, body->items.n) == 0;
}

void ua_bodies_answer(struct ua_bodies *b, enum ua_procedure procedure, struct ua_body *body,
	const uint8_t codes[UA_ITEMS_MAX], enum ua_alg alg)
{
	struct seat *s = (struct seat *)body;
	struct ua_hash h;

	_Static_assert(offsetof(struct seat, body) == 0, "a seat begins with its body");
	if (answer_is_kept(b, body, codes, alg))
		return;
	body->reply_len = ua_reply_write(procedure, &body->items, codes, b->reply);
	body->reply = b->reply;
	body->reply_alg = alg;
	memcpy(body->codes, codes, body->items.n);
	ua_hash_begin(&h, alg);
	ua_hash_add(&h, b->reply, body->reply_len);
	ua_hash_end(&h, body->reply_hash);
	if (body != &b->other && body->reply_len <= sizeof(s->reply)) {
		memcpy(s->reply, b->reply, body->reply_len);
		body->reply = s->reply;
	}
}
