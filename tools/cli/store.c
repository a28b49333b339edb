// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "http.h"
#include "print.h"
#include "verbs.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void wrapping_print(const json_t *answer)
{
	char n[PRINT_NUMBER_MAX];
	struct table t;

	table_begin_pairs(&t);
	table_pair(&t, "wrapped under", "%s",
		strcmp(text_at(answer, "kind"), "none") == 0 ? "nothing: in the clear"
							     : text_at(answer, "kind"));
	table_pair_number(&t, "data keys", number_at(answer, "data_keys"));
	if (truth_at(answer, "is_sealing"))
		table_pair(&t, "sealing anew", "%s records so far",
			number_text(number_at(answer, "sealed"), n));
	if (number_at(answer, "damaged") > 0)
		table_pair_number(&t, "damaged records", number_at(answer, "damaged"));
	table_end(&t);
}

static int wrapping_call(struct cli *cli, const char *method, const char *path, json_t *body)
{
	json_t *answer;
	int err = http_call(cli, method, path, body, &answer);

	if (err != 0)
		return err;
	if (cli->is_json)
		cli_print_json(answer);
	else
		wrapping_print(answer);
	json_decref(answer);
	return CLI_DONE;
}

int key_show_run(struct cli *cli, const struct cli_args *args)
{
	(void)args;
	return wrapping_call(cli, "GET", "/v1/key", NULL);
}

int key_rotate_run(struct cli *cli, const struct cli_args *args)
{
	json_t *body = json_pack("{s:b}", "deep", args->option[OPT_DEEP] != NULL);

	if (args->words > 0)
		json_object_set_new(body, "source", json_string(args->word[0]));
	return wrapping_call(cli, "POST", "/v1/key/rotate", body);
}

int backup_run(struct cli *cli, const struct cli_args *args)
{
	char dir[4096] = "", path[8192], n[PRINT_NUMBER_MAX];
	json_t *answer;
	int err;

	// The daemon has another working directory.
	if (args->word[0][0] != '/' && getcwd(dir, sizeof(dir)) == NULL)
		return cli_fail(cli, CLI_USAGE, "bad-usage", "name the file by an absolute path");
	snprintf(path, sizeof(path), "%s%s%s", dir, dir[0] != '\0' ? "/" : "", args->word[0]);
	err = http_call(cli, "POST", "/v1/backup", json_pack("{s:s}", "file", path), &answer);
	if (err != 0)
		return err;
	if (cli->is_json)
		cli_print_json(answer);
	else
		printf("%s: %s bytes\n", path, number_text(number_at(answer, "bytes"), n));
	json_decref(answer);
	return CLI_DONE;
}
