// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// MTKs of key groups, and the change from one MSK to the next.

#include "http.h"
#include "print.h"
#include "verbs.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAY_S 86400

// --- Tables ---------------------------------------------------------------------------------

static void stream_row_add(struct table *t, const json_t *stream)
{
	const char *waits = json_string_value(value_at(stream, "waits_for"));

	table_text(t, text_at(stream, "group"));
	table_text(t, !truth_at(stream, "is_on") ? "off" : waits != NULL ? waits : "on");
	table_list(t, value_at(stream, "to"));
	table_text(t, text_at(stream, "msk.number"));
	table_number(t, number_at(stream, "msk.mtk_ids_left"));
	table_format(t, "%g/%g/%g s", real_at(stream, "lead_s"), real_at(stream, "interval_s"),
		real_at(stream, "repeat_s"));
	table_number(t, number_at(stream, "sent"));
	table_text(t, text_at(stream, "last_sent"));
}

// The answer is one group, or has an array of them.
static void streams_print(const json_t *answer)
{
	static const struct table_column columns[] = {{"GROUP", false}, {"STATE", false},
		{"TO", false}, {"MSK", false}, {"IDS LEFT", true}, {"LEAD/INTERVAL/REPEAT", false},
		{"SENT", true}, {"LAST", false}};
	const json_t *stream, *streams = value_at(answer, "mtks");
	struct table t;
	size_t i;

	table_begin(&t, columns, 8);
	if (streams == NULL)
		stream_row_add(&t, answer);
	json_array_foreach(streams, i, stream) stream_row_add(&t, stream);
	table_end(&t);
}

static void schedule_print(const json_t *stream)
{
	static const struct table_column columns[] = {{"MSK", false}, {"MTK ID", true},
		{"SENT FROM", false}, {"IN USE FROM", false}, {"UNTIL", false}, {"", false}};
	const json_t *mtk;
	struct table t;
	size_t i;

	table_begin(&t, columns, 6);
	json_array_foreach(value_at(stream, "schedule"), i, mtk)
	{
		table_text(&t, text_at(mtk, "msk"));
		table_format(&t, "%" PRIu64, number_at(mtk, "mtk_id"));
		table_text(&t, text_at(mtk, "send"));
		table_text(&t, text_at(mtk, "from"));
		table_text(&t, text_at(mtk, "to"));
		table_text(&t, truth_at(mtk, "is_dummy") ? "dummy" : "");
	}
	table_end(&t);
}

static void switch_print(const json_t *stream)
{
	const json_t *change = value_at(stream, "switch");

	if (!json_is_object(change))
		return;
	if (strcmp(text_at(change, "state"), "waits") == 0)
		printf("MSK %s waits until %" PRIu64 " %% have it: %" PRIu64 " of %" PRIu64 "\n",
			text_at(change, "to"), number_at(change, "percent"),
			number_at(change, "have"), number_at(change, "members"));
	else
		printf("MSK %s comes into use: %s\n", text_at(change, "to"),
			text_at(change, "state"));
}

// --- Verbs ----------------------------------------------------------------------------------

static int mtk_path(struct cli *cli, const char *group, char path[HTTP_PATH_MAX])
{
	char name[CLI_GROUP_TEXT];
	int err = args_group(cli, group, name);

	if (err == 0)
		snprintf(path, HTTP_PATH_MAX, "/v1/groups/%s/mtk", name);
	return err;
}

static int seconds_add(struct cli *cli, const struct cli_args *args, enum cli_option option,
	const char *name, json_t *body)
{
	uint64_t s = 0;
	int err = args_duration(cli, args, option, DAY_S, &s);

	if (err == 0 && args->option[option] != NULL)
		json_object_set_new(body, name, json_integer((json_int_t)s));
	return err;
}

static int start_body(struct cli *cli, const struct cli_args *args, json_t *body)
{
	json_t *to = json_array();
	int err;

	json_object_set_new(body, "to", to);
	for (unsigned i = 0; i < args->tos; i++)
		json_array_append_new(to, json_string(args->to[i]));
	if (args->tos == 0)
		return cli_fail(cli, CLI_USAGE, "bad-usage",
			"usage: mskpush mtk start G --to ADDRESS:PORT");
	err = seconds_add(cli, args, OPT_LEAD, "lead", body);
	if (err == 0)
		err = seconds_add(cli, args, OPT_INTERVAL, "interval", body);
	if (err == 0)
		err = seconds_add(cli, args, OPT_REPEAT, "repeat", body);
	if (err == 0)
		err = seconds_add(cli, args, OPT_DUMMY, "dummy", body);
	if (args->option[OPT_SALT] != NULL)
		json_object_set_new(body, "salt", json_true());
	if (args->option[OPT_MTK_RAND] != NULL)
		json_object_set_new(body, "mtk_rand", json_string(args->option[OPT_MTK_RAND]));
	return err;
}

int mtk_start_run(struct cli *cli, const struct cli_args *args)
{
	json_t *body = json_object();
	char path[HTTP_PATH_MAX];
	int err = mtk_path(cli, args->word[0], path);

	if (err == 0)
		err = start_body(cli, args, body);
	if (err != 0) {
		json_decref(body);
		return err;
	}
	return http_show(cli, "POST", path, body, streams_print);
}

static void stopped_print(const json_t *answer)
{
	(void)answer;
	printf("MTKs are sent no more\n");
}

int mtk_stop_run(struct cli *cli, const struct cli_args *args)
{
	char path[HTTP_PATH_MAX];
	int err = mtk_path(cli, args->word[0], path);

	return err != 0 ? err : http_show(cli, "DELETE", path, NULL, stopped_print);
}

int mtk_list_run(struct cli *cli, const struct cli_args *args)
{
	(void)args;
	return http_show(cli, "GET", "/v1/mtks", NULL, streams_print);
}

static json_t *stream_of(const json_t *answer, const char *group)
{
	json_t *stream;
	size_t i;

	json_array_foreach(json_object_get(answer, "mtks"), i, stream)
	{
		if (strcmp(text_at(stream, "group"), group) == 0)
			return stream;
	}
	return NULL;
}

int mtk_show_run(struct cli *cli, const struct cli_args *args)
{
	char group[CLI_GROUP_TEXT];
	json_t *answer, *stream;
	int err = args_group(cli, args->word[0], group);

	if (err == 0)
		err = http_call(cli, "GET", "/v1/mtks", NULL, &answer);
	if (err != 0)
		return err;
	stream = stream_of(answer, group);
	if (stream == NULL) {
		err = cli_fail(cli, CLI_FAILED, "no-mtks", "no MTKs of %s are sent", group);
	} else if (cli->is_json) {
		cli_print_json(stream);
	} else {
		streams_print(stream);
		switch_print(stream);
		schedule_print(stream);
	}
	json_decref(answer);
	return err;
}

// --- From one MSK to the next ---------------------------------------------------------------

// What using it now would come to is said before it is done.
static int pulls_tell(struct cli *cli, const char *path)
{
	json_t *answer;
	int err = http_call(cli, "POST", path, json_pack("{s:b}", "dry_run", 1), &answer);

	if (err != 0)
		return err;
	if (!cli->is_json)
		printf("%" PRIu64 " of %" PRIu64 " phones would pull\n",
			number_at(answer, "would_pull"), number_at(answer, "members"));
	json_decref(answer);
	return 0;
}

static void activation_print(const json_t *msk)
{
	msks_print(msk);
	if (strcmp(text_at(msk, "state"), "next") != 0)
		return;
	printf("MTKs are sent: `mskpush mtk show` tells when it comes into use. %" PRIu64 " of "
	       "%" PRIu64 " phones have it.\n",
		number_at(msk, "have"), number_at(msk, "members"));
}

int msk_activate_run(struct cli *cli, const struct cli_args *args)
{
	char path[HTTP_PATH_MAX];
	uint64_t percent = 0;
	json_t *body;
	int err = msk_path(cli, args, "activate", path);

	if (err == 0 &&
		(args->option[OPT_NOW] != NULL) + (args->option[OPT_CANCEL] != NULL) +
				(args->option[OPT_PERCENT] != NULL) >
			1)
		err = cli_fail(cli, CLI_USAGE, "bad-usage",
			"--percent, --now and --cancel: one of them at most");
	if (err == 0)
		err = args_number(cli, args, OPT_PERCENT, 1, 100, &percent);
	if (err == 0 && args->option[OPT_NOW] != NULL)
		err = pulls_tell(cli, path);
	if (err != 0)
		return err;
	body = json_object();
	if (percent != 0)
		json_object_set_new(body, "percent", json_integer((json_int_t)percent));
	if (args->option[OPT_NOW] != NULL)
		json_object_set_new(body, "now", json_true());
	if (args->option[OPT_CANCEL] != NULL)
		json_object_set_new(body, "cancel", json_true());
	return http_show(cli, "POST", path, body, activation_print);
}
