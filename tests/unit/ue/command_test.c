// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include <stdlib.h>

#include "support.h"

#define VERBS                                                                               \
	"do: bootstrap, deregister, fetch, forget, inject, join, key-source, miss, phone, " \
	"register, "                                                                        \
	"report, set, status or stop"

static json_t *run(struct ue_site *site, const char *line)
{
	struct ue_now now = now_at(0);
	bool stop = false;
	json_t *answer = ue_command(site, line, strlen(line), &now, &stop);

	assert_non_null(answer);
	return answer;
}

static void expect_error(struct ue_site *site, const char *line, const char *wanted)
{
	json_t *answer = run(site, line);

	assert_string_equal(json_string_value(json_object_get(answer, "error")), wanted);
	json_decref(answer);
}

static void expect_done(struct ue_site *site, const char *line)
{
	json_t *answer = run(site, line);

	assert_null(json_object_get(answer, "error"));
	json_decref(answer);
}

static json_int_t number(const json_t *object, const char *name)
{
	return json_integer_value(json_object_get(object, name));
}

static const char *text(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

static void lines_that_are_no_command_get_an_error(void **state)
{
	struct ue_site *site = *state;

	expect_error(site, "", "not a JSON object");
	expect_error(site, "[]", "not a JSON object");
	expect_error(site, "{\"do\":\"status\"", "not a JSON object");
	expect_error(site, "{\"do\":\"status\",\"do\":\"stop\"}", "not a JSON object");
	expect_error(site, "{}", VERBS);
	expect_error(site, "{\"do\":7}", VERBS);
	expect_error(site, "{\"do\":\"phone\"}", "no such phone");
	expect_error(site, "{\"do\":\"phone\",\"id\":{}}", "no such phone");
	expect_error(
		site, "{\"do\":\"status\",\"x\":1}", "an argument that this verb does not know");
}

static void status_counts_phones_msks_and_refusals(void **state)
{
	struct ue_site *site = *state;
	json_t *status, *msk;

	expect_accepted(site, vector("F.msg"));
	expect_refusal(site, vector("F.msg"), UE_REPLAYED);
	status = run(site, "{\"do\":\"status\"}");
	assert_int_equal(number(status, "phones"), 1);
	assert_int_equal(number(status, "with_msk"), 1);
	assert_int_equal(number(status, "received"), 2);
	assert_int_equal(number(status, "sent"), 1);
	assert_int_equal(number(json_object_get(status, "refused"), "replayed"), 1);
	assert_int_equal(json_object_size(json_object_get(status, "refused")), 1);
	msk = json_array_get(json_object_get(status, "msks"), 0);
	assert_string_equal(text(msk, "key_group"), "001-01/0001");
	assert_string_equal(text(msk, "kdi"), "00f110");
	assert_string_equal(text(msk, "group"), "0001");
	assert_string_equal(text(msk, "number"), "0001");
	assert_string_equal(text(msk, "check"), "503563");
	assert_string_equal(text(msk, "csb_id"), "12345678");
	assert_string_equal(text(msk, "rand"), "000102030405060708090a0b0c0d0e0f");
	assert_string_equal(text(msk, "profile"), "ts33246");
	assert_int_equal(number(msk, "phones"), 1);
	assert_null(json_object_get(msk, "msk"));
	json_decref(status);
}

static void report_shows_the_newest_msk_of_each_group(void **state)
{
	struct ue_site *site = *state;
	struct push push = push_f(1);
	json_t *report, *group;

	push.number = 0xffff;
	push.key[0] = 0xff;
	expect_accepted(site, push_seal(&push));
	expect_accepted(site, vector("H.msg"));
	push = push_f(3);
	push.number = 2;
	expect_accepted(site, push_seal(&push));
	report = run(site, "{\"do\":\"report\"}");
	assert_int_equal(json_array_size(json_object_get(report, "msks")), 2);
	assert_int_equal(json_array_size(json_object_get(report, "groups")), 1);
	group = json_array_get(json_object_get(report, "groups"), 0);
	assert_string_equal(text(group, "number"), "0002");
	assert_string_equal(text(group, "msk"), "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf");
	json_decref(report);
}

static void phone_is_shown_by_either_name_and_without_muk(void **state)
{
	struct ue_site *site = *state;
	const char *const lines[] = {
		"{\"do\":\"phone\",\"id\":\"" IMPI "\"}", "{\"do\":\"phone\",\"id\":\"" BTID "\"}"};

	expect_accepted(site, vector("F.msg"));
	for (int i = 0; i < 2; i++) {
		json_t *phone = run(site, lines[i]);
		char *dump = json_dumps(phone, 0);

		assert_string_equal(text(phone, "impi"), IMPI);
		assert_string_equal(text(phone, "address"), ADDRESS);
		assert_string_equal(text(json_object_get(phone, "current"), "btid"), BTID);
		assert_int_equal(number(json_object_get(phone, "current"), "counter"), 1);
		assert_true(json_is_null(json_object_get(phone, "previous")));
		assert_int_equal(json_array_size(json_object_get(phone, "msks")), 1);
		assert_null(strstr(dump, MUK));
		assert_null(strstr(dump, MRK));
		free(dump);
		json_decref(phone);
	}
}

static void set_changes_what_it_names(void **state)
{
	struct ue_site *site = *state;

	expect_done(site, "{\"do\":\"set\",\"id\":\"" BTID "\",\"counter\":1}");
	expect_refusal(site, vector("F.msg"), UE_STALE_COUNTER);
	expect_done(site, "{\"do\":\"set\",\"id\":\"" BTID "\",\"counter\":0,\"muk\":\"" MRK "\"}");
	expect_refusal(site, vector("F.msg"), UE_BAD_MAC);
	expect_done(site, "{\"do\":\"set\",\"id\":\"" IMPI "\",\"muk\":\"" MUK "\",\"expires\":1}");
	expect_refusal(site, vector("F.msg"), UE_MUK_EXPIRED);
	expect_done(site, "{\"do\":\"set\",\"id\":\"" IMPI "\",\"expires\":" EXPIRES "}");
	expect_done(site, "{\"do\":\"set\",\"id\":\"" IMPI "\",\"address\":\"10.3.3.3\"}");
	expect_refusal(site, vector("F.msg"), UE_WRONG_ADDRESS);
	expect_done(site, "{\"do\":\"set\",\"id\":\"" IMPI "\",\"address\":\"" ADDRESS "\"}");
	expect_accepted(site, vector("F.msg"));
}

static void set_refuses_values_out_of_range(void **state)
{
	struct ue_site *site = *state;

	expect_error(site, "{\"do\":\"set\",\"id\":\"" IMPI "\",\"counter\":4294967296}",
		"counter has to be within 0..4294967295");
	expect_error(site, "{\"do\":\"set\",\"id\":\"" IMPI "\",\"muk\":\"00\"}",
		"muk has to be 64 hexadecimal digits");
	expect_error(site, "{\"do\":\"set\",\"id\":\"" IMPI "\",\"muk\":7}",
		"muk has to be 64 hexadecimal digits");
	expect_error(site, "{\"do\":\"set\",\"id\":\"" IMPI "\",\"address\":\"x\"}",
		"address has to be an IP address, or empty");
	expect_error(site, "{\"do\":\"set\",\"loss\":101}",
		"loss, duplicate and reorder are percentages");
	expect_error(site, "{\"do\":\"set\",\"delay\":-1}",
		"delay and jitter are milliseconds, at most 60000");
	expect_done(site, "{\"do\":\"set\",\"loss\":12.5,\"delay\":3,\"jitter\":1}");
	assert_true(site->wire.impairment.loss == 12.5);
	assert_int_equal(site->wire.impairment.delay_us, 3000);
	assert_int_equal(site->wire.impairment.jitter_us, 1000);
}

static void forget_drops_the_msks_and_keeps_the_counter(void **state)
{
	struct ue_site *site = *state;

	expect_accepted(site, vector("F.msg"));
	expect_done(site, "{\"do\":\"forget\",\"id\":\"" IMPI "\"}");
	assert_int_equal(site->phones.with_msk, 0);
	assert_int_equal(credential_of(site, BTID)->counter, 1);
}

static void stop_is_passed_on(void **state)
{
	struct ue_site *site = *state;
	struct ue_now now = now_at(0);
	bool stop = false;

	json_decref(ue_command(site, "{\"do\":\"stop\",\"x\":1}", 21, &now, &stop));
	assert_false(stop);
	json_decref(ue_command(site, "{\"do\":\"stop\"}", 13, &now, &stop));
	assert_true(stop);
}

// The verification that inject sends, after message F has come and gone.
static struct mikey_bytes injected(struct ue_site *site, const char *line)
{
	static uint8_t out[UE_FRAME_MAX_BYTES];
	struct ue_now now = now_at(0);
	size_t len;

	expect_done(site, line);
	len = ue_site_poll(site, &now, out, sizeof(out));
	assert_true(len > 42);
	assert_memory_equal(out, bmsc_mac, 6);
	return (struct mikey_bytes){out + 42, (uint16_t)(len - 42)};
}

static void inject_repeats_the_answer_with_the_flaw_of_choice(void **state)
{
	struct ue_site *site = site_of(IMPI "," BTID "," MUK ",," EXPIRES "," ADDRESS ",,,,\n"
					    "two@ims,two@bsf," MUK ",," EXPIRES ",10.0.0.8,,,,\n");
	struct mikey_bytes wanted = vector("G.msg"), got;
	struct mikey_view view;

	(void)state;
	expect_error(site, "{\"do\":\"inject\",\"id\":\"" IMPI "\"}",
		"the phone holds no MSK to verify");
	expect_accepted(site, vector("F.msg"));
	got = injected(site, "{\"do\":\"inject\",\"id\":\"" IMPI "\"}");
	assert_int_equal(got.len, wanted.len);
	assert_memory_equal(got.data, wanted.data, wanted.len);
	got = injected(site, "{\"do\":\"inject\",\"id\":\"" IMPI "\",\"flaw\":\"bad-mac\"}");
	assert_memory_equal(got.data, wanted.data, wanted.len - 20u);
	assert_memory_not_equal(got.data, wanted.data, wanted.len);
	got = injected(site, "{\"do\":\"inject\",\"id\":\"" IMPI "\",\"flaw\":\"bit\",\"bit\":39}");
	assert_int_equal(got.data[4], wanted.data[4] ^ 1);
	got = injected(site, "{\"do\":\"inject\",\"id\":\"" IMPI "\",\"flaw\":\"wrong-idr\"}");
	assert_int_equal(mikey_parse(got.data, got.len, &view), MIKEY_OK);
	assert_memory_equal(view.identity[0].data, "two@bsf", 7);
	got = injected(site, "{\"do\":\"inject\",\"id\":\"" IMPI "\",\"flaw\":\"stale-counter\"}");
	assert_int_equal(mikey_parse(got.data, got.len, &view), MIKEY_OK);
	assert_int_equal(view.counter, (uint32_t)(1 - 1000000));
	expect_error(site, "{\"do\":\"inject\",\"id\":\"" IMPI "\",\"flaw\":\"odd\"}",
		"flaw: none, bit, wrong-idr, stale-counter or bad-mac");
	ue_site_destroy(site);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_PHONE(lines_that_are_no_command_get_an_error),
		WITH_PHONE(status_counts_phones_msks_and_refusals),
		WITH_PHONE(report_shows_the_newest_msk_of_each_group),
		WITH_PHONE(phone_is_shown_by_either_name_and_without_muk),
		WITH_PHONE(set_changes_what_it_names),
		WITH_PHONE(set_refuses_values_out_of_range),
		WITH_PHONE(forget_drops_the_msks_and_keeps_the_counter),
		WITH_PHONE(stop_is_passed_on),
		cmocka_unit_test(inject_repeats_the_answer_with_the_flaw_of_choice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
