// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// mskpush-store: looks at, saves and mends a store that no daemon uses.

#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "offline.h"
#include "store/tool.h"

#define EXIT_USAGE 2

void tool_json_show(json_t *object)
{
	json_dumpf(object, stdout, JSON_COMPACT | JSON_PRESERVE_ORDER);
	putchar('\n');
	json_decref(object);
}

int tool_failed(const struct args *args, const char *why)
{
	if (args->is_json)
		tool_json_show(json_pack("{s:s}", "error", why));
	else
		fprintf(stderr, "mskpush-store: %s\n", why);
	return EXIT_FAILURE;
}

static int place_lock(const char *path, struct opened *o, char why[TOOL_WHY_MAX])
{
	struct stat st;

	o->lock_fd = -1;
	if (stat(path, &st) != 0) {
		snprintf(why, TOOL_WHY_MAX, "%.200s: %s.", path, strerror(errno));
		return -errno;
	}
	if (!S_ISDIR(st.st_mode)) {
		snprintf(o->file, sizeof(o->file), "%s", path);
		return 0;
	}
	if (snprintf(o->file, sizeof(o->file), "%s/data.mdb", path) >= (int)sizeof(o->file)) {
		snprintf(why, TOOL_WHY_MAX, "%.200s: %s.", path, strerror(ENAMETOOLONG));
		return -ENAMETOOLONG;
	}
	return store_dir_lock(path, &o->lock_fd, why);
}

int tool_store_open(const struct args *args, struct opened *o, char why[TOOL_WHY_MAX])
{
	struct store_env_conf conf = {.file = o->file, .wrapping_key = args->wrapping_key};
	int rc = place_lock(args->path[0], o, why);

	o->env = NULL;
	return rc == 0 ? store_env_open(&conf, &o->env, why) : rc;
}

void tool_store_close(struct opened *o)
{
	store_env_close(o->env);
	if (o->lock_fd >= 0)
		close(o->lock_fd);
}

// --- version ---------------------------------------------------------------------------------

static int version_run(const struct args *args)
{
	char why[TOOL_WHY_MAX] = "";
	struct opened o;
	uint32_t format;
	int rc = place_lock(args->path[0], &o, why);

	o.env = NULL;
	if (rc == 0)
		rc = store_file_format(o.file, &format, why);
	tool_store_close(&o);
	if (rc != 0)
		return tool_failed(args, why);
	if (args->is_json)
		tool_json_show(json_pack("{s:I, s:i}", "format", (json_int_t)format,
			"program_format", STORE_FORMAT));
	else
		printf("format %" PRIu32 ", this program writes format %d\n", format, STORE_FORMAT);
	return EXIT_SUCCESS;
}

// --- upgrade, restore ------------------------------------------------------------------------

static int kept_show(const struct args *args, int rc, const char *kept, const char *why)
{
	if (rc != 0)
		return tool_failed(args, why);
	if (args->is_json)
		tool_json_show(json_pack("{s:s}", "kept", kept));
	else if (kept[0] != '\0')
		printf("done; the file before is kept as %s: remove it when all is well\n", kept);
	else
		printf("done\n");
	return EXIT_SUCCESS;
}

static int upgrade_run(const struct args *args)
{
	char why[TOOL_WHY_MAX] = "", kept[64] = "";
	int fd = -1, rc = store_dir_lock(args->path[0], &fd, why);

	if (rc == 0)
		rc = store_upgrade(args->path[0], args->wrapping_key, kept, why);
	if (fd >= 0)
		close(fd);
	return kept_show(args, rc, kept, why);
}

static int restore_run(const struct args *args)
{
	char why[TOOL_WHY_MAX] = "", kept[64] = "";
	int fd = -1, rc = 0;

	if (mkdir(args->path[1], 0700) != 0 && errno != EEXIST) {
		snprintf(why, sizeof(why), "%.180s cannot be made: %s.", args->path[1],
			strerror(errno));
		return tool_failed(args, why);
	}
	rc = store_dir_lock(args->path[1], &fd, why);
	if (rc == 0)
		rc = store_restore(args->path[0], args->path[1], kept, why);
	if (fd >= 0)
		close(fd);
	return kept_show(args, rc, kept, why);
}

// --- Arguments -------------------------------------------------------------------------------

static const struct verb {
	const char *name;
	int paths;
	int (*run)(const struct args *args);
} verbs[] = {
	{"check", 1, tool_check_run},
	{"export", 1, tool_export_run},
	{"restore", 2, restore_run},
	{"upgrade", 1, upgrade_run},
	{"version", 1, version_run},
};

static const struct verb *verb_find(const char *name)
{
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (strcmp(verbs[i].name, name) == 0)
			return &verbs[i];
	return NULL;
}

static const char doc[] =
	"Looks at, saves and mends a store that no daemon uses.\v"
	"  check STORE          every record, and which subscribers are damaged\n"
	"  export STORE         subscribers with their keys, as CSV for mskpush ue import\n"
	"  restore BACKUP DIR   puts a backup in the place of the data file\n"
	"  upgrade DIR          writes the data file anew: format of today, no free pages\n"
	"  version STORE        format of the data file\n\n"
	"STORE is the directory of a store, or a data file such as a backup. "
	"Example: mskpush-store check /var/lib/mskpush --wrapping-key file:/etc/mskpush/wrap.key";

static const struct argp_option options[] = {
	{"wrapping-key", 'k', "SOURCE", 0, "As store.wrapping_key of the daemon (none)", 0},
	{"out", 'o', "FILE", 0, "Export into a new file, 0600, not to standard output", 0},
	{"json", 'j', NULL, 0, "Answer in JSON", 0},
	{0},
};

static error_t option_take(int key, char *arg, struct argp_state *state)
{
	struct args *args = state->input;
	const struct verb *verb = args->verb != NULL ? verb_find(args->verb) : NULL;

	switch (key) {
	case 'k':
		args->wrapping_key = arg;
		return 0;
	case 'o':
		args->out = arg;
		return 0;
	case 'j':
		args->is_json = true;
		return 0;
	case ARGP_KEY_ARG:
		if (args->verb == NULL) {
			args->verb = arg;
			if (verb_find(arg) == NULL)
				argp_error(state, "there is no command %s", arg);
		} else if (args->paths < verb->paths) {
			args->path[args->paths++] = arg;
		} else {
			argp_error(state, "%s is too much", arg);
		}
		return 0;
	case ARGP_KEY_END:
		if (verb == NULL || args->paths < verb->paths)
			argp_error(state, "%s",
				verb == NULL ? "a command is missing" : "a path is missing");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

const char *argp_program_version = "mskpush-store " MSKPUSH_VERSION;

// It reads keys: of a crash nothing is left.
static void dumps_forbid(void)
{
	const struct rlimit none = {0, 0};

	if (setrlimit(RLIMIT_CORE, &none) != 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		fprintf(stderr, "mskpush-store: core dumps cannot be forbidden: %s\n",
			strerror(errno));
}

int main(int argc, char **argv)
{
	static const struct argp argp = {options, option_take, "COMMAND STORE", doc, 0, 0, 0};
	struct args args = {.wrapping_key = "none"};
	int code;

	dumps_forbid();
	argp_err_exit_status = EXIT_USAGE;
	argp_parse(&argp, argc, argv, 0, NULL, &args);
	code = verb_find(args.verb)->run(&args);
	if (fflush(stdout) != 0)
		return EXIT_FAILURE;
	return code;
}
