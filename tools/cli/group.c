// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "http.h"
#include "print.h"
#include "verbs.h"

#include <stdio.h>
#include <string.h>

// Makes a call whose answer says nothing to people.
static int quiet_call(struct cli *cli, const char *method, const char *path, json_t *body)
{
	json_t *answer;
	int err = http_call(cli, method, path, body, &answer);

	if (err == 0 && cli->is_json)
		cli_print_json(answer);
	json_decref(answer);
	return err;
}

static int service_path(struct cli *cli, const char *name, char path[HTTP_PATH_MAX])
{
	snprintf(path, HTTP_PATH_MAX, "/v1/services");
	if (name[0] != '\0' && http_path_add(path, name))
		return 0;
	return cli_fail(cli, CLI_USAGE, "bad-usage", "a service's name has 1 to 127 octets");
}

// Key groups from --group and from the words behind the name.
static int service_groups(struct cli *cli, const struct cli_args *args, json_t *groups)
{
	char group[CLI_GROUP_TEXT];
	int err = 0;

	for (unsigned i = 0; i < args->groups + args->words - 1 && err == 0; i++) {
		const char *word =
			i < args->groups ? args->group[i] : args->word[i - args->groups + 1];

		err = args_group(cli, word, group);
		if (err == 0)
			json_array_append_new(groups, json_string(group));
	}
	return err;
}

int service_add_run(struct cli *cli, const struct cli_args *args)
{
	json_t *groups = json_array();
	char path[HTTP_PATH_MAX];
	int err = service_path(cli, args->word[0], path);

	if (err == 0)
		err = service_groups(cli, args, groups);
	if (err == 0 && json_array_size(groups) == 0)
		err = cli_fail(cli, CLI_USAGE, "bad-usage",
			"a service needs a key group: mskpush service add NAME --group G");
	if (err != 0) {
		json_decref(groups);
		return err;
	}
	return quiet_call(cli, "PUT", path, json_pack("{s:o}", "groups", groups));
}

int service_list_run(struct cli *cli, const struct cli_args *args)
{
	static const struct table_column columns[] = {
		{"ID", true}, {"NAME", false}, {"KEY GROUPS", false}};
	const json_t *service;
	struct table t;
	json_t *answer;
	size_t i;
	int err;

	(void)args;
	err = http_call(cli, "GET", "/v1/services", NULL, &answer);
	if (err != 0)
		return err;
	if (cli->is_json) {
		cli_print_json(answer);
	} else {
		table_begin(&t, columns, 3);
		json_array_foreach(value_at(answer, "services"), i, service)
		{
			table_number(&t, number_at(service, "id"));
			table_text(&t, text_at(service, "name"));
			table_list(&t, value_at(service, "groups"));
		}
		table_end(&t);
	}
	json_decref(answer);
	return CLI_DONE;
}

int service_announce_run(struct cli *cli, const struct cli_args *args)
{
	json_t *flows = json_array(), *answer;
	char path[HTTP_PATH_MAX];
	int err = service_path(cli, args->word[0], path);

	for (unsigned i = 1; i < args->words; i++)
		json_array_append_new(flows, json_string(args->word[i]));
	if (err != 0) {
		json_decref(flows);
		return err;
	}
	strncat(path, "/announcement", sizeof(path) - strlen(path) - 1);
	err = http_call(cli, "POST", path,
		json_pack("{s:o, s:b, s:b}", "flows", flows, "confidentiality",
			args->option[OPT_NO_CONFIDENTIALITY] == NULL, "integrity",
			args->option[OPT_NO_INTEGRITY] == NULL),
		&answer);
	if (err != 0)
		return err;
	if (cli->is_json)
		cli_print_json(answer);
	else
		fputs(text_at(answer, "announcement"), stdout);
	json_decref(answer);
	return CLI_DONE;
}

int service_remove_run(struct cli *cli, const struct cli_args *args)
{
	char path[HTTP_PATH_MAX];
	int err = service_path(cli, args->word[0], path);

	return err != 0 ? err : quiet_call(cli, "DELETE", path, NULL);
}

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
	return quiet_call(cli, "PUT", path, json_pack("{s:s}", "profile", profile));
}

int group_list_run(struct cli *cli, const struct cli_args *args)
{
	static const struct table_column columns[] = {{"KEY GROUP", false}, {"PROFILE", false},
		{"MSKS", true}, {"LAST NUMBER", true}, {"CREATED", false}};
	const json_t *group;
	struct table t;
	json_t *answer;
	size_t i;
	int err;

	(void)args;
	err = http_call(cli, "GET", "/v1/groups", NULL, &answer);
	if (err != 0)
		return err;
	if (cli->is_json) {
		cli_print_json(answer);
	} else {
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
	json_decref(answer);
	return CLI_DONE;
}

int group_remove_run(struct cli *cli, const struct cli_args *args)
{
	char path[HTTP_PATH_MAX], group[CLI_GROUP_TEXT];
	int err = args_group(cli, args->word[0], group);

	if (err != 0)
		return err;
	snprintf(path, sizeof(path), "/v1/groups/%s", group);
	return quiet_call(cli, "DELETE", path, NULL);
}
