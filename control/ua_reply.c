// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "ua_reply.h"

#include <openssl/evp.h>

#include "ua_hash.h"
#include "ua_names.h"

static char *put(char *to, const char *text)
{
	return stpcpy(to, text);
}

static char *put_escaped(char *to, struct ua_text text)
{
	for (size_t i = 0; i < text.len; i++) {
		switch (text.data[i]) {
		case '&':
			to = put(to, "&amp;");
			break;
		case '<':
			to = put(to, "&lt;");
			break;
		case '>':
			to = put(to, "&gt;");
			break;
		default:
			*to++ = text.data[i];
		}
	}
	return to;
}

static char *put_base64(char *to, const uint8_t *data, int len)
{
	return to + EVP_EncodeBlock((unsigned char *)to, data, len);
}

static char *put_key(char *to, const struct ua_item *item)
{
	const uint8_t id[4] = {(uint8_t)(item->group >> 8), (uint8_t)item->group,
		(uint8_t)(item->number >> 8), (uint8_t)item->number};

	to = put(to, "<" UA_XML_MSK "><" UA_XML_DOMAIN ">");
	to = put_base64(to, item->kdi, sizeof(item->kdi));
	to = put(to, "</" UA_XML_DOMAIN "><" UA_XML_MSK_ID ">");
	to = put_base64(to, id, sizeof(id));
	return put(to, "</" UA_XML_MSK_ID "></" UA_XML_MSK ">");
}

static char *put_group(char *to, uint16_t group)
{
	const uint8_t id[2] = {(uint8_t)(group >> 8), (uint8_t)group};

	to = put(to, "<" UA_XML_GROUP ">");
	ua_hex_write(to, id, sizeof(id));
	return put(to + 4, "</" UA_XML_GROUP ">");
}

static char *put_item(char *to, const struct ua_items *items, unsigned i)
{
	switch (items->item[i].kind) {
	case UA_ITEM_KEY:
		return put_key(to, &items->item[i]);
	case UA_ITEM_GROUP:
		return put_group(to, items->item[i].group);
	default:
		to = put(to, "<" UA_XML_SERVICE ">");
		to = put_escaped(to, ua_item_name(items, i));
		return put(to, "</" UA_XML_SERVICE ">");
	}
}

size_t ua_reply_write(enum ua_procedure procedure, const struct ua_items *items,
	const uint8_t codes[UA_ITEMS_MAX], char out[UA_REPLY_MAX])
{
	bool is_msk = procedure == UA_MSK_REQUEST;
	char *to = put(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");

	to = put(to,
		is_msk ? "<" UA_XML_MSK_ROOT " xmlns=\"" UA_XML_MSK_NAMESPACE "\">"
		       : "<" UA_XML_REGISTER_ROOT " xmlns=\"" UA_XML_REGISTER_NAMESPACE "\">");
	for (unsigned i = 0; i < items->n; i++) {
		to = put(to, "<" UA_XML_RESPONSE ">");
		to = put_item(to, items, i);
		to = put(to, "<" UA_XML_CODE ">");
		to = put(to, ua_item_code((enum ua_item_code)codes[i]));
		to = put(to, "</" UA_XML_CODE "></" UA_XML_RESPONSE ">");
	}
	to = put(to, is_msk ? "</" UA_XML_MSK_ROOT ">" : "</" UA_XML_REGISTER_ROOT ">");
	return (size_t)(to - out);
}
