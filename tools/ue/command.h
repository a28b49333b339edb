// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The verbs of the control socket: one JSON object in, one out.

#pragma once

#include "report.h"

// Carries out one line of len octets. Returns the answer, an object with "error" when the line
// is not understood; NULL when memory is out. *stop is set by the verb "stop".
json_t *ue_command(
	struct ue_site *site, const char *line, size_t len, const struct ue_now *now, bool *stop);

json_t *ue_command_error(const char *cause);
// The verb "inject" (inject.c).
json_t *ue_command_inject(struct ue_site *site, json_t *args, const struct ue_now *now);
// Finds the phone, and the credential where the id is a B-TID (else the current one), that the
// argument "id" names. False when there is none.
bool ue_command_find(
	const struct ue_site *site, json_t *args, uint32_t *phone, uint32_t *credential);
