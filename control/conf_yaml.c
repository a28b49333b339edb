// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The YAML intake: walks libyaml's events, which is all there is between the octets of a file and
// the tables of keys. Two levels of mappings, lists of mappings, scalars and lists of scalars;
// nothing else.

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "conf_yaml.h"

#define FILE_MAX (1 << 20)
#define ITEM_ROWS_MAX 32

static int event_next(struct conf_intake *in)
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

// What is at hand as a text: NULL when it is no scalar, or has NUL octets.
static const char *scalar_text(const struct conf_intake *in)
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

static int scalar_read(
	struct conf_intake *in, const struct conf_scope *scope, const struct conf_row *row)
{
	const char *text = scalar_text(in);
	char what[CONF_WHY_MAX], key[CONF_KEY_MAX];

	if (text == NULL ||
		(type_is_number(row->type) &&
			in->event.data.scalar.style != YAML_PLAIN_SCALAR_STYLE))
		return conf_yaml_fail_type(in, scope, row);
	if (conf_value_read(row, text, scope->base, what) != 0)
		return conf_yaml_fail(in, conf_yaml_key_text(scope, row->key, key), what, NULL);
	return 0;
}

static int list_read(
	struct conf_intake *in, const struct conf_scope *scope, const struct conf_row *row)
{
	int ret;

	conf_value_clear(row, scope->base);
	if (in->event.type == YAML_SCALAR_EVENT && conf_type_may_stand_alone(row->type))
		return scalar_read(in, scope, row);
	if (in->event.type != YAML_SEQUENCE_START_EVENT)
		return conf_yaml_fail_type(in, scope, row);
	for (ret = event_next(in); ret == 0 && in->event.type != YAML_SEQUENCE_END_EVENT;) {
		ret = scalar_read(in, scope, row);
		if (ret == 0)
			ret = event_next(in);
	}
	return ret;
}

static int row_read(struct conf_intake *in, const struct conf_scope *scope, size_t i)
{
	const struct conf_row *row = &scope->rows[i];
	char key[CONF_KEY_MAX];
	int ret;

	if (scope->is_seen[i])
		return conf_yaml_fail(
			in, conf_yaml_key_text(scope, row->key, key), "duplicate key", "once");
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

static int mapping_read(struct conf_intake *in, const struct conf_scope *scope, const char *prefix);

static int group_read(struct conf_intake *in, const struct conf_scope *scope, const char *key)
{
	char prefix[CONF_KEY_MAX + 2];
	int ret = event_next(in);

	if (ret != 0)
		return ret;
	if (in->event.type != YAML_MAPPING_START_EVENT)
		return conf_yaml_fail(in, key, "wrong type", "a mapping of keys");
	snprintf(prefix, sizeof(prefix), "%s.", key);
	return mapping_read(in, scope, prefix);
}

// --- Lists of mappings ----------------------------------------------------------------------

// The mapping whose start is at hand, as one item more.
static int item_read(
	struct conf_intake *in, const struct conf_list *list, const char *name, bool is_named)
{
	unsigned *n = conf_list_count(list, in->conf);
	bool is_seen[ITEM_ROWS_MAX] = {false};
	struct conf_scope scope = {
		.name = name, .rows = list->rows, .n = list->rows_count, .is_seen = is_seen};

	if (in->event.type != YAML_MAPPING_START_EVENT)
		return conf_yaml_fail(in, name, "wrong type", "a mapping of keys");
	if (*n == list->max)
		return conf_yaml_fail(in, list->key, "one too many", "fewer");
	scope.base = conf_list_item(list, in->conf, (*n)++);
	conf_item_init(list, scope.base, is_named);
	return mapping_read(in, &scope, "");
}

static int items_read(struct conf_intake *in, const struct conf_list *list)
{
	char name[CONF_KEY_MAX];
	int ret;

	if (in->event.type != YAML_SEQUENCE_START_EVENT)
		return conf_yaml_fail(in, list->key, "wrong type", "a list of mappings");
	for (ret = event_next(in); ret == 0 && in->event.type != YAML_SEQUENCE_END_EVENT;) {
		snprintf(name, sizeof(name), "%s[%u]", list->key, *conf_list_count(list, in->conf));
		ret = item_read(in, list, name, true);
		if (ret == 0)
			ret = event_next(in);
	}
	if (ret == 0 && list->initial > 0 && *conf_list_count(list, in->conf) == 0)
		return conf_yaml_fail(in, list->key, "one at least is needed", NULL);
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

static int mappings_read(struct conf_intake *in, const char *key)
{
	bool is_single;
	const struct conf_list *list = list_find(key, &is_single);
	bool *is_seen = &in->is_list_seen[list - conf_lists];
	int ret;

	if (*is_seen)
		return conf_yaml_fail(in, key, "duplicate key",
			list->single == NULL ? "once" : "once, and port or ports");
	*is_seen = true;
	*conf_list_count(list, in->conf) = 0;
	ret = event_next(in);
	if (ret != 0)
		return ret;
	return is_single ? item_read(in, list, key, false) : items_read(in, list);
}

// --- Mappings -------------------------------------------------------------------------------

static int key_read(struct conf_intake *in, const struct conf_scope *scope, const char *prefix)
{
	bool is_top = *prefix == '\0' && scope->name[0] == '\0', is_single;
	const char *text = scalar_text(in);
	char key[CONF_KEY_MAX];

	if (text == NULL)
		return conf_yaml_fail(in, prefix, "a key is expected", "a plain name");
	if ((size_t)snprintf(key, sizeof(key), "%s%s", prefix, text) >= sizeof(key))
		return conf_yaml_fail_unknown(in, scope, prefix, key);
	for (size_t i = 0; i < scope->n; i++)
		if (strcmp(scope->rows[i].key, key) == 0)
			return strchr(text, '.') == NULL
				? row_read(in, scope, i)
				: conf_yaml_fail_unknown(in, scope, prefix, key);
	if (is_top && list_find(key, &is_single) != NULL)
		return mappings_read(in, key);
	if (is_top && key_is_group(key))
		return group_read(in, scope, key);
	return conf_yaml_fail_unknown(in, scope, prefix, key);
}

// The mapping whose start is at hand; leaves its end at hand.
static int mapping_read(struct conf_intake *in, const struct conf_scope *scope, const char *prefix)
{
	int ret;

	for (ret = event_next(in); ret == 0 && in->event.type != YAML_MAPPING_END_EVENT;) {
		ret = key_read(in, scope, prefix);
		if (ret == 0)
			ret = event_next(in);
	}
	return ret;
}

static bool scalar_is_empty(const struct conf_intake *in)
{
	return in->event.type == YAML_SCALAR_EVENT && in->event.data.scalar.length == 0;
}

static int document_read(struct conf_intake *in)
{
	struct conf_scope scope = {.name = "",
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
		return conf_yaml_fail(in, "", "wrong type", "a mapping of keys");
	if (ret == 0)
		ret = event_next(in);
	if (ret == 0)
		ret = event_next(in);
	if (ret == 0 && in->event.type != YAML_STREAM_END_EVENT)
		return conf_yaml_fail(in, "", "a second document", "one");
	return ret;
}

int conf_parse(
	struct conf *conf, const char *name, const char *yaml, size_t len, char why[CONF_WHY_MAX])
{
	struct conf_intake in = {.name = name, .conf = conf, .why = why};
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
		snprintf(why, CONF_WHY_MAX, "%s: longer than %d octets", path, FILE_MAX);
		ret = -EINVAL;
	} else {
		ret = conf_parse(conf, path, text, len, why);
	}
	fclose(file);
	free(text);
	return ret;
}
