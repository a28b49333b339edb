// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// What is wrong with a file of YAML, and what would be right: file, line, key, and the keys or
// values that are allowed there.

#include <errno.h>
#include <string.h>

#include "conf_yaml.h"

int conf_yaml_fail(struct conf_intake *in, const char *key, const char *text, const char *allowed)
{
	snprintf(in->why, CONF_WHY_MAX, "%.96s:%zu: %.96s%s%.280s%s%.320s", in->name,
		in->event.start_mark.line + 1, key, *key == '\0' ? "" : ": ", text,
		allowed == NULL ? "" : "; allowed: ", allowed == NULL ? "" : allowed);
	return -EINVAL;
}

static void keys_add(char *out, size_t size, const char *key, size_t len)
{
	size_t at = strlen(out);

	snprintf(out + at, size - at, "%s%.*s", at == 0 ? "" : ", ", (int)len, key);
}

static void lists_add(char *out, size_t size, const char *before)
{
	for (size_t i = 0; i < conf_lists_count; i++) {
		const struct conf_list *list = &conf_lists[i];

		if (strcmp(list->before, before) != 0)
			continue;
		if (list->single != NULL)
			keys_add(out, size, list->single, strlen(list->single));
		keys_add(out, size, list->key, strlen(list->key));
	}
}

// The names that stand below a prefix ("store." or ""), for the message.
static void keys_list(const struct conf_scope *scope, const char *prefix, char *out, size_t size)
{
	size_t skip = strlen(prefix);
	const char *last = "";

	out[0] = '\0';
	for (size_t i = 0; i < scope->n; i++) {
		const char *key;
		size_t len;

		if (strncmp(scope->rows[i].key, prefix, skip) != 0)
			continue;
		if (skip == 0 && scope->name[0] == '\0')
			lists_add(out, size, scope->rows[i].key);
		key = scope->rows[i].key + skip;
		len = strcspn(key, ".");
		if (strncmp(last, key, len) == 0 && last[len] == '.')
			continue;
		keys_add(out, size, key, len);
		last = key;
	}
}

const char *conf_yaml_key_text(
	const struct conf_scope *scope, const char *key, char text[CONF_KEY_MAX])
{
	snprintf(text, CONF_KEY_MAX, "%s%s%s", scope->name, *scope->name == '\0' ? "" : ".", key);
	return text;
}

int conf_yaml_fail_unknown(
	struct conf_intake *in, const struct conf_scope *scope, const char *prefix, const char *key)
{
	char allowed[384], text[CONF_KEY_MAX];

	keys_list(scope, prefix, allowed, sizeof(allowed));
	return conf_yaml_fail(in, conf_yaml_key_text(scope, key, text), "unknown key", allowed);
}

int conf_yaml_fail_type(
	struct conf_intake *in, const struct conf_scope *scope, const struct conf_row *row)
{
	static const char *const names[] = {[CONF_TEXT] = "a text",
		[CONF_COUNT] = "a number",
		[CONF_SIZE] = "a size such as 512M",
		[CONF_DURATION] = "a duration such as 30s",
		[CONF_CHOICE] = "one word",
		[CONF_MAC] = "a MAC address",
		[CONF_ADDRESS] = "an address",
		[CONF_PREFIX] = "a prefix",
		[CONF_COUNTS] = "a list of numbers",
		[CONF_DURATIONS] = "a list of durations",
		[CONF_TEXTS] = "a list of texts",
		[CONF_MACS] = "a MAC address, or a list of them",
		[CONF_TAGS] = "a number, or a list of two",
		[CONF_ADDRESSES] = "an address, or a list of them",
		[CONF_HOSTS] = "an address, or a list of them",
		[CONF_PREFIXES] = "a prefix, or a list of them"};
	char text[CONF_KEY_MAX];

	return conf_yaml_fail(
		in, conf_yaml_key_text(scope, row->key, text), "wrong type", names[row->type]);
}
