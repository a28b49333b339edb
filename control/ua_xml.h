// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// XML of requests, from octets to items (spec of names: ua_names.h). A document type, and with it
// every entity, is refused; depth, items and texts are bounded; elements that are not known are
// passed over with all that is in them. One parser belongs to one thread.

#pragma once

#include "ua_items.h"

#define UA_XML_DEPTH 16

enum ua_xml_verdict {
	UA_XML_OK,
	UA_XML_MALFORMED, // not XML
	UA_XML_DOCTYPE,
	UA_XML_BOUNDS, // too deep, too many items, a text too long
	UA_XML_BAD_ITEM, // an item that is not well formed, or lacks a part
	UA_XML_EMPTY, // no item
};

struct ua_xml;

// -ENOMEM.
int ua_xml_create(struct ua_xml **out);
void ua_xml_destroy(struct ua_xml *xml);
enum ua_xml_verdict ua_xml_parse(struct ua_xml *xml, enum ua_procedure procedure, const char *body,
	size_t len, struct ua_items *items);
