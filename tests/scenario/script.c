// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "script.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "site.h"

#define LINE_MAX_OCTETS 512
#define ENDS_MAX 4

// Where the story stands: a failure names it.
static struct {
	const char *path;
	unsigned line;
	void (*end[ENDS_MAX])(void);
	unsigned ends;
} story;

void script_at_end(void (*fn)(void))
{
	story.end[story.ends++] = fn;
}

void script_fail(const char *format, ...)
{
	va_list args;

	fprintf(stderr, "%s:%u: ", story.path != NULL ? story.path : "scenario", story.line);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	while (story.ends > 0)
		story.end[--story.ends]();
	exit(1);
}

// --- Words ----------------------------------------------------------------------------------

const char *word_take(struct words *w, const char *what)
{
	if (w->at == w->n)
		script_fail("%s: %s is missing", w->word[0], what);
	return w->word[w->at++];
}

bool word_take_if(struct words *w, const char *word)
{
	if (w->at == w->n || strcmp(w->word[w->at], word) != 0)
		return false;
	w->at++;
	return true;
}

void words_end(const struct words *w)
{
	if (w->at != w->n)
		script_fail("%s: '%s' is one word too many", w->word[0], w->word[w->at]);
}

long word_number(struct words *w, const char *what, long low, long high)
{
	const char *word = word_take(w, what);
	char *end;
	long value = strtol(word, &end, 10);

	if (end == word || *end != '\0' || value < low || value > high)
		script_fail("%s: '%s' is no %s from %ld to %ld", w->word[0], word, what, low, high);
	return value;
}

double word_percent(struct words *w)
{
	const char *word = word_take(w, "a percentage");
	char *end;
	double value = strtod(word, &end);

	if (*end == '%')
		end++;
	if (end == word || *end != '\0' || value < 0 || value > 100)
		script_fail("%s: '%s' is no percentage", w->word[0], word);
	return value;
}

int64_t word_duration_ms(struct words *w)
{
	static const struct {
		const char *unit;
		int64_t ms;
	} units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};
	const char *word = word_take(w, "a time");
	char *end;
	long value = strtol(word, &end, 10);

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (end != word && strcmp(end, units[i].unit) == 0)
			return value * units[i].ms;
	script_fail("%s: '%s' is no time (250ms, 90s, 5m, 2h, 365d)", w->word[0], word);
}

static void range_take(struct words *w, const char **at, const struct people *p, struct ids *ids)
{
	char *end;
	unsigned long low = strtoul(*at, &end, 10), high = low;

	if (end == *at)
		script_fail("%s: '%s' names no phones (0-9,15)", w->word[0], *at);
	if (*end == '-') {
		*at = end + 1;
		high = strtoul(*at, &end, 10);
	}
	if (end == *at || (*end != '\0' && *end != ',') || high < low || high >= p->n)
		script_fail("%s: there are phones 0 to %u", w->word[0], p->n - 1);
	for (unsigned long i = low; i <= high && ids->n < PEOPLE_MAX; i++)
		ids->id[ids->n++] = (unsigned)i;
	*at = *end == ',' ? end + 1 : end;
}

void words_ids(struct words *w, const struct people *p, struct ids *ids)
{
	const char *at = word_take(w, "a list of phones");

	ids->n = 0;
	if (strcmp(at, "all") == 0)
		while (ids->n < p->n) {
			ids->id[ids->n] = ids->n;
			ids->n++;
		}
	else
		while (*at != '\0')
			range_take(w, &at, p, ids);
}

// --- Lines ----------------------------------------------------------------------------------

static const struct verb *verb_find(const char *name)
{
	static const struct verb *const tables[] = {verbs_setup, verbs_run, verbs_single, verbs_mtk,
		verbs_harm, verbs_wire, verbs_expect};

	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		for (const struct verb *verb = tables[i]; verb->name != NULL; verb++)
			if (strcmp(verb->name, name) == 0)
				return verb;
	script_fail("there is no verb '%s'", name);
}

void script_verb(struct site *s, struct words *w)
{
	const struct verb *verb;

	w->at = 0;
	verb = verb_find(word_take(w, "a verb"));
	if (!verb->is_setup)
		site_build(s);
	else if (s->is_built)
		script_fail("%s: only before anything runs", verb->name);
	verb->run(s, w);
	if (s->monitor.violation[0] != '\0')
		script_fail("%s", s->monitor.violation);
}

static void line_cut(char *line, struct words *w)
{
	char *rest = line, *word;

	line[strcspn(line, "#\n")] = '\0';
	w->n = 0;
	while ((word = strsep(&rest, " \t")) != NULL) {
		if (*word == '\0')
			continue;
		if (w->n == SCRIPT_WORDS)
			script_fail("more than %u words", SCRIPT_WORDS);
		w->word[w->n++] = word;
	}
}

void script_run(struct site *s, const char *path)
{
	FILE *in = fopen(path, "re");
	char line[LINE_MAX_OCTETS];
	struct words words;

	story.path = path;
	if (in == NULL)
		script_fail("%s", strerror(errno));
	while (fgets(line, sizeof(line), in) != NULL) {
		story.line++;
		line_cut(line, &words);
		if (words.n > 0)
			script_verb(s, &words);
	}
	fclose(in);
}
