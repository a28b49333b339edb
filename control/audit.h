// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Who did what: one JSON object a line, appended to a file and made durable before the caller
// hears of it. Calls that only look are not written, unless they look at keys; refused ones are.
// Any thread.

#pragma once

#include <stdint.h>

#include <jansson.h>

#include "admin_access.h"

struct audit;

// The file is made with mode 0600. -errno: why tells.
int audit_open(const char *path, struct audit **out, char why[256]);
void audit_close(struct audit *audit);
// Goes on in a file of the same name: after somebody has moved the old one away. -errno: it goes
// on in the old one.
int audit_reopen(struct audit *audit);

struct audit_entry {
	const struct admin_peer *peer;
	const char *method;
	const char *path; // as it was sent
	unsigned status; // of the answer; 0: the caller went away before the end
	const char *error; // NULL: none
	const json_t *body; // NULL: none, or not to be kept
	int64_t id; // of what was made, 0: nothing with a number
};
// Never fails for the caller: what cannot be written is counted, and the log says so.
void audit_write(struct audit *audit, const struct audit_entry *entry);

struct audit_counts {
	uint64_t written;
	uint64_t lost; // could not be written
};
void audit_counts_read(const struct audit *audit, struct audit_counts *out);
