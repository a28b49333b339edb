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

static void push_of_all_exits_0_with_a_verdict(void **state)
{
	(void)state;
	expect_code(0, "push 001-01/1 --yes");
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
	expect_code(1, "push 001-01/0002 --yes");
	expect_pair("given up", "2");
	expect_code(1, "push 001-01/0003 --yes");
	expect_pair("state", "aborted");
	expect_code(1, "push 001-01/0006 --yes");
	expect_pair("refused", "3");
	expect_pair("  muk-expired", "1");
	expect_code(1, "campaign watch 2");
}

static void push_in_json_is_one_object(void **state)
{
	(void)state;
	expect_code(0, "push 001-01/0001 --yes --json");
	expect_in(ran.out, "\"seconds\": 3.15,");
	assert_int_equal(ran.out[0], '{');
	expect_in(ran.out, "\"verified\": 1234567");
	expect_in(ran.out, "\"bad-mac\": 7");
	assert_null(strstr(ran.out, "\"duplicate\""));
	assert_null(strstr(ran.out, "campaign 1"));
}

static void push_sends_what_was_asked_for(void **state)
{
	(void)state;
	expect_code(0,
		"push 001-01/0001 --yes --new --rate 50 --sends 3 --waits 1,2,4 --ue a@b "
		"--no-wait");
	expect_string_in_log("POST /v1/campaigns", "\\\"new\\\":true");
	expect_string_in_log("POST /v1/campaigns", "\\\"rate\\\":50");
	expect_string_in_log("POST /v1/campaigns", "\\\"sends\\\":3");
	expect_string_in_log("POST /v1/campaigns", "\\\"waits\\\":[1,2,4]");
	expect_string_in_log("POST /v1/campaigns", "\\\"subscriber\\\":\\\"a@b\\\"");
	expect_in(ran.out, "campaign 1 pushes MSK 0002");
}

static void solicit_and_auto_order_their_kind(void **state)
{
	char arguments[256];

	(void)state;
	file_write("ues.txt", "# those of the pilot\na@b\n\n  c@d \r\n");
	expect_code(0, "push 001-01/0001 --yes --auto --no-wait --within 10m --solicits 2");
	expect_string_in_log("POST /v1/campaigns", "\\\"kind\\\":\\\"auto\\\"");
	expect_string_in_log("POST /v1/campaigns", "\\\"within\\\":600");
	expect_string_in_log("POST /v1/campaigns", "\\\"solicits\\\":2");
	snprintf(arguments, sizeof(arguments),
		"solicit 001-01/0001 --yes --no-wait --rate none --sample 0.5%% --area north "
		"--undelivered-of 7 --only %s/ues.txt --solicit-waits 5,6 --solicit-previous",
		run_dir);
	expect_code(0, arguments);
	expect_string_in_log("POST /v1/campaigns", "\\\"kind\\\":\\\"solicit\\\"");
	expect_string_in_log("POST /v1/campaigns", "\\\"rate\\\":null");
	expect_string_in_log("POST /v1/campaigns", "\\\"sample\\\":0.5");
	expect_string_in_log("POST /v1/campaigns", "\\\"area\\\":\\\"north\\\"");
	expect_string_in_log("POST /v1/campaigns", "\\\"undelivered_of\\\":7");
	expect_string_in_log("POST /v1/campaigns", "\\\"subscribers\\\":[\\\"a@b\\\",\\\"c@d\\\"]");
	expect_string_in_log("POST /v1/campaigns", "\\\"solicit_waits\\\":[5,6]");
	expect_string_in_log("POST /v1/campaigns", "\\\"solicit_previous\\\":true");
}

static void many_are_sent_to_only_after_a_yes(void **state)
{
	(void)state;
	expect_code(2, "push 001-01/0001 < /dev/null");
	expect_in(ran.err, "nothing was sent: that is 1,234,500 UEs");
	expect_in(ran.out, "617.3");
	expect_in(ran.out, "Type the number of UEs");
	expect_code(2, "push 001-01/0001 --no-wait <<END\n1234501\nEND");
	expect_code(2, "push 001-01/0001 --no-wait <<END\n1234500 or so\nEND");
	expect_code(2, "push 001-01/0001 --no-wait --json <<END\n1234500\nEND");
	expect_in(ran.out, "\"error\": \"not-confirmed\"");
	expect_string_in_log("POST /v1/campaigns", "\\\"dry_run\\\":true");
	expect_code(0, "push 001-01/0001 --no-wait <<END\n1234500\nEND");
	expect_in(ran.out, "campaign 1 pushes MSK 0002");
	// One is never many: nothing is asked.
	expect_code(0, "push 001-01/0001 --ue a@b --no-wait < /dev/null");
	expect_code(0, "push 001-01/0001 --dry-run");
	expect_pair("pushes", "1,234,000");
	expect_pair("solicits", "500");
	expect_pair("  no-muk", "67");
	expect_pair("seconds", "617.3");
	expect_in(ran.out, "north");
	expect_in(ran.out, "(none)");
	expect_code(0, "solicit 001-01/0001 --dry-run --json");
	expect_in(ran.out, "\"members\": 1234567");
}

static void order_that_makes_no_sense_is_bad_usage(void **state)
{
	(void)state;
	expect_error(2, "push 001-01/0001 --rate 0", "--rate has to be a number from 1");
	expect_error(2, "push 001-01/0001 --within 0s", "--within has to be a time");
	expect_error(2, "push 001-01/0001 --within 9x", "--within has to be a time");
	expect_error(2, "push 001-01/0001 --within 8d", "--within has to be a time");
	expect_error(2, "push 001-01/0001 --sample 101%", "--sample has to be a share");
	expect_error(2, "push 001-01/0001 --sample 0", "--sample has to be a share");
	expect_error(2, "push 001-01/0001 --only /nowhere/ues", "/nowhere/ues: ");
	expect_error(2, "push 001-01/0001 --only /dev/null", "/dev/null names no UE");
	expect_error(2, "solicit 001-01/0001 --sends 3", "'solicit' has no option --sends");
	expect_error(2, "solicit 001-01/0001 --solicit-waits 1,x", "--solicit-waits has to be");
}

static void interrupted_push_leaves_the_campaign_running(void **state)
{
	(void)state;
	run_interrupted("push 001-01/0005 --yes", 700);
	assert_int_equal(ran.code, 1);
	expect_in(ran.err, "campaign 5 goes on; watch it with: mskpush campaign watch 5");
	run("status");
	expect_in(ran.out,
		"\ncampaign    5: 001-01/0005 running 0 %, 1,000/1,234,567 verified, round ");
	run("status --all");
	expect_in(ran.out, "\ncampaign 5");
	expect_in(ran.out, "net_null0 (net_null), gone: its interface is not there");
	expect_in(ran.out, "192.0.2.1, 2001:db8::1, 02:00:00:00:00:01, MTU 1500, VLAN 5, 6");
	expect_in(ran.out, "IPv4 by device, IPv6 by software");
	expect_in(ran.out, "MAC not known, from 192.0.2.1 by core, stalled: no-gateway-mac");
	expect_in(ran.out, "10 sent, 8 verified, 1,234 unreachable");
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
	expect_code(0, "status --all");
	expect_in(ran.out, "3,072 of 8,192 MB used");
	expect_code(0, "msk list 001-01/0001");
	expect_in(ran.out, "0002    next, released");
	expect_code(0, "stats --stages");
	expect_in(ran.out, "333.3");
}

// Lines of the output; each of them has to fit the width. Characters above ASCII have two octets.
static unsigned lines_within(unsigned columns)
{
	unsigned n = 0, width = 0;

	for (const char *p = ran.out; *p != '\0'; p++) {
		width += ((unsigned char)*p & 0xc0) != 0x80;
		if (*p != '\n')
			continue;
		if (width - 1 > columns)
			fail_msg("line %u has %u columns", n + 1, width - 1);
		n++;
		width = 0;
	}
	return n;
}

static void status_of_any_site_is_one_screen_with_what_is_wrong_first(void **state)
{
	(void)state;
	expect_code(0, "status");
	assert_in_range(lines_within(79), 15, 23);
	expect_in(ran.out, "\nWRONG       port core is gone: its interface is not there\n");
	expect_in(ran.out, "next hop 192.0.2.254 by core: no-gateway-mac\n");
	expect_in(ran.out, "and 9 more: mskpush status --all\n");
	expect_in(
		ran.out, "\ncampaign    4294967295: 001-01/0005, armed: frames of 1,000 of 1,234,");
	expect_in(ran.out, "and 8 more: mskpush campaign list\n");
	expect_in(ran.out, "\narea        north: 10 sent, 8 verified, 1,234 unreachable\n");
	expect_in(ran.out, "and 9 more: mskpush area list\n");
	assert_null(strchr(ran.out, '\033'));
	expect_code(0, "status --all");
	assert_true(lines_within(400) > 23);
}

static void watch_looks_as_often_as_it_is_asked_to(void **state)
{
	(void)state;
	expect_code(0, "watch --count 1");
	expect_in(ran.out, "\na second    0 pushes, ");
	expect_in(ran.out, "\nWRONG       port core");
	assert_in_range(lines_within(79), 8, 24);
	expect_code(0, "watch --count 2 --json");
	assert_int_equal(lines_within(1 << 15), 2);
	expect_in(ran.out, "\"drops_per_s\":");
	run_interrupted("watch", 1500);
	assert_int_equal(ran.code, 0);
	expect_error(2, "watch --count 0", "--count has to be");
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
	expect_error(2, "msk activate 001-01/0001 2 --now --cancel", "one of them at most");
	expect_error(2, "msk activate 001-01/0001 10000", "'10000' is no key number");
	expect_code(0, "push 001-01/0001 --yes --no-wait --msk aB");
	expect_string_in_log("POST /v1/campaigns", "\\\"msk\\\":\\\"00ab\\\"");
	expect_error(2, "push 001-01/0001 --yes --msk 0", "'0' is no key number");
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

static void export_is_csv_with_a_line_a_member(void **state)
{
	(void)state;
	expect_code(0, "campaign export 2 --csv");
	assert_string_equal(ran.out,
		"id,impi,btid,state,why,sends\n"
		"3,a@b,c@d,given-up,sent 8 times,8\n"
		"4,a@b,c@d,given-up,\"said \"\"no\"\", twice\",8\n");
	expect_code(2, "campaign export 2");
	expect_code(2, "campaign export 2 --csv --json");
	expect_code(0, "campaign export 2 --json");
	expect_in(ran.out, "{\"members\": [\n{\"id\":3,");
}

static void explanation_names_what_limits_the_rate(void **state)
{
	(void)state;
	expect_code(0, "explain 5");
	expect_pair("limit", "answers");
	expect_in(ran.out, "answers are waited for");
	expect_code(0, "explain 5 --json");
	expect_in(ran.out, "\"limit\": \"answers\"");
	expect_code(0, "explain 10");
	expect_pair("limit", "stalled");
	expect_in(ran.out, "Nothing is sent: no-gateway-mac.");
	expect_code(0, "explain 11 --json");
	expect_in(ran.out, "\"limit\": \"port\"");
	expect_code(1, "explain 77");
	expect_code(2, "explain x");
	expect_code(0, "explain 8");
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

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(push_of_all_exits_0_with_a_verdict),
		cmocka_unit_test(push_that_leaves_some_out_exits_1),
		cmocka_unit_test(push_in_json_is_one_object),
		cmocka_unit_test(push_sends_what_was_asked_for),
		cmocka_unit_test(solicit_and_auto_order_their_kind),
		cmocka_unit_test(many_are_sent_to_only_after_a_yes),
		cmocka_unit_test(order_that_makes_no_sense_is_bad_usage),
		cmocka_unit_test(interrupted_push_leaves_the_campaign_running),
		cmocka_unit_test(import_sends_the_file_as_it_is),
		cmocka_unit_test(bad_lines_are_named_with_their_file),
		cmocka_unit_test(large_files_arrive_whole),
		cmocka_unit_test(names_are_percent_encoded),
		cmocka_unit_test(tables_are_aligned_and_harmless),
		cmocka_unit_test(status_of_any_site_is_one_screen_with_what_is_wrong_first),
		cmocka_unit_test(watch_looks_as_often_as_it_is_asked_to),
		cmocka_unit_test(every_verb_runs),
		cmocka_unit_test(undelivered_walks_all_pages),
		cmocka_unit_test(export_is_csv_with_a_line_a_member),
		cmocka_unit_test(explanation_names_what_limits_the_rate),
		cmocka_unit_test(capture_writes_a_file_of_the_owner),
	};

	if (!run_arguments(argc, argv))
		return 2;
	return cmocka_run_group_tests(tests, run_begin, run_end);
}
