// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Expat's events: a path of known elements. What is inside an unknown element, or one of a foreign
// namespace, is not looked at. A text belongs to the innermost element whose text is wanted.

#include "ua_xml.h"

#include <errno.h>
#include <stdlib.h>

#include <expat.h>
#include <openssl/evp.h>

#include "ua_hash.h"
#include "ua_names.h"

#define SEPARATOR ' ' // between namespace and local name: stands in neither
#define TEXT_MAX 256

enum field {
	FIELD_NONE,
	FIELD_SERVICE,
	FIELD_DOMAIN,
	FIELD_MSK_ID,
	FIELD_GROUP,
};

struct ua_xml {
	XML_Parser parser;
	enum ua_procedure procedure;
	struct ua_items *items;
	enum ua_xml_verdict verdict;
	unsigned depth;
	unsigned passed_over; // depth of the element that is passed over, 0: none
	unsigned msk; // depth of the MSK element we are in, 0: none
	unsigned field_depth;
	enum field field;
	char text[TEXT_MAX];
	size_t text_len;
	struct ua_item key; // of the MSK element
	bool has_domain;
	bool has_msk_id;
};

static void fail(struct ua_xml *x, enum ua_xml_verdict verdict)
{
	if (x->verdict == UA_XML_OK)
		x->verdict = verdict;
	XML_StopParser(x->parser, XML_FALSE);
}

// --- Items ----------------------------------------------------------------------------------

static void item_add(struct ua_xml *x, const struct ua_item *item)
{
	if (x->items->n == UA_ITEMS_MAX)
		fail(x, UA_XML_BOUNDS);
	else
		x->items->item[x->items->n++] = *item;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct ua_text text_trimmed(const struct ua_xml *x)
{
	struct ua_text text = {x->text, x->text_len};

	while (text.len > 0 && is_space(text.data[text.len - 1]))
		text.len--;
	for (; text.len > 0 && is_space(*text.data); text.len--)
		text.data++;
	return text;
}

static void service_add(struct ua_xml *x, struct ua_text name)
{
	struct ua_items *items = x->items;
	struct ua_item item = {.kind = UA_ITEM_SERVICE,
		.text = (uint16_t)items->text_len,
		.text_len = (uint8_t)name.len};

	if (name.len == 0) {
		fail(x, UA_XML_BAD_ITEM);
		return;
	}
	if (name.len > UA_SERVICE_MAX || items->text_len + name.len > UA_ITEMS_TEXT) {
		fail(x, UA_XML_BOUNDS);
		return;
	}
	memcpy(items->text + items->text_len, name.data, name.len);
	items->text_len += (unsigned)name.len;
	item_add(x, &item);
}

// xs:base64Binary of so many octets; padding is not optional.
static bool base64_read(struct ua_text text, uint8_t *out, size_t len)
{
	unsigned char octet[12];
	unsigned padding = len % 3 == 0 ? 0 : 3 - (unsigned)(len % 3);
	size_t body = (len + 2) / 3 * 4 - padding;

	if (text.len != body + padding || memchr(text.data, '=', body) != NULL ||
		(padding > 0 && memcmp(text.data + body, "==", padding) != 0) ||
		EVP_DecodeBlock(octet, (const unsigned char *)text.data, (int)text.len) < 0)
		return false;
	memcpy(out, octet, len);
	return true;
}

static void domain_set(struct ua_xml *x, struct ua_text text)
{
	if (x->has_domain || !base64_read(text, x->key.kdi, sizeof(x->key.kdi)))
		fail(x, UA_XML_BAD_ITEM);
	x->has_domain = true;
}

static void msk_id_set(struct ua_xml *x, struct ua_text text)
{
	uint8_t id[4] = {0};

	if (x->has_msk_id || !base64_read(text, id, sizeof(id)))
		fail(x, UA_XML_BAD_ITEM);
	x->has_msk_id = true;
	x->key.group = (uint16_t)(id[0] << 8 | id[1]);
	x->key.number = (uint16_t)(id[2] << 8 | id[3]);
}

static void group_add(struct ua_xml *x, struct ua_text text)
{
	struct ua_item item = {.kind = UA_ITEM_GROUP};
	uint8_t id[2];

	if (ua_hex_read(text.data, text.len, id, sizeof(id)) != 0) {
		fail(x, UA_XML_BAD_ITEM);
		return;
	}
	item.group = (uint16_t)(id[0] << 8 | id[1]);
	item_add(x, &item);
}

static void field_take(struct ua_xml *x)
{
	struct ua_text text = text_trimmed(x);

	switch (x->field) {
	case FIELD_SERVICE:
		service_add(x, text);
		break;
	case FIELD_DOMAIN:
		domain_set(x, text);
		break;
	case FIELD_MSK_ID:
		msk_id_set(x, text);
		break;
	case FIELD_GROUP:
		group_add(x, text);
		break;
	case FIELD_NONE:
		break;
	}
	x->field = FIELD_NONE;
}

// --- Elements -------------------------------------------------------------------------------

// The local name, NULL when the element is of a foreign namespace.
static const char *name_local(const char *name)
{
	const char *at = strchr(name, SEPARATOR);

	if (at == NULL)
		return name;
	return strncmp(name, UA_XML_NAMESPACES, strlen(UA_XML_NAMESPACES)) == 0 ? at + 1 : NULL;
}

static enum field field_find(const struct ua_xml *x, const char *name)
{
	if (x->procedure != UA_MSK_REQUEST)
		return strcmp(name, UA_XML_SERVICE) == 0 ? FIELD_SERVICE : FIELD_NONE;
	if (x->msk != 0 && strcmp(name, UA_XML_DOMAIN) == 0)
		return FIELD_DOMAIN;
	if (x->msk != 0 && strcmp(name, UA_XML_MSK_ID) == 0)
		return FIELD_MSK_ID;
	return x->msk == 0 && strcmp(name, UA_XML_GROUP) == 0 ? FIELD_GROUP : FIELD_NONE;
}

static bool is_msk(const struct ua_xml *x, const char *name)
{
	return x->procedure == UA_MSK_REQUEST && x->msk == 0 && strcmp(name, UA_XML_MSK) == 0;
}

static void element_enter(struct ua_xml *x, const char *name)
{
	x->field = field_find(x, name);
	if (x->field != FIELD_NONE) {
		x->field_depth = x->depth;
		x->text_len = 0;
	} else if (is_msk(x, name)) {
		x->msk = x->depth;
		x->key = (struct ua_item){.kind = UA_ITEM_KEY};
		x->has_domain = x->has_msk_id = false;
	} else {
		x->passed_over = x->depth;
	}
}

static void on_start(void *arg, const XML_Char *name, const XML_Char **attributes)
{
	struct ua_xml *x = arg;
	const char *local = name_local(name);

	(void)attributes;
	if (++x->depth > UA_XML_DEPTH) {
		fail(x, UA_XML_BOUNDS);
		return;
	}
	// The root is what the target and the media type say it is.
	if (x->depth == 1 || x->passed_over != 0)
		return;
	if (x->field != FIELD_NONE)
		fail(x, UA_XML_BAD_ITEM);
	else if (local == NULL)
		x->passed_over = x->depth;
	else
		element_enter(x, local);
}

static void on_end(void *arg, const XML_Char *name)
{
	struct ua_xml *x = arg;

	(void)name;
	if (x->verdict != UA_XML_OK)
		return;
	if (x->passed_over == x->depth) {
		x->passed_over = 0;
	} else if (x->field != FIELD_NONE && x->field_depth == x->depth) {
		field_take(x);
	} else if (x->msk == x->depth && x->passed_over == 0) {
		x->msk = 0;
		if (x->has_domain && x->has_msk_id)
			item_add(x, &x->key);
		else
			fail(x, UA_XML_BAD_ITEM);
	}
	x->depth--;
}

static void on_text(void *arg, const XML_Char *text, int len)
{
	struct ua_xml *x = arg;

	if (x->field == FIELD_NONE || x->passed_over != 0)
		return;
	if (x->text_len + (size_t)len > sizeof(x->text)) {
		fail(x, UA_XML_BOUNDS);
		return;
	}
	memcpy(x->text + x->text_len, text, (size_t)len);
	x->text_len += (size_t)len;
}

static void on_doctype(void *arg, const XML_Char *name, const XML_Char *system,
	const XML_Char *public, int has_internal)
{
	(void)name;
	(void)system;
	(void)public;
	(void)has_internal;
	fail(arg, UA_XML_DOCTYPE);
}

// --- The parser -----------------------------------------------------------------------------

int ua_xml_create(struct ua_xml **out)
{
	struct ua_xml *x = calloc(1, sizeof(*x));

	if (x == NULL)
		return -ENOMEM;
	x->parser = XML_ParserCreateNS(NULL, SEPARATOR);
	if (x->parser == NULL) {
		free(x);
		return -ENOMEM;
	}
	*out = x;
	return 0;
}

void ua_xml_destroy(struct ua_xml *x)
{
	if (x == NULL)
		return;
	XML_ParserFree(x->parser);
	free(x);
}

enum ua_xml_verdict ua_xml_parse(struct ua_xml *x, enum ua_procedure procedure, const char *body,
	size_t len, struct ua_items *items)
{
	XML_Parser parser = x->parser;

	*x = (struct ua_xml){.parser = parser, .procedure = procedure, .items = items};
	items->n = 0;
	items->text_len = 0;
	// Handlers do not survive a reset.
	XML_ParserReset(parser, NULL);
	XML_SetUserData(parser, x);
	XML_SetElementHandler(parser, on_start, on_end);
	XML_SetCharacterDataHandler(parser, on_text);
	XML_SetStartDoctypeDeclHandler(parser, on_doctype);
	if (XML_Parse(parser, body, (int)len, XML_TRUE) != XML_STATUS_OK)
		return x->verdict != UA_XML_OK ? x->verdict : UA_XML_MALFORMED;
	return items->n > 0 ? UA_XML_OK : UA_XML_EMPTY;
}
