// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Answers are read by local name under any namespace of the MBMS family; what stands in others
// is stepped over. A phone does not expand entities that a BM-SC declares, so a DTD is refused.

#include "keyml.h"

#include <ctype.h>
#include <expat.h>
#include <openssl/evp.h>
#include <stdlib.h>

#include "csv.h"

#define FAMILY "urn:3GPP:metadata:2005:MBMS:"
#define SEPARATOR '\n' // between namespace and name
#define DEPTH_MAX 16
#define VALUE_MAX_BYTES 512

// Elements and where they may stand.
enum element {
	DOCUMENT,
	ROOT,
	RESPONSE,
	MSK,
	KEY_DOMAIN,
	MSK_ID,
	KEY_GROUP,
	SERVICE,
	CODE,
	FOREIGN, // not known: stepped over with all that is in it
};

static const struct {
	const char *name;
	enum element parent;
	enum element element;
} places[] = {
	{"Response", ROOT, RESPONSE},
	{"MSK", RESPONSE, MSK},
	{"keyDomainID", MSK, KEY_DOMAIN},
	{"MSKID", MSK, MSK_ID},
	{"keyGroupID", RESPONSE, KEY_GROUP},
	{"serviceID", RESPONSE, SERVICE},
	{"ResponseCode", RESPONSE, CODE},
};

static const char *const roots[UE_PROCEDURE_COUNT] = {
	[UE_REGISTER] = "mbmsSecurityRegisterResponse",
	[UE_FETCH] = "mbmsMSKResponse",
	[UE_DEREGISTER] = "mbmsSecurityRegisterResponse",
};

struct ue_answer_reader {
	XML_Parser parser;
	const char *root;
	struct ue_results *results;
	enum ue_answer_verdict verdict; // of what went wrong first
	uint8_t stack[DEPTH_MAX];
	unsigned depth;
	struct ue_result item; // that is being read
	unsigned seen; // bit per element of the item
	char value[VALUE_MAX_BYTES];
	size_t value_len;
};

static void fail(struct ue_answer_reader *reader, enum ue_answer_verdict verdict)
{
	if (reader->verdict == UE_ANSWER_GOOD)
		reader->verdict = verdict;
	XML_StopParser(reader->parser, XML_FALSE);
}

static enum element element_of(
	const struct ue_answer_reader *reader, enum element parent, const char *name)
{
	const char *local = strchr(name, SEPARATOR);

	if (local == NULL || strncmp(name, FAMILY, strlen(FAMILY)) != 0)
		return FOREIGN;
	local++;
	if (parent == DOCUMENT)
		return strcmp(local, reader->root) == 0 ? ROOT : FOREIGN;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		if (places[i].parent == parent && strcmp(local, places[i].name) == 0)
			return places[i].element;
	}
	return FOREIGN;
}

static void element_begin(void *arg, const char *name, const char **attributes)
{
	struct ue_answer_reader *reader = arg;
	enum element parent = reader->depth > 0 ? reader->stack[reader->depth - 1] : DOCUMENT;
	enum element element = element_of(reader, parent, name);

	(void)attributes;
	if (reader->depth == DEPTH_MAX) {
		fail(reader, UE_ANSWER_MALFORMED);
		return;
	}
	if (parent == DOCUMENT && element != ROOT) {
		fail(reader, UE_ANSWER_OTHER);
		return;
	}
	reader->stack[reader->depth++] = (uint8_t)element;
	reader->value_len = 0;
	if (element == RESPONSE) {
		reader->item = (struct ue_result){.code = 0};
		reader->seen = 0;
	}
}

static void text_take(void *arg, const char *text, int len)
{
	struct ue_answer_reader *reader = arg;

	if (reader->depth == 0 || reader->stack[reader->depth - 1] == FOREIGN)
		return;
	if (reader->value_len + (size_t)len > sizeof(reader->value)) {
		fail(reader, UE_ANSWER_MALFORMED);
		return;
	}
	memcpy(reader->value + reader->value_len, text, (size_t)len);
	reader->value_len += (size_t)len;
}

// The value of the element without the blanks around it.
static struct ue_text value_of(const struct ue_answer_reader *reader)
{
	struct ue_text value = {reader->value, reader->value_len};

	while (value.len > 0 && isspace((unsigned char)value.data[0]))
		value = (struct ue_text){value.data + 1, value.len - 1};
	while (value.len > 0 && isspace((unsigned char)value.data[value.len - 1]))
		value.len--;
	return value;
}

// base64 of exactly `len` octets, at most 5.
static bool base64_read(struct ue_text text, uint8_t *out, size_t len)
{
	uint8_t octets[6];
	size_t padding = (3 - len % 3) % 3;

	if (text.len != 4 * ((len + 2) / 3))
		return false;
	for (size_t i = 0; i < text.len; i++) {
		if ((text.data[i] == '=') != (i >= text.len - padding))
			return false;
	}
	if (EVP_DecodeBlock(octets, (const uint8_t *)text.data, (int)text.len) < 0)
		return false;
	memcpy(out, octets, len);
	return true;
}

static bool code_read(struct ue_text text, unsigned *code)
{
	unsigned long number;

	if (text.len < 3 || (text.len > 3 && text.data[3] != ' ') ||
		!ue_text_number((struct ue_text){text.data, 3}, 599, &number))
		return false;
	*code = (unsigned)number;
	return number >= 100;
}

static bool service_read(struct ue_answer_reader *reader, struct ue_text text)
{
	struct ue_results *results = reader->results;

	if (text.len == 0 || text.len > sizeof(results->names) - results->names_len)
		return false;
	memcpy(results->names + results->names_len, text.data, text.len);
	reader->item.subject.service =
		(struct ue_text){results->names + results->names_len, text.len};
	results->names_len += text.len;
	return true;
}

static bool value_take(struct ue_answer_reader *reader, enum element element)
{
	struct ue_subject *subject = &reader->item.subject;
	struct ue_text value = value_of(reader);
	uint8_t id[4];

	if ((reader->seen & 1u << element) != 0)
		return false;
	reader->seen |= 1u << element;
	switch (element) {
	case KEY_DOMAIN:
		return base64_read(value, subject->kdi, sizeof(subject->kdi));
	case MSK_ID:
		if (!base64_read(value, id, sizeof(id)))
			return false;
		subject->group = (uint16_t)(id[0] << 8 | id[1]);
		subject->number = (uint16_t)(id[2] << 8 | id[3]);
		return true;
	case KEY_GROUP:
		subject->profile = MIKEY_PROFILE_V600;
		if (!ue_hex_get(id, 2, value.data, value.len))
			return false;
		subject->group = (uint16_t)(id[0] << 8 | id[1]);
		return true;
	case SERVICE:
		return service_read(reader, value);
	default:
		return code_read(value, &reader->item.code);
	}
}

// An item names one thing and has a code.
static bool item_end(struct ue_answer_reader *reader)
{
	static const unsigned kinds[] = {
		1u << KEY_DOMAIN | 1u << MSK_ID | 1u << CODE,
		1u << KEY_GROUP | 1u << CODE,
		1u << SERVICE | 1u << CODE,
	};
	struct ue_results *results = reader->results;
	bool is_known = false;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		is_known |= reader->seen == kinds[i];
	if (!is_known || results->count == UE_SUBJECTS_MAX)
		return false;
	results->list[results->count++] = reader->item;
	return true;
}

static void element_end(void *arg, const char *name)
{
	struct ue_answer_reader *reader = arg;
	enum element element;
	bool is_good = true;

	(void)name;
	if (reader->verdict != UE_ANSWER_GOOD)
		return;
	element = reader->stack[--reader->depth];
	if (element == RESPONSE)
		is_good = item_end(reader);
	else if (element >= KEY_DOMAIN && element <= CODE)
		is_good = value_take(reader, element);
	reader->value_len = 0;
	if (!is_good)
		fail(reader, UE_ANSWER_OTHER);
}

static void doctype_refuse(
	void *arg, const char *name, const char *system, const char *public, int has_internal)
{
	(void)name;
	(void)system;
	(void)public;
	(void)has_internal;
	fail(arg, UE_ANSWER_MALFORMED);
}

struct ue_answer_reader *ue_answer_reader_create(void)
{
	struct ue_answer_reader *reader = calloc(1, sizeof(*reader));

	if (reader == NULL)
		return NULL;
	reader->parser = XML_ParserCreateNS(NULL, SEPARATOR);
	if (reader->parser == NULL) {
		free(reader);
		return NULL;
	}
	return reader;
}

void ue_answer_reader_destroy(struct ue_answer_reader *reader)
{
	if (reader == NULL)
		return;
	XML_ParserFree(reader->parser);
	free(reader);
}

enum ue_answer_verdict ue_answer_read(struct ue_answer_reader *reader, enum ue_procedure procedure,
	struct ue_text body, struct ue_results *results)
{
	// A reset parser has lost its handlers.
	XML_ParserReset(reader->parser, NULL);
	XML_SetUserData(reader->parser, reader);
	XML_SetElementHandler(reader->parser, element_begin, element_end);
	XML_SetCharacterDataHandler(reader->parser, text_take);
	XML_SetStartDoctypeDeclHandler(reader->parser, doctype_refuse);
	reader->root = roots[procedure];
	reader->results = results;
	reader->verdict = UE_ANSWER_GOOD;
	reader->depth = 0;
	reader->value_len = 0;
	results->count = 0;
	results->names_len = 0;
	if (XML_Parse(reader->parser, body.data, (int)body.len, XML_TRUE) != XML_STATUS_OK &&
		reader->verdict == UE_ANSWER_GOOD)
		reader->verdict = UE_ANSWER_MALFORMED;
	return reader->verdict;
}
