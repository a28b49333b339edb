// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The XML of the three procedures on Ua (TS 26.346 clause 11 as far as it is known; v600 lists Key
// Group IDs): requests as phones write them, answers as phones read them.

#pragma once

#include <stdint.h>

#include "mikey.h"
#include "span.h"

enum ue_procedure {
	UE_REGISTER,
	UE_FETCH, // MSK request
	UE_DEREGISTER,
	UE_PROCEDURE_COUNT,
};

const char *ue_procedure_name(enum ue_procedure procedure);
// The end of the request target: "/keymanagement?requesttype=register".
const char *ue_procedure_target(enum ue_procedure procedure);
const char *ue_procedure_request_type(enum ue_procedure procedure);
const char *ue_procedure_answer_type(enum ue_procedure procedure);

// What one item of a request or an answer is about: an MSK, or a user service.
struct ue_subject {
	uint8_t profile; // enum mikey_profile; of a key
	uint8_t kdi[MIKEY_KDI_BYTES]; // zero in v600, where the service implies it
	uint16_t group;
	uint16_t number; // 0: the current one
	struct ue_text service; // data NULL: it is a key
};

bool ue_subject_equal(const struct ue_subject *a, const struct ue_subject *b);

#define UE_SUBJECTS_MAX 64 // in one request or answer

void ue_request_put(struct ue_writer *out, enum ue_procedure procedure,
	const struct ue_subject *subjects, size_t count);

// One item of an answer.
struct ue_result {
	struct ue_subject subject;
	unsigned code; // of HTTP: 200, 403, ...
};

struct ue_results {
	struct ue_result list[UE_SUBJECTS_MAX];
	size_t count;
	char names[4096]; // of the services
	size_t names_len;
};

enum ue_answer_verdict {
	UE_ANSWER_GOOD,
	UE_ANSWER_MALFORMED, // no XML, or a DTD, too deep, too long
	UE_ANSWER_OTHER, // XML, but not the answer to this procedure
};

// Reads answers. One after the other; it keeps the parser.
struct ue_answer_reader;
struct ue_answer_reader *ue_answer_reader_create(void);
void ue_answer_reader_destroy(struct ue_answer_reader *reader);
enum ue_answer_verdict ue_answer_read(struct ue_answer_reader *reader, enum ue_procedure procedure,
	struct ue_text body, struct ue_results *results);
