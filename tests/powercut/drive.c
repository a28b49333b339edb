// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "drive.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define MAP_BYTES (UINT64_C(3) << 19)

// The recorder has it; without the recorder there is nobody to tell.
__attribute__((weak)) void powercut_note(const char *text);

void drive_note(const char *text)
{
	if (powercut_note != NULL)
		powercut_note(text);
}

void drive_note_state(struct drive *d)
{
	char digest[CONTENT_DIGEST], text[CONTENT_DIGEST + 8], *content = content_text(d->env);

	assert_non_null(content);
	content_digest(content, digest);
	snprintf(text, sizeof(text), "state %s", digest);
	drive_note(text);
	free(content);
}

uint32_t drive_chance(struct drive *d, uint32_t below)
{
	d->seed = d->seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)((d->seed >> 33) % below);
}

void drive_key_take(struct drive *d, const char *source)
{
	char text[300];

	snprintf(text, sizeof(text), "key %s", source);
	drive_note(text);
	d->key = source;
}

void drive_store_up(struct drive *d)
{
	struct store_env_conf conf = {
		.dir = d->dir, .map_bytes = MAP_BYTES, .max_readers = 4, .wrapping_key = d->key};
	char why[256];

	if (store_env_open(&conf, &d->env, why) != 0)
		fail_msg("%s", why);
	drive_note("opened");
}

void drive_mark_up(struct drive *d)
{
	static const uint8_t machine[16] = "powercut";
	enum store_mark_state state;

	assert_int_equal(store_mark_open(d->dir, machine, &d->mark, &d->mark_value, &state), 0);
}

void drive_up(struct drive *d)
{
	drive_store_up(d);
	drive_mark_up(d);
}

void drive_down(struct drive *d)
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
		bool is_old = d->next_person > 0 && drive_chance(d, 2) == 0;
		uint32_t person = is_old ? drive_chance(d, d->next_person) : d->next_person++;
		store_id id;
		bool is_new;

		test_subscriber(person, d->next_btid++, &sub);
		if (drive_chance(d, 8) == 0)
			snprintf(sub.btid, sizeof(sub.btid), "raw-%u", d->next_btid);
		rc = store_set_intern(txn, &d->service.id, 1, &sub.authorised);
		sub.registered = sub.authorised;
		if (rc == 0)
			rc = store_subscriber_put(txn, &sub, drive_chance(d, 2) == 0, &id, &is_new);
	}
	return rc;
}

static int people_verified(struct drive *d, struct store_txn *txn)
{
	store_id ids[20];

	for (unsigned i = 0; i < 20; i++)
		ids[i] = drive_chance(d, d->next_person + 1);
	return store_subscriber_verified(txn, ids, 20);
}

static int person_remove(struct drive *d, struct store_txn *txn)
{
	int rc = store_subscriber_remove(txn, drive_chance(d, d->next_person + 1));

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
		.pushes = drive_chance(d, 1000),
	};
	uint8_t state[STORE_SLICE];
	int rc = 0;

	if (c.id == 0)
		rc = store_campaign_next_id(txn, &c.id);
	d->campaign = c.id;
	if (drive_chance(d, 6) == 0) {
		c.state = STORE_CAMPAIGN_DONE;
		d->campaign = 0;
	}
	for (unsigned slice = 0; slice < 2 && rc == 0; slice++) {
		for (unsigned i = 0; i < STORE_SLICE; i++)
			state[i] =
				(uint8_t)(drive_chance(d, 4) == 0 ? STORE_MEMBER_VERIFIED | 1 : 1);
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
	switch (drive_chance(d, 8)) {
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
		return people_put(d, txn, 1 + drive_chance(d, 4));
	}
}

void drive_transaction(struct drive *d)
{
	struct drive before = *d;
	struct store_txn *outer = test_begin(d->env), *txn;
	int rc;

	assert_int_equal(store_txn_nest(outer, &txn), 0);
	rc = verb(d, txn);
	drive_note("begin");
	if (rc == 0 && drive_chance(d, 10) != 0) {
		test_commit(txn);
		assert_int_equal(store_mark_put(outer, d->mark_value), 0);
		test_commit(outer);
	} else {
		store_txn_abort(txn);
		store_txn_abort(outer);
		d->campaign = before.campaign;
	}
	drive_note_state(d);
}

void drive_people_leave(struct drive *d, unsigned most)
{
	struct store_txn *txn = test_begin(d->env);

	drive_note("begin");
	for (unsigned i = drive_chance(d, most + 1); i > 0; i--)
		assert_int_equal(person_remove(d, txn), 0);
	test_commit(txn);
	drive_note_state(d);
}

void drive_mark_move(struct drive *d)
{
	char text[32];

	d->mark_value += 1 + drive_chance(d, 10);
	assert_int_equal(store_mark_write(d->mark, d->mark_value, 0), 0);
	snprintf(text, sizeof(text), "mark %u", d->mark_value);
	drive_note(text);
}

void drive_basics(struct drive *d)
{
	struct store_group group = test_group(1, STORE_PROFILE_TS33246);
	struct store_txn *txn = test_begin(d->env);

	drive_note("begin");
	d->service = (struct store_service){.name = "urn:s", .group_count = 1};
	d->service.group[0] = group.id;
	assert_int_equal(store_group_put(txn, &group), 0);
	assert_int_equal(store_service_put(txn, &d->service), 0);
	test_commit(txn);
	drive_note_state(d);
}
