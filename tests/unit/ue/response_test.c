// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "ue/response.h"

#include <stdlib.h>

#include "support.h"

#define OK_HEAD "HTTP/1.1 200 OK\r\n"

static const char plain[] = OK_HEAD "Content-Type: application/mbms-msk-response+xml\r\n"
				    "Authentication-Info: rspauth=\"00\"\r\n"
				    "content-length:  5 \r\n\r\nhello";
static const char chunked[] = OK_HEAD "Transfer-Encoding: chunked\r\n\r\n"
				      "2\r\nhe\r\n003;x=y\r\nllo\r\n0\r\nTrailer: x\r\n\r\n";

// Hands the answer over in two pieces, each in memory of exactly its size; then what is behind.
static enum ue_response_verdict parse(struct ue_response *response, const char *text, size_t len,
	size_t first, char **data, bool is_end)
{
	enum ue_response_verdict verdict = UE_RESPONSE_MORE;

	*response = (struct ue_response){0};
	*data = malloc(len);
	assert_non_null(*data);
	if (first > 0) {
		char *piece = malloc(first);

		assert_non_null(piece);
		memcpy(piece, text, first);
		verdict = ue_response_parse(response, piece, first, false);
		// What the parser put together moves along, as it does in a buffer that grows.
		memcpy(*data, piece, first);
		free(piece);
	}
	if (verdict == UE_RESPONSE_MORE) {
		memcpy(*data + first, text + first, len - first);
		verdict = ue_response_parse(response, *data, len, is_end);
	}
	return verdict;
}

static void expect_text(struct ue_text text, const char *wanted)
{
	if (wanted == NULL) {
		assert_null(text.data);
		return;
	}
	assert_non_null(text.data);
	assert_int_equal(text.len, strlen(wanted));
	assert_memory_equal(text.data, wanted, text.len);
}

// Cut anywhere, the answer is the same.
static void expect_whole(const char *text, unsigned status, const char *body, bool is_last)
{
	for (size_t first = 0; first <= strlen(text); first++) {
		struct ue_response response;
		char *data;

		assert_int_equal(parse(&response, text, strlen(text), first, &data, false),
			UE_RESPONSE_WHOLE);
		assert_int_equal(response.status, status);
		assert_int_equal(response.is_last, is_last);
		assert_int_equal(response.len, strlen(text));
		expect_text(ue_response_text(data, response.body), body);
		free(data);
	}
}

static void expect_bad(const char *text)
{
	struct ue_response response;
	enum ue_response_verdict verdict;
	char *data;

	verdict = parse(&response, text, strlen(text), 0, &data, true);
	free(data);
	if (verdict != UE_RESPONSE_BAD)
		fail_msg("taken: %s", text);
}

static void answers_are_whole_wherever_they_are_cut(void **state)
{
	(void)state;
	expect_whole(plain, 200, "hello", false);
	expect_whole(chunked, 200, "hello", false);
	expect_whole(
		"HTTP/1.1 401 \r\nContent-Length: 0\r\nConnection: Close\r\n\r\n", 401, "", true);
	expect_whole("HTTP/1.0 503 Busy\r\nContent-Length: 1\r\n\r\nx", 503, "x", true);
	expect_whole("HTTP/1.0 200 OK\r\nConnection: x, keep-alive\r\nContent-Length: 0\r\n\r\n",
		200, "", false);
	expect_whole("HTTP/1.1 204 No Content\r\n\r\n", 204, "", false);
	expect_whole("HTTP/1.1 304 Not Modified\r\nContent-Length: 77\r\n\r\n", 304, "", false);
	expect_whole("HTTP/1.1 200\r\nTransfer-Encoding: Chunked\r\n\r\n0\r\n\r\n", 200, "", false);
}

static void fields_are_found_without_regard_to_case(void **state)
{
	struct ue_response response = {0};
	char data[] = "HTTP/1.1 401 Unauthorized\r\nWWW-authenticate: Digest a\r\n"
		      "Other: x\r\nwww-authenticate: Digest b\r\nretry-After:7\r\n"
		      "content-length: 0\r\n\r\n";

	(void)state;
	assert_int_equal(
		ue_response_parse(&response, data, sizeof(data) - 1, false), UE_RESPONSE_WHOLE);
	assert_int_equal(response.challenge_count, 2);
	expect_text(ue_response_text(data, response.challenges[0]), "Digest a");
	expect_text(ue_response_text(data, response.challenges[1]), "Digest b");
	expect_text(ue_response_text(data, response.fields[UE_FIELD_RETRY_AFTER]), "7");
	expect_text(ue_response_text(data, response.fields[UE_FIELD_CONTENT_TYPE]), NULL);
	expect_text(ue_response_text(data, response.fields[UE_FIELD_AUTHENTICATION_INFO]), NULL);
}

static void answers_one_behind_the_other_are_told_apart(void **state)
{
	struct ue_response response = {0};
	char data[2 * sizeof(plain) + sizeof(chunked)];
	size_t len;

	(void)state;
	len = (size_t)sprintf(data, "%s%s%s", plain, chunked, plain);
	assert_int_equal(ue_response_parse(&response, data, len, false), UE_RESPONSE_WHOLE);
	assert_int_equal(response.len, sizeof(plain) - 1);
	response = (struct ue_response){0};
	assert_int_equal(ue_response_parse(&response, data + sizeof(plain) - 1,
				 len - sizeof(plain) + 1, false),
		UE_RESPONSE_WHOLE);
	assert_int_equal(response.len, sizeof(chunked) - 1);
}

static void interim_answers_are_stepped_over(void **state)
{
	char text[512];

	(void)state;
	sprintf(text, "HTTP/1.1 100 Continue\r\nContent-Length: 9\r\n\r\nHTTP/1.1 103 X\r\n\r\n%s",
		plain);
	expect_whole(text, 200, "hello", false);
	expect_bad("HTTP/1.1 101 Switching Protocols\r\n\r\n");
}

static void answer_without_length_lasts_to_the_end(void **state)
{
	const char text[] = OK_HEAD "\r\nhello";
	struct ue_response response;
	char *data;

	(void)state;
	assert_int_equal(parse(&response, text, strlen(text), 20, &data, false), UE_RESPONSE_MORE);
	assert_int_equal(ue_response_parse(&response, data, strlen(text), true), UE_RESPONSE_WHOLE);
	assert_true(response.is_last);
	expect_text(ue_response_text(data, response.body), "hello");
	free(data);
}

static void lengths_that_lie_are_refused(void **state)
{
	(void)state;
	expect_bad(OK_HEAD "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!");
	expect_bad(OK_HEAD "Content-Length: -1\r\n\r\n");
	expect_bad(OK_HEAD "Content-Length: +5\r\n\r\nhello");
	expect_bad(OK_HEAD "Content-Length: 5, 5\r\n\r\nhello");
	expect_bad(OK_HEAD "Content-Length: 0x5\r\n\r\nhello");
	expect_bad(OK_HEAD "Content-Length:\r\n\r\nhello");
	expect_bad(OK_HEAD "Content-Length: 65537\r\n\r\n");
	expect_bad(OK_HEAD "Content-Length: 18446744073709551621\r\n\r\nhello");
	expect_bad(OK_HEAD "Content-Length: 6\r\n\r\nhello"); // the connection ends
	expect_bad("HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello");
	expect_bad(OK_HEAD "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
	expect_bad(OK_HEAD "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n");
}

static void chunks_that_lie_are_refused(void **state)
{
	static const char *const bodies[] = {"x\r\nhello\r\n0\r\n\r\n", "\r\nhello\r\n0\r\n\r\n",
		"-5\r\nhello\r\n0\r\n\r\n", "4\r\nhello\r\n0\r\n\r\n", "6\r\nhello\r\n0\r\n\r\n",
		"10001\r\n", "fffffffffffffffff\r\nhello\r\n0\r\n\r\n", "5 hello\r\n", "0\r\n",
		"5\r\nhello\r\n",
		"1;xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\nh\r\n0"
		"\r\n\r\n"};

	(void)state;
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		char text[256];

		sprintf(text, OK_HEAD "Transfer-Encoding: chunked\r\n\r\n%s", bodies[i]);
		expect_bad(text);
	}
}

static void heads_that_are_none_are_refused(void **state)
{
	static const char *const heads[] = {"", "garbage\r\n\r\n", "HTTP/2 200 OK\r\n\r\n",
		"HTTP/1.1 20 OK\r\n\r\n", "HTTP/1.1 600 OK\r\n\r\n", "HTTP/1.1 099 OK\r\n\r\n",
		"HTTP/1.1 2000 OK\r\n\r\n", "HTTP/1.1  200 OK\r\n\r\n", "HTTP/1.1 2x0 OK\r\n\r\n",
		OK_HEAD "no colon\r\n\r\n", OK_HEAD ": no name\r\n\r\n",
		OK_HEAD "Name : blank\r\n\r\n", OK_HEAD "A: b\r\n folded\r\n\r\n",
		OK_HEAD "Content-Type: a\r\nContent-Type: b\r\n\r\n",
		OK_HEAD "Authentication-Info: a=b\r\nAuthentication-Info: a=b\r\n\r\n",
		"HTTP/1.1 200 OK\n\n", "\r\n\r\n"};

	(void)state;
	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
		expect_bad(heads[i]);
}

static void nul_in_a_head_is_refused(void **state)
{
	char data[] = OK_HEAD "A: x\0y\r\nContent-Length: 0\r\n\r\n";
	struct ue_response response = {0};

	(void)state;
	assert_int_equal(
		ue_response_parse(&response, data, sizeof(data) - 1, false), UE_RESPONSE_BAD);
}

static void endless_answers_are_refused(void **state)
{
	static char data[UE_RESPONSE_MAX_BYTES];
	struct ue_response response = {0};

	(void)state;
	memset(data, 'a', sizeof(data));
	memcpy(data, "HTTP/1.1 200 ", 13);
	assert_int_equal(
		ue_response_parse(&response, data, sizeof(data) - 1, false), UE_RESPONSE_MORE);
	assert_int_equal(ue_response_parse(&response, data, sizeof(data), false), UE_RESPONSE_BAD);
	memcpy(data, "HTTP/1.1 200 \r\n\r\n", 17);
	response = (struct ue_response){0};
	assert_int_equal(ue_response_parse(&response, data, sizeof(data), false), UE_RESPONSE_BAD);
}

// Octet by octet, as the slowest connection brings it, each is looked at but once or so.
static void slow_answers_are_taken(void **state)
{
	static char data[UE_RESPONSE_MAX_BYTES];
	struct ue_response response = {0};
	size_t len = (size_t)sprintf(data, OK_HEAD "Content-Length: 60000\r\n\r\n") + 60000;

	(void)state;
	for (size_t n = 1; n < len; n++)
		assert_int_equal(ue_response_parse(&response, data, n, false), UE_RESPONSE_MORE);
	assert_int_equal(ue_response_parse(&response, data, len, false), UE_RESPONSE_WHOLE);
	assert_int_equal(response.body.len, 60000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_are_whole_wherever_they_are_cut),
		cmocka_unit_test(fields_are_found_without_regard_to_case),
		cmocka_unit_test(answers_one_behind_the_other_are_told_apart),
		cmocka_unit_test(interim_answers_are_stepped_over),
		cmocka_unit_test(answer_without_length_lasts_to_the_end),
		cmocka_unit_test(lengths_that_lie_are_refused),
		cmocka_unit_test(chunks_that_lie_are_refused),
		cmocka_unit_test(heads_that_are_none_are_refused),
		cmocka_unit_test(nul_in_a_head_is_refused),
		cmocka_unit_test(endless_answers_are_refused),
		cmocka_unit_test(slow_answers_are_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
