// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "http.h"
#include "print.h"
#include "rekey.h"
#include "verbs.h"

#include <inttypes.h>
#include <stdio.h>

static void row_add(struct table *t, const json_t *ue)
{
	table_format(t, "%" PRIu64, number_at(ue, "id"));
	table_text(t, text_at(ue, "impi"));
	table_text(t, text_at(ue, "btid"));
	table_format(
		t, "%s%s", text_at(ue, "expires"), truth_at(ue, "is_expired") ? " (over)" : "");
	table_text(t, text_at(ue, "address"));
	table_text(t, text_at(ue, "keys_in"));
	table_list(t, value_at(ue, "registered"));
}

static void list_print(const json_t *answer)
{
	static const struct table_column columns[] = {{"ID", true}, {"IMPI", false},
		{"B-TID", false}, {"MUK EXPIRES", false}, {"ADDRESS", false}, {"KEYS", false},
		{"REGISTERED", false}};
	const json_t *ue, *next = value_at(answer, "next");
	struct table t;
	size_t i;

	table_begin(&t, columns, 7);
	json_array_foreach(value_at(answer, "subscribers"), i, ue) row_add(&t, ue);
	table_end(&t);
	if (json_is_integer(next))
		printf("There are more: mskpush ue list --after %" JSON_INTEGER_FORMAT "\n",
			json_integer_value(next));
}

int ue_list_run(struct cli *cli, const struct cli_args *args)
{
	uint64_t after = 0, limit = 100;
	char path[HTTP_PATH_MAX], from[32] = "";
	int err = args_number(cli, args, OPT_AFTER, 0, UINT32_MAX, &after);

	if (err == 0)
		err = args_number(cli, args, OPT_LIMIT, 1, 10000, &limit);
	if (err != 0)
		return err;
	if (args->option[OPT_AFTER] != NULL)
		snprintf(from, sizeof(from), "&after=%" PRIu64, after);
	snprintf(path, sizeof(path), "/v1/subscribers?limit=%" PRIu64 "%s", limit, from);
	return http_show(cli, "GET", path, NULL, list_print);
}

// "2026-03-01T12:00:00Z, msk-request: ok"
static void pull_print(struct table *t, const json_t *pull)
{
	if (!json_is_object(pull)) {
		table_pair(t, "last pull", "%s", "none since the start");
		return;
	}
	table_pair(t, "last pull", "%s, %s: %s", text_at(pull, "at"), text_at(pull, "procedure"),
		text_at(pull, "result"));
}

static void push_print(struct table *t, const json_t *push)
{
	bool has_why = json_is_string(value_at(push, "why"));

	if (!json_is_object(push)) {
		table_pair(t, "last push", "%s", "none since the start, but for campaigns");
		return;
	}
	table_pair(t, "last push", "%s, MSK %s of %s, %" PRIu64 " sent: %s%s%s",
		text_at(push, "at"), text_at(push, "msk"), text_at(push, "group"),
		number_at(push, "sends"), text_at(push, "state"), has_why ? ", " : "",
		has_why ? text_at(push, "why") : "");
}

static void ue_print(const json_t *ue)
{
	static const struct table_column columns[] = {{NULL, false}, {NULL, false}};
	struct table t;

	table_begin(&t, columns, 2);
	table_pair(&t, "id", "%" PRIu64, number_at(ue, "id"));
	table_pair(&t, "impi", "%s", text_at(ue, "impi"));
	table_pair(&t, "btid", "%s", text_at(ue, "btid"));
	table_pair(&t, "muk", "%s%s", truth_at(ue, "has_muk") ? "there" : "none",
		truth_at(ue, "is_verified") ? ", verified" : "");
	table_pair(&t, "mrk", "%s", truth_at(ue, "has_mrk") ? "there" : "none");
	table_pair(&t, "expires", "%s%s", text_at(ue, "expires"),
		truth_at(ue, "is_expired") ? " (over)" : "");
	table_pair(&t, "address", "%s", text_at(ue, "address"));
	table_pair(&t, "port", "%" PRIu64, number_at(ue, "port"));
	table_pair(&t, "keys in", "%s", text_at(ue, "keys_in"));
	table_text(&t, "services");
	table_list(&t, value_at(ue, "services"));
	table_text(&t, "registered");
	table_list(&t, value_at(ue, "registered"));
	table_pair(&t, "previous btid", "%s", text_at(ue, "prev_btid"));
	table_pair(&t, "previous expires", "%s", text_at(ue, "prev_expires"));
	pull_print(&t, value_at(ue, "last_pull"));
	push_print(&t, value_at(ue, "last_push"));
	table_end(&t);
}

int ue_path(struct cli *cli, const char *id, char *path)
{
	snprintf(path, HTTP_PATH_MAX, "/v1/subscribers");
	if (id[0] != '\0' && http_path_add(path, id))
		return 0;
	return cli_fail(cli, CLI_USAGE, "bad-usage", "an IMPI or B-TID has 1 to 253 octets");
}

int ue_show_run(struct cli *cli, const struct cli_args *args)
{
	char path[HTTP_PATH_MAX];
	int err = ue_path(cli, args->word[0], path);

	return err != 0 ? err : http_show(cli, "GET", path, NULL, ue_print);
}

// What the subscriber was registered with, before it goes.
static int ue_groups(struct cli *cli, const char *path, json_t *groups)
{
	json_t *subscriber;
	int err = http_call(cli, "GET", path, NULL, &subscriber);

	if (err != 0)
		return err;
	err = rekey_groups(cli, value_at(subscriber, "services"), groups);
	json_decref(subscriber);
	return err;
}

int ue_remove_run(struct cli *cli, const struct cli_args *args)
{
	json_t *groups = json_array();
	char path[HTTP_PATH_MAX];
	int err = ue_path(cli, args->word[0], path);

	if (err == 0)
		err = ue_groups(cli, path, groups);
	if (err == 0)
		err = rekey_remove(cli, args, path, groups);
	json_decref(groups);
	return err;
}
