// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The YAML intake: walks libyaml's events, which is all there is between the octets of a file and
// the tables of keys. Two levels of mappings, lists of mappings, scalars and lists of scalars;
// nothing else.

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <yaml.h>

#include "conf.h"

#define FILE_MAX (1 << 20)
#define KEY_MAX 96
#define LISTS_MAX 8
#define ITEM_ROWS_MAX 32

struct intake {
	yaml_parser_t parser;
	yaml_event_t event; // the one at hand; owned
	bool has_event;
	const char *name;
	struct conf *conf;
	bool *is_seen; // a flag a row
	bool is_list_seen[LISTS_MAX];
	char *why;
};

// Keys of the mapping at hand: those of the whole file, or of one item.
struct scope {
	const char *name; // "ports[1]"; empty: of the file
	const struct conf_row *rows;
	size_t n;
	void *base;
	bool *is_seen;
};

static int fail(struct intake *in, const char *key, const char *text, const char *allowed)
{
	snprintf(in->why, CONF_WHY_MAX, "%.96s:%zu: %.96s%s%.280s%s%.320s", in->name,
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
static void keys_list(const struct scope *scope, const char *prefix, char *out, size_t size)
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

// The key as the message has it: "store.dir", "ports[1].device".
static const char *key_text(const struct scope *scope, const char *key, char text[KEY_MAX])
{
	snprintf(text, KEY_MAX, "%s%s%s", scope->name, *scope->name == '\0' ? "" : ".", key);
	return text;
}

static int fail_unknown(
	struct intake *in, const struct scope *scope, const char *prefix, const char *key)
{
	char allowed[384], text[KEY_MAX];

	keys_list(scope, prefix, allowed, sizeof(allowed));
	return fail(in, key_text(scope, key, text), "unknown key", allowed);
}

static int fail_type(struct intake *in, const struct scope *scope, const struct conf_row *row)
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
	char text[KEY_MAX];

	return fail(in, key_text(scope, row->key, text), "wrong type", names[row->type]);
}

// What is at hand as a text: NULL when it is no scalar, or has NUL octets.
static const char *scalar_text(const struct intake *in)
{
	const char *text = (const char *)in->event.data.scalar.value;

	if (in->event.type != YAML_SCALAR_EVENT)
		return NULL;
	return strlen(text) == in->event.data.scalar.length ? text : NULL;
}

static bool type_is_number(enum conf_type type)
{
	return type == CONF_COUNT || type == CONF_COUNTS || type == CONF_TAGS;
}

static int scalar_read(struct intake *in, const struct scope *scope, const struct conf_row *row)
{
	const char *text = scalar_text(in);
	char what[CONF_WHY_MAX], key[KEY_MAX];

	if (text == NULL ||
		(type_is_number(row->type) &&
			in->event.data.scalar.style != YAML_PLAIN_SCALAR_STYLE))
		return fail_type(in, scope, row);
	if (conf_value_read(row, text, scope->base, what) != 0)
		return fail(in, key_text(scope, row->key, key), what, NULL);
	return 0;
}

static int list_read(struct intake *in, const struct scope *scope, const struct conf_row *row)
{
	int ret;

	conf_value_clear(row, scope->base);
	if (in->event.type == YAML_SCALAR_EVENT && conf_type_may_stand_alone(row->type))
		return scalar_read(in, scope, row);
	if (in->event.type != YAML_SEQUENCE_START_EVENT)
		return fail_type(in, scope, row);
	for (ret = event_next(in); ret == 0 && in->event.type != YAML_SEQUENCE_END_EVENT;) {
		ret = scalar_read(in, scope, row);
		if (ret == 0)
			ret = event_next(in);
	}
	return ret;
}

static int row_read(struct intake *in, const struct scope *scope, size_t i)
{
	const struct conf_row *row = &scope->rows[i];
	char key[KEY_MAX];
	int ret;

	if (scope->is_seen[i])
		return fail(in, key_text(scope, row->key, key), "duplicate key", "once");
	scope->is_seen[i] = true;
	ret = event_next(in);
	if (ret != 0)
		return ret;
	return conf_type_is_list(row->type) ? list_read(in, scope, row)
					    : scalar_read(in, scope, row);
}

static bool key_is_group(const char *key)
{
	size_t len = strlen(key);

	for (size_t i = 0; i < conf_rows_count; i++)
		if (strncmp(conf_rows[i].key, key, len) == 0 && conf_rows[i].key[len] == '.')
			return true;
	return false;
}

static int mapping_read(struct intake *in, const struct scope *scope, const char *prefix);

static int group_read(struct intake *in, const struct scope *scope, const char *key)
{
	char prefix[KEY_MAX + 2];
	int ret = event_next(in);

	if (ret != 0)
		return ret;
	if (in->event.type != YAML_MAPPING_START_EVENT)
		return fail(in, key, "wrong type", "a mapping of keys");
	snprintf(prefix, sizeof(prefix), "%s.", key);
	return mapping_read(in, scope, prefix);
}

// --- Lists of mappings ----------------------------------------------------------------------

// The mapping whose start is at hand, as one item more.
static int item_read(
	struct intake *in, const struct conf_list *list, const char *name, bool is_named)
{
	unsigned *n = conf_list_count(list, in->conf);
	bool is_seen[ITEM_ROWS_MAX] = {false};
	struct scope scope = {
		.name = name, .rows = list->rows, .n = list->rows_count, .is_seen = is_seen};

	if (in->event.type != YAML_MAPPING_START_EVENT)
		return fail(in, name, "wrong type", "a mapping of keys");
	if (*n == list->max)
		return fail(in, list->key, "one too many", "fewer");
	scope.base = conf_list_item(list, in->conf, (*n)++);
	conf_item_init(list, scope.base, is_named);
	return mapping_read(in, &scope, "");
}

static int items_read(struct intake *in, const struct conf_list *list)
{
	char name[KEY_MAX];
	int ret;

	if (in->event.type != YAML_SEQUENCE_START_EVENT)
		return fail(in, list->key, "wrong type", "a list of mappings");
	for (ret = event_next(in); ret == 0 && in->event.type != YAML_SEQUENCE_END_EVENT;) {
		snprintf(name, sizeof(name), "%s[%u]", list->key, *conf_list_count(list, in->conf));
		ret = item_read(in, list, name, true);
		if (ret == 0)
			ret = event_next(in);
	}
	if (ret == 0 && list->initial > 0 && *conf_list_count(list, in->conf) == 0)
		return fail(in, list->key, "one at least is needed", NULL);
	return ret;
}

// The list that goes by this key; NULL for none.
static const struct conf_list *list_find(const char *key, bool *is_single)
{
	for (size_t i = 0; i < conf_lists_count; i++) {
		*is_single = conf_lists[i].single != NULL && strcmp(conf_lists[i].single, key) == 0;
		if (*is_single || strcmp(conf_lists[i].key, key) == 0)
			return &conf_lists[i];
	}
	return NULL;
}

static int mappings_read(struct intake *in, const char *key)
{
	bool is_single;
	const struct conf_list *list = list_find(key, &is_single);
	bool *is_seen = &in->is_list_seen[list - conf_lists];
	int ret;

	if (*is_seen)
		return fail(in, key, "duplicate key",
			list->single == NULL ? "once" : "once, and port or ports");
	*is_seen = true;
	*conf_list_count(list, in->conf) = 0;
	ret = event_next(in);
	if (ret != 0)
		return ret;
	return is_single ? item_read(in, list, key, false) : items_read(in, list);
}

// --- Mappings -------------------------------------------------------------------------------

static int key_read(struct intake *in, const struct scope *scope, const char *prefix)
{
	bool is_top = *prefix == '\0' && scope->name[0] == '\0', is_single;
	const char *text = scalar_text(in);
	char key[KEY_MAX];

	if (text == NULL)
		return fail(in, prefix, "a key is expected", "a plain name");
	if ((size_t)snprintf(key, sizeof(key), "%s%s", prefix, text) >= sizeof(key))
		return fail_unknown(in, scope, prefix, key);
	for (size_t i = 0; i < scope->n; i++)
		if (strcmp(scope->rows[i].key, key) == 0)
			return strchr(text, '.') == NULL ? row_read(in, scope, i)
							 : fail_unknown(in, scope, prefix, key);
	if (is_top && list_find(key, &is_single) != NULL)
		return mappings_read(in, key);
	if (is_top && key_is_group(key))
		return group_read(in, scope, key);
	return fail_unknown(in, scope, prefix, key);
}

// The mapping whose start is at hand; leaves its end at hand.
static int mapping_read(struct intake *in, const struct scope *scope, const char *prefix)
{
	int ret;

	for (ret = event_next(in); ret == 0 && in->event.type != YAML_MAPPING_END_EVENT;) {
		ret = key_read(in, scope, prefix);
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
	struct scope scope = {.name = "",
		.rows = conf_rows,
		.n = conf_rows_count,
		.base = in->conf,
		.is_seen = in->is_seen};
	int ret = event_next(in);

	if (ret == 0)
		ret = event_next(in);
	if (ret != 0 || in->event.type == YAML_STREAM_END_EVENT)
		return ret;
	ret = event_next(in);
	if (ret == 0 && in->event.type == YAML_MAPPING_START_EVENT)
		ret = mapping_read(in, &scope, "");
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
