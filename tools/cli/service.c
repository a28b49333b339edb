// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "http.h"
#include "print.h"
#include "rekey.h"
#include "verbs.h"

#include <stdio.h>
#include <string.h>

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
	return http_show(cli, "PUT", path,
		json_pack("{s:o, s:s*}", "groups", groups, "policy", args->option[OPT_POLICY]),
		NULL);
}

static void services_print(const json_t *answer)
{
	static const struct table_column columns[] = {
		{"ID", true}, {"NAME", false}, {"POLICY", false}, {"KEY GROUPS", false}};
	const json_t *service;
	struct table t;
	size_t i;

	table_begin(&t, columns, 4);
	json_array_foreach(value_at(answer, "services"), i, service)
	{
		table_number(&t, number_at(service, "id"));
		table_text(&t, text_at(service, "name"));
		table_text(&t, text_at(service, "policy"));
		table_list(&t, value_at(service, "groups"));
	}
	table_end(&t);
}

int service_list_run(struct cli *cli, const struct cli_args *args)
{
	(void)args;
	return http_show(cli, "GET", "/v1/services", NULL, services_print);
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
	json_t *groups = json_array(), *names = json_pack("[s]", args->word[0]);
	char path[HTTP_PATH_MAX];
	int err = service_path(cli, args->word[0], path);

	if (err == 0)
		err = rekey_groups(cli, names, groups);
	if (err == 0)
		err = rekey_remove(cli, args, path, groups);
	json_decref(groups);
	json_decref(names);
	return err;
}
