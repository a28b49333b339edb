// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// What the key source is sent and what it answers, as octets (docs/ua-profile.md). Nothing it says
// is trusted before it is checked.

#pragma once

#include <stddef.h>

#include "gba.h"
#include "key_source.h"

#define KEY_ANSWER_MAX 16384 // octets of a body; longer ones make no sense
#define KEY_QUESTION_MAX 2048

// The body of a question. naf_id: FQDN and the identifier of Ua. Returns its length.
size_t key_question_write(const char *btid, const char *fqdn, char out[KEY_QUESTION_MAX]);

// Reads an answer by HTTP status and body; derives MUK and MRK. max_age_s: keys live no longer
// after their bootstrapping, 0 = as long as the source says. What does not fit is KEY_BUSY, and why
// tells.
void key_answer_read(struct gba *gba, long status, const char *body, size_t len, uint32_t max_age_s,
	struct key_answer *out, const char **why);
