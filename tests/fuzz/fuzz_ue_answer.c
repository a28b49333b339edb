// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Any octets as what a BM-SC answers a phone. Read whole and octet by octet it has to come to the
// same; whatever is found in it lies within it. Headers and body go on to their readers.

#include <stdlib.h>
#include <string.h>

#include "ue/digest.h"
#include "ue/keyml.h"
#include "ue/response.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int holds)
{
	if (!holds)
		abort();
}

static void extent_check(struct ue_extent extent, size_t len)
{
	require(!extent.is_there || (extent.at <= len && extent.len <= len - extent.at));
}

// Reads in a block of exactly the size that has come, as pieces of `step` octets.
static enum ue_response_verdict parse(
	struct ue_response *response, char *whole, const uint8_t *data, size_t size, size_t step)
{
	enum ue_response_verdict verdict = UE_RESPONSE_MORE;
	size_t len = 0;

	*response = (struct ue_response){.status = 0};
	while (verdict == UE_RESPONSE_MORE && len < size) {
		size_t n = step < size - len ? step : size - len;

		memcpy(whole + len, data + len, n);
		len += n;
		verdict = ue_response_parse(response, whole, len, len == size);
	}
	return verdict;
}

static void headers_read(const struct ue_response *response, const char *data)
{
	struct ue_challenge challenges[UE_CHALLENGES_MAX];
	struct ue_authentication_info info;
	int count;

	for (int i = 0; i < response->challenge_count; i++) {
		struct ue_text header = ue_response_text(data, response->challenges[i]);

		count = ue_challenges_parse(header, challenges);
		require(count <= UE_CHALLENGES_MAX);
		for (int k = 0; k < count; k++)
			ue_realm_choose(challenges[k].realm, "bmsc.home1.net", true);
	}
	if (response->fields[UE_FIELD_AUTHENTICATION_INFO].is_there)
		ue_authentication_info_parse(
			ue_response_text(data, response->fields[UE_FIELD_AUTHENTICATION_INFO]),
			&info);
}

static void body_read(struct ue_text body)
{
	static struct ue_answer_reader *reader;
	static struct ue_results results;

	if (reader == NULL)
		reader = ue_answer_reader_create();
	require(reader != NULL);
	for (int i = 0; i < UE_PROCEDURE_COUNT; i++) {
		ue_answer_read(reader, (enum ue_procedure)i, body, &results);
		require(results.count <= UE_SUBJECTS_MAX);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char whole[UE_RESPONSE_MAX_BYTES], pieces[UE_RESPONSE_MAX_BYTES];
	struct ue_response at_once, slowly;
	enum ue_response_verdict verdict;

	// Octet by octet, longer ones would take their time.
	if (size == 0 || size > 4096)
		return 0;
	verdict = parse(&at_once, whole, data, size, size);
	require(verdict == parse(&slowly, pieces, data, size, 1));
	if (verdict != UE_RESPONSE_WHOLE)
		return 0;
	require(at_once.status == slowly.status && at_once.len == slowly.len);
	require(at_once.body.len == slowly.body.len && at_once.len <= size);
	extent_check(at_once.body, size);
	for (int i = 0; i < UE_FIELD_COUNT; i++)
		extent_check(at_once.fields[i], size);
	require(memcmp(whole + at_once.body.at, pieces + slowly.body.at, at_once.body.len) == 0);
	headers_read(&at_once, whole);
	body_read(ue_response_text(whole, at_once.body));
	return 0;
}
