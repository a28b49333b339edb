// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// A path that computes wrong when told to: one bit of one message, or one key.

#pragma once

#include "../../../dataplane/crypto/context.h"

enum faulty_what {
	FAULTY_NOTHING,
	FAULTY_STATE,
	FAULTY_SEAL,
	FAULTY_CHECK,
	FAULTY_DERIVE,
	FAULTY_STAGED,
	FAULTY_COUNT
};

struct faulty {
	enum faulty_what what;
	size_t message; // of the burst; none if the burst has fewer
	uint16_t len; // 0, or only messages of this length are hit
};
extern struct faulty faulty;

// Puts the faulty path in front of the one that c has.
void faulty_install(struct crypto *c);
// How c was before.
void faulty_remove(struct crypto *c);
