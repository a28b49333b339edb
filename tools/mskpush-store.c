// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// mskpush-store: looks at, saves and mends a store that no daemon uses.

#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "offline.h"
#include "store/export.h"

#define EXIT_USAGE 2
#define LISTED_MAX 1000 // findings that --json lists; it counts all
#define SENTENCE 256

struct args {
	const char *verb;
	const char *path[2];
	int paths;
	const char *wrapping_key;
	const char *out;
	bool is_json;
};

// A store that is open for reading: of a directory, which is locked meanwhile, or a file alone.
struct opened {
	struct store_env *env;
	int lock_fd;
	char file[4096];
};

static int failed(const struct args *args, const char *why)
{
	json_t *object;

	if (!args->is_json) {
		fprintf(stderr, "mskpush-store: %s\n", why);
		return EXIT_FAILURE;
	}
	object = json_pack("{s:s}", "error", why);
	json_dumpf(object, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(object);
	return EXIT_FAILURE;
}

static void json_show(json_t *object)
{
	json_dumpf(object, stdout, JSON_COMPACT | JSON_PRESERVE_ORDER);
	putchar('\n');
	json_decref(object);
}

static int place_lock(const char *path, struct opened *o, char why[SENTENCE])
{
	struct stat st;

	o->lock_fd = -1;
	if (stat(path, &st) != 0) {
		snprintf(why, SENTENCE, "%.200s: %s.", path, strerror(errno));
		return -errno;
	}
	if (!S_ISDIR(st.st_mode)) {
		snprintf(o->file, sizeof(o->file), "%s", path);
		return 0;
	}
	if (snprintf(o->file, sizeof(o->file), "%s/data.mdb", path) >= (int)sizeof(o->file))
		return -ENAMETOOLONG;
	return store_dir_lock(path, &o->lock_fd, why);
}

static int store_look(const struct args *args, struct opened *o, char why[SENTENCE])
{
	struct store_env_conf conf = {.file = o->file, .wrapping_key = args->wrapping_key};
	int rc = place_lock(args->path[0], o, why);

	o->env = NULL;
	return rc == 0 ? store_env_open(&conf, &o->env, why) : rc;
}

static void store_leave(struct opened *o)
{
	store_env_close(o->env);
	if (o->lock_fd >= 0)
		close(o->lock_fd);
}

// --- check -----------------------------------------------------------------------------------

struct findings {
	bool is_json;
	const struct store_reader *reader; // names subscribers; NULL: they stay numbers
	json_t *list;
};

static void subscribers_name(const struct findings *f, const struct store_finding *finding)
{
	for (uint32_t i = 0; i < finding->subscribers; i++) {
		store_id id = finding->first + i;
		struct store_subscriber sub = {0};

		if (f->reader != NULL)
			store_reader_subscriber(f->reader, id, &sub);
		printf("  subscriber %" PRIu32 " %s\n", id, sub.impi);
		explicit_bzero(&sub, sizeof(sub));
	}
}

static json_t *subscribers_json(const struct findings *f, const struct store_finding *finding)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < finding->subscribers; i++) {
		store_id id = finding->first + i;
		struct store_subscriber sub = {0};

		if (f->reader != NULL)
			store_reader_subscriber(f->reader, id, &sub);
		json_array_append_new(
			list, json_pack("{s:I, s:s}", "id", (json_int_t)id, "impi", sub.impi));
		explicit_bzero(&sub, sizeof(sub));
	}
	return list;
}

static void on_finding(void *arg, const struct store_finding *finding)
{
	struct findings *f = arg;

	if (f->is_json) {
		if (json_array_size(f->list) < LISTED_MAX)
			json_array_append_new(f->list,
				json_pack("{s:s, s:s, s:s, s:o}", "table", finding->table, "key",
					finding->key, "what", finding->what, "subscribers",
					subscribers_json(f, finding)));
		return;
	}
	printf("%s %s: %s\n", finding->table, finding->key, finding->what);
	subscribers_name(f, finding);
}

static int check_report(
	const struct args *args, const struct store_check_result *result, json_t *list)
{
	if (args->is_json) {
		json_show(json_pack("{s:I, s:I, s:I, s:I, s:b, s:b, s:O}", "subscribers",
			(json_int_t)result->live, "records", (json_int_t)result->records,
			"findings", (json_int_t)result->findings, "damaged_subscribers",
			(json_int_t)result->damaged_subscribers, "is_import_open",
			result->is_import_open, "is_copy", result->is_copy, "list", list));
	} else {
		printf("%" PRIu64 " records of %" PRIu32 " subscribers: ", result->records,
			result->live);
		if (result->findings == 0)
			printf("all whole\n");
		else
			printf("%" PRIu64 " findings, %" PRIu32 " subscribers damaged\n",
				result->findings, result->damaged_subscribers);
		if (result->is_import_open)
			printf("An import was interrupted: the next start finishes or undoes "
			       "it.\n");
		if (result->is_copy)
			printf("It is a copy that no daemon has used yet.\n");
	}
	return result->findings == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int check_run(const struct args *args)
{
	struct findings f = {.is_json = args->is_json, .list = json_array()};
	struct store_check_result result;
	struct store_reader *reader = NULL;
	struct opened o;
	char why[SENTENCE] = "";
	int rc = store_look(args, &o, why), code;

	if (rc == 0 && store_reader_create(o.env, &reader) == 0)
		f.reader = reader;
	if (rc == 0) {
		rc = store_check(o.env, on_finding, &f, &result);
		if (rc != 0)
			snprintf(why, sizeof(why), "The store cannot be walked to its end: %s.",
				strerror(-rc));
	}
	code = rc == 0 ? check_report(args, &result, f.list) : failed(args, why);
	store_reader_destroy(reader);
	json_decref(f.list);
	store_leave(&o);
	return code;
}

// --- version ---------------------------------------------------------------------------------

static int version_run(const struct args *args)
{
	char why[SENTENCE] = "";
	struct opened o;
	uint32_t format;
	int rc = place_lock(args->path[0], &o, why);

	o.env = NULL;
	if (rc == 0)
		rc = store_file_format(o.file, &format, why);
	store_leave(&o);
	if (rc != 0)
		return failed(args, why);
	if (args->is_json)
		json_show(json_pack("{s:I, s:i}", "format", (json_int_t)format, "program_format",
			STORE_FORMAT));
	else
		printf("format %" PRIu32 ", this program writes format %d\n", format, STORE_FORMAT);
	return EXIT_SUCCESS;
}

// --- export ----------------------------------------------------------------------------------

static void on_left_out(void *arg, store_id id, const char *impi)
{
	(void)arg;
	fprintf(stderr, "mskpush-store: subscriber %" PRIu32 " %s is damaged and left out\n", id,
		impi);
}

// NULL with a sentence. Keys do not go to a terminal, nor into a file that others may read.
static FILE *out_open(const struct args *args, char why[SENTENCE])
{
	FILE *out;
	int fd;

	if (args->out == NULL && isatty(STDOUT_FILENO)) {
		snprintf(why, SENTENCE,
			"Keys would be shown on the terminal: name a file by --out.");
		return NULL;
	}
	if (args->out == NULL)
		return stdout;
	fd = open(args->out, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	out = fd >= 0 ? fdopen(fd, "w") : NULL;
	if (out == NULL)
		snprintf(why, SENTENCE, "%.180s cannot be made: %s.", args->out, strerror(errno));
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
	struct opened *o, FILE *out, struct export_result *result, char why[SENTENCE])
{
	struct store_reader *reader;
	int rc = store_reader_create(o->env, &reader);

	if (rc == 0) {
		export_subscribers(reader, out, on_left_out, NULL, result);
		store_reader_destroy(reader);
		rc = out_close(out);
	}
	if (rc != 0)
		snprintf(why, SENTENCE, "The subscribers cannot be written: %s.", strerror(-rc));
	return rc;
}

static int export_run(const struct args *args)
{
	struct export_result result = {0};
	char why[SENTENCE] = "";
	struct opened o;
	FILE *out = NULL;
	int rc = store_look(args, &o, why);

	if (rc == 0) {
		out = out_open(args, why);
		rc = out != NULL ? rows_export(&o, out, &result, why) : -EIO;
	}
	store_leave(&o);
	if (rc != 0)
		return failed(args, why);
	fprintf(stderr, "%" PRIu32 " subscribers, %" PRIu32 " damaged ones left out\n",
		result.subscribers, result.damaged);
	return result.damaged == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

// --- upgrade, restore ------------------------------------------------------------------------

static int kept_show(const struct args *args, int rc, const char *kept, const char *why)
{
	if (rc != 0)
		return failed(args, why);
	if (args->is_json)
		json_show(json_pack("{s:s}", "kept", kept));
	else if (kept[0] != '\0')
		printf("done; the file before is kept as %s: remove it when all is well\n", kept);
	else
		printf("done\n");
	return EXIT_SUCCESS;
}

static int upgrade_run(const struct args *args)
{
	char why[SENTENCE] = "", kept[64] = "";
	int fd = -1, rc = store_dir_lock(args->path[0], &fd, why);

	if (rc == 0)
		rc = store_upgrade(args->path[0], args->wrapping_key, kept, why);
	if (fd >= 0)
		close(fd);
	return kept_show(args, rc, kept, why);
}

static int restore_run(const struct args *args)
{
	char why[SENTENCE] = "", kept[64] = "";
	int fd = -1, rc = 0;

	if (mkdir(args->path[1], 0700) != 0 && errno != EEXIST) {
		snprintf(why, sizeof(why), "%.180s cannot be made: %s.", args->path[1],
			strerror(errno));
		return failed(args, why);
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
	{"check", 1, check_run},
	{"export", 1, export_run},
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

int main(int argc, char **argv)
{
	static const struct argp argp = {options, option_take, "COMMAND STORE", doc, 0, 0, 0};
	struct args args = {.wrapping_key = "none"};
	int code;

	argp_err_exit_status = EXIT_USAGE;
	argp_parse(&argp, argc, argv, 0, NULL, &args);
	code = verb_find(args.verb)->run(&args);
	if (fflush(stdout) != 0)
		return EXIT_FAILURE;
	return code;
}
