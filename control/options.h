// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The daemon's command line.

#pragma once

#include <stdbool.h>

#define OPTIONS_CONFIG "/etc/mskpush/mskpushd.yaml"

struct options {
	const char *config; // NULL: OPTIONS_CONFIG when it is there
	const char *socket; // these three NULL: not given
	const char *store;
	const char *log_level;
	bool is_clock_accepted;
	bool only_check;
	bool only_print;
};

// Returns 0, 1 when all is done already (--help, --version), or -EINVAL after a message.
int options_read(int argc, char **argv, struct options *out);
