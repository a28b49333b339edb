// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Uses a store as the daemon does, and notes for the recorder what it may rely on.
//   powercut-drive STORY SEED DIR [KEY [KEY]]
// KEY: sources of wrapping keys; without one the store lies in the clear.

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "content.h"
#include "support.h"

#define MAP_BYTES (UINT64_C(3) << 19)

struct drive {
	const char *dir;
	const char *key; // source of the wrapping key
	const char *keys[2];
	struct store_env *env;
	struct store_mark *mark;
	uint32_t mark_value;
	uint64_t seed;
	uint32_t next_btid;
	uint32_t next_person;
	uint32_t campaign; // the open one, 0: none
	struct store_service service;
};

// The recorder has it; without the recorder there is nobody to tell.
__attribute__((weak)) void powercut_note(const char *text);

static void note(const char *text)
{
	if (powercut_note != NULL)
		powercut_note(text);
}

static void note_state(struct drive *d)
{
	char digest[CONTENT_DIGEST], text[CONTENT_DIGEST + 8], *content = content_text(d->env);

	assert_non_null(content);
	content_digest(content, digest);
	snprintf(text, sizeof(text), "state %s", digest);
	note(text);
	free(content);
}

static uint32_t chance(struct drive *d, uint32_t below)
{
	d->seed = d->seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)((d->seed >> 33) % below);
}

// What begins may end with this wrapping key.
static void key_take(struct drive *d, const char *source)
{
	char text[300];

	snprintf(text, sizeof(text), "key %s", source);
	note(text);
	d->key = source;
}

static void store_up(struct drive *d)
{
	struct store_env_conf conf = {
		.dir = d->dir, .map_bytes = MAP_BYTES, .max_readers = 4, .wrapping_key = d->key};
	char why[256];

	if (store_env_open(&conf, &d->env, why) != 0)
		fail_msg("%s", why);
	note("opened");
}

static void mark_up(struct drive *d)
{
	static const uint8_t machine[16] = "powercut";
	enum store_mark_state state;

	assert_int_equal(store_mark_open(d->dir, machine, &d->mark, &d->mark_value, &state), 0);
}

static void up(struct drive *d)
{
	store_up(d);
	mark_up(d);
}

static void down(struct drive *d)
{
	store_mark_close(d->mark);
	store_env_close(d->env);
}

// --- One transaction -------------------------------------------------------------------------

static int people_put(struct drive *d, struct store_txn *txn, uint32_t n)
{
	struct store_subscriber sub;
	int rc = 0;

	for (uint32_t i = 0; i < n && rc == 0; i++) {
		bool is_old = d->next_person > 0 && chance(d, 2) == 0;
		uint32_t person = is_old ? chance(d, d->next_person) : d->next_person++;
		store_id id;
		bool is_new;

		test_subscriber(person, d->next_btid++, &sub);
		if (chance(d, 8) == 0)
			snprintf(sub.btid, sizeof(sub.btid), "raw-%u", d->next_btid);
		rc = store_set_intern(txn, &d->service.id, 1, &sub.authorised);
		sub.registered = sub.authorised;
		if (rc == 0)
			rc = store_subscriber_put(txn, &sub, chance(d, 2) == 0, &id, &is_new);
	}
	return rc;
}

static int people_verified(struct drive *d, struct store_txn *txn)
{
	store_id ids[20];

	for (unsigned i = 0; i < 20; i++)
		ids[i] = chance(d, d->next_person + 1);
	return store_subscriber_verified(txn, ids, 20);
}

static int person_remove(struct drive *d, struct store_txn *txn)
{
	int rc = store_subscriber_remove(txn, chance(d, d->next_person + 1));

	return rc == -ENOENT ? 0 : rc;
}

// A new MSK: the current one retires, the next one becomes current.
static int msk_make(struct drive *d, struct store_txn *txn, const struct store_group *group)
{
	struct store_msk msk[2], made;
	unsigned n = 0;
	int rc = 0;

	for (uint16_t number = 1; number <= group->last_key_number; number++) {
		struct store_reader *r = test_reader(d->env);

		if (store_reader_msk(r, &group->id, number, &made) == 0 &&
			made.state != STORE_MSK_RETIRED && n < 2)
			msk[n++] = made;
		store_reader_destroy(r);
	}
	for (unsigned i = 0; i < n && rc == 0; i++) {
		msk[i].state++;
		msk[i].is_released = true;
		rc = store_msk_put(txn, &msk[i]);
	}
	made = test_msk(group, (uint16_t)(group->last_key_number + 1),
		(uint32_t)(group->id.group << 16) + group->last_key_number);
	return rc == 0 ? store_msk_put(txn, &made) : rc;
}

static int campaign_go(struct drive *d, struct store_txn *txn, const struct store_group *group)
{
	struct store_campaign c = {
		.id = d->campaign,
		.group = group->id,
		.msk_number = group->last_key_number,
		.span = 2 * STORE_SLICE,
		.members = 2 * STORE_SLICE,
		.pushes = chance(d, 1000),
	};
	uint8_t state[STORE_SLICE];
	int rc = 0;

	if (c.id == 0)
		rc = store_campaign_next_id(txn, &c.id);
	d->campaign = c.id;
	if (chance(d, 6) == 0) {
		c.state = STORE_CAMPAIGN_DONE;
		d->campaign = 0;
	}
	for (unsigned slice = 0; slice < 2 && rc == 0; slice++) {
		for (unsigned i = 0; i < STORE_SLICE; i++)
			state[i] = (uint8_t)(chance(d, 4) == 0 ? STORE_MEMBER_VERIFIED | 1 : 1);
		rc = store_campaign_slice_put(txn, c.id, slice, state);
	}
	return rc == 0 ? store_campaign_put(txn, &c) : rc;
}

static int verb(struct drive *d, struct store_txn *txn)
{
	struct store_reader *r = test_reader(d->env);
	struct store_group group = test_group(1, STORE_PROFILE_TS33246);
	int rc = store_reader_group(r, &group.id, &group);

	store_reader_destroy(r);
	assert_int_equal(rc, 0);
	switch (chance(d, 8)) {
	case 0:
		return people_verified(d, txn);
	case 1:
		return person_remove(d, txn);
	case 2:
		return msk_make(d, txn, &group);
	case 3:
		return campaign_go(d, txn, &group);
	case 4:
		return d->campaign > 1 ? store_campaign_slices_drop(txn, d->campaign - 1, 1) < 0
				       : 0;
	default:
		return people_put(d, txn, 1 + chance(d, 4));
	}
}

// As the daemon's writer does it: the job in a transaction inside, the mark's copy beside it.
static void transaction(struct drive *d)
{
	struct drive before = *d;
	struct store_txn *outer = test_begin(d->env), *txn;
	int rc;

	assert_int_equal(store_txn_nest(outer, &txn), 0);
	rc = verb(d, txn);
	note("begin");
	if (rc == 0 && chance(d, 10) != 0) {
		test_commit(txn);
		assert_int_equal(store_mark_put(outer, d->mark_value), 0);
		test_commit(outer);
	} else {
		store_txn_abort(txn);
		store_txn_abort(outer);
		d->campaign = before.campaign;
	}
	note_state(d);
}

static void mark_move(struct drive *d)
{
	char text[32];

	d->mark_value += 1 + chance(d, 10);
	assert_int_equal(store_mark_write(d->mark, d->mark_value), 0);
	snprintf(text, sizeof(text), "mark %u", d->mark_value);
	note(text);
}

static void basics(struct drive *d)
{
	struct store_group group = test_group(1, STORE_PROFILE_TS33246);
	struct store_txn *txn = test_begin(d->env);

	note("begin");
	d->service = (struct store_service){.name = "urn:s", .group_count = 1};
	d->service.group[0] = group.id;
	assert_int_equal(store_group_put(txn, &group), 0);
	assert_int_equal(store_service_put(txn, &d->service), 0);
	test_commit(txn);
	note_state(d);
}

// --- The stories -----------------------------------------------------------------------------

static void story_life(struct drive *d)
{
	store_up(d);
	basics(d);
	mark_up(d);
	for (unsigned i = 0; i < 60; i++) {
		if (i % 20 == 19) {
			down(d);
			up(d);
		}
		if (i % 4 == 0)
			mark_move(d);
		transaction(d);
	}
	down(d);
}

static void import_rows(struct drive *d, struct store_import *imp, uint32_t from, uint32_t to)
{
	struct store_subscriber row;
	enum store_row verdict;

	for (uint32_t i = from; i < to; i++) {
		test_subscriber(i, i + 10000, &row);
		assert_int_equal(store_import_add(imp, &row, 1, &verdict), 0);
		assert_int_equal(verdict, 0);
		i += chance(d, 3);
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

	note("begin");
	assert_int_equal(store_import_begin(d->env, 0, &imp), 0);
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
	note_state(d);
}

static void story_import(struct drive *d)
{
	up(d);
	basics(d);
	import(d, 40 + chance(d, 100), false);
	import(d, 80 + chance(d, 200), false);
	down(d);
}

static void story_import_undone(struct drive *d)
{
	up(d);
	basics(d);
	import(d, 50 + chance(d, 100), false);
	import(d, 100 + chance(d, 200), true);
	transaction(d);
	down(d);
}

// Opens what a dead daemon left: the cuts then fall into its repair.
static void story_repair(struct drive *d)
{
	note("begin");
	up(d);
	note_state(d);
	down(d);
}

static void seal_anew(struct drive *d)
{
	struct store_rewrap at = {0};
	int rc;

	while ((rc = store_rewrap_step(d->env, &at)) == 1)
		if (chance(d, 2) == 0)
			transaction(d);
	assert_int_equal(rc, 0);
}

static void rotate(struct drive *d, const char *source, bool is_deep)
{
	struct store_rotation *rotation;
	char why[256];

	note("begin");
	if (store_rotation_prepare(d->env, source, &rotation, why) != 0)
		fail_msg("%s", why);
	key_take(d, source);
	assert_int_equal(store_rotation_commit(d->env, rotation, is_deep), 0);
	note_state(d);
}

// In the clear, wrapped, under another key, sealed anew; each start with a data key of its own.
static void story_keys(struct drive *d)
{
	const char *first = d->keys[0], *second = d->keys[1];

	d->key = "none";
	up(d);
	basics(d);
	import(d, 60, false);
	down(d);
	note("begin");
	key_take(d, first);
	up(d);
	note_state(d);
	transaction(d);
	seal_anew(d);
	rotate(d, second, false);
	transaction(d);
	down(d);
	up(d);
	rotate(d, first, true);
	transaction(d);
	seal_anew(d);
	down(d);
}

static void story_mark(struct drive *d)
{
	up(d);
	for (unsigned i = 0; i < 40; i++)
		mark_move(d);
	down(d);
}

// Leaves an import behind that died in a step that chance takes; nothing is recorded of it.
static void story_die(struct drive *d)
{
	struct store_import *imp;
	unsigned steps;

	up(d);
	basics(d);
	import(d, 60 + chance(d, 60), false);
	assert_int_equal(store_import_begin(d->env, 0, &imp), 0);
	import_rows(d, imp, 0, d->next_person);
	import_chunk(d, imp, d->next_person, 200);
	for (steps = chance(d, 9); steps > 0 && store_import_publish(imp) == 1; steps--)
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
	};

	for (size_t i = 0; argc >= 4 && argc <= 6 && i < sizeof(stories) / sizeof(*stories); i++) {
		struct drive d = {
			.seed = strtoull(argv[2], NULL, 10), .dir = argv[3], .key = "none"};

		if (strcmp(argv[1], stories[i].name) != 0)
			continue;
		for (int k = 0; k < argc - 4; k++)
			d.keys[k] = argv[4 + k];
		if (argc > 4)
			key_take(&d, argv[4]);
		stories[i].tell(&d);
		return 0;
	}
	fprintf(stderr, "usage: powercut-drive STORY SEED DIR [KEY [KEY]]\n");
	return 2;
}
