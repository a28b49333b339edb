// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "http.h"
#include "print.h"
#include "verbs.h"

#include <stdio.h>

static void areas_print(const json_t *status)
{
	static const struct table_column columns[] = {{"AREA", false}, {"LIMIT/S", true},
		{"SENT", true}, {"VERIFIED", true}, {"UNREACHABLE", true}};
	const json_t *area;
	struct table t;
	size_t i;

	table_begin(&t, columns, 5);
	json_array_foreach(value_at(status, "areas"), i, area)
	{
		const char *name = json_string_value(value_at(area, "name"));

		table_text(&t, name != NULL ? name : "(none)");
		if (number_at(area, "rate") > 0)
			table_number(&t, number_at(area, "rate"));
		else
			table_text(&t, "-");
		table_number(&t, number_at(area, "sent"));
		table_number(&t, number_at(area, "verified"));
		table_number(&t, number_at(area, "unreachable"));
	}
	table_end(&t);
}

int area_list_run(struct cli *cli, const struct cli_args *args)
{
	json_t *status, *areas;
	int err = http_call(cli, "GET", "/v1/status", NULL, &status);

	(void)args;
	if (err != 0)
		return err;
	if (cli->is_json) {
		areas = json_pack("{s:O?}", "areas", json_object_get(status, "areas"));
		cli_print_json(areas);
		json_decref(areas);
	} else {
		areas_print(status);
	}
	json_decref(status);
	return 0;
}

static void limit_print(const json_t *area)
{
	char rate[PRINT_NUMBER_MAX];

	printf("area %s: %s UEs/s\n", text_at(area, "name"),
		number_at(area, "rate") > 0 ? number_text(number_at(area, "rate"), rate) : "any");
}

int area_set_run(struct cli *cli, const struct cli_args *args)
{
	char path[HTTP_PATH_MAX] = "/v1/areas";
	int err;
	json_t *rate = args_rate(cli, args, &err);

	if (err == 0 && rate == NULL)
		err = cli_fail(
			cli, CLI_USAGE, "bad-usage", "usage: mskpush area set NAME --rate N");
	if (err == 0 && !http_path_add(path, args->word[0]))
		err = cli_fail(cli, CLI_USAGE, "bad-usage", "the name is too long");
	if (err != 0) {
		json_decref(rate);
		return err;
	}
	return http_show(cli, "PATCH", path, json_pack("{s:o}", "rate", rate), limit_print);
}
