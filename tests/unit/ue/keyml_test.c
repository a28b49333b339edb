// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "ue/keyml.h"

#include "support.h"

#define MSK_ANSWER(items)                                               \
	"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<mbmsMSKResponse " \
	"xmlns=\"urn:3GPP:metadata:2005:MBMS:mskResponse\">" items "</mbmsMSKResponse>"
#define REGISTER_ANSWER(items)                                                  \
	"<mbmsSecurityRegisterResponse "                                        \
	"xmlns=\"urn:3GPP:metadata:2005:MBMS:securityRegisterResponse\">" items \
	"</mbmsSecurityRegisterResponse>"
#define KEY "<MSK><keyDomainID>APEQ</keyDomainID><MSKID>AAEAAA==</MSKID></MSK>"
#define CODE(code) "<ResponseCode>" code "</ResponseCode>"
#define ITEM(inner) "<Response>" inner "</Response>"

static struct ue_answer_reader *reader;
static struct ue_results results;

static enum ue_answer_verdict read_answer(enum ue_procedure procedure, const char *body)
{
	return ue_answer_read(reader, procedure, ue_text_of(body), &results);
}

static void expect_request(enum ue_procedure procedure, const struct ue_subject *subjects,
	size_t count, const char *wanted)
{
	char text[1024];
	struct ue_writer writer = {text, text + sizeof(text), false};

	ue_request_put(&writer, procedure, subjects, count);
	assert_false(writer.is_full);
	*writer.at = '\0';
	assert_string_equal(text, wanted);
}

// The bodies of spec 5.5.
static void requests_read_as_the_specification_has_them(void **state)
{
	const struct ue_subject keys[] = {
		{.kdi = {0x00, 0xf1, 0x10}, .group = 1},
		{.profile = MIKEY_PROFILE_V600, .group = 0xab},
	};
	const struct ue_subject services[] = {
		{.service = ue_text_of("urn:3gpp:0010120798ac")},
		{.service = ue_text_of("a<b>&c")},
	};

	(void)state;
	expect_request(UE_FETCH, keys, 1,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<mbmsMSK xmlns=\"urn:3GPP:metadata:2005:MBMS:msk\">" KEY "</mbmsMSK>\n");
	expect_request(UE_FETCH, &keys[1], 1,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<mbmsMSK xmlns=\"urn:3GPP:metadata:2005:MBMS:msk\">"
		"<keyGroupID>00ab</keyGroupID></mbmsMSK>\n");
	expect_request(UE_REGISTER, services, 1,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<mbmsSecurityRegister xmlns=\"urn:3GPP:metadata:2005:MBMS:securityRegister\">"
		"<serviceID>urn:3gpp:0010120798ac</serviceID></mbmsSecurityRegister>\n");
	expect_request(UE_DEREGISTER, services, 2,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<mbmsSecurityDeregister xmlns=\"urn:3GPP:metadata:2005:MBMS:securityDeregister\">"
		"<serviceID>urn:3gpp:0010120798ac</serviceID>"
		"<serviceID>a&lt;b&gt;&amp;c</serviceID></mbmsSecurityDeregister>\n");
}

static void items_of_a_key_answer_are_read(void **state)
{
	const struct ue_subject wanted[] = {
		{.kdi = {0x00, 0xf1, 0x10}, .group = 1},
		{.kdi = {0x00, 0xf1, 0x10}, .group = 0x1234, .number = 0x5678},
		{.profile = MIKEY_PROFILE_V600, .group = 0xab},
	};

	(void)state;
	assert_int_equal(
		read_answer(UE_FETCH,
			MSK_ANSWER(ITEM(KEY CODE("200 OK")) ITEM(
				CODE(" 404 Not Found\n") "<MSK><MSKID>EjRWeA==</MSKID>"
							 "<keyDomainID> APEQ </keyDomainID></MSK>")
					ITEM("<keyGroupID>00AB</keyGroupID>" CODE("403")))),
		UE_ANSWER_GOOD);
	assert_int_equal(results.count, 3);
	for (int i = 0; i < 3; i++)
		assert_true(ue_subject_equal(&results.list[i].subject, &wanted[i]));
	assert_false(ue_subject_equal(&wanted[0], &wanted[1]));
	assert_false(ue_subject_equal(&wanted[0], &wanted[2]));
	assert_int_equal(results.list[0].code, 200);
	assert_int_equal(results.list[1].code, 404);
	assert_int_equal(results.list[2].code, 403);
}

static void items_of_a_registration_answer_are_read(void **state)
{
	(void)state;
	assert_int_equal(
		read_answer(UE_REGISTER,
			REGISTER_ANSWER(ITEM("<serviceID>a&amp;b</serviceID>" CODE("200 OK"))
					ITEM("<serviceID>news</serviceID>" CODE("403 No")))),
		UE_ANSWER_GOOD);
	assert_int_equal(results.count, 2);
	assert_true(ue_text_equal(results.list[0].subject.service, ue_text_of("a&b")));
	assert_true(ue_text_equal(results.list[1].subject.service, ue_text_of("news")));
	assert_int_equal(results.list[1].code, 403);
	assert_int_equal(read_answer(UE_DEREGISTER, REGISTER_ANSWER("")), UE_ANSWER_GOOD);
	assert_int_equal(results.count, 0);
}

static void foreign_elements_and_prefixes_are_tolerated(void **state)
{
	(void)state;
	assert_int_equal(
		read_answer(UE_FETCH,
			"<m:mbmsMSKResponse xmlns:m=\"urn:3GPP:metadata:2005:MBMS:other\" "
			"xmlns:x=\"urn:x\" x:y=\"z\"><x:Response/><m:new><m:Response/></m:new>"
			"<m:Response><x:ResponseCode>500</x:ResponseCode><m:keyGroupID>0001"
			"</m:keyGroupID><!-- c --><m:ResponseCode><![CDATA[200 OK]]>"
			"</m:ResponseCode></m:Response></m:mbmsMSKResponse>"),
		UE_ANSWER_GOOD);
	assert_int_equal(results.count, 1);
	assert_int_equal(results.list[0].code, 200);
}

static void what_is_no_xml_is_refused(void **state)
{
	static const char *const bodies[] = {"", "garbage", "<a", MSK_ANSWER("<m>"),
		MSK_ANSWER("") "x", "<!DOCTYPE a [<!ENTITY b \"cccccccc\">]>" MSK_ANSWER("&b;"),
		"<!DOCTYPE mbmsMSKResponse SYSTEM \"file:///etc/passwd\">" MSK_ANSWER(""),
		MSK_ANSWER("&undeclared;"), MSK_ANSWER("\x01"), "\xff\xfe"};

	(void)state;
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++)
		assert_int_equal(read_answer(UE_FETCH, bodies[i]), UE_ANSWER_MALFORMED);
}

static void what_answers_something_else_is_refused(void **state)
{
	static const char *const bodies[] = {
		"<a/>",
		"<mbmsMSKResponse/>",
		"<mbmsMSKResponse xmlns=\"urn:other\"/>",
		REGISTER_ANSWER(""),
		MSK_ANSWER(ITEM(KEY)),
		MSK_ANSWER(ITEM(CODE("200 OK"))),
		MSK_ANSWER(ITEM(KEY CODE("OK"))),
		MSK_ANSWER(ITEM(KEY CODE("2000"))),
		MSK_ANSWER(ITEM(KEY CODE("099"))),
		MSK_ANSWER(ITEM(KEY CODE("200 OK") CODE("200 OK"))),
		MSK_ANSWER(ITEM(KEY KEY CODE("200 OK"))),
		MSK_ANSWER(ITEM(KEY "<keyGroupID>0001</keyGroupID>" CODE("200 OK"))),
		MSK_ANSWER(ITEM("<MSK><MSKID>AAEAAA==</MSKID></MSK>" CODE("200 OK"))),
		MSK_ANSWER(ITEM("<MSK><keyDomainID>AP=Q</keyDomainID>"
				"<MSKID>AAEAAA==</MSKID></MSK>" CODE("200 OK"))),
		MSK_ANSWER(ITEM("<MSK><keyDomainID>APEQ</keyDomainID>"
				"<MSKID>AAEAAAA=</MSKID></MSK>" CODE("200 OK"))),
		MSK_ANSWER(ITEM("<keyGroupID>001</keyGroupID>" CODE("200 OK"))),
		MSK_ANSWER(ITEM("<keyGroupID>0x01</keyGroupID>" CODE("200 OK"))),
		MSK_ANSWER(ITEM("<serviceID></serviceID>" CODE("200 OK"))),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		if (read_answer(UE_FETCH, bodies[i]) != UE_ANSWER_OTHER)
			fail_msg("taken: %s", bodies[i]);
	}
}

static void depth_length_and_number_are_bounded(void **state)
{
	static char body[65536];
	size_t len;

	(void)state;
	len = (size_t)sprintf(
		body, "%s", "<mbmsMSKResponse xmlns=\"urn:3GPP:metadata:2005:MBMS:m\">");
	for (int i = 0; i < 1000; i++)
		len += (size_t)sprintf(body + len, "<a>");
	assert_int_equal(read_answer(UE_FETCH, body), UE_ANSWER_MALFORMED);
	len = (size_t)sprintf(
		body, "%s", "<mbmsMSKResponse xmlns=\"urn:3GPP:metadata:2005:MBMS:m\">");
	for (int i = 0; i <= UE_SUBJECTS_MAX; i++)
		len += (size_t)sprintf(
			body + len, "%s", ITEM("<keyGroupID>0001</keyGroupID>" CODE("200 OK")));
	sprintf(body + len, "</mbmsMSKResponse>");
	assert_int_equal(read_answer(UE_FETCH, body), UE_ANSWER_OTHER);
	assert_int_equal(results.count, UE_SUBJECTS_MAX);
	len = (size_t)sprintf(body, "%s",
		"<mbmsMSKResponse xmlns=\"urn:3GPP:metadata:2005:MBMS:m\"><Response><serviceID>");
	memset(body + len, 'x', 10000);
	strcpy(body + len + 10000, "</serviceID></Response></mbmsMSKResponse>");
	assert_int_equal(read_answer(UE_FETCH, body), UE_ANSWER_MALFORMED);
	// The reader is as good as new after all that.
	assert_int_equal(
		read_answer(UE_FETCH, MSK_ANSWER(ITEM(KEY CODE("200 OK")))), UE_ANSWER_GOOD);
}

static int reader_make(void **state)
{
	(void)state;
	reader = ue_answer_reader_create();
	return reader == NULL;
}

static int reader_drop(void **state)
{
	(void)state;
	ue_answer_reader_destroy(reader);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_read_as_the_specification_has_them),
		cmocka_unit_test(items_of_a_key_answer_are_read),
		cmocka_unit_test(items_of_a_registration_answer_are_read),
		cmocka_unit_test(foreign_elements_and_prefixes_are_tolerated),
		cmocka_unit_test(what_is_no_xml_is_refused),
		cmocka_unit_test(what_answers_something_else_is_refused),
		cmocka_unit_test(depth_length_and_number_are_bounded),
	};

	return cmocka_run_group_tests(tests, reader_make, reader_drop);
}
