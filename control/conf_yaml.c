// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The YAML intake: walks libyaml's events, which is all there is between the octets of a file and
// the table of keys. Two levels of mappings, scalars and lists of scalars; nothing else.

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <yaml.h>

#include "conf.h"

#define FILE_MAX (1 << 20)
#define KEY_MAX 96

struct intake {
	yaml_parser_t parser;
	yaml_event_t event; // the one at hand; owned
	bool has_event;
	const char *name;
	struct conf *conf;
	bool *is_seen; // a flag a row
	char *why;
};

static int fail(struct intake *in, const char *key, const char *text, const char *allowed)
{
	snprintf(in->why, CONF_WHY_MAX, "%.96s:%zu: %.96s%s%.280s%s%.200s", in->name,
		in->event.start_mark.line + 1, key, *key == '\0' ? "" : ": ", text,
		allowed == NULL ? "" : "; allowed: ", allowed == NULL ? "" : allowed);
	return -EINVAL;
}

static int event_next(struct intake *in)
{
	if (in->has_event)
		yaml_event_delete(&in->event);
	in->has_event = yaml_parser_parse(&in->parser, &in->event) == 1;
	if (in->has_event)
		return 0;
	snprintf(in->why, CONF_WHY_MAX, "%s:%zu: not YAML: %s", in->name,
		in->parser.problem_mark.line + 1,
		in->parser.problem == NULL ? "unreadable" : in->parser.problem);
	return -EINVAL;
}

// The names that stand below a prefix ("store." or ""), for the message.
static void keys_list(const char *prefix, char *out, size_t size)
{
	size_t skip = strlen(prefix), at = 0;
	const char *last = "";

	out[0] = '\0';
	for (size_t i = 0; i < conf_rows_count && at < size; i++) {
		const char *key;
		size_t len;

		if (strncmp(conf_rows[i].key, prefix, skip) != 0)
			continue;
		key = conf_rows[i].key + skip;
		len = strcspn(key, ".");
		if (strncmp(last, key, len) == 0 && last[len] == '.')
			continue;
		at += (size_t)snprintf(
			out + at, size - at, "%s%.*s", at == 0 ? "" : ", ", (int)len, key);
		last = key;
	}
}

static int fail_unknown(struct intake *in, const char *prefix, const char *key)
{
	char allowed[384];

	keys_list(prefix, allowed, sizeof(allowed));
	return fail(in, key, "unknown key", allowed);
}

static int fail_type(struct intake *in, const struct conf_row *row)
{
	static const char *const names[] = {[CONF_TEXT] = "a text",
		[CONF_COUNT] = "a number",
		[CONF_SIZE] = "a size such as 512M",
		[CONF_DURATION] = "a duration such as 30s",
		[CONF_CHOICE] = "one word",
		[CONF_MAC] = "a MAC address",
		[CONF_IPV4] = "an IPv4 address",
		[CONF_COUNTS] = "a list of numbers",
		[CONF_DURATIONS] = "a list of durations",
		[CONF_TEXTS] = "a list of texts"};

	return fail(in, row->key, "wrong type", names[row->type]);
}

// What is at hand as a text: NULL when it is no scalar, or has NUL octets.
static const char *scalar_text(const struct intake *in)
{
	const char *text = (const char *)in->event.data.scalar.value;

	if (in->event.type != YAML_SCALAR_EVENT)
		return NULL;
	return strlen(text) == in->event.data.scalar.length ? text : NULL;
}

static int scalar_read(struct intake *in, const struct conf_row *row)
{
	bool is_number = row->type == CONF_COUNT || row->type == CONF_COUNTS;
	const char *text = scalar_text(in);
	char what[CONF_WHY_MAX];

	if (text == NULL || (is_number && in->event.data.scalar.style != YAML_PLAIN_SCALAR_STYLE))
		return fail_type(in, row);
	if (conf_value_read(row, text, in->conf, what) != 0)
		return fail(in, row->key, what, NULL);
	return 0;
}

static int list_read(struct intake *in, const struct conf_row *row)
{
	int ret;

	if (in->event.type != YAML_SEQUENCE_START_EVENT)
		return fail_type(in, row);
	conf_list_clear(row, in->conf);
	for (ret = event_next(in); ret == 0 && in->event.type != YAML_SEQUENCE_END_EVENT;) {
		ret = scalar_read(in, row);
		if (ret == 0)
			ret = event_next(in);
	}
	return ret;
}

static int row_read(struct intake *in, size_t i)
{
	const struct conf_row *row = &conf_rows[i];
	int ret;

	if (in->is_seen[i])
		return fail(in, row->key, "duplicate key", "once");
	in->is_seen[i] = true;
	ret = event_next(in);
	if (ret != 0)
		return ret;
	return conf_type_is_list(row->type) ? list_read(in, row) : scalar_read(in, row);
}

static bool key_is_group(const char *key)
{
	size_t len = strlen(key);

	for (size_t i = 0; i < conf_rows_count; i++)
		if (strncmp(conf_rows[i].key, key, len) == 0 && conf_rows[i].key[len] == '.')
			return true;
	return false;
}

static int mapping_read(struct intake *in, const char *prefix);

static int group_read(struct intake *in, const char *key)
{
	char prefix[KEY_MAX + 2];
	int ret = event_next(in);

	if (ret != 0)
		return ret;
	if (in->event.type != YAML_MAPPING_START_EVENT)
		return fail(in, key, "wrong type", "a mapping of keys");
	snprintf(prefix, sizeof(prefix), "%s.", key);
	return mapping_read(in, prefix);
}

static int key_read(struct intake *in, const char *prefix)
{
	const char *text = scalar_text(in);
	char key[KEY_MAX];

	if (text == NULL)
		return fail(in, prefix, "a key is expected", "a plain name");
	if ((size_t)snprintf(key, sizeof(key), "%s%s", prefix, text) >= sizeof(key))
		return fail_unknown(in, prefix, key);
	for (size_t i = 0; i < conf_rows_count; i++)
		if (strcmp(conf_rows[i].key, key) == 0)
			return strchr(text, '.') == NULL ? row_read(in, i)
							 : fail_unknown(in, prefix, key);
	if (*prefix == '\0' && key_is_group(key))
		return group_read(in, key);
	return fail_unknown(in, prefix, key);
}

// The mapping whose start is at hand; leaves its end at hand.
static int mapping_read(struct intake *in, const char *prefix)
{
	int ret;

	for (ret = event_next(in); ret == 0 && in->event.type != YAML_MAPPING_END_EVENT;) {
		ret = key_read(in, prefix);
		if (ret == 0)
			ret = event_next(in);
	}
	return ret;
}

static bool scalar_is_empty(const struct intake *in)
{
	return in->event.type == YAML_SCALAR_EVENT && in->event.data.scalar.length == 0;
}

static int document_read(struct intake *in)
{
	int ret = event_next(in);

	if (ret == 0)
		ret = event_next(in);
	if (ret != 0 || in->event.type == YAML_STREAM_END_EVENT)
		return ret;
	ret = event_next(in);
	if (ret == 0 && in->event.type == YAML_MAPPING_START_EVENT)
		ret = mapping_read(in, "");
	else if (ret == 0 && !scalar_is_empty(in))
		return fail(in, "", "wrong type", "a mapping of keys");
	if (ret == 0)
		ret = event_next(in);
	if (ret == 0)
		ret = event_next(in);
	if (ret == 0 && in->event.type != YAML_STREAM_END_EVENT)
		return fail(in, "", "a second document", "one");
	return ret;
}

int conf_parse(
	struct conf *conf, const char *name, const char *yaml, size_t len, char why[CONF_WHY_MAX])
{
	struct intake in = {.name = name, .conf = conf, .why = why};
	int ret;

	in.is_seen = calloc(conf_rows_count, sizeof(bool));
	if (in.is_seen == NULL || yaml_parser_initialize(&in.parser) != 1) {
		free(in.is_seen);
		snprintf(why, CONF_WHY_MAX, "%s: no memory", name);
		return -ENOMEM;
	}
	yaml_parser_set_input_string(&in.parser, (const unsigned char *)yaml, len);
	ret = document_read(&in);
	if (in.has_event)
		yaml_event_delete(&in.event);
	yaml_parser_delete(&in.parser);
	free(in.is_seen);
	if (ret == 0 && conf_check(conf, why) != 0) {
		char what[CONF_WHY_MAX];

		snprintf(what, sizeof(what), "%s", why);
		snprintf(why, CONF_WHY_MAX, "%.128s: %.376s", name, what);
		ret = -EINVAL;
	}
	return ret;
}

int conf_load(struct conf *conf, const char *path, char why[CONF_WHY_MAX])
{
	char *text = malloc(FILE_MAX + 1);
	FILE *file = text == NULL ? NULL : fopen(path, "re");
	int ret = -errno;
	size_t len;

	if (file == NULL) {
		snprintf(why, CONF_WHY_MAX, "%s: cannot be opened: %s", path, strerror(-ret));
		free(text);
		return ret;
	}
	len = fread(text, 1, FILE_MAX + 1, file);
	ret = ferror(file) ? -EIO : 0;
	if (ret != 0)
		snprintf(why, CONF_WHY_MAX, "%s: cannot be read", path);
	else if (len > FILE_MAX) {
		snprintf(why, CONF_WHY_MAX, "%s: longer than %u octets", path, FILE_MAX);
		ret = -EINVAL;
	} else {
		ret = conf_parse(conf, path, text, len, why);
	}
	fclose(file);
	free(text);
	return ret;
}
