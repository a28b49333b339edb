// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Bodies that came before and what they were read as, and the answer that was written last: phones
// send the same few bodies, and reading one costs as much as all hashes of a request. A table of
// fixed size, found by the hash that auth-int needs anyway, told apart by all octets. Only bodies
// of phones that were authenticated come here. One table belongs to one thread.

#pragma once

#include "ua_hash.h"
#include "ua_reply.h"
#include "ua_xml.h"

#define UA_BODIES_OCTETS 4096 // longer bodies and answers are not kept

// What a body was read as. Lives until the next call with another body.
struct ua_body {
	struct ua_items items;
	// The answer with these codes, and its hash; reply_len = 0: none is kept.
	uint8_t codes[UA_ITEMS_MAX];
	enum ua_alg reply_alg;
	uint8_t reply_hash[UA_HASH_MAX];
	size_t reply_len;
	const char *reply;
};

struct ua_bodies;

// -ENOMEM.
int ua_bodies_create(struct ua_bodies **out);
void ua_bodies_destroy(struct ua_bodies *bodies);
// Reads a body, or finds how it was read before. hash: H(body), by any algorithm. *out is set when
// the verdict is UA_XML_OK.
enum ua_xml_verdict ua_bodies_read(struct ua_bodies *bodies, enum ua_procedure procedure,
	struct ua_text body, const uint8_t *hash, struct ua_body **out);
// How many bodies were read, and not found.
uint64_t ua_bodies_count(const struct ua_bodies *bodies);
// The answer with these codes: sets reply, reply_len and reply_hash of a body.
void ua_bodies_answer(struct ua_bodies *bodies, enum ua_procedure procedure, struct ua_body *body,
	const uint8_t codes[UA_ITEMS_MAX], enum ua_alg alg);
