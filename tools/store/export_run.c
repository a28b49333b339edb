// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// export: subscribers with their keys, into a file or a pipe.

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/export.h"
#include "store/tool.h"

static void on_left_out(void *arg, store_id id, const char *impi)
{
	(void)arg;
	fprintf(stderr, "mskpush-store: subscriber %" PRIu32 " %s is damaged and left out\n", id,
		impi);
}

// NULL with a sentence. Keys do not go to a terminal, nor into a file that others may read.
static FILE *out_open(const struct args *args, char why[TOOL_WHY_MAX])
{
	FILE *out;
	int fd;

	if (args->out == NULL && isatty(STDOUT_FILENO)) {
		snprintf(why, TOOL_WHY_MAX,
			"Keys would be shown on the terminal: name a file by --out.");
		return NULL;
	}
	if (args->out == NULL)
		return stdout;
	fd = open(args->out, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	out = fd >= 0 ? fdopen(fd, "w") : NULL;
	if (out == NULL)
		snprintf(why, TOOL_WHY_MAX, "%.180s cannot be made: %s.", args->out,
			strerror(errno));
	return out;
}

static int out_close(FILE *out)
{
	int rc = fflush(out) == 0 && !ferror(out) ? 0 : -errno;

	if (out != stdout) {
		if (rc == 0 && fsync(fileno(out)) != 0)
			rc = -errno;
		if (fclose(out) != 0 && rc == 0)
			rc = -errno;
	}
	return rc;
}

static int rows_export(
	struct opened *o, FILE *out, struct export_result *result, char why[TOOL_WHY_MAX])
{
	struct store_reader *reader;
	int rc = store_reader_create(o->env, &reader);

	if (rc == 0) {
		export_subscribers(reader, out, on_left_out, NULL, result);
		store_reader_destroy(reader);
		rc = out_close(out);
	}
	if (rc != 0)
		snprintf(
			why, TOOL_WHY_MAX, "The subscribers cannot be written: %s.", strerror(-rc));
	return rc;
}

int tool_export_run(const struct args *args)
{
	struct export_result result = {0};
	char why[TOOL_WHY_MAX] = "";
	struct opened o;
	FILE *out = NULL;
	int rc = tool_store_open(args, &o, why);

	if (rc == 0) {
		out = out_open(args, why);
		rc = out != NULL ? rows_export(&o, out, &result, why) : -EIO;
	}
	tool_store_close(&o);
	if (rc != 0)
		return tool_failed(args, why);
	fprintf(stderr, "%" PRIu32 " subscribers, %" PRIu32 " damaged ones left out\n",
		result.subscribers, result.damaged);
	return result.damaged == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
