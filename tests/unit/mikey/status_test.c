// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "support.h"

#include <ctype.h>
#include <string.h>

// The names are those of the enum, in the spelling of counters.
static void every_verdict_has_its_own_name(void **state)
{
	static const char *const ids[] = {
#define MIKEY_STATUS(id, name, text) #id,
#include "status.def"
#undef MIKEY_STATUS
	};

	(void)state;
	for (size_t i = 0; i < MIKEY_STATUS_COUNT; i++) {
		char want[64];
		size_t len = strlen(ids[i]);

		for (size_t k = 0; k <= len; k++)
			want[k] = ids[i][k] == '_' ? '-' : (char)tolower(ids[i][k]);
		assert_string_equal(mikey_status_name(i), want);
	}
}

static void every_verdict_has_a_sentence_of_its_own(void **state)
{
	(void)state;
	for (size_t i = 0; i < MIKEY_STATUS_COUNT; i++) {
		assert_true(strlen(mikey_status_text(i)) > 10);
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(mikey_status_text(i), mikey_status_text(k));
	}
}

static void a_number_out_of_range_is_unknown(void **state)
{
	(void)state;
	assert_string_equal(mikey_status_name(MIKEY_STATUS_COUNT), "unknown");
	assert_string_equal(mikey_status_text(MIKEY_STATUS_COUNT), "unknown");
	assert_string_equal(mikey_kind_name(MIKEY_KIND_ERROR + 1), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_verdict_has_its_own_name),
		cmocka_unit_test(every_verdict_has_a_sentence_of_its_own),
		cmocka_unit_test(a_number_out_of_range_is_unknown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
