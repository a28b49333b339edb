// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "promise.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "content.h"
#include "counter.h"

#define LINES_MAX 4096
#define CAMPAIGNS_MAX 64

struct promises {
	char *line[LINES_MAX];
	size_t lines;
	char state[CONTENT_DIGEST];
	char next[CONTENT_DIGEST];
	bool is_opened;
	bool has_begun;
	bool has_mark;
	uint32_t mark;
	uint32_t verified[CAMPAIGNS_MAX];
	char key[2][256]; // the wrapping key, and the one before while something is under way
};

struct promises *promises_create(void)
{
	return calloc(1, sizeof(struct promises));
}

static void lines_drop(struct promises *p, const char *prefix)
{
	size_t kept = 0;

	for (size_t i = 0; i < p->lines; i++) {
		if (strncmp(p->line[i], prefix, strlen(prefix)) == 0)
			free(p->line[i]);
		else
			p->line[kept++] = p->line[i];
	}
	p->lines = kept;
}

void promises_destroy(struct promises *p)
{
	if (p == NULL)
		return;
	lines_drop(p, "");
	free(p);
}

static bool begins(const char *text, const char *word, const char **rest)
{
	size_t len = strlen(word);

	*rest = text + len;
	return strncmp(text, word, len) == 0;
}

void promises_take(struct promises *p, const char *note, size_t len)
{
	char *text = strndup(note, len);
	const char *rest;
	unsigned id, n;

	if (text == NULL)
		abort();
	if (begins(text, "state ", &rest)) {
		snprintf(p->state, sizeof(p->state), "%s", rest);
		p->has_begun = false;
		p->key[1][0] = '\0';
		p->is_opened = true;
	} else if (begins(text, "begin", &rest)) {
		p->has_begun = true;
	} else if (begins(text, "opened", &rest)) {
		p->is_opened = true;
	} else if (begins(text, "key ", &rest)) {
		memcpy(p->key[1], p->key[0], sizeof(p->key[0]));
		snprintf(p->key[0], sizeof(p->key[0]), "%s", rest);
	} else if (begins(text, "mark ", &rest)) {
		p->mark = (uint32_t)strtoul(rest, NULL, 10);
		p->has_mark = true;
	} else if (begins(text, "line ", &rest) && p->lines < LINES_MAX) {
		p->line[p->lines++] = strdup(rest);
	} else if (begins(text, "drop ", &rest)) {
		lines_drop(p, rest);
	} else if (sscanf(text, "verified %u %u", &id, &n) == 2 && id < CAMPAIGNS_MAX) {
		p->verified[id] = n;
	} else {
		fprintf(stderr, "powercut: a note that nobody knows: %s\n", text);
		abort();
	}
	free(text);
}

void promises_expect(struct promises *p, const char *next_state)
{
	snprintf(p->next, sizeof(p->next), "%s", next_state != NULL ? next_state : "");
}

// --- After the cut ---------------------------------------------------------------------------

static bool line_is_there(const char *text, const char *line)
{
	size_t len = strlen(line);

	for (const char *at = strstr(text, line); at != NULL; at = strstr(at + 1, line))
		if ((at == text || at[-1] == '\n') && (at[len] == '\n' || at[len] == ' '))
			return true;
	return false;
}

static bool lines_hold(const struct promises *p, const char *text)
{
	bool is_kept = true;

	for (size_t i = 0; i < p->lines; i++) {
		if (line_is_there(text, p->line[i]))
			continue;
		printf("  lost: %s\n", p->line[i]);
		is_kept = false;
	}
	return is_kept;
}

static bool state_holds(const struct promises *p, const char *text)
{
	char digest[CONTENT_DIGEST];

	if (p->state[0] == '\0')
		return true;
	content_digest(text, digest);
	if (strcmp(digest, p->state) == 0 || (p->has_begun && strcmp(digest, p->next) == 0))
		return true;
	printf("  the store holds neither what it did before nor what it should after\n");
	return false;
}

// What a campaign says of itself adds up, and those who had verified are verified.
static bool sums_hold(const struct promises *p, const char *text)
{
	bool is_kept = true;

	for (const char *at = strstr(text, "\nsum "); at != NULL; at = strstr(at + 1, "\nsum ")) {
		unsigned id, members, verified, given_up, refused;

		if (sscanf(at, "\nsum %u members=%u verified=%u given-up=%u refused=%u", &id,
			    &members, &verified, &given_up, &refused) != 5)
			return false;
		if (verified + given_up + refused > members)
			is_kept = false;
		if (id < CAMPAIGNS_MAX && verified < p->verified[id])
			is_kept = false;
		if (!is_kept)
			printf("  campaign %u: %u members, %u verified, %u promised\n", id, members,
				verified, id < CAMPAIGNS_MAX ? p->verified[id] : 0);
	}
	return is_kept;
}

// The rule of the start, as the daemon follows it.
static bool mark_holds(const struct promises *p, const char *dir, struct store_env *env)
{
	static const uint8_t machine[16] = "powercut";
	struct counter_known known = {
		.realtime_s = COUNTER_EPOCH, .boottime_s = 1, .is_clock_accepted = true};
	struct dp_counter_start start = {0};
	enum store_mark_state state;
	struct store_reader *r;
	struct store_mark *m;
	char why[256];
	int rc = store_mark_open(dir, machine, &m, &known.file_mark, &state);

	if (rc != 0) {
		printf("  the counter mark cannot be opened: %d\n", rc);
		return false;
	}
	known.has_file_mark = state != STORE_MARK_MISSING;
	store_mark_close(m);
	if (env != NULL && store_reader_create(env, &r) == 0) {
		known.has_store_mark = store_reader_mark(r, &known.store_mark) == 0;
		store_reader_destroy(r);
	}
	if (p->has_mark && !known.has_file_mark) {
		printf("  the counter mark is lost\n");
		return false;
	}
	rc = counter_start(&known, &start, why);
	if (p->has_mark && (rc != 0 || start.first < p->mark)) {
		printf("  counters begin at %u (%d), and %u was promised\n", start.first, rc,
			p->mark);
		return false;
	}
	return true;
}

#define NUMBERS_AT 1024 // docs/store-format.md, as the next
#define NUMBER_BYTES 16

// The highest Key Number that the mark file knows of a group.
static unsigned number_known(FILE *file, unsigned group)
{
	uint8_t record[NUMBER_BYTES];
	unsigned highest = 0, number;

	if (fseek(file, NUMBERS_AT, SEEK_SET) != 0)
		return 0;
	while (fread(record, sizeof(record), 1, file) == 1) {
		number = record[6] | (unsigned)record[7] << 8;
		if ((unsigned)(record[3] << 8 | record[4]) == group && number > highest)
			highest = number;
	}
	return highest;
}

// An MSK that was promised has its Key Number for ever, whatever becomes of the store.
static bool numbers_hold(const struct promises *p, const char *dir)
{
	unsigned group, number;
	bool is_kept = true;
	char path[4096];
	FILE *file;

	snprintf(path, sizeof(path), "%s/counter.mark", dir);
	file = fopen(path, "re");
	for (size_t i = 0; i < p->lines; i++) {
		if (sscanf(p->line[i], "msk group=%x number=%x", &group, &number) != 2)
			continue;
		if (file != NULL && number_known(file, group) >= number)
			continue;
		printf("  the mark file has no Key Number %04x of group %04x\n", number, group);
		is_kept = false;
	}
	if (file != NULL)
		fclose(file);
	return is_kept;
}

static bool content_holds(const struct promises *p, struct store_env *env)
{
	char *text = content_text(env);
	bool is_kept = text != NULL;

	if (!is_kept)
		printf("  the store cannot be read\n");
	is_kept = is_kept && state_holds(p, text) && lines_hold(p, text) && sums_hold(p, text);
	if (!is_kept && text != NULL && getenv("POWERCUT_SHOW") != NULL)
		printf("%s", text);
	free(text);
	return is_kept;
}

bool promises_hold(const struct promises *p, const char *dir)
{
	struct store_env_conf conf = {.dir = dir, .max_readers = 4, .wrapping_key = p->key[0]};
	struct store_env *env = NULL;
	struct stat st;
	char why[256];
	bool is_kept = true;
	int rc;

	if (p->is_opened && stat(dir, &st) != 0) {
		printf("  the store's directory is lost\n");
		return false;
	}
	if (p->key[0][0] == '\0')
		conf.wrapping_key = "none";
	rc = store_env_open(&conf, &env, why);
	if (rc == -EKEYREJECTED && p->has_begun) {
		conf.wrapping_key = p->key[1][0] != '\0' ? p->key[1] : "none";
		rc = store_env_open(&conf, &env, why);
	}
	if (rc != 0) {
		printf("  the store does not open: %d: %s\n", rc, why);
		return false;
	}
	is_kept = content_holds(p, env);
	is_kept = mark_holds(p, dir, env) && is_kept;
	is_kept = numbers_hold(p, dir) && is_kept;
	store_env_close(env);
	return is_kept;
}
