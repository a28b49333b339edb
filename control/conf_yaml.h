// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Inside of the YAML intake: where it stands, and how it says what is wrong there.

#pragma once

#include <yaml.h>

#include "conf.h"

#define CONF_LISTS_MAX 8
#define CONF_KEY_MAX 96

struct conf_intake {
	yaml_parser_t parser;
	yaml_event_t event; // the one at hand; owned
	bool has_event;
	const char *name;
	struct conf *conf;
	bool *is_seen; // a flag a row
	bool is_list_seen[CONF_LISTS_MAX];
	char *why;
};

// Keys of the mapping at hand: those of the whole file, or of one item.
struct conf_scope {
	const char *name; // "ports[1]"; empty: of the file
	const struct conf_row *rows;
	size_t n;
	void *base;
	bool *is_seen;
};

// They make in->why a sentence about the event at hand, and return -EINVAL. allowed may be NULL.
int conf_yaml_fail(struct conf_intake *in, const char *key, const char *text, const char *allowed);
// prefix: of the group that the key stands in, "store." or "".
int conf_yaml_fail_unknown(struct conf_intake *in, const struct conf_scope *scope,
	const char *prefix, const char *key);
int conf_yaml_fail_type(
	struct conf_intake *in, const struct conf_scope *scope, const struct conf_row *row);
// The key as messages have it: "store.dir", "ports[1].device".
const char *conf_yaml_key_text(
	const struct conf_scope *scope, const char *key, char text[CONF_KEY_MAX]);
