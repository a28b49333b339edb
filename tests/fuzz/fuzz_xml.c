// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Any octets as the body of a request on Ua; the first one chooses the procedure. Items keep their
// bounds, and an answer to them can be written and read again.

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ua_bodies.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int holds)
{
	if (!holds)
		abort();
}

static void items_check(const struct ua_items *items, enum ua_procedure procedure)
{
	require(items->n > 0 && items->n <= UA_ITEMS_MAX && items->text_len <= UA_ITEMS_TEXT);
	for (unsigned i = 0; i < items->n; i++) {
		const struct ua_item *item = &items->item[i];

		require((item->kind == UA_ITEM_SERVICE) == (procedure != UA_MSK_REQUEST));
		if (item->kind != UA_ITEM_SERVICE)
			continue;
		require(item->text_len > 0 && item->text_len <= UA_SERVICE_MAX);
		require(item->text + item->text_len <= items->text_len);
		require(memchr(items->text + item->text, '\0', item->text_len) == NULL);
	}
}

// An answer names the same items: its XML is well formed.
static void answer_check(
	struct ua_bodies *bodies, enum ua_procedure procedure, struct ua_body *body)
{
	uint8_t codes[UA_ITEMS_MAX] = {0};
	struct ua_items items;
	struct ua_xml *xml;

	ua_bodies_answer(bodies, procedure, body, codes, UA_ALG_MD5);
	require(body->reply_len > 0 && body->reply_len < UA_REPLY_MAX);
	// What is inside a Response is passed over, so the answer is a body that asks for nothing.
	require(ua_xml_create(&xml) == 0);
	require(ua_xml_parse(xml, procedure, body->reply, body->reply_len, &items) == UA_XML_EMPTY);
	ua_xml_destroy(xml);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct ua_bodies *bodies;
	uint8_t hash[UA_HASH_MAX] = {0};
	enum ua_procedure procedure;
	struct ua_text text;
	struct ua_body *body;

	if (bodies == NULL)
		require(ua_bodies_create(&bodies) == 0);
	if (size == 0)
		return 0;
	procedure = data[0] % UA_PROCEDURES;
	text = (struct ua_text){(const char *)data + 1, size - 1};
	if (ua_bodies_read(bodies, procedure, text, hash, &body) != UA_XML_OK)
		return 0;
	items_check(&body->items, procedure);
	answer_check(bodies, procedure, body);
	// A second time it comes from memory, if at all.
	require(ua_bodies_read(bodies, procedure, text, hash, &body) == UA_XML_OK);
	items_check(&body->items, procedure);
	return 0;
}
