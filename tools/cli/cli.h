// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// What the verbs of mskpush share. A verb is one row of the table in verbs.c; its function gets
// checked arguments, speaks to the daemon through http.h and returns the exit code.

#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

struct http;

enum cli_exit {
	CLI_DONE = 0,
	CLI_FAILED = 1, // it ran, but not all are verified; or it failed
	CLI_USAGE = 2, // bad usage or input
	CLI_NO_DAEMON = 3, // the daemon was not reached, or went away
};

#define CLI_SOCKET_MAX 107 // octets a UNIX socket's path may have

struct cli {
	bool is_json;
	char socket[CLI_SOCKET_MAX + 1];
	struct http *http;
};

enum cli_option {
	OPT_SOCKET,
	OPT_JSON,
	OPT_HELP,
	OPT_VERSION,
	OPT_SKIP_BAD,
	OPT_DRY_RUN,
	OPT_AFTER,
	OPT_LIMIT,
	OPT_GROUP,
	OPT_PROFILE,
	OPT_NEW,
	OPT_RATE,
	OPT_SENDS,
	OPT_WAITS,
	OPT_UE,
	OPT_NO_WAIT,
	OPT_UNDELIVERED,
	OPT_CAPTURE_COUNT,
	OPT_STAGES,
	OPT_CSV,
	OPT_DEEP,
	OPT_NO_CONFIDENTIALITY,
	OPT_NO_INTEGRITY,
	OPT_AUTO,
	OPT_SOLICITS,
	OPT_SOLICIT_WAITS,
	OPT_SOLICIT_PREVIOUS,
	OPT_WITHIN,
	OPT_BY,
	OPT_SAMPLE,
	OPT_AREA,
	OPT_ONLY,
	OPT_UNDELIVERED_OF,
	OPT_YES,
	OPT_POLICY,
	OPT_REKEY,
	OPT_AT,
	OPT_STOP_IF_UNVERIFIED,
	OPT_STOP_AFTER,
	OPT_ARM,
	OPT_TO,
	OPT_LEAD,
	OPT_INTERVAL,
	OPT_REPEAT,
	OPT_DUMMY,
	OPT_SALT,
	OPT_MTK_RAND,
	OPT_PERCENT,
	OPT_NOW,
	OPT_CANCEL,
	OPT_MSK,
	OPT_ALL,
	OPT_COUNT
};
#define CLI_GLOBAL_OPTIONS \
	(1ull << OPT_SOCKET | 1ull << OPT_JSON | 1ull << OPT_HELP | 1ull << OPT_VERSION)

#define CLI_WORDS_MAX 40

struct cli_args {
	const char *option[OPT_COUNT]; // value, "" for a flag, NULL when not given
	const char *group[CLI_WORDS_MAX]; // --group may be given more than once
	unsigned groups;
	const char *to[CLI_WORDS_MAX]; // likewise --to
	unsigned tos;
	const char *word[CLI_WORDS_MAX]; // what follows the verb
	unsigned words;
};

struct cli_verb {
	const char *name; // "ue import"
	const char *usage; // "FILE"
	unsigned least; // words that have to follow
	unsigned most;
	uint64_t options; // bit per enum cli_option, besides the global ones
	int (*run)(struct cli *cli, const struct cli_args *args);
	const char *help;
	const char *example;
};

// --- verbs.c ----------------------------------------------------------------------------------
extern const struct cli_verb cli_verbs[];
extern const size_t cli_verb_count;

// --- args.c: the command line, and values in it -----------------------------------------------

// Sorts argv into verb and arguments; *verb stays NULL for --version and for --help alone. With
// --help the arguments are not checked. 0 or CLI_USAGE.
int args_read(struct cli *cli, int argc, char **argv, const struct cli_verb **verb,
	struct cli_args *args);

// A number option between least and most; *out stays as it is when the option is not given.
// 0 or CLI_USAGE, and so the next ones.
int args_number(struct cli *cli, const struct cli_args *args, enum cli_option option,
	uint64_t least, uint64_t most, uint64_t *out);
// A number that stands as a word; what: "campaign id".
int args_word_number(
	struct cli *cli, const char *word, const char *what, uint64_t most, uint64_t *out);
// A duration option as 90, 90s, 10m, 2h or 1d, in seconds, from 1 to most.
int args_duration(struct cli *cli, const struct cli_args *args, enum cli_option option,
	uint64_t most, uint64_t *out);
// A share as 1% or 1, above 0 and up to 100.
int args_percent(struct cli *cli, const struct cli_args *args, enum cli_option option, double *out);
// --rate: a number of UEs per second, or none. NULL when it is not given or wrong.
json_t *args_rate(struct cli *cli, const struct cli_args *args, int *err);
// MCC-MNC/GROUP in its canonical form.
#define CLI_GROUP_TEXT 16
int args_group(struct cli *cli, const char *word, char out[CLI_GROUP_TEXT]);

// The path of a subscriber named on the command line (ue.c); path has HTTP_PATH_MAX octets.
int ue_path(struct cli *cli, const char *id, char *path);

// --- help.c -----------------------------------------------------------------------------------
int help_run(struct cli *cli, const struct cli_args *args);
void help_all(void);
void help_verb(const struct cli_verb *verb);
const char *help_option_name(enum cli_option option);
int help_option_has_value(enum cli_option option); // as getopt_long() says it

// --- error.c ----------------------------------------------------------------------------------

// Says what went wrong in one line on stderr, and as an object on stdout with --json. Returns
// code.
int cli_fail(struct cli *cli, enum cli_exit code, const char *word, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
// The same for an answer that is an error: the daemon's object goes out as it came.
int cli_fail_answer(struct cli *cli, long status, const json_t *answer);
// Exit code for an HTTP status.
enum cli_exit cli_exit_of(long status);
void cli_out_of_memory(void) __attribute__((noreturn));
void cli_print_json(const json_t *json);

// --- interrupt.c ------------------------------------------------------------------------------

// From here on Ctrl-C only notes that it was pressed.
void interrupt_catch(void);
bool is_interrupted(void);
// Returns early when interrupted.
void interrupt_sleep_ms(unsigned ms);
