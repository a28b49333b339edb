// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "http.h"
#include "print.h"
#include "verbs.h"
#include "watch.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define UNDELIVERED_PAGE 10000

static int id_read(struct cli *cli, const struct cli_args *args, uint64_t *id)
{
	return args_word_number(cli, args->word[0], "campaign id", UINT32_MAX, id);
}

static void list_row_add(struct table *t, const json_t *c)
{
	table_format(t, "%" PRIu64, number_at(c, "id"));
	table_text(t, text_at(c, "group"));
	table_text(t, text_at(c, "msk.number"));
	table_text(t, text_at(c, "state"));
	table_number(t, number_at(c, "members"));
	table_number(t, number_at(c, "verified"));
	table_number(t, number_at(c, "given_up"));
	table_number(t, number_at(c, "refused"));
	table_number(t, number_at(c, "pending"));
	table_text(t, text_at(c, "started"));
}

static void list_print(const json_t *answer)
{
	static const struct table_column columns[] = {{"ID", true}, {"KEY GROUP", false},
		{"MSK", false}, {"STATE", false}, {"MEMBERS", true}, {"VERIFIED", true},
		{"GIVEN UP", true}, {"REFUSED", true}, {"PENDING", true}, {"STARTED", false}};
	const json_t *campaign;
	struct table t;
	size_t i;

	table_begin(&t, columns, 10);
	json_array_foreach(value_at(answer, "campaigns"), i, campaign) list_row_add(&t, campaign);
	table_end(&t);
}

int campaign_list_run(struct cli *cli, const struct cli_args *args)
{
	(void)args;
	return http_show(cli, "GET", "/v1/campaigns", NULL, list_print);
}

static void one_print(const json_t *campaign)
{
	campaign_print(campaign, NULL);
}

// One call that answers with the campaign.
static int campaign_call(struct cli *cli, const struct cli_args *args, const char *method,
	const char *tail, json_t *body)
{
	char path[64];
	uint64_t id;
	int err = id_read(cli, args, &id);

	if (err != 0) {
		json_decref(body);
		return err;
	}
	snprintf(path, sizeof(path), "/v1/campaigns/%" PRIu64 "%s", id, tail);
	return http_show(cli, method, path, body, one_print);
}

static void page_print(const json_t *members, bool is_first)
{
	static const struct table_column titled[] = {{"ID", true}, {"IMPI", false},
		{"B-TID", false}, {"STATE", false}, {"WHY", false}, {"SENDS", true}};
	static const struct table_column plain[] = {{NULL, true}, {NULL, false}, {NULL, false},
		{NULL, false}, {NULL, false}, {NULL, true}};
	const json_t *m;
	struct table t;
	size_t i;

	table_begin(&t, is_first ? titled : plain, 6);
	json_array_foreach(members, i, m)
	{
		table_format(&t, "%" PRIu64, number_at(m, "id"));
		table_text(&t, text_at(m, "impi"));
		table_text(&t, text_at(m, "btid"));
		table_text(&t, text_at(m, "state"));
		table_text(&t, text_at(m, "why"));
		table_number(&t, number_at(m, "sends"));
	}
	table_end(&t);
}

// With --json all pages become one object; it is written page by page, since millions of members
// may be in it.
static void page_print_json(const json_t *members, bool is_first)
{
	const json_t *m;
	size_t i;

	fputs(is_first ? "{\"members\": [" : "", stdout);
	json_array_foreach(members, i, m)
	{
		fputs(is_first && i == 0 ? "\n" : ",\n", stdout);
		json_dumpf(m, stdout, JSON_COMPACT);
	}
}

// A cell, in quotes where it needs them.
static void cell_print_csv(const json_t *value)
{
	const char *text = json_string_value(value);

	if (json_is_integer(value))
		printf("%" JSON_INTEGER_FORMAT, json_integer_value(value));
	if (text == NULL)
		return;
	if (strpbrk(text, ",\"\r\n") == NULL) {
		fputs(text, stdout);
		return;
	}
	putchar('"');
	for (; *text != '\0'; text++) {
		if (*text == '"')
			putchar('"');
		putchar(*text);
	}
	putchar('"');
}

static void page_print_csv(const json_t *members, bool is_first)
{
	static const char *const columns[] = {"id", "impi", "btid", "state", "why", "sends"};
	const json_t *m;
	size_t i;

	if (is_first)
		puts("id,impi,btid,state,why,sends");
	json_array_foreach(members, i, m)
	{
		for (unsigned k = 0; k < 6; k++) {
			if (k > 0)
				putchar(',');
			cell_print_csv(value_at(m, columns[k]));
		}
		putchar('\n');
	}
}

// end: what stands behind the last page, or NULL.
static int undelivered_print(struct cli *cli, const struct cli_args *args,
	void (*print)(const json_t *members, bool is_first), const char *end)
{
	char path[128], after[32] = "";
	uint64_t id;
	int err = id_read(cli, args, &id);

	for (bool is_first = true, is_last = false; err == 0 && !is_last; is_first = false) {
		const json_t *next;
		json_t *answer;

		snprintf(path, sizeof(path), "/v1/campaigns/%" PRIu64 "/undelivered?limit=%d%s", id,
			UNDELIVERED_PAGE, after);
		err = http_call(cli, "GET", path, NULL, &answer);
		if (err != 0)
			break;
		print(value_at(answer, "members"), is_first);
		next = value_at(answer, "next");
		is_last = !json_is_integer(next);
		snprintf(after, sizeof(after), "&after=%" JSON_INTEGER_FORMAT,
			json_integer_value(next));
		json_decref(answer);
	}
	if (err == 0 && end != NULL)
		puts(end);
	return err;
}

static int undelivered_show(struct cli *cli, const struct cli_args *args)
{
	if (cli->is_json)
		return undelivered_print(cli, args, page_print_json, "\n]}");
	return undelivered_print(cli, args, page_print, NULL);
}

int campaign_export_run(struct cli *cli, const struct cli_args *args)
{
	if (args->option[OPT_CSV] != NULL && !cli->is_json)
		return undelivered_print(cli, args, page_print_csv, NULL);
	if (cli->is_json && args->option[OPT_CSV] == NULL)
		return undelivered_show(cli, args);
	return cli_fail(cli, CLI_USAGE, "bad-usage", "campaign export takes --csv or --json");
}

int campaign_show_run(struct cli *cli, const struct cli_args *args)
{
	if (args->option[OPT_UNDELIVERED] != NULL)
		return undelivered_show(cli, args);
	return campaign_call(cli, args, "GET", "", NULL);
}

int campaign_watch_run(struct cli *cli, const struct cli_args *args)
{
	uint64_t id;
	int err = id_read(cli, args, &id);

	return err != 0 ? err : campaign_watch(cli, id, NULL);
}

int fire_run(struct cli *cli, const struct cli_args *args)
{
	bool waits = args->option[OPT_NO_WAIT] == NULL;
	json_t *campaign = NULL, *drops = NULL;
	char path[64];
	uint64_t id;
	int err = id_read(cli, args, &id);

	if (err == 0 && !waits)
		return campaign_call(cli, args, "POST", "/fire", json_object());
	if (err == 0)
		err = drops_read(cli, &drops);
	if (err == 0) {
		snprintf(path, sizeof(path), "/v1/campaigns/%" PRIu64 "/fire", id);
		err = http_call(cli, "POST", path, json_object(), &campaign);
	}
	if (err == 0)
		err = campaign_watch(cli, id, drops);
	json_decref(campaign);
	json_decref(drops);
	return err;
}

int campaign_pause_run(struct cli *cli, const struct cli_args *args)
{
	return campaign_call(cli, args, "POST", "/pause", json_object());
}

int campaign_resume_run(struct cli *cli, const struct cli_args *args)
{
	return campaign_call(cli, args, "POST", "/resume", json_object());
}

int campaign_abort_run(struct cli *cli, const struct cli_args *args)
{
	return campaign_call(cli, args, "POST", "/abort", json_object());
}

int campaign_set_run(struct cli *cli, const struct cli_args *args)
{
	int err;
	json_t *rate = args_rate(cli, args, &err);

	if (err == 0 && rate == NULL)
		err = cli_fail(
			cli, CLI_USAGE, "bad-usage", "usage: mskpush campaign set ID --rate N");
	if (err != 0)
		return err;
	return campaign_call(cli, args, "PATCH", "", json_pack("{s:o}", "rate", rate));
}
