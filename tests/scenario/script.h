// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Reads a story, one verb a line, and tells it to a site. The first thing that does not hold
// ends the scenario with file, line and sentence.

#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "people.h"

#define SCRIPT_WORDS 64

struct site;

struct words {
	char *word[SCRIPT_WORDS];
	unsigned n;
	unsigned at; // next one to take
};

// Some people, by index.
struct ids {
	unsigned n;
	unsigned id[PEOPLE_MAX];
};

struct verb {
	const char *name;
	void (*run)(struct site *s, struct words *w);
	bool is_setup; // before the site is built
};

// Each file of verbs has a table that ends with a nameless row.
extern const struct verb verbs_setup[], verbs_run[], verbs_single[], verbs_mtk[], verbs_harm[],
	verbs_wire[], verbs_expect[];

void script_run(struct site *s, const char *path);
// Runs one line that has been cut into words.
void script_verb(struct site *s, struct words *w);
_Noreturn void script_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
// Runs at the end, however it comes about.
void script_at_end(void (*fn)(void));

// Taking words; what does not fit fails the script.
const char *word_take(struct words *w, const char *what);
bool word_take_if(struct words *w, const char *word);
void words_end(const struct words *w);
long word_number(struct words *w, const char *what, long low, long high);
double word_percent(struct words *w);
int64_t word_duration_ms(struct words *w); // 250ms, 90s, 5m, 2h, -365d
void words_ids(struct words *w, const struct people *p, struct ids *ids); // 0-9,15 or all
