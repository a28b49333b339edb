// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include <stdio.h>
#include <string.h>

#include "test.h"
#include "ua_bodies.h"

#define KEY "<MSK><keyDomainID>APEQ</keyDomainID><MSKID>AAEAAA==</MSKID></MSK>"
#define BODY "<mbmsMSK xmlns=\"urn:3GPP:metadata:2005:MBMS:msk\">" KEY "</mbmsMSK>"

static struct ua_bodies *bodies;
static struct ua_body *body;

static int bodies_make(void **state)
{
	(void)state;
	return ua_bodies_create(&bodies);
}

static int bodies_drop(void **state)
{
	(void)state;
	ua_bodies_destroy(bodies);
	return 0;
}

static enum ua_xml_verdict take_at(uint8_t seat, enum ua_procedure procedure, const char *text)
{
	const uint8_t hash[UA_HASH_MAX] = {seat};

	return ua_bodies_read(bodies, procedure, ua_text_of(text), hash, &body);
}

// Most bodies of these tests fall on one seat.
static enum ua_xml_verdict take(enum ua_procedure procedure, const char *text)
{
	return take_at(7, procedure, text);
}

static void answer(enum ua_procedure procedure, enum ua_item_code first, enum ua_item_code second)
{
	const uint8_t codes[UA_ITEMS_MAX] = {(uint8_t)first, (uint8_t)second};

	ua_bodies_answer(bodies, procedure, body, codes, UA_ALG_MD5);
}

static void expect_reply(const char *wanted)
{
	uint8_t hash[UA_HASH_MAX];
	struct ua_hash h;

	assert_int_equal(body->reply_len, strlen(wanted));
	assert_memory_equal(body->reply, wanted, body->reply_len);
	ua_hash_begin(&h, UA_ALG_MD5);
	ua_hash_add(&h, wanted, strlen(wanted));
	ua_hash_end(&h, hash);
	assert_memory_equal(body->reply_hash, hash, 16);
}

static void an_answer_has_one_response_for_each_item(void **state)
{
	(void)state;
	assert_int_equal(
		take(UA_MSK_REQUEST, "<r>" KEY "<keyGroupID>00aB</keyGroupID></r>"), UA_XML_OK);
	answer(UA_MSK_REQUEST, UA_ITEM_OK, UA_ITEM_NO_MSK);
	expect_reply("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		     "<mbmsMSKResponse xmlns=\"urn:3GPP:metadata:2005:MBMS:mskResponse\">"
		     "<Response>" KEY "<ResponseCode>200 OK</ResponseCode></Response>"
		     "<Response><keyGroupID>00ab</keyGroupID>"
		     "<ResponseCode>204 No Content</ResponseCode></Response>"
		     "</mbmsMSKResponse>");
	assert_int_equal(
		take(UA_DEREGISTER, "<r><serviceID>a&lt;&gt;&amp;\"'</serviceID></r>"), UA_XML_OK);
	answer(UA_DEREGISTER, UA_ITEM_UNKNOWN, UA_ITEM_OK);
	expect_reply("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		     "<mbmsSecurityRegisterResponse "
		     "xmlns=\"urn:3GPP:metadata:2005:MBMS:securityRegisterResponse\">"
		     "<Response><serviceID>a&lt;&gt;&amp;\"'</serviceID>"
		     "<ResponseCode>404 Not Found</ResponseCode></Response>"
		     "</mbmsSecurityRegisterResponse>");
}

static void a_body_that_came_before_is_the_same_one(void **state)
{
	struct ua_body *first;
	const char *reply;

	(void)state;
	assert_int_equal(take(UA_MSK_REQUEST, BODY), UA_XML_OK);
	first = body;
	answer(UA_MSK_REQUEST, UA_ITEM_OK, UA_ITEM_OK);
	reply = body->reply;
	assert_int_equal(take(UA_MSK_REQUEST, BODY), UA_XML_OK);
	assert_ptr_equal(body, first);
	assert_int_equal(body->items.n, 1);
	answer(UA_MSK_REQUEST, UA_ITEM_OK, UA_ITEM_OK);
	assert_ptr_equal(body->reply, reply);
}

// One hash for two bodies is no mistake: all octets are compared.
static void bodies_with_one_hash_are_told_apart(void **state)
{
	(void)state;
	assert_int_equal(take(UA_MSK_REQUEST, "<r><keyGroupID>0001</keyGroupID></r>"), UA_XML_OK);
	assert_int_equal(take(UA_MSK_REQUEST, "<r><keyGroupID>0002</keyGroupID></r>"), UA_XML_OK);
	assert_int_equal(body->items.item[0].group, 2);
	assert_int_equal(take(UA_MSK_REQUEST, "<r><keyGroupID>0001</keyGroupID></r>"), UA_XML_OK);
	assert_int_equal(body->items.item[0].group, 1);
}

static void one_body_of_two_procedures_is_two(void **state)
{
	(void)state;
	assert_int_equal(take(UA_MSK_REQUEST, BODY), UA_XML_OK);
	assert_int_equal(take(UA_REGISTER, BODY), UA_XML_EMPTY);
	assert_int_equal(take(UA_MSK_REQUEST, BODY), UA_XML_OK);
}

static void other_codes_make_another_answer(void **state)
{
	(void)state;
	assert_int_equal(take(UA_MSK_REQUEST, "<r><keyGroupID>0001</keyGroupID></r>"), UA_XML_OK);
	answer(UA_MSK_REQUEST, UA_ITEM_OK, UA_ITEM_OK);
	answer(UA_MSK_REQUEST, UA_ITEM_FORBIDDEN, UA_ITEM_OK);
	expect_reply("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		     "<mbmsMSKResponse xmlns=\"urn:3GPP:metadata:2005:MBMS:mskResponse\">"
		     "<Response><keyGroupID>0001</keyGroupID>"
		     "<ResponseCode>403 Forbidden</ResponseCode></Response></mbmsMSKResponse>");
}

static void a_refused_body_does_not_push_out_a_good_one(void **state)
{
	struct ua_body *first;

	(void)state;
	assert_int_equal(take(UA_MSK_REQUEST, BODY), UA_XML_OK);
	first = body;
	answer(UA_MSK_REQUEST, UA_ITEM_OK, UA_ITEM_OK);
	assert_int_equal(take(UA_MSK_REQUEST, "<r><keyGroupID>"), UA_XML_MALFORMED);
	assert_int_equal(take(UA_MSK_REQUEST, BODY), UA_XML_OK);
	assert_ptr_equal(body, first);
	assert_true(body->reply_len > 0);
}

static void long_bodies_and_answers_are_right_though_not_kept(void **state)
{
	static char text[3 * UA_BODIES_OCTETS];
	size_t at = 0;

	(void)state;
	// Answers are longer than bodies here: a body that is kept, an answer that is not.
	at += (size_t)sprintf(text + at, "<r>");
	for (int i = 0; i < UA_ITEMS_MAX; i++)
		at += (size_t)sprintf(text + at, "<keyGroupID>%04x</keyGroupID>", i);
	sprintf(text + at, "</r>");
	assert_true(strlen(text) < UA_BODIES_OCTETS);
	assert_int_equal(take(UA_MSK_REQUEST, text), UA_XML_OK);
	answer(UA_MSK_REQUEST, UA_ITEM_OK, UA_ITEM_OK);
	assert_true(body->reply_len > UA_BODIES_OCTETS);
	assert_int_equal(take_at(8, UA_MSK_REQUEST, BODY), UA_XML_OK);
	answer(UA_MSK_REQUEST, UA_ITEM_OK, UA_ITEM_OK);
	assert_int_equal(take(UA_MSK_REQUEST, text), UA_XML_OK);
	assert_int_equal(body->items.n, UA_ITEMS_MAX);
	answer(UA_MSK_REQUEST, UA_ITEM_OK, UA_ITEM_OK);
	assert_non_null(strstr(body->reply, "003f"));
	// And a body that is not.
	sprintf(text, "<r><keyGroupID>0005</keyGroupID>%*s</r>", UA_BODIES_OCTETS, "");
	assert_int_equal(take(UA_MSK_REQUEST, text), UA_XML_OK);
	assert_int_equal(body->items.item[0].group, 5);
	answer(UA_MSK_REQUEST, UA_ITEM_OK, UA_ITEM_OK);
	assert_non_null(memmem(body->reply, body->reply_len, "0005", 4));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_has_one_response_for_each_item),
		cmocka_unit_test(a_body_that_came_before_is_the_same_one),
		cmocka_unit_test(bodies_with_one_hash_are_told_apart),
		cmocka_unit_test(one_body_of_two_procedures_is_two),
		cmocka_unit_test(other_codes_make_another_answer),
		cmocka_unit_test(a_refused_body_does_not_push_out_a_good_one),
		cmocka_unit_test(long_bodies_and_answers_are_right_though_not_kept),
	};

	return cmocka_run_group_tests(tests, bodies_make, bodies_drop);
}
