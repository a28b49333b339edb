// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "http.h"
#include "print.h"
#include "verbs.h"

#include <stdio.h>
#include <string.h>

int group_add_run(struct cli *cli, const struct cli_args *args)
{
	const char *profile = args->option[OPT_PROFILE];
	char path[HTTP_PATH_MAX], group[CLI_GROUP_TEXT];
	int err = args_group(cli, args->word[0], group);

	if (err != 0)
		return err;
	if (profile == NULL)
		profile = "ts33246";
	if (strcmp(profile, "ts33246") != 0 && strcmp(profile, "v600") != 0)
		return cli_fail(cli, CLI_USAGE, "bad-usage",
			"--profile has to be ts33246 or v600, not '%s'", profile);
	snprintf(path, sizeof(path), "/v1/groups/%s", group);
	return http_show(cli, "PUT", path, json_pack("{s:s}", "profile", profile), NULL);
}

static void groups_print(const json_t *answer)
{
	static const struct table_column columns[] = {{"KEY GROUP", false}, {"PROFILE", false},
		{"MSKS", true}, {"LAST NUMBER", true}, {"CREATED", false}};
	const json_t *group;
	struct table t;
	size_t i;

	table_begin(&t, columns, 5);
	json_array_foreach(value_at(answer, "groups"), i, group)
	{
		table_text(&t, text_at(group, "group"));
		table_text(&t, text_at(group, "profile"));
		table_number(&t, number_at(group, "msks"));
		table_text(&t, text_at(group, "last_key_number"));
		table_text(&t, text_at(group, "created"));
	}
	table_end(&t);
}

int group_list_run(struct cli *cli, const struct cli_args *args)
{
	(void)args;
	return http_show(cli, "GET", "/v1/groups", NULL, groups_print);
}

int group_remove_run(struct cli *cli, const struct cli_args *args)
{
	char path[HTTP_PATH_MAX], group[CLI_GROUP_TEXT];
	int err = args_group(cli, args->word[0], group);

	if (err != 0)
		return err;
	snprintf(path, sizeof(path), "/v1/groups/%s", group);
	return http_show(cli, "DELETE", path, NULL, NULL);
}
