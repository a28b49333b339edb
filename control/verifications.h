// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// What single pushes verified is noted with the subscribers. The main loop's.

#pragma once

#include "ctl.h"
#include "retry.h"

#define VERIFICATIONS 1024 // noted in one commit

struct verifications {
	struct store_verification list[VERIFICATIONS]; // taken from the workers
	size_t n;
	struct retry retry;
};

// Notes what the workers tell of. What cannot be committed now is kept for a later call.
void verifications_note(struct ctl *ctl, struct verifications *v);
