// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "cli.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

static const struct option_text {
	const char *name;
	const char *value; // NULL: a flag; "[=...]": may be left out
	const char *help;
} option_texts[OPT_COUNT] = {
	[OPT_SOCKET] = {"socket", "PATH", "where the daemon listens"},
	[OPT_JSON] = {"json", NULL, "answer in JSON"},
	[OPT_HELP] = {"help", NULL, "this text"},
	[OPT_VERSION] = {"version", NULL, "print the version"},
	[OPT_SKIP_BAD] = {"skip-bad", NULL, "leave out bad lines and keep the others"},
	[OPT_DRY_RUN] = {"dry-run", NULL, "show what would be done, and do nothing"},
	[OPT_AFTER] = {"after", "ID", "begin behind this id"},
	[OPT_LIMIT] = {"limit", "N", "show at most N, 1 to 10000 (default 100)"},
	[OPT_GROUP] = {"group", "G", "a key group, MCC-MNC/GROUP; may be given again"},
	[OPT_PROFILE] = {"profile", "NAME", "ts33246 (default) or v600: the encoding of messages"},
	[OPT_NEW] = {"new", NULL, "make a new MSK and push that"},
	[OPT_RATE] = {"rate", "N", "UEs per second, 1 or more; none = no limit"},
	[OPT_SENDS] = {"sends", "N", "most messages to one UE, 1 to 31"},
	[OPT_WAITS] = {"waits", "LIST", "seconds to wait after each send, as 1,2,4,8"},
	[OPT_UE] = {"ue", "ID", "this UE alone (IMPI or B-TID)"},
	[OPT_NO_WAIT] = {"no-wait", NULL, "start the campaign and return"},
	[OPT_UNDELIVERED] = {"undelivered", NULL, "list the members without the key, and why"},
	[OPT_CAPTURE_COUNT] = {"count", "N", "end after N frames, or looks"},
	[OPT_DEEP] = {"deep", NULL, "draw a new data key too, and seal all records with it"},
	[OPT_STAGES] = {"stages", NULL, "measure each stage for a second: cycles per message"},
	[OPT_CSV] = {"csv", NULL, "as CSV"},
	[OPT_NO_CONFIDENTIALITY] = {"no-confidentiality", NULL, "announce flows in the clear"},
	[OPT_NO_INTEGRITY] = {"no-integrity", NULL, "announce flows without integrity"},
	[OPT_AUTO] = {"auto", NULL, "solicit who has no fresh MUK, or does not answer"},
	[OPT_SOLICITS] = {"solicits", "N", "most solicited pulls of one UE, 1 to 30"},
	[OPT_SOLICIT_WAITS] = {"solicit-waits", "LIST", "seconds to wait after each of them"},
	[OPT_SOLICIT_PREVIOUS] = {"solicit-previous", NULL,
		"the last one goes under the previous MUK, too"},
	[OPT_WITHIN] = {"within", "TIME", "instead of a rate: send to all in 90s, 10m, 2h"},
	[OPT_BY] = {"by", "WHEN", "likewise, until then (RFC 3339)"},
	[OPT_SAMPLE] = {"sample", "SHARE", "only so many of the UEs, drawn at random: 1%"},
	[OPT_AREA] = {"area", "NAME", "only UEs whose address lies in this area"},
	[OPT_ONLY] = {"only", "FILE", "only UEs of this list, an IMPI or B-TID a line (- = stdin)"},
	[OPT_UNDELIVERED_OF] = {"undelivered-of", "ID",
		"only UEs that this campaign did not reach"},
	[OPT_ARM] = {"arm", "[=keys|frames]", "prepare it and wait for `mskpush fire`"},
	[OPT_ALL] = {"all", NULL, "everything, however many lines it takes"},
	[OPT_POLICY] = {"policy", "NAME",
		"MSK requests: accept (default), reauthenticate or bootstrap"},
	[OPT_REKEY] = {"rekey", NULL, "make new MSKs for those who stay, and push them"},
	[OPT_AT] = {"at", "WHEN", "begin then (RFC 3339)"},
	[OPT_STOP_IF_UNVERIFIED] = {"stop-if-unverified", "SHARE",
		"pause when more of the first UEs are unverified: 20%"},
	[OPT_STOP_AFTER] = {"stop-after", "N", "so many UEs are the first (default 1000)"},
	[OPT_TO] = {"to", "ADDRESS:PORT", "a multicast address; may be given again"},
	[OPT_LEAD] = {"lead", "TIME", "MTKs are sent so long ahead of their use (default 30s)"},
	[OPT_INTERVAL] = {"interval", "TIME", "each is in use so long (default 60s)"},
	[OPT_REPEAT] = {"repeat", "TIME", "each is sent again after this time (default 10s)"},
	[OPT_DUMMY] = {"dummy", "TIME",
		"random dummy MTKs make a new MSK known so long before it is used"},
	[OPT_SALT] = {"salt", NULL, "a salt goes with each MTK"},
	[OPT_MTK_RAND] = {"mtk-rand", "msk|none",
		"RAND that protects MTKs: that of their MSK (default), or none"},
	[OPT_PERCENT] = {"percent", "N", "so many of 100 members have to have it (default 98)"},
	[OPT_NOW] = {"now", NULL, "however few have it"},
	[OPT_CANCEL] = {"cancel", NULL, "wait no more, and stay with the present MSK"},
	[OPT_MSK] = {"msk", "NUMBER", "this MSK, in hex, not the newest one"},
	[OPT_YES] = {"yes", NULL, "do not ask, however many UEs it is"},
};

const char *help_option_name(enum cli_option option)
{
	return option_texts[option].name;
}

int help_option_has_value(enum cli_option option)
{
	const char *value = option_texts[option].value;

	if (value == NULL)
		return no_argument;
	return value[0] == '[' ? optional_argument : required_argument;
}

static void option_print(enum cli_option option)
{
	const struct option_text *o = &option_texts[option];
	char text[32];

	snprintf(text, sizeof(text), "--%s%s%s", o->name,
		help_option_has_value(option) == required_argument ? " " : "",
		o->value != NULL ? o->value : "");
	printf("  %-20s %s\n", text, o->help);
}

void help_verb(const struct cli_verb *verb)
{
	printf("Usage: mskpush %s%s%s%s\n\n%s\n\nExample:\n  %s\n\nOptions:\n", verb->name,
		verb->usage[0] != '\0' ? " " : "", verb->usage,
		verb->options != 0 ? " [OPTION]..." : "", verb->help, verb->example);
	for (unsigned i = 0; i < OPT_COUNT; i++) {
		if (verb->options >> i & 1)
			option_print(i);
	}
	option_print(OPT_SOCKET);
	option_print(OPT_JSON);
}

// Help texts begin with one line that says it all.
static void verb_print(const struct cli_verb *verb)
{
	printf("  %-16s %.*s\n", verb->name, (int)strcspn(verb->help, "\n"), verb->help);
}

void help_all(void)
{
	printf("Usage: mskpush COMMAND [ARGUMENT]... [OPTION]...\n\n"
	       "Speaks to mskpushd, the key-push engine of a BM-SC.\n\nCommands:\n");
	for (size_t i = 0; i < cli_verb_count; i++)
		verb_print(&cli_verbs[i]);
	printf("\nOptions of every command:\n");
	for (unsigned i = OPT_SOCKET; i <= OPT_VERSION; i++)
		option_print(i);
	printf("\n'mskpush COMMAND --help' tells more, with an example. Exit codes: 0 done; 1 not\n"
	       "all verified, or failed; 2 bad usage or input; 3 the daemon was not reached.\n");
}

// --- The same for programs, such as the shell's completion ------------------------------------

static json_t *options_json(uint64_t options)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < OPT_COUNT; i++) {
		const struct option_text *o = &option_texts[i];
		char name[32];

		if (!(options >> i & 1))
			continue;
		snprintf(name, sizeof(name), "--%s", o->name);
		json_array_append_new(list,
			json_pack("{s:s, s:s?, s:s}", "option", name, "value", o->value, "help",
				o->help));
	}
	return list;
}

static json_t *verb_json(const struct cli_verb *verb)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:o}", "command", verb->name, "usage", verb->usage,
		"help", verb->help, "example", verb->example, "options",
		options_json(verb->options));
}

// Those that begin with the words in name.
static bool help_json(const char *name)
{
	json_t *verbs = json_array(), *all;
	size_t len = strlen(name);
	bool is_found;

	for (size_t i = 0; i < cli_verb_count; i++) {
		const char *rest = cli_verbs[i].name + len;

		if (strncmp(cli_verbs[i].name, name, len) == 0 &&
			(len == 0 || *rest == '\0' || *rest == ' '))
			json_array_append_new(verbs, verb_json(&cli_verbs[i]));
	}
	is_found = json_array_size(verbs) > 0;
	all = json_pack(
		"{s:o, s:o}", "commands", verbs, "options", options_json(CLI_GLOBAL_OPTIONS));
	if (is_found)
		cli_print_json(all);
	json_decref(all);
	return is_found;
}

// Prints the commands that begin with the words in name, or all about the one that is named.
static bool help_text(const char *name)
{
	unsigned found = 0;

	for (size_t i = 0; i < cli_verb_count; i++) {
		const char *rest = cli_verbs[i].name + strlen(name);

		if (strncmp(cli_verbs[i].name, name, strlen(name)) != 0)
			continue;
		if (*rest == '\0') {
			help_verb(&cli_verbs[i]);
			return true;
		}
		if (*rest == ' ' && found++ == 0)
			printf("Commands:\n");
		if (*rest == ' ')
			verb_print(&cli_verbs[i]);
	}
	return found > 0;
}

int help_run(struct cli *cli, const struct cli_args *args)
{
	char name[64] = "";

	if (args->words == 0 && !cli->is_json) {
		help_all();
		return CLI_DONE;
	}
	if (args->words > 0)
		snprintf(name, sizeof(name), "%s%s%s", args->word[0], args->words > 1 ? " " : "",
			args->words > 1 ? args->word[1] : "");
	if (cli->is_json ? help_json(name) : help_text(name))
		return CLI_DONE;
	return cli_fail(
		cli, CLI_USAGE, "bad-usage", "there is no command '%s'; see: mskpush help", name);
}
