// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "cli.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

// One line, whatever the text holds.
static void line_print(const char *text)
{
	fputs("mskpush: ", stderr);
	for (; *text != '\0'; text++)
		fputc((unsigned char)*text < ' ' || *text == 0x7f ? ' ' : *text, stderr);
	fputc('\n', stderr);
}

void cli_print_json(const json_t *json)
{
	json_dumpf(json, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(12));
	putchar('\n');
}

int cli_fail(struct cli *cli, enum cli_exit code, const char *word, const char *format, ...)
{
	char message[1024];
	json_t *object;
	va_list ap;

	va_start(ap, format);
	vsnprintf(message, sizeof(message), format, ap);
	va_end(ap);
	line_print(message);
	if (!cli->is_json)
		return code;
	object = json_pack("{s:s, s:s}", "error", word, "message", message);
	if (object == NULL)
		object = json_pack("{s:s, s:s}", "error", word, "message", "The text is no UTF-8.");
	cli_print_json(object);
	json_decref(object);
	return code;
}

enum cli_exit cli_exit_of(long status)
{
	return status == 400 || status == 411 || status == 413 ? CLI_USAGE : CLI_FAILED;
}

int cli_fail_answer(struct cli *cli, long status, const json_t *answer)
{
	const char *message = json_string_value(json_object_get(answer, "message"));

	if (message == NULL)
		return cli_fail(cli, cli_exit_of(status), "bad-answer",
			"the daemon answers with status %ld and does not say why", status);
	line_print(message);
	if (cli->is_json)
		cli_print_json(answer);
	return cli_exit_of(status);
}

void cli_out_of_memory(void)
{
	line_print("out of memory");
	exit(CLI_FAILED);
}
