// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// What a request on Ua asks for, and what is answered: lists of services or of MSKs.

#pragma once

#include <stdint.h>

#include "ua_text.h"

#define UA_ITEMS_MAX 64 // of one request
#define UA_SERVICE_MAX 127 // octets of a service's name
#define UA_ITEMS_TEXT 2048 // octets of all names of a request

enum ua_procedure {
	UA_REGISTER,
	UA_DEREGISTER,
	UA_MSK_REQUEST,
	UA_PROCEDURES,
	UA_NO_PROCEDURE = UA_PROCEDURES,
};
const char *ua_procedure_name(enum ua_procedure procedure);

enum ua_item_code {
#define UA_ITEM(name, code, text) UA_ITEM_##name,
#include "ua_item.def"
#undef UA_ITEM
	UA_ITEM_CODES
};
const char *ua_item_code(enum ua_item_code code); // "200 OK"

enum ua_item_kind {
	UA_ITEM_SERVICE,
	UA_ITEM_KEY, // key domain and MSK ID
	UA_ITEM_GROUP, // v600: Key Group ID alone
};

struct ua_item {
	uint8_t kind; // enum ua_item_kind
	uint8_t kdi[3]; // UA_ITEM_KEY
	uint16_t group;
	uint16_t number; // Key Number, 0 = the current one and the one that was released after it
	uint16_t text; // UA_ITEM_SERVICE: where its name stands in the text
	uint8_t text_len;
};

struct ua_items {
	unsigned n;
	struct ua_item item[UA_ITEMS_MAX];
	unsigned text_len;
	char text[UA_ITEMS_TEXT];
};

static inline struct ua_text ua_item_name(const struct ua_items *items, unsigned i)
{
	return (struct ua_text){items->text + items->item[i].text, items->item[i].text_len};
}
