// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// When those who are turned away are to come back: each is given a place in a line that moves as
// fast as its thread has been seen to serve, and that begins the later the longer the thread has
// been turning others away already. One thread's; time is an argument.

#pragma once

#include <stdint.h>

#define UA_LINE_MOST_S 30 // nobody is told to wait longer

struct ua_line {
	uint64_t end_ns; // the place of the next one
	uint64_t since_ns; // when it began to turn others away
	uint64_t last_ns; // when it did so last
	double cost_ns; // of a request, as measured; 0: not known
	// Of the measurement under way.
	uint64_t busy_ns;
	unsigned answered;
};

// So many requests were answered, and took so much of the thread's time.
void ua_line_measure(struct ua_line *line, unsigned answered, uint64_t busy_ns);
// One more is turned away; returns the seconds after which to come back, 1 to UA_LINE_MOST_S.
unsigned ua_line_join(struct ua_line *line, uint64_t now_ns);
