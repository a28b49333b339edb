// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// check: every record, and which subscribers are damaged.

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "offline.h"
#include "store/tool.h"

#define LISTED_MAX 1000 // findings that --json lists; it counts all

struct findings {
	bool is_json;
	const struct store_reader *reader; // names subscribers; NULL: they stay numbers
	json_t *list;
};

static void subscribers_name(const struct findings *f, const struct store_finding *finding)
{
	for (uint32_t i = 0; i < finding->subscribers; i++) {
		store_id id = finding->first + i;
		struct store_subscriber sub = {0};

		if (f->reader != NULL)
			store_reader_subscriber(f->reader, id, &sub);
		printf("  subscriber %" PRIu32 " %s\n", id, sub.impi);
		explicit_bzero(&sub, sizeof(sub));
	}
}

static json_t *subscribers_json(const struct findings *f, const struct store_finding *finding)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < finding->subscribers; i++) {
		store_id id = finding->first + i;
		struct store_subscriber sub = {0};

		if (f->reader != NULL)
			store_reader_subscriber(f->reader, id, &sub);
		json_array_append_new(
			list, json_pack("{s:I, s:s}", "id", (json_int_t)id, "impi", sub.impi));
		explicit_bzero(&sub, sizeof(sub));
	}
	return list;
}

static void on_finding(void *arg, const struct store_finding *finding)
{
	struct findings *f = arg;

	if (f->is_json) {
		if (json_array_size(f->list) < LISTED_MAX)
			json_array_append_new(f->list,
				json_pack("{s:s, s:s, s:s, s:o}", "table", finding->table, "key",
					finding->key, "what", finding->what, "subscribers",
					subscribers_json(f, finding)));
		return;
	}
	printf("%s %s: %s\n", finding->table, finding->key, finding->what);
	subscribers_name(f, finding);
}

static int check_report(
	const struct args *args, const struct store_check_result *result, json_t *list)
{
	if (args->is_json) {
		tool_json_show(json_pack("{s:I, s:I, s:I, s:I, s:b, s:b, s:O}", "subscribers",
			(json_int_t)result->live, "records", (json_int_t)result->records,
			"findings", (json_int_t)result->findings, "damaged_subscribers",
			(json_int_t)result->damaged_subscribers, "is_import_open",
			result->is_import_open, "is_copy", result->is_copy, "list", list));
	} else {
		printf("%" PRIu64 " records of %" PRIu32 " subscribers: ", result->records,
			result->live);
		if (result->findings == 0)
			printf("all whole\n");
		else
			printf("%" PRIu64 " findings, %" PRIu32 " subscribers damaged\n",
				result->findings, result->damaged_subscribers);
		if (result->is_import_open)
			printf("An import was interrupted: the next start finishes or undoes "
			       "it.\n");
		if (result->is_copy)
			printf("It is a copy that no daemon has used yet.\n");
	}
	return result->findings == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int tool_check_run(const struct args *args)
{
	struct findings f = {.is_json = args->is_json, .list = json_array()};
	struct store_check_result result;
	struct store_reader *reader = NULL;
	struct opened o;
	char why[TOOL_WHY_MAX] = "";
	int rc = tool_store_open(args, &o, why), code;

	if (rc == 0 && store_reader_create(o.env, &reader) == 0)
		f.reader = reader;
	if (rc == 0) {
		rc = store_check(o.env, on_finding, &f, &result);
		if (rc != 0)
			snprintf(why, sizeof(why), "The store cannot be walked to its end: %s.",
				strerror(-rc));
	}
	code = rc == 0 ? check_report(args, &result, f.list) : tool_failed(args, why);
	store_reader_destroy(reader);
	json_decref(f.list);
	tool_store_close(&o);
	return code;
}
