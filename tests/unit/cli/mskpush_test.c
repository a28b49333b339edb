// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// mskpush as a program, against fake_admin.py. Arguments: the program, the script.

#include "run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static void expect_code(int code, const char *arguments)
{
	run(arguments);
	if (ran.code != code)
		fail_msg("mskpush %s: exit %d, not %d; stderr: %s", arguments, ran.code, code,
			ran.err);
}

static void expect_in(const char *text, const char *part)
{
	if (strstr(text, part) == NULL)
		fail_msg("\"%s\" is not in: %s", part, text);
}

// A line of the verdict: the name, blanks, the value.
static void expect_pair(const char *name, const char *value)
{
	const char *at = ran.out;

	while ((at = strstr(at, name)) != NULL) {
		const char *rest = at + strlen(name);

		rest += strspn(rest, " ");
		if ((at == ran.out || at[-1] == '\n') && strncmp(rest, value, strlen(value)) == 0 &&
			rest[strlen(value)] == '\n')
			return;
		at++;
	}
	fail_msg("no \"%s %s\" in: %s", name, value, ran.out);
}

// An error is one line, and with --json an object as well.
static void expect_error(int code, const char *arguments, const char *part)
{
	char with_json[1024];

	expect_code(code, arguments);
	expect_in(ran.err, part);
	assert_memory_equal(ran.err, "mskpush: ", 9);
	assert_ptr_equal(strchr(ran.err, '\n'), ran.err + strlen(ran.err) - 1);
	assert_string_equal(ran.out, "");
	snprintf(with_json, sizeof(with_json), "%s --json", arguments);
	expect_code(code, with_json);
	expect_in(ran.out, "\"error\": \"");
	expect_in(ran.out, "\"message\": \"");
}

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
	expect_error(2, "push 001-01/0001 --rate", "--rate needs a value");
	expect_error(2, "push 001-01/0001 --new=1", "--new takes no value");
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
	expect_error(2, "push 001-01/0001 --rate -1", "--rate has to be");
	expect_error(2, "push 001-01/0001 --rate 4294967296", "--rate has to be");
	expect_error(2, "push 001-01/0001 --sends 0", "--sends has to be");
	expect_error(2, "push 001-01/0001 --sends 32", "--sends has to be");
	expect_error(2, "push 001-01/0001 --waits 1,", "--waits has to be");
	expect_error(2, "push 001-01/0001 --waits 1,-2", "--waits has to be");
	expect_error(2, "push 001-01/0001 --waits 70000", "--waits has to be");
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
	expect_error(3, "push 001-01/0001 --socket /nonexistent/admin.sock", "no daemon");
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

static void push_of_all_exits_0_with_a_verdict(void **state)
{
	(void)state;
	expect_code(0, "push 001-01/1");
	expect_pair("members", "1,234,567");
	expect_pair("verified", "1,234,567");
	expect_pair("pushes/s", "412,345");
	expect_pair("  bad-mac", "7");
	expect_in(ran.out, " % 1,000 of 1,234,567 verified");
	expect_string_in_log("POST /v1/campaigns", "\\\"group\\\":\\\"001-01/0001\\\"");
}

static void push_that_leaves_some_out_exits_1(void **state)
{
	(void)state;
	expect_code(1, "push 001-01/0002");
	expect_pair("given up", "2");
	expect_code(1, "push 001-01/0003");
	expect_pair("state", "aborted");
	expect_code(1, "push 001-01/0006");
	expect_pair("refused", "3");
	expect_pair("  muk-expired", "1");
	expect_code(1, "campaign watch 2");
}

static void push_in_json_is_one_object(void **state)
{
	(void)state;
	expect_code(0, "push 001-01/0001 --json");
	assert_int_equal(ran.out[0], '{');
	expect_in(ran.out, "\"verified\": 1234567");
	expect_in(ran.out, "\"bad-mac\": 7");
	assert_null(strstr(ran.out, "\"duplicate\""));
	assert_null(strstr(ran.out, "campaign 1"));
}

static void push_sends_what_was_asked_for(void **state)
{
	(void)state;
	expect_code(
		0, "push 001-01/0001 --new --rate 50 --sends 3 --waits 1,2,4 --ue a@b --no-wait");
	expect_string_in_log("POST /v1/campaigns", "\\\"new\\\":true");
	expect_string_in_log("POST /v1/campaigns", "\\\"rate\\\":50");
	expect_string_in_log("POST /v1/campaigns", "\\\"sends\\\":3");
	expect_string_in_log("POST /v1/campaigns", "\\\"waits\\\":[1,2,4]");
	expect_string_in_log("POST /v1/campaigns", "\\\"subscriber\\\":\\\"a@b\\\"");
	expect_in(ran.out, "campaign 1 pushes MSK 0002");
}

static void interrupted_push_leaves_the_campaign_running(void **state)
{
	(void)state;
	run_interrupted("push 001-01/0005", 700);
	assert_int_equal(ran.code, 1);
	expect_in(ran.err, "campaign 5 goes on; watch it with: mskpush campaign watch 5");
	run("status");
	expect_in(ran.out, "campaign 5");
}

static void import_sends_the_file_as_it_is(void **state)
{
	char arguments[128];

	(void)state;
	file_write("ues.csv", "impi\na\nb\n");
	snprintf(arguments, sizeof(arguments), "ue import %s/ues.csv", run_dir);
	expect_code(0, arguments);
	expect_in(ran.out, "2 rows: 2 added, 0 changed, 0 unchanged, 0 skipped in 0.5 s");
	expect_string_in_log("POST /v1/import?skip-bad=0&dry-run=0", "\"impi\\na\\nb\\n\"");
	snprintf(arguments, sizeof(arguments), "ue import - --skip-bad --dry-run < %s/ues.csv",
		run_dir);
	expect_code(0, arguments);
	expect_in(ran.out, "nothing is kept");
	expect_string_in_log("POST /v1/import?skip-bad=1&dry-run=1", "\"impi\\na\\nb\\n\"");
	snprintf(arguments, sizeof(arguments), "ue import /dev/stdin <<END\nimpi\nc\nEND");
	expect_code(0, arguments);
	expect_string_in_log("POST /v1/import?skip-bad=0&dry-run=0", "\"impi\\nc\\n\"");
}

static void bad_lines_are_named_with_their_file(void **state)
{
	char arguments[128];

	(void)state;
	file_write("bad.csv", "impi\na\nBAD\n");
	snprintf(arguments, sizeof(arguments), "ue import %s/bad.csv", run_dir);
	expect_error(2, arguments, "bad.csv:3: expires: has to be a time");
	snprintf(arguments, sizeof(arguments), "ue import %s/bad.csv --skip-bad", run_dir);
	expect_code(0, arguments);
	expect_in(ran.err, "bad.csv:3: expires: has to be a time");
	expect_in(ran.out, "1 skipped");
}

static void large_files_arrive_whole(void **state)
{
	char arguments[128];

	(void)state;
	file_fill("large.csv", 20 << 20);
	snprintf(arguments, sizeof(arguments), "ue import %s/large.csv", run_dir);
	expect_code(0, arguments);
	expect_string_in_log("POST /v1/import", "\"body\": 20971520");
	snprintf(arguments, sizeof(arguments), "ue import - < %s/large.csv", run_dir);
	expect_code(0, arguments);
	snprintf(arguments, sizeof(arguments),
		"cat %s/large.csv | \"$MSKPUSH\" ue import - > /dev/null", run_dir);
	assert_int_equal(system(arguments), 0);
	expect_string_in_log("POST /v1/import", "\"body\": 20971520");
}

static void names_are_percent_encoded(void **state)
{
	(void)state;
	expect_code(0, "ue remove 'a/b?c=d @x'");
	expect_string_in_log("DELETE /v1/subscribers/a%2Fb%3Fc%3Dd%20%40x", "\"body\": \"\"");
	expect_code(0, "service add 'urn:x y' --group 001-01/a --group 001-001/FFFF");
	expect_string_in_log(
		"PUT /v1/services/urn%3Ax%20y", "[\\\"001-01/000a\\\",\\\"001-001/ffff\\\"]");
}

static void tables_are_aligned_and_harmless(void **state)
{
	(void)state;
	expect_code(0, "service list");
	expect_in(ran.out, "urn:a?[31m");
	expect_code(0, "ue list");
	expect_in(ran.out, "ID  IMPI");
	expect_in(ran.out, " 1  user1@ims  b1@bsf");
	expect_in(ran.out, "mskpush ue list --after 2");
	expect_code(0, "campaign list");
	expect_in(ran.out, "1,234,565");
	expect_code(0, "status");
	expect_in(ran.out, "3,072 of 8,192 MB used");
	expect_code(0, "msk list 001-01/0001");
	expect_in(ran.out, "0002    next, released");
	expect_code(0, "stats --stages");
	expect_in(ran.out, "333.3");
}

static void every_verb_runs(void **state)
{
	(void)state;
	expect_code(0, "ue show user1@ims");
	expect_code(0, "group add 001-01/0001 --profile v600");
	expect_string_in_log("PUT /v1/groups/001-01/0001", "v600");
	expect_code(0, "group list");
	expect_code(0, "group remove 001-01/0001");
	expect_code(0, "service remove urn:a");
	expect_code(0, "msk new 001-01/0001");
	expect_code(0, "msk activate 001-01/0001 2");
	expect_string_in_log("POST /v1/groups/001-01/0001/msks/0002/activate", "{}");
	expect_code(0, "campaign show 1");
	expect_code(0, "campaign pause 5");
	expect_code(0, "campaign resume 5");
	expect_code(0, "campaign abort 5");
	expect_code(0, "campaign set 5 --rate 10");
	expect_string_in_log("PATCH /v1/campaigns/5", "\\\"rate\\\":10");
	expect_code(0, "stats --json");
	expect_code(0, "--version");
	expect_in(ran.out, "mskpush ");
}

static void undelivered_walks_all_pages(void **state)
{
	(void)state;
	expect_code(0, "campaign show 2 --undelivered");
	expect_in(ran.out, "3  a@b");
	expect_in(ran.out, "4  a@b");
	expect_code(0, "campaign show 2 --undelivered --json");
	expect_in(ran.out, "{\"members\": [\n{\"id\":3,");
	expect_in(ran.out, ",\n{\"id\":4,");
	expect_in(ran.out, "\n]}\n");
}

static void capture_writes_a_file_of_the_owner(void **state)
{
	char arguments[128], path[96];
	struct stat st;

	(void)state;
	snprintf(path, sizeof(path), "%s/out.pcapng", run_dir);
	snprintf(arguments, sizeof(arguments), "capture %s --count 10", path);
	expect_code(0, arguments);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, 64);
	assert_int_equal(st.st_mode & 0777, 0600);
	unlink(path);
	snprintf(arguments, sizeof(arguments), "capture %s --count 99", path);
	expect_error(1, arguments, "A capture is running.");
	assert_int_not_equal(stat(path, &st), 0);
	expect_error(1, "capture /nonexistent/file", "cannot write");
}

static void help_shows_an_example_for_each_verb(void **state)
{
	static const char *const verbs[] = {"ue import", "ue list", "ue show", "ue remove",
		"service add", "service list", "service remove", "group add", "group list",
		"group remove", "msk new", "msk list", "msk activate", "push", "campaign list",
		"campaign show", "campaign watch", "campaign pause", "campaign resume",
		"campaign abort", "campaign set", "capture", "status", "stats"};
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
		cmocka_unit_test(push_of_all_exits_0_with_a_verdict),
		cmocka_unit_test(push_that_leaves_some_out_exits_1),
		cmocka_unit_test(push_in_json_is_one_object),
		cmocka_unit_test(push_sends_what_was_asked_for),
		cmocka_unit_test(interrupted_push_leaves_the_campaign_running),
		cmocka_unit_test(import_sends_the_file_as_it_is),
		cmocka_unit_test(bad_lines_are_named_with_their_file),
		cmocka_unit_test(large_files_arrive_whole),
		cmocka_unit_test(names_are_percent_encoded),
		cmocka_unit_test(tables_are_aligned_and_harmless),
		cmocka_unit_test(every_verb_runs),
		cmocka_unit_test(undelivered_walks_all_pages),
		cmocka_unit_test(capture_writes_a_file_of_the_owner),
		cmocka_unit_test(help_shows_an_example_for_each_verb),
		cmocka_unit_test(full_output_exits_1),
	};

	if (argc != 3) {
		fprintf(stderr, "usage: %s MSKPUSH FAKE_ADMIN\n", argv[0]);
		return 2;
	}
	run_program = argv[1];
	run_script = argv[2];
	return cmocka_run_group_tests(tests, run_begin, run_end);
}
