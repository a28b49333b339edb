// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "http.h"
#include "print.h"
#include "verbs.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void msk_row_add(struct table *t, const json_t *msk)
{
	table_text(t, text_at(msk, "number"));
	table_format(
		t, "%s%s", text_at(msk, "state"), truth_at(msk, "is_released") ? ", released" : "");
	table_text(t, text_at(msk, "check"));
	table_text(t, text_at(msk, "csb_id"));
	table_format(t, "%" PRIu64 "-%" PRIu64, number_at(msk, "seq_l"), number_at(msk, "seq_u"));
	table_text(t, text_at(msk, "created"));
	table_text(t, text_at(msk, "activated"));
}

// The answer is one MSK, or has an array of them.
void msks_print(const json_t *answer)
{
	static const struct table_column columns[] = {{"NUMBER", false}, {"STATE", false},
		{"CHECK", false}, {"CSB ID", false}, {"SEQ", false}, {"CREATED", false},
		{"ACTIVATED", false}};
	const json_t *msk, *msks = value_at(answer, "msks");
	struct table t;
	size_t i;

	table_begin(&t, columns, 7);
	if (msks == NULL)
		msk_row_add(&t, answer);
	json_array_foreach(msks, i, msk) msk_row_add(&t, msk);
	table_end(&t);
}

static int msk_call(struct cli *cli, const char *method, const char *group, const char *tail)
{
	char path[HTTP_PATH_MAX], name[CLI_GROUP_TEXT];
	int err = args_group(cli, group, name);

	if (err != 0)
		return err;
	snprintf(path, sizeof(path), "/v1/groups/%s/msks%s", name, tail);
	return http_show(
		cli, method, path, strcmp(method, "GET") != 0 ? json_object() : NULL, msks_print);
}

int msk_new_run(struct cli *cli, const struct cli_args *args)
{
	return msk_call(cli, "POST", args->word[0], "");
}

int msk_list_run(struct cli *cli, const struct cli_args *args)
{
	return msk_call(cli, "GET", args->word[0], "");
}

static void revoked_print(const json_t *msk)
{
	msks_print(msk);
	printf("No MTK goes under it any more. Phones delete it when they are pushed it:\n"
	       "    mskpush push %s --msk %s\n",
		text_at(msk, "group"), text_at(msk, "number"));
}

int msk_revoke_run(struct cli *cli, const struct cli_args *args)
{
	char path[HTTP_PATH_MAX];
	int err = msk_path(cli, args, "revoke", path);

	return err != 0 ? err : http_show(cli, "POST", path, json_object(), revoked_print);
}

int msk_number(struct cli *cli, const char *text, char out[MSK_NUMBER_TEXT])
{
	size_t len = strlen(text);
	unsigned long number = strtoul(text, NULL, 16);

	if (len < 1 || len > 4 || strspn(text, "0123456789abcdefABCDEF") != len || number == 0)
		return cli_fail(cli, CLI_USAGE, "bad-usage",
			"'%s' is no key number: write it in hex, 0001 to ffff", text);
	snprintf(out, MSK_NUMBER_TEXT, "%04x", (unsigned)number & 0xffff);
	return 0;
}

int msk_path(
	struct cli *cli, const struct cli_args *args, const char *verb, char path[HTTP_PATH_MAX])
{
	char group[CLI_GROUP_TEXT], number[MSK_NUMBER_TEXT];
	int err = msk_number(cli, args->word[1], number);

	if (err == 0)
		err = args_group(cli, args->word[0], group);
	if (err == 0)
		snprintf(path, HTTP_PATH_MAX, "/v1/groups/%s/msks/%s/%s", group, number, verb);
	return err;
}
