// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// What goes wrong: exit codes and messages. Arguments: mskpush, fake_admin.py.

#include "run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void usage_errors_exit_2(void **state)
{
	(void)state;
	expect_error(2, "frob", "no command 'frob'");
	expect_error(2, "ue", "'ue' what?");
	expect_error(2, "ue frob", "no 'ue frob'");
	expect_error(2, "ue import", "usage: mskpush ue import FILE");
	expect_error(2, "ue show a b", "one word too many");
	expect_error(2, "status --frob", "no option --frob");
	expect_error(2, "status -x", "no option -x");
	expect_error(2, "status --new", "'status' has no option --new");
	expect_error(2, "push 001-01/0001 --yes --rate", "--rate needs a value");
	expect_error(2, "push 001-01/0001 --yes --new=1", "--new takes no value");
	expect_code(2, "");
}

static void bad_values_exit_2(void **state)
{
	static const char *const groups[] = {"1-01/0001", "001-1/0001", "001-0123/0001", "001-01",
		"001-01/", "001-01/00001", "001-01/000g", "00101/0001", "001/01/0001",
		"001-01/1/1"};
	char arguments[64];

	(void)state;
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		snprintf(arguments, sizeof(arguments), "push %s", groups[i]);
		expect_error(2, arguments, "no key group");
	}
	expect_error(2, "push 001-01/0001 --yes --rate -1", "--rate has to be");
	expect_error(2, "push 001-01/0001 --yes --rate 4294967296", "--rate has to be");
	expect_error(2, "push 001-01/0001 --yes --sends 0", "--sends has to be");
	expect_error(2, "push 001-01/0001 --yes --sends 32", "--sends has to be");
	expect_error(2, "push 001-01/0001 --yes --waits 1,", "--waits has to be");
	expect_error(2, "push 001-01/0001 --yes --waits 1,-2", "--waits has to be");
	expect_error(2, "push 001-01/0001 --yes --waits 70000", "--waits has to be");
	expect_error(2, "msk activate 001-01/0001 0000", "no key number");
	expect_error(2, "msk activate 001-01/0001 12345", "no key number");
	expect_error(2, "msk activate 001-01/0001 xyz", "no key number");
	expect_error(2, "group add 001-01/0001 --profile v7", "--profile has to be");
	expect_error(2, "service add urn:a", "needs a key group");
	expect_error(2, "campaign show seven", "no campaign id");
	expect_error(2, "campaign set 7", "--rate N");
	expect_error(2, "ue list --limit 10001", "--limit has to be");
	expect_error(2, "ue import /nonexistent/file", "No such file");
	expect_error(2, "ue import /", "directory");
}

static void an_overlong_socket_path_exits_2(void **state)
{
	char arguments[256];

	(void)state;
	snprintf(arguments, sizeof(arguments), "status --socket /%0107d", 0);
	expect_error(2, arguments, "a socket can have 107");
	snprintf(arguments, sizeof(arguments), "status --socket /%0106d", 0);
	expect_code(3, arguments);
}

static void no_daemon_exits_3(void **state)
{
	(void)state;
	expect_error(3, "status --socket /nonexistent/admin.sock", "no daemon answers at");
	expect_error(3, "push 001-01/0001 --yes --socket /nonexistent/admin.sock", "no daemon");
	expect_error(3, "ue import /dev/null --socket /nonexistent/admin.sock", "no daemon");
	expect_error(3, "capture - --socket /nonexistent/admin.sock", "no daemon");
}

static void a_daemon_that_goes_away_exits_3(void **state)
{
	(void)state;
	expect_error(3, "ue show close", "went away");
	expect_error(3, "ue show half", "went away");
}

static void bad_answers_exit_1(void **state)
{
	(void)state;
	expect_error(1, "ue show garbage", "no JSON object");
	expect_error(1, "ue show array", "no JSON object");
	expect_error(1, "ue show empty", "no JSON object");
	expect_error(1, "ue show deep", "no JSON object");
	expect_error(1, "ue show huge", "larger than");
	expect_error(1, "ue show bare500", "status 500");
	expect_error(1, "push 001-01/0007", "no campaign");
	expect_error(1, "campaign watch 8", "no campaign");
	expect_code(0, "ue show types");
}

static void errors_of_the_daemon_are_one_line(void **state)
{
	(void)state;
	expect_error(1, "ue show nobody", "There is no subscriber with this IMPI.");
	expect_error(1, "ue show full", "The store is full.");
	expect_error(1, "push 001-01/0009", "There is no key group 001-01/0009.");
	expect_code(1, "push 001-01/0004");
	expect_in(ran.err, "mskpush campaign watch 5");
	expect_code(1, "push 001-01/0004 --json");
	expect_in(ran.out, "\"campaign\": 5");
}

static void help_shows_an_example_for_each_verb(void **state)
{
	static const char *const verbs[] = {"ue import", "ue list", "ue show", "ue remove",
		"service add", "service list", "service remove", "group add", "group list",
		"group remove", "msk new", "msk list", "msk activate", "push", "campaign list",
		"campaign show", "campaign watch", "campaign pause", "campaign resume",
		"campaign abort", "campaign set", "campaign export", "area list", "area set",
		"key show", "key rotate", "backup", "fire", "solicit", "explain", "trace", "watch",
		"service announce", "capture", "status", "stats"};
	char text[64];

	(void)state;
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		snprintf(text, sizeof(text), "%s --help", verbs[i]);
		expect_code(0, text);
		snprintf(text, sizeof(text), "Example:\n  mskpush %s", verbs[i]);
		expect_in(ran.out, text);
	}
	expect_code(0, "help ue");
	expect_in(ran.out, "ue import");
	expect_error(2, "help frob", "no command 'frob'");
}

static void full_output_exits_1(void **state)
{
	(void)state;
	expect_code(1, "status > /dev/full");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(usage_errors_exit_2),
		cmocka_unit_test(bad_values_exit_2),
		cmocka_unit_test(an_overlong_socket_path_exits_2),
		cmocka_unit_test(no_daemon_exits_3),
		cmocka_unit_test(a_daemon_that_goes_away_exits_3),
		cmocka_unit_test(bad_answers_exit_1),
		cmocka_unit_test(errors_of_the_daemon_are_one_line),
		cmocka_unit_test(help_shows_an_example_for_each_verb),
		cmocka_unit_test(full_output_exits_1),
	};

	if (!run_arguments(argc, argv))
		return 2;
	return cmocka_run_group_tests(tests, run_begin, run_end);
}
