// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "keyml.h"

#include <openssl/evp.h>

#include "csv.h"

#define NAMESPACE "urn:3GPP:metadata:2005:MBMS:"

// One row per procedure (spec 5.4, 5.5): all that is written in a request.
static const struct row {
	const char *name;
	const char *target;
	const char *request_type;
	const char *answer_type;
	const char *root;
	const char *space; // last component of the namespace
} rows[UE_PROCEDURE_COUNT] = {
	[UE_REGISTER] = {"register", "/keymanagement?requesttype=register",
		"application/mbms-register+xml", "application/mbms-register-response+xml",
		"mbmsSecurityRegister", "securityRegister"},
	[UE_FETCH] = {"msk-request", "/keymanagement?requesttype=msk-request",
		"application/mbms-msk+xml", "application/mbms-msk-response+xml", "mbmsMSK", "msk"},
	// IANA has no response type for deregistration.
	[UE_DEREGISTER] = {"deregister", "/keymanagement?requesttype=deregister",
		"application/mbms-deregister+xml", "application/mbms-register-response+xml",
		"mbmsSecurityDeregister", "securityDeregister"},
};

const char *ue_procedure_name(enum ue_procedure procedure)
{
	return rows[procedure].name;
}

const char *ue_procedure_target(enum ue_procedure procedure)
{
	return rows[procedure].target;
}

const char *ue_procedure_request_type(enum ue_procedure procedure)
{
	return rows[procedure].request_type;
}

const char *ue_procedure_answer_type(enum ue_procedure procedure)
{
	return rows[procedure].answer_type;
}

bool ue_subject_equal(const struct ue_subject *a, const struct ue_subject *b)
{
	if (a->service.data != NULL || b->service.data != NULL)
		return a->service.data != NULL && b->service.data != NULL &&
			ue_text_equal(a->service, b->service);
	return a->profile == b->profile && a->group == b->group && a->number == b->number &&
		memcmp(a->kdi, b->kdi, sizeof(a->kdi)) == 0;
}

static void escaped_put(struct ue_writer *out, struct ue_text text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] == '&')
			ue_write_literal(out, "&amp;");
		else if (text.data[i] == '<')
			ue_write_literal(out, "&lt;");
		else if (text.data[i] == '>')
			ue_write_literal(out, "&gt;");
		else
			ue_write(out, &text.data[i], 1);
	}
}

static void base64_put(struct ue_writer *out, const uint8_t *data, int len)
{
	uint8_t text[16];

	ue_write(out, (const char *)text, (size_t)EVP_EncodeBlock(text, data, len));
}

static void key_put(struct ue_writer *out, const struct ue_subject *subject)
{
	const uint8_t id[] = {(uint8_t)(subject->group >> 8), (uint8_t)subject->group,
		(uint8_t)(subject->number >> 8), (uint8_t)subject->number};
	char group[4];

	if (subject->profile == MIKEY_PROFILE_V600) {
		ue_hex_put(group, id, 2);
		ue_write_literal(out, "<keyGroupID>");
		ue_write(out, group, sizeof(group));
		ue_write_literal(out, "</keyGroupID>");
		return;
	}
	ue_write_literal(out, "<MSK><keyDomainID>");
	base64_put(out, subject->kdi, sizeof(subject->kdi));
	ue_write_literal(out, "</keyDomainID><MSKID>");
	base64_put(out, id, sizeof(id));
	ue_write_literal(out, "</MSKID></MSK>");
}

static void subject_put(struct ue_writer *out, const struct ue_subject *subject)
{
	if (subject->service.data == NULL) {
		key_put(out, subject);
		return;
	}
	ue_write_literal(out, "<serviceID>");
	escaped_put(out, subject->service);
	ue_write_literal(out, "</serviceID>");
}

void ue_request_put(struct ue_writer *out, enum ue_procedure procedure,
	const struct ue_subject *subjects, size_t count)
{
	const struct row *row = &rows[procedure];

	ue_write_literal(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<");
	ue_write_text(out, ue_text_of(row->root));
	ue_write_literal(out, " xmlns=\"" NAMESPACE);
	ue_write_text(out, ue_text_of(row->space));
	ue_write_literal(out, "\">");
	for (size_t i = 0; i < count; i++)
		subject_put(out, &subjects[i]);
	ue_write_literal(out, "</");
	ue_write_text(out, ue_text_of(row->root));
	ue_write_literal(out, ">\n");
}
