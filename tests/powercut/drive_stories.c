// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The stories of powercut-drive: what is done with a store until the lights go out.
//   powercut-drive STORY SEED DIR [KEY [KEY]]
// KEY: sources of wrapping keys; without one the store lies in the clear.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drive.h"
#include "offline.h"

static void story_life(struct drive *d)
{
	drive_store_up(d);
	drive_basics(d);
	drive_mark_up(d);
	for (unsigned i = 0; i < 60; i++) {
		if (i % 20 == 19) {
			drive_down(d);
			drive_up(d);
		}
		if (i % 4 == 0)
			drive_mark_move(d);
		drive_transaction(d);
	}
	drive_down(d);
}

static void import_rows(struct drive *d, struct store_import *imp, uint32_t from, uint32_t to)
{
	struct store_subscriber row;
	enum store_row verdict;

	for (uint32_t i = from; i < to; i++) {
		test_subscriber(i, i + 10000, &row);
		assert_int_equal(store_import_add(imp, &row, 1, &verdict), 0);
		assert_int_equal(verdict, 0);
		i += drive_chance(d, 3);
	}
}

// Chunks of many rows, as files come in.
static void import_chunk(struct drive *d, struct store_import *imp, uint32_t from, uint32_t n)
{
	struct store_subscriber *rows = calloc(n, sizeof(*rows));
	enum store_row *verdict = calloc(n, sizeof(*verdict));

	assert_non_null(rows);
	assert_non_null(verdict);
	for (uint32_t i = 0; i < n; i++)
		test_subscriber(from + i, d->next_btid++, &rows[i]);
	assert_int_equal(store_import_add(imp, rows, n, verdict), 0);
	free(verdict);
	free(rows);
}

static void import(struct drive *d, uint32_t people, bool is_aborted)
{
	struct store_import *imp;
	int rc;

	drive_note("begin");
	assert_int_equal(store_import_begin(d->env, 0, &imp), 0);
	if (drive_chance(d, 2) == 0)
		store_import_reuse_ids(imp);
	if (d->next_person > 0)
		import_rows(d, imp, 0, d->next_person / 4);
	for (uint32_t at = 0; at < people; at += 70)
		import_chunk(d, imp, d->next_person + at, people - at < 70 ? people - at : 70);
	if (is_aborted) {
		while ((rc = store_import_abort(imp)) == 1)
			;
	} else {
		while ((rc = store_import_publish(imp)) == 1)
			;
		store_import_end(imp, NULL);
		d->next_person += people;
	}
	assert_int_equal(rc, 0);
	drive_note_state(d);
}

static void story_import(struct drive *d)
{
	drive_up(d);
	drive_basics(d);
	import(d, 40 + drive_chance(d, 100), false);
	drive_people_leave(d, 40);
	import(d, 80 + drive_chance(d, 200), false);
	drive_down(d);
}

static void story_import_undone(struct drive *d)
{
	drive_up(d);
	drive_basics(d);
	import(d, 50 + drive_chance(d, 100), false);
	drive_people_leave(d, 40);
	import(d, 100 + drive_chance(d, 200), true);
	drive_transaction(d);
	drive_down(d);
}

// Opens what a dead daemon left: the cuts then fall into its repair.
static void story_repair(struct drive *d)
{
	drive_note("begin");
	drive_up(d);
	drive_note_state(d);
	drive_down(d);
}

static void seal_anew(struct drive *d)
{
	struct store_rewrap at = {0};
	int rc;

	while ((rc = store_rewrap_step(d->env, &at)) == 1)
		if (drive_chance(d, 2) == 0)
			drive_transaction(d);
	assert_int_equal(rc, 0);
}

static void rotate(struct drive *d, const char *source, bool is_deep)
{
	struct store_rotation *rotation;
	char why[256];

	drive_note("begin");
	if (store_rotation_prepare(d->env, source, &rotation, why) != 0)
		fail_msg("%s", why);
	drive_key_take(d, source);
	assert_int_equal(store_rotation_commit(d->env, rotation, is_deep), 0);
	drive_note_state(d);
}

// In the clear, wrapped, under another key, sealed anew; each start with a data key of its own.
static void story_keys(struct drive *d)
{
	const char *first = d->keys[0], *second = d->keys[1];

	d->key = "none";
	drive_up(d);
	drive_basics(d);
	import(d, 60, false);
	drive_down(d);
	drive_note("begin");
	drive_key_take(d, first);
	drive_up(d);
	drive_note_state(d);
	drive_transaction(d);
	seal_anew(d);
	rotate(d, second, false);
	drive_transaction(d);
	drive_down(d);
	drive_up(d);
	rotate(d, first, true);
	drive_transaction(d);
	seal_anew(d);
	drive_down(d);
}

static void transactions(struct drive *d, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		drive_transaction(d);
}

// A backup while the store is used, and the store that is made of it. The state behind the backup
// is what the backup and 16 Key Numbers make of it, whatever the store has gone through since.
static void story_restore(struct drive *d)
{
	char backup[256], kept[64], why[256];
	struct store_backup_result result;

	snprintf(backup, sizeof(backup), "%s/../backup.mdb", d->dir);
	drive_up(d);
	drive_basics(d);
	transactions(d, 10);
	if (store_backup(d->env, backup, &result, why) != 0)
		fail_msg("%s", why);
	transactions(d, 10);
	drive_mark_move(d);
	drive_down(d);
	drive_note("begin");
	if (store_restore(backup, d->dir, kept, why) != 0)
		fail_msg("%s", why);
	drive_up(d);
	drive_note_state(d);
	d->campaign = 0;
	transactions(d, 10);
	drive_down(d);
}

static void story_mark(struct drive *d)
{
	drive_up(d);
	for (unsigned i = 0; i < 40; i++)
		drive_mark_move(d);
	drive_down(d);
}

// Leaves an import behind that died in a step that chance takes; nothing is recorded of it.
static void story_die(struct drive *d)
{
	struct store_import *imp;
	unsigned steps;

	drive_up(d);
	drive_basics(d);
	import(d, 60 + drive_chance(d, 60), false);
	drive_people_leave(d, 40);
	assert_int_equal(store_import_begin(d->env, 0, &imp), 0);
	if (drive_chance(d, 2) == 0)
		store_import_reuse_ids(imp);
	import_rows(d, imp, 0, d->next_person);
	import_chunk(d, imp, d->next_person, 200);
	for (steps = drive_chance(d, 9); steps > 0 && store_import_publish(imp) == 1; steps--)
		;
	exit(0);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*tell)(struct drive *d);
	} stories[] = {
		{"life", story_life},
		{"import", story_import},
		{"import-undone", story_import_undone},
		{"mark", story_mark},
		{"keys", story_keys},
		{"die", story_die},
		{"repair", story_repair},
		{"restore", story_restore},
	};

	for (size_t i = 0; argc >= 4 && argc <= 6 && i < sizeof(stories) / sizeof(*stories); i++) {
		struct drive d = {
			.seed = strtoull(argv[2], NULL, 10), .dir = argv[3], .key = "none"};

		if (strcmp(argv[1], stories[i].name) != 0)
			continue;
		for (int k = 0; k < argc - 4; k++)
			d.keys[k] = argv[4 + k];
		if (argc > 4)
			drive_key_take(&d, argv[4]);
		stories[i].tell(&d);
		return 0;
	}
	fprintf(stderr, "usage: powercut-drive STORY SEED DIR [KEY [KEY]]\n");
	return 2;
}
