// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test.h"
#include "ua_xml.h"

static struct ua_xml *xml;
static struct ua_items items;

static int parser_make(void **state)
{
	(void)state;
	return ua_xml_create(&xml);
}

static int parser_drop(void **state)
{
	(void)state;
	ua_xml_destroy(xml);
	return 0;
}

static enum ua_xml_verdict parse_octets(enum ua_procedure procedure, const char *body, size_t len)
{
	char *exact = calloc(1, len + 1);
	enum ua_xml_verdict verdict;

	memcpy(exact, body, len);
	verdict = ua_xml_parse(xml, procedure, exact, len, &items);
	free(exact);
	return verdict;
}

static enum ua_xml_verdict parse(enum ua_procedure procedure, const char *body)
{
	return parse_octets(procedure, body, strlen(body));
}

static void expect_name(unsigned i, const char *wanted)
{
	struct ua_text name = ua_item_name(&items, i);

	assert_int_equal(name.len, strlen(wanted));
	assert_memory_equal(name.data, wanted, name.len);
}

static void services_of_a_registration_are_found(void **state)
{
	(void)state;
	assert_int_equal(parse(UA_REGISTER,
				 "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
				 "<mbmsSecurityRegister xmlns=\"urn:3GPP:metadata:2005:MBMS:"
				 "securityRegister\">\n"
				 "  <serviceID>urn:3gpp:0010120798ac</serviceID>\n"
				 "  <serviceID>\n http://a.example/?x=1&amp;y=&#50; </serviceID>\n"
				 "</mbmsSecurityRegister>"),
		UA_XML_OK);
	assert_int_equal(items.n, 2);
	expect_name(0, "urn:3gpp:0010120798ac");
	expect_name(1, "http://a.example/?x=1&y=2");
	assert_int_equal(items.item[0].kind, UA_ITEM_SERVICE);
}

static void keys_of_a_request_are_found(void **state)
{
	(void)state;
	assert_int_equal(parse(UA_MSK_REQUEST,
				 "<mbmsMSK xmlns=\"urn:3GPP:metadata:2005:MBMS:msk\">"
				 "<MSK><keyDomainID>APEQ</keyDomainID><MSKID>AAEAAA==</MSKID></MSK>"
				 "<MSK><MSKID>AAL//w==</MSKID><keyDomainID>APEQ</keyDomainID></MSK>"
				 "</mbmsMSK>"),
		UA_XML_OK);
	assert_int_equal(items.n, 2);
	assert_int_equal(items.item[0].kind, UA_ITEM_KEY);
	assert_memory_equal(items.item[0].kdi, "\x00\xf1\x10", 3);
	assert_int_equal(items.item[0].group, 1);
	assert_int_equal(items.item[0].number, 0);
	assert_int_equal(items.item[1].group, 2);
	assert_int_equal(items.item[1].number, 0xffff);
}

static void key_groups_of_the_old_profile_are_found(void **state)
{
	(void)state;
	assert_int_equal(
		parse(UA_MSK_REQUEST,
			"<mbmsMSK xmlns=\"urn:3GPP:metadata:2005:MBMS:msk\">"
			"<keyGroupID>0001</keyGroupID><keyGroupID>aBcD</keyGroupID></mbmsMSK>"),
		UA_XML_OK);
	assert_int_equal(items.n, 2);
	assert_int_equal(items.item[0].kind, UA_ITEM_GROUP);
	assert_int_equal(items.item[0].group, 1);
	assert_int_equal(items.item[1].group, 0xabcd);
}

static void prefixes_attributes_and_foreign_elements_are_tolerated(void **state)
{
	(void)state;
	assert_int_equal(
		parse(UA_REGISTER,
			"<m:anyRoot xmlns:m=\"urn:3GPP:metadata:2005:MBMS:other\" "
			"xmlns:f=\"urn:foreign\" f:a=\"1\" b=\"2\">"
			"<f:serviceID>not this</f:serviceID><f:x><m:serviceID>nor this"
			"</m:serviceID></f:x><m:unknown><m:serviceID>nor that</m:serviceID>"
			"</m:unknown><m:serviceID c=\"3\">this</m:serviceID>"
			"<!-- and --><?p i?></m:anyRoot>"),
		UA_XML_OK);
	assert_int_equal(items.n, 1);
	expect_name(0, "this");
	assert_int_equal(parse(UA_MSK_REQUEST,
				 "<r><MSK><x><MSKID>bad</MSKID></x><keyDomainID>APEQ</keyDomainID>"
				 "<MSKID><![CDATA[AAEAAA==]]></MSKID></MSK></r>"),
		UA_XML_OK);
	assert_int_equal(items.n, 1);
}

static void document_types_and_entities_are_refused(void **state)
{
	(void)state;
	assert_int_equal(
		parse(UA_REGISTER, "<!DOCTYPE r><r><serviceID>s</serviceID></r>"), UA_XML_DOCTYPE);
	assert_int_equal(parse(UA_REGISTER,
				 "<!DOCTYPE r [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;\">]>"
				 "<r><serviceID>&b;</serviceID></r>"),
		UA_XML_DOCTYPE);
	assert_int_equal(parse(UA_REGISTER,
				 "<!DOCTYPE r SYSTEM "
				 "\"file:///etc/passwd\"><r><serviceID>s</serviceID></r>"),
		UA_XML_DOCTYPE);
	assert_int_equal(parse(UA_REGISTER, "<r><serviceID>&b;</serviceID></r>"), UA_XML_MALFORMED);
}

static void what_is_no_xml_is_malformed(void **state)
{
	static const char with_nul[] = "<r><serviceID>a\0b</serviceID></r>";

	(void)state;
	assert_int_equal(parse(UA_REGISTER, ""), UA_XML_MALFORMED);
	assert_int_equal(parse(UA_REGISTER, "x"), UA_XML_MALFORMED);
	assert_int_equal(parse(UA_REGISTER, "<r><serviceID>a</serviceID>"), UA_XML_MALFORMED);
	assert_int_equal(parse(UA_REGISTER, "<r><serviceID>a</serviceID></s>"), UA_XML_MALFORMED);
	assert_int_equal(parse(UA_REGISTER, "<r><serviceID>a</serviceID></r>x"), UA_XML_MALFORMED);
	assert_int_equal(
		parse(UA_REGISTER, "<r><serviceID>\xff\xfe</serviceID></r>"), UA_XML_MALFORMED);
	assert_int_equal(
		parse_octets(UA_REGISTER, with_nul, sizeof(with_nul) - 1), UA_XML_MALFORMED);
}

static void depth_is_bounded(void **state)
{
	char body[64 * 1024] = "";
	size_t at = 0;

	(void)state;
	for (int i = 0; i < 10000; i++)
		at += (size_t)sprintf(body + at, "<a>");
	assert_int_equal(parse_octets(UA_REGISTER, body, at), UA_XML_BOUNDS);
	at = 0;
	for (int i = 1; i < UA_XML_DEPTH; i++)
		at += (size_t)sprintf(body + at, "<a>");
	at += (size_t)sprintf(body + at, "<b/>");
	for (int i = 1; i < UA_XML_DEPTH; i++)
		at += (size_t)sprintf(body + at, "</a>");
	assert_int_equal(parse_octets(UA_REGISTER, body, at), UA_XML_EMPTY);
}

static void number_of_items_is_bounded(void **state)
{
	char body[64 * 1024];

	(void)state;
	for (int n = UA_ITEMS_MAX; n <= UA_ITEMS_MAX + 1; n++) {
		size_t at = (size_t)sprintf(body, "<r>");

		for (int i = 0; i < n; i++)
			at += (size_t)sprintf(body + at, "<keyGroupID>%04x</keyGroupID>", i);
		at += (size_t)sprintf(body + at, "</r>");
		assert_int_equal(parse_octets(UA_MSK_REQUEST, body, at),
			n == UA_ITEMS_MAX ? UA_XML_OK : UA_XML_BOUNDS);
	}
}

static void length_of_names_is_bounded(void **state)
{
	char body[64 * 1024];
	size_t at;

	(void)state;
	for (int len = UA_SERVICE_MAX; len <= UA_SERVICE_MAX + 1; len++) {
		sprintf(body, "<r><serviceID>%0*d</serviceID></r>", len, 0);
		assert_int_equal(parse(UA_REGISTER, body),
			len == UA_SERVICE_MAX ? UA_XML_OK : UA_XML_BOUNDS);
	}
	sprintf(body, "<r><serviceID>%0*d</serviceID></r>", 60000, 0);
	assert_int_equal(parse(UA_REGISTER, body), UA_XML_BOUNDS);
	at = (size_t)sprintf(body, "<r>");
	for (int i = 0; i <= UA_ITEMS_TEXT / 127; i++)
		at += (size_t)sprintf(body + at, "<serviceID>%0127d</serviceID>", 0);
	sprintf(body + at, "</r>");
	assert_int_equal(parse(UA_REGISTER, body), UA_XML_BOUNDS);
}

static void items_that_lack_a_part_are_refused(void **state)
{
	static const char *const bad[] = {
		"<r><MSK><keyDomainID>APEQ</keyDomainID></MSK></r>",
		"<r><MSK><MSKID>AAEAAA==</MSKID></MSK></r>",
		"<r><MSK/></r>",
		"<r><MSK><keyDomainID>APE</keyDomainID><MSKID>AAEAAA==</MSKID></MSK></r>",
		"<r><MSK><keyDomainID>APEQAA==</keyDomainID><MSKID>AAEAAA==</MSKID></MSK></r>",
		"<r><MSK><keyDomainID>AP=Q</keyDomainID><MSKID>AAEAAA==</MSKID></MSK></r>",
		"<r><MSK><keyDomainID>AP!Q</keyDomainID><MSKID>AAEAAA==</MSKID></MSK></r>",
		"<r><MSK><keyDomainID>APEQ</keyDomainID><MSKID>AAEAAA</MSKID></MSK></r>",
		"<r><MSK><keyDomainID>APEQ</keyDomainID><MSKID>AAEAAAA=</MSKID></MSK></r>",
		"<r><MSK><keyDomainID>APEQ</keyDomainID><keyDomainID>APEQ</keyDomainID>"
		"<MSKID>AAEAAA==</MSKID></MSK></r>",
		"<r><keyGroupID>001</keyGroupID></r>",
		"<r><keyGroupID>000g</keyGroupID></r>",
		"<r><keyGroupID>0001<x/></keyGroupID></r>",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (parse(UA_MSK_REQUEST, bad[i]) != UA_XML_BAD_ITEM)
			fail_msg("taken: %s", bad[i]);
	assert_int_equal(parse(UA_REGISTER, "<r><serviceID> </serviceID></r>"), UA_XML_BAD_ITEM);
}

static void a_body_without_items_is_empty(void **state)
{
	(void)state;
	assert_int_equal(parse(UA_REGISTER, "<r/>"), UA_XML_EMPTY);
	assert_int_equal(parse(UA_MSK_REQUEST, "<r><serviceID>s</serviceID></r>"), UA_XML_EMPTY);
	assert_int_equal(parse(UA_REGISTER, "<r><keyGroupID>0001</keyGroupID></r>"), UA_XML_EMPTY);
}

static void a_parser_forgets_the_body_before(void **state)
{
	(void)state;
	assert_int_equal(parse(UA_REGISTER, "<a><b><serviceID>x"), UA_XML_MALFORMED);
	assert_int_equal(parse(UA_REGISTER, "<r><serviceID>s</serviceID></r>"), UA_XML_OK);
	assert_int_equal(items.n, 1);
	expect_name(0, "s");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(services_of_a_registration_are_found),
		cmocka_unit_test(keys_of_a_request_are_found),
		cmocka_unit_test(key_groups_of_the_old_profile_are_found),
		cmocka_unit_test(prefixes_attributes_and_foreign_elements_are_tolerated),
		cmocka_unit_test(document_types_and_entities_are_refused),
		cmocka_unit_test(what_is_no_xml_is_malformed),
		cmocka_unit_test(depth_is_bounded),
		cmocka_unit_test(number_of_items_is_bounded),
		cmocka_unit_test(length_of_names_is_bounded),
		cmocka_unit_test(items_that_lack_a_part_are_refused),
		cmocka_unit_test(a_body_without_items_is_empty),
		cmocka_unit_test(a_parser_forgets_the_body_before),
	};

	return cmocka_run_group_tests(tests, parser_make, parser_drop);
}
