// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// What becomes of requests on Ua, by name.

#pragma once

enum ua_result {
#define UA_RESULT(name, status, label, text) UA_##name,
#include "ua_result.def"
#undef UA_RESULT
	UA_RESULTS
};

unsigned ua_result_status(enum ua_result result); // of HTTP
const char *ua_result_name(enum ua_result result); // "wrong-response"
