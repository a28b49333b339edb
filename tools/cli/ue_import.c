// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "http.h"
#include "print.h"
#include "verbs.h"

#include <sys/stat.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define BAR_FROM_BYTES (4 << 20) // smaller files are read before a bar could be seen

struct import_bar {
	struct progress progress;
	int64_t size;
};

static void bar_show(void *arg, int64_t sent)
{
	struct import_bar *bar = arg;
	char text[64], number[PRINT_NUMBER_MAX];

	snprintf(text, sizeof(text), "%s MB", number_text((uint64_t)sent >> 20, number));
	if (bar->progress.is_terminal && bar->size >= BAR_FROM_BYTES)
		progress_show(&bar->progress, (double)sent / (double)bar->size,
			sent < bar->size ? text : "all sent, publishing");
}

// "ues.csv:17: expires: has to be ...", as compilers write it.
static int bad_line_fail(struct cli *cli, const char *name, const struct http_answer *answer)
{
	const char *column = json_string_value(value_at(answer->json, "column"));

	if (cli->is_json || value_at(answer->json, "line") == NULL)
		return cli_fail_answer(cli, answer->status, answer->json);
	return cli_fail(cli, cli_exit_of(answer->status), "bad-line", "%s:%llu: %s%s%s", name,
		(unsigned long long)number_at(answer->json, "line"), column != NULL ? column : "",
		column != NULL ? ": " : "", text_at(answer->json, "why"));
}

static void skipped_print(const char *name, const json_t *answer)
{
	uint64_t skipped = number_at(answer, "skipped");
	const json_t *bad;
	size_t i;

	json_array_foreach(value_at(answer, "bad"), i, bad)
	{
		const char *column = json_string_value(value_at(bad, "column"));

		fprintf(stderr, "%s:%llu: %s%s%s\n", name,
			(unsigned long long)number_at(bad, "line"), column != NULL ? column : "",
			column != NULL ? ": " : "", text_at(bad, "why"));
	}
	if (skipped > i)
		fprintf(stderr, "and %llu more bad lines\n", (unsigned long long)(skipped - i));
}

static void result_print(const json_t *answer, bool is_dry)
{
	static const char *const names[] = {"added", "changed", "unchanged", "skipped"};
	char number[PRINT_NUMBER_MAX];

	printf("%s rows:", number_text(number_at(answer, "rows"), number));
	for (unsigned i = 0; i < 4; i++)
		printf("%s %s %s", i > 0 ? "," : "",
			number_text(number_at(answer, names[i]), number), names[i]);
	printf(" in %.1f s (%s rows/s)%s\n", real_at(answer, "seconds"),
		number_text((uint64_t)real_at(answer, "per_s"), number),
		is_dry ? "; a dry run: nothing is kept" : "");
}

static int file_import(struct cli *cli, const struct cli_args *args, FILE *file, int64_t size)
{
	bool is_skipping = args->option[OPT_SKIP_BAD] != NULL;
	bool is_dry = args->option[OPT_DRY_RUN] != NULL;
	struct import_bar bar = {.size = size};
	const struct http_upload upload = {.file = file,
		.name = args->word[0],
		.size = size,
		.progress = bar_show,
		.arg = &bar};
	struct http_answer answer;
	char path[64];
	int err;

	interrupt_catch();
	progress_begin(&bar.progress, STDERR_FILENO);
	snprintf(path, sizeof(path), "/v1/import?skip-bad=%d&dry-run=%d", is_skipping, is_dry);
	err = http_upload(cli, path, &upload, &answer);
	progress_end(&bar.progress);
	if (err != 0)
		return err;
	if (answer.status >= 400) {
		err = bad_line_fail(cli, args->word[0], &answer);
	} else if (cli->is_json) {
		cli_print_json(answer.json);
	} else {
		skipped_print(args->word[0], answer.json);
		result_print(answer.json, is_dry);
	}
	json_decref(answer.json);
	return err;
}

int ue_import_run(struct cli *cli, const struct cli_args *args)
{
	const char *name = args->word[0];
	FILE *file = strcmp(name, "-") == 0 ? stdin : fopen(name, "rb");
	struct stat st;
	int code;

	if (file == NULL || fstat(fileno(file), &st) != 0)
		return cli_fail(
			cli, CLI_USAGE, "bad-file", "cannot read %s: %s", name, strerror(errno));
	if (S_ISDIR(st.st_mode))
		code = cli_fail(
			cli, CLI_USAGE, "bad-file", "cannot read %s: it is a directory", name);
	else
		code = file_import(cli, args, file, S_ISREG(st.st_mode) ? st.st_size : -1);
	if (file != stdin)
		fclose(file);
	return code;
}
