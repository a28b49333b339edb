// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// A BM-SC on Ua for tests: reads a request as text and writes an answer to it. Its hashes are made
// with OpenSSL's EVP, its strings with snprintf(): it shares nothing with what it tests.

#pragma once

#include <stdbool.h>
#include <stddef.h>

#define BMSC_KEY_ANSWER(code)                                                                \
	"<mbmsMSKResponse xmlns=\"urn:3GPP:metadata:2005:MBMS:mskResponse\"><Response><MSK>" \
	"<keyDomainID>APEQ</keyDomainID><MSKID>AAEAAA==</MSKID></MSK><ResponseCode>" code    \
	"</ResponseCode></Response></mbmsMSKResponse>"
#define BMSC_SERVICE_ANSWER(code)                                                          \
	"<mbmsSecurityRegisterResponse xmlns=\"urn:3GPP:metadata:2005:MBMS:x\"><Response>" \
	"<serviceID>news</serviceID><ResponseCode>" code                                   \
	"</ResponseCode></Response></mbmsSecurityRegisterResponse>"

// What a request says; empty strings where it does not.
struct bmsc_request {
	char line[256];
	char type[128];
	char agent[128];
	char body[4096];
	char user[300];
	char realm[300];
	char nonce[128];
	char uri[256];
	char response[72];
	char cnonce[64];
	char nc[16];
	char qop[16];
	char algorithm[16];
	char opaque[64];
};
struct bmsc_request bmsc_read(const char *request, size_t len);

// True when the credentials are right for this password (MD5, auth-int).
bool bmsc_is_right(const struct bmsc_request *request, const char *password);

// Answers; static memory.
const char *bmsc_challenge(const char *nonce, const char *more);
const char *bmsc_status(const char *status_and_headers);
struct bmsc_answer {
	const char *type; // NULL: that of the request's procedure
	const char *body;
	const char *nextnonce;
	const char *rspauth; // NULL: the right one
	const char *qop;
	bool has_no_info;
};
const char *bmsc_ok(
	const struct bmsc_request *request, const char *password, const struct bmsc_answer *answer);
