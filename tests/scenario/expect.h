// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Things that a script can expect to be a number.

#pragma once

#include "script.h"

struct campaign;

struct expect_thing {
	const char *name;
	// Takes what the thing needs of the line. c: the campaign it is asked of, NULL before the
	// first one.
	long (*value)(struct site *s, const struct campaign *c, struct words *w);
};

// Both end with a nameless row.
extern const struct expect_thing expect_of_campaign[], expect_of_site[];

// Fails the script when there is no campaign.
const struct campaign *expect_campaign(const struct campaign *c, const struct words *w);
