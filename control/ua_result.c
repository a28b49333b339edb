// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "ua_result.h"

static const struct {
	unsigned status;
	const char *name;
} results[] = {
#define UA_RESULT(name, status, label, text) {status, label},
#include "ua_result.def"
#undef UA_RESULT
};

unsigned ua_result_status(enum ua_result result)
{
	return results[result].status;
}

const char *ua_result_name(enum ua_result result)
{
	return results[result].name;
}
