// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Options may stand anywhere, before and behind the verb; an option means the same for each verb
// that has it.

#include "cli.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define GETOPT_BASE 256 // getopt's own return values stay below

static int option_refuse(struct cli *cli, int c, char **argv)
{
	if (c == ':')
		return cli_fail(cli, CLI_USAGE, "bad-usage", "the option %s needs a value",
			argv[optind - 1]);
	if (optopt > 0 && optopt < GETOPT_BASE)
		return cli_fail(cli, CLI_USAGE, "bad-usage", "there is no option -%c", optopt);
	if (optopt >= GETOPT_BASE)
		return cli_fail(cli, CLI_USAGE, "bad-usage", "the option --%s takes no value",
			help_option_name(optopt - GETOPT_BASE));
	return cli_fail(cli, CLI_USAGE, "bad-usage", "there is no option %s", argv[optind - 1]);
}

static int options_read(struct cli *cli, int argc, char **argv, struct cli_args *args)
{
	struct option options[OPT_COUNT + 1] = {0};
	int c;

	for (int i = 0; i < OPT_COUNT; i++)
		options[i] = (struct option){
			help_option_name(i), help_option_has_value(i), NULL, GETOPT_BASE + i};
	// Errors in front of --json are to come in JSON, too.
	for (int i = 1; i < argc; i++)
		cli->is_json |= strcmp(argv[i], "--json") == 0;
	opterr = 0;
	while ((c = getopt_long(argc, argv, ":", options, NULL)) != -1) {
		if (c < GETOPT_BASE)
			return option_refuse(cli, c, argv);
		args->option[c - GETOPT_BASE] = optarg != NULL ? optarg : "";
		if (c - GETOPT_BASE == OPT_GROUP && args->groups < CLI_WORDS_MAX)
			args->group[args->groups++] = optarg;
		else if (c - GETOPT_BASE == OPT_TO && args->tos < CLI_WORDS_MAX)
			args->to[args->tos++] = optarg;
		else if (c - GETOPT_BASE == OPT_GROUP || c - GETOPT_BASE == OPT_TO)
			return cli_fail(cli, CLI_USAGE, "bad-usage", "too many --%s",
				help_option_name(c - GETOPT_BASE));
	}
	return 0;
}

// How many words of argv the name of a verb takes; 0 when they are not this verb.
static int verb_match(const struct cli_verb *verb, int argc, char **argv)
{
	const char *name = verb->name;
	int n = 0;

	for (; *name != '\0'; n++) {
		size_t len = strcspn(name, " ");

		if (n == argc || strlen(argv[n]) != len || memcmp(argv[n], name, len) != 0)
			return 0;
		name += len + (name[len] == ' ');
	}
	return n;
}

// "ue" alone, or with a verb it does not have.
static bool is_family(const char *word)
{
	size_t len = strlen(word);

	for (size_t i = 0; i < cli_verb_count; i++) {
		if (strncmp(cli_verbs[i].name, word, len) == 0 && cli_verbs[i].name[len] == ' ')
			return true;
	}
	return false;
}

// Returns how many words name the verb, 0 when there is none (and says so).
static int verb_find(struct cli *cli, int argc, char **argv, const struct cli_verb **verb)
{
	for (size_t i = 0; i < cli_verb_count; i++) {
		int n = verb_match(&cli_verbs[i], argc, argv);

		if (n > 0) {
			*verb = &cli_verbs[i];
			return n;
		}
	}
	if (!is_family(argv[0]))
		cli_fail(cli, CLI_USAGE, "bad-usage", "there is no command '%s'; see: mskpush help",
			argv[0]);
	else if (argc == 1)
		cli_fail(cli, CLI_USAGE, "bad-usage", "'%s' what? See: mskpush help %s", argv[0],
			argv[0]);
	else
		cli_fail(cli, CLI_USAGE, "bad-usage", "there is no '%s %s'; see: mskpush help %s",
			argv[0], argv[1], argv[0]);
	return 0;
}

static int verb_check(struct cli *cli, const struct cli_verb *verb, const struct cli_args *args)
{
	for (unsigned i = 0; i < OPT_COUNT; i++) {
		if (args->option[i] != NULL && !((verb->options | CLI_GLOBAL_OPTIONS) >> i & 1))
			return cli_fail(cli, CLI_USAGE, "bad-usage", "'%s' has no option --%s",
				verb->name, help_option_name(i));
	}
	if (args->words < verb->least)
		return cli_fail(cli, CLI_USAGE, "bad-usage", "usage: mskpush %s %s", verb->name,
			verb->usage);
	if (args->words > verb->most)
		return cli_fail(cli, CLI_USAGE, "bad-usage",
			"'%s' is one word too many; usage: mskpush %s%s%s", args->word[verb->most],
			verb->name, verb->usage[0] != '\0' ? " " : "", verb->usage);
	return 0;
}

// Where the daemon listens: the flag, the environment, the user's own, the system's.
static int socket_find(struct cli *cli, const char *flag)
{
	const char *path = flag != NULL ? flag : getenv("MSKPUSH_SOCKET");
	const char *run_dir = getenv("XDG_RUNTIME_DIR");
	int n;

	if (path == NULL && run_dir != NULL && run_dir[0] != '\0') {
		n = snprintf(cli->socket, sizeof(cli->socket), "%s/mskpush/admin.sock", run_dir);
		if (n <= CLI_SOCKET_MAX && access(cli->socket, F_OK) == 0)
			return 0;
	}
	if (path == NULL || path[0] == '\0')
		path = "/run/mskpush/admin.sock";
	n = snprintf(cli->socket, sizeof(cli->socket), "%s", path);
	if (n > CLI_SOCKET_MAX)
		return cli_fail(cli, CLI_USAGE, "bad-usage",
			"the socket's path has %d octets; a socket can have %d", n, CLI_SOCKET_MAX);
	return 0;
}

int args_read(
	struct cli *cli, int argc, char **argv, const struct cli_verb **verb, struct cli_args *args)
{
	int err = options_read(cli, argc, argv, args);
	int taken;

	if (err != 0)
		return err;
	argc -= optind;
	argv += optind;
	if (args->option[OPT_VERSION] != NULL || (argc == 0 && args->option[OPT_HELP] != NULL))
		return 0;
	if (argc == 0)
		return cli_fail(
			cli, CLI_USAGE, "bad-usage", "what shall be done? See: mskpush help");
	taken = verb_find(cli, argc, argv, verb);
	if (taken == 0)
		return CLI_USAGE;
	if (args->option[OPT_HELP] != NULL)
		return 0;
	if (argc - taken > CLI_WORDS_MAX)
		return cli_fail(cli, CLI_USAGE, "bad-usage", "too many words");
	for (int i = taken; i < argc; i++)
		args->word[args->words++] = argv[i];
	err = verb_check(cli, *verb, args);
	return err != 0 ? err : socket_find(cli, args->option[OPT_SOCKET]);
}

static bool number_read(const char *text, uint64_t most, uint64_t *out)
{
	char *end;

	if (!isdigit((unsigned char)text[0]))
		return false;
	errno = 0;
	*out = strtoull(text, &end, 10);
	return errno == 0 && *end == '\0' && *out <= most;
}

int args_number(struct cli *cli, const struct cli_args *args, enum cli_option option,
	uint64_t least, uint64_t most, uint64_t *out)
{
	const char *text = args->option[option];
	uint64_t n;

	if (text == NULL)
		return 0;
	if (!number_read(text, most, &n) || n < least)
		return cli_fail(cli, CLI_USAGE, "bad-usage",
			"--%s has to be a number from %llu to %llu, not '%s'",
			help_option_name(option), (unsigned long long)least,
			(unsigned long long)most, text);
	*out = n;
	return 0;
}

int args_word_number(
	struct cli *cli, const char *word, const char *what, uint64_t most, uint64_t *out)
{
	if (number_read(word, most, out))
		return 0;
	return cli_fail(cli, CLI_USAGE, "bad-usage", "'%s' is no %s", word, what);
}

json_t *args_rate(struct cli *cli, const struct cli_args *args, int *err)
{
	const char *text = args->option[OPT_RATE];
	uint64_t n = 0;

	*err = 0;
	if (text == NULL)
		return NULL;
	if (strcmp(text, "none") == 0)
		return json_null();
	*err = args_number(cli, args, OPT_RATE, 1, UINT32_MAX, &n);
	return *err != 0 ? NULL : json_integer((json_int_t)n);
}

int args_duration(struct cli *cli, const struct cli_args *args, enum cli_option option,
	uint64_t most, uint64_t *out)
{
	static const char units[] = "smhd";
	static const uint64_t seconds[] = {1, 60, 3600, 86400};
	const char *text = args->option[option], *unit = NULL;
	char *end = NULL;
	uint64_t n = 0;

	if (text == NULL)
		return 0;
	errno = 0;
	if (isdigit((unsigned char)text[0]))
		n = strtoull(text, &end, 10);
	if (end != NULL && *end != '\0' && end[1] == '\0')
		unit = strchr(units, *end);
	if (end != NULL && errno == 0 && (*end == '\0' || unit != NULL) && n <= most)
		n *= unit != NULL ? seconds[unit - units] : 1;
	else
		n = 0;
	if (n == 0 || n > most)
		return cli_fail(cli, CLI_USAGE, "bad-usage",
			"--%s has to be a time as 90s, 10m or 2h, up to %llu days, not '%s'",
			help_option_name(option), (unsigned long long)(most / 86400), text);
	*out = n;
	return 0;
}

int args_percent(struct cli *cli, const struct cli_args *args, enum cli_option option, double *out)
{
	const char *text = args->option[option];
	char *end = NULL;

	if (text == NULL)
		return 0;
	if (isdigit((unsigned char)text[0]))
		*out = strtod(text, &end);
	if (end != NULL && (*end == '\0' || strcmp(end, "%") == 0) && *out > 0 && *out <= 100)
		return 0;
	return cli_fail(cli, CLI_USAGE, "bad-usage",
		"--%s has to be a share as 1%%, above 0 and up to 100, not '%s'",
		help_option_name(option), text);
}

int args_group(struct cli *cli, const char *word, char out[CLI_GROUP_TEXT])
{
	static const char decimal[] = "0123456789", hex[] = "0123456789abcdefABCDEF";
	size_t mcc = strspn(word, decimal);
	size_t mnc = word[mcc] == '-' ? strspn(word + mcc + 1, decimal) : 0;
	size_t domain = mcc + 1 + mnc;

	if (mcc == 3 && (mnc == 2 || mnc == 3) && word[domain] == '/') {
		const char *number = word + domain + 1;
		size_t digits = strspn(number, hex);

		if (digits >= 1 && digits <= 4 && number[digits] == '\0') {
			snprintf(out, CLI_GROUP_TEXT, "%.*s/%04lx", (int)domain, word,
				strtoul(number, NULL, 16));
			return 0;
		}
	}
	return cli_fail(cli, CLI_USAGE, "bad-usage",
		"'%s' is no key group: write MCC-MNC/GROUP with GROUP in hex, as 001-01/0001",
		word);
}
