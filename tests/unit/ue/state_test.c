// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "support.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ue/holding.h"

#define ROW(impi, btid, muk, expires, address) \
	impi "," btid "," muk "," MRK "," expires "," address ",,me,news,\n"
#define ONE ROW(IMPI, BTID, MUK, EXPIRES, ADDRESS)
#define MUK2 "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define BTID_ROOM 80

static char dir[64];

static int dir_make(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/ue-state-XXXXXX");
	return mkdtemp(dir) == NULL;
}

static int dir_drop(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -r %s", dir);
	return system(command);
}

static const char *path(const char *name)
{
	static char text[128];

	snprintf(text, sizeof(text), "%s/%s", dir, name);
	return text;
}

// Phones that are switched on: a site, and what they kept.
struct handset {
	struct ue_site *site;
	struct ue_state *state;
	bool has_keys;
};

static struct handset switch_on(const char *rows)
{
	struct handset h = {.site = site_of(rows)};
	const struct ue_state_conf conf = {.dir = dir, .btid_bytes = BTID_ROOM};
	char why[UE_WHY_BYTES];

	assert_int_equal(ue_state_open(&h.state, &conf, &h.site->phones, why), 0);
	assert_int_equal(ue_state_keys_load(dir, &h.site->phones, &h.has_keys), 0);
	h.site->receiver.state = h.state;
	return h;
}

static void switch_off(struct handset *h, bool has_keys)
{
	if (has_keys)
		assert_int_equal(ue_state_keys_save(dir, &h->site->phones), 0);
	assert_int_equal(ue_state_close(h->state), 0);
	ue_site_destroy(h->site);
}

static void push_arrives(struct handset *h, const char *btid, const char *muk, uint32_t counter)
{
	struct push push = push_f(counter);

	push.btid = btid;
	memcpy(push.muk, hex(muk).data, sizeof(push.muk));
	expect_accepted(h->site, push_seal(&push));
}

static void expect_open(int wanted, const char *part)
{
	const struct ue_state_conf conf = {.dir = dir, .btid_bytes = BTID_ROOM};
	struct ue_site *site = site_of_one();
	struct ue_state *state = NULL;
	char why[UE_WHY_BYTES] = "";

	assert_int_equal(ue_state_open(&state, &conf, &site->phones, why), wanted);
	assert_non_null(strstr(why, part));
	ue_state_close(state);
	ue_site_destroy(site);
}

// What a process leaves that ends at this point, whatever it was about to do.
static void killed_after_pushes(const char *rows, const uint32_t *counters, size_t count)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		struct handset h = switch_on(rows);

		for (size_t i = 0; i < count; i++)
			push_arrives(&h, BTID, MUK, counters[i]);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void last_counter_survives_a_kill(void **state)
{
	const uint32_t counters[] = {5, 6, 900};
	struct push push = push_f(900);
	struct handset h;

	(void)state;
	killed_after_pushes(ONE, counters, 3);
	h = switch_on(ONE);
	assert_int_equal(ue_state_found(h.state).recalled, 1);
	assert_int_equal(credential_of(h.site, BTID)->counter, 900);
	expect_refusal(h.site, push_seal(&push), UE_REPLAYED);
	push.counter = 899;
	expect_refusal(h.site, push_seal(&push), UE_STALE_COUNTER);
	push_arrives(&h, BTID, MUK, 901);
	switch_off(&h, false);
	h = switch_on(ONE);
	assert_int_equal(credential_of(h.site, BTID)->counter, 901);
	// Without its keys: it was not switched off in a way that keeps them.
	assert_int_equal(h.site->phones.with_msk, 0);
	switch_off(&h, false);
}

static void last_muk_authenticates_a_solicit_after_it_was_bootstrapped_anew(void **state)
{
	struct handset h = switch_on(ONE);
	const struct ue_fresh fresh = {.btid = "new@bsf",
		.btid_len = 7,
		.expires = NOW_S + 100000,
		.muk = hex(MUK2).data,
		.mrk = hex(MRK).data};
	struct push push = push_f(8);

	(void)state;
	push_arrives(&h, BTID, MUK, 7);
	assert_int_equal(ue_phones_renew(&h.site->phones, 0, &fresh), 0);
	// Not used yet: the old one stays.
	switch_off(&h, false);
	h = switch_on(ONE);
	assert_int_equal(ue_credential_find(&h.site->phones, "new@bsf", 7), UE_NONE);
	assert_int_equal(credential_of(h.site, BTID)->counter, 7);
	assert_int_equal(ue_phones_renew(&h.site->phones, 0, &fresh), 0);
	push_arrives(&h, "new@bsf", MUK2, 3);
	switch_off(&h, false);
	// Used: it is the one that is kept, though the CSV does not know it.
	h = switch_on(ONE);
	assert_int_equal(credential_of(h.site, "new@bsf")->counter, 3);
	assert_true(credential_of(h.site, "new@bsf")->is_muk_only);
	push.btid = "new@bsf";
	memcpy(push.muk, hex(MUK2).data, sizeof(push.muk));
	push.is_solicit = true;
	push.number = 0;
	push.wants_verification = false;
	expect_accepted(h.site, push_seal(&push));
	push.btid = BTID;
	expect_refusal(h.site, push_seal(&push), UE_FORGOTTEN_IDR);
	switch_off(&h, false);
}

static void other_uicc_deletes_everything(void **state)
{
	struct handset h = switch_on(ONE);

	(void)state;
	push_arrives(&h, BTID, MUK, 7);
	switch_off(&h, true);
	// Another UICC in the same place, which happens to have the same B-TID and MUK.
	h = switch_on(ROW("other@ims", BTID, MUK, EXPIRES, ADDRESS));
	assert_int_equal(ue_state_found(h.state).changed, 1);
	assert_int_equal(ue_state_found(h.state).recalled, 0);
	assert_int_equal(credential_of(h.site, BTID)->counter, 0);
	assert_int_equal(h.site->phones.with_msk, 0);
	switch_off(&h, true);
	// The first one again: nothing of it is left.
	h = switch_on(ONE);
	assert_int_equal(credential_of(h.site, BTID)->counter, 0);
	switch_off(&h, false);
}

static void phone_that_has_moved_keeps_its_own(void **state)
{
	struct handset h = switch_on(ONE);

	(void)state;
	push_arrives(&h, BTID, MUK, 7);
	switch_off(&h, false);
	// Somebody else has its address now.
	h = switch_on(ROW("a@ims", "a@bsf", MUK2, EXPIRES, ADDRESS)
			ROW(IMPI, BTID, MUK, EXPIRES, "10.0.0.9"));
	assert_int_equal(ue_state_found(h.state).changed, 0);
	assert_int_equal(credential_of(h.site, BTID)->counter, 7);
	switch_off(&h, false);
}

static void phone_that_stays_off_loses_nothing(void **state)
{
	struct handset h = switch_on(ONE);

	(void)state;
	push_arrives(&h, BTID, MUK, 7);
	switch_off(&h, false);
	for (int i = 0; i < 3; i++) {
		h = switch_on(ROW("a@ims",
			"a-much-longer-name-than-any-before-of-a-bootstrapping-transaction@"
			"bsf.mnc001.mcc001.pub.3gppnetwork.org",
			MUK2, EXPIRES, "10.0.0.9"));
		switch_off(&h, false);
	}
	h = switch_on(ONE);
	assert_int_equal(credential_of(h.site, BTID)->counter, 7);
	switch_off(&h, false);
}

static void other_muk_under_a_known_btid_starts_anew(void **state)
{
	struct handset h = switch_on(ONE);

	(void)state;
	push_arrives(&h, BTID, MUK, 7);
	switch_off(&h, false);
	h = switch_on(ROW(IMPI, BTID, MUK2, EXPIRES, ADDRESS));
	assert_int_equal(credential_of(h.site, BTID)->counter, 0);
	push_arrives(&h, BTID, MUK2, 1);
	switch_off(&h, false);
}

static void no_rand_is_drawn_again_that_a_muk_came_from(void **state)
{
	struct handset h = switch_on(ONE);

	(void)state;
	phone_of(h.site, IMPI)->bootstraps = 4;
	push_arrives(&h, BTID, MUK, 7);
	switch_off(&h, false);
	h = switch_on(ONE);
	assert_int_equal(phone_of(h.site, IMPI)->bootstraps, 4);
	switch_off(&h, false);
}

static void keys_are_kept_or_not(void **state)
{
	struct handset h = switch_on(ONE);
	const struct ue_fresh fresh = {.btid = "new@bsf",
		.btid_len = 7,
		.expires = NOW_S + 100000,
		.muk = hex(MUK2).data,
		.mrk = hex(MUK).data};
	const struct ue_msk *msk;

	(void)state;
	push_arrives(&h, BTID, MUK, 7);
	h.site->phones.holdings[0].seq_s = 77;
	h.site->phones.holdings[0].counter = 5;
	ue_holding_mark(&h.site->phones, 0, UE_WAY_MISSED);
	assert_int_equal(ue_phones_renew(&h.site->phones, 0, &fresh), 0);
	switch_off(&h, true);
	h = switch_on(ONE);
	assert_true(h.has_keys);
	assert_int_equal(access(path("keys"), F_OK), -1);
	assert_int_equal(h.site->phones.with_msk, 1);
	assert_int_equal(h.site->phones.holdings[0].seq_s, 77);
	assert_int_equal(h.site->phones.holdings[0].counter, 5);
	msk = &h.site->phones.msks[h.site->phones.holdings[0].msk];
	assert_memory_equal(msk->key, hex("a0a1a2a3a4a5a6a7a8a9aaabacadaeaf").data, 16);
	assert_int_equal(msk->ways[UE_WAY_MISSED], 1);
	assert_memory_equal(credential_of(h.site, "new@bsf")->mrk, hex(MUK).data, 32);
	assert_int_equal(
		phone_of(h.site, IMPI)->current, ue_credential_find(&h.site->phones, "new@bsf", 7));
	assert_int_equal(phone_of(h.site, IMPI)->previous,
		ue_credential_find(&h.site->phones, BTID, strlen(BTID)));
	switch_off(&h, true);
	assert_int_equal(ue_state_keys_drop(dir), 0);
	assert_int_equal(ue_state_keys_drop(dir), 0);
	h = switch_on(ONE);
	assert_false(h.has_keys);
	assert_int_equal(h.site->phones.with_msk, 0);
	switch_off(&h, false);
}

static void file_write(const char *name, const uint8_t *data, size_t len)
{
	FILE *file = fopen(path(name), "w");

	assert_non_null(file);
	assert_int_equal(fwrite(data, 1, len, file), len);
	assert_int_equal(fclose(file), 0);
}

static size_t file_read(const char *name, uint8_t *data, size_t room)
{
	FILE *file = fopen(path(name), "r");
	size_t len;

	assert_non_null(file);
	len = fread(data, 1, room, file);
	assert_true(len < room);
	fclose(file);
	return len;
}

static void damaged_files_are_refused(void **state)
{
	static uint8_t muks[8192], keys[8192];
	struct handset h = switch_on(ONE);
	size_t muks_len, keys_len;
	struct stat stat_of;
	bool has_keys;

	(void)state;
	push_arrives(&h, BTID, MUK, 7);
	switch_off(&h, true);
	assert_int_equal(stat(path("muks"), &stat_of), 0);
	assert_int_equal(stat_of.st_mode & 0777, 0600);
	assert_int_equal(stat(path("keys"), &stat_of), 0);
	assert_int_equal(stat_of.st_mode & 0777, 0600);
	muks_len = file_read("muks", muks, sizeof(muks));
	keys_len = file_read("keys", keys, sizeof(keys));
	for (size_t len = 1; len < muks_len; len++) {
		file_write("muks", muks, len);
		expect_open(-EBADMSG, "damaged");
	}
	muks[0] ^= 1;
	file_write("muks", muks, muks_len);
	expect_open(-EBADMSG, "damaged");
	for (size_t len = 0; len < keys_len; len++) {
		struct ue_site *site = site_of_one();

		file_write("keys", keys, len);
		assert_int_equal(ue_state_keys_load(dir, &site->phones, &has_keys), -EBADMSG);
		assert_int_equal(access(path("keys"), F_OK), -1);
		ue_site_destroy(site);
	}
}

// Whatever one octet says, nothing is read or written where it should not be.
static void changed_octets_do_no_harm(void **state)
{
	static uint8_t muks[8192], keys[8192];
	struct handset h = switch_on(ONE);
	const struct ue_state_conf conf = {.dir = dir, .btid_bytes = BTID_ROOM};
	size_t muks_len, keys_len;
	char why[UE_WHY_BYTES];
	bool has_keys;

	(void)state;
	push_arrives(&h, BTID, MUK, 7);
	switch_off(&h, true);
	muks_len = file_read("muks", muks, sizeof(muks));
	keys_len = file_read("keys", keys, sizeof(keys));
	for (size_t i = 0; i < muks_len || i < keys_len; i++) {
		struct ue_site *site = site_of_one();
		struct ue_state *opened;

		muks[i % muks_len] ^= 0xff;
		keys[i % keys_len] ^= 0xff;
		file_write("muks", muks, muks_len);
		file_write("keys", keys, keys_len);
		if (ue_state_open(&opened, &conf, &site->phones, why) == 0)
			ue_state_close(opened);
		ue_state_keys_load(dir, &site->phones, &has_keys);
		muks[i % muks_len] ^= 0xff;
		keys[i % keys_len] ^= 0xff;
		ue_site_destroy(site);
	}
}

static void two_processes_do_not_share(void **state)
{
	struct handset h = switch_on(ONE);

	(void)state;
	expect_open(-EBUSY, "another");
	switch_off(&h, false);
	expect_open(0, "");
}

#define IN_DIR(test) cmocka_unit_test_setup_teardown(test, dir_make, dir_drop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_DIR(last_counter_survives_a_kill),
		IN_DIR(last_muk_authenticates_a_solicit_after_it_was_bootstrapped_anew),
		IN_DIR(other_uicc_deletes_everything),
		IN_DIR(phone_that_has_moved_keeps_its_own),
		IN_DIR(phone_that_stays_off_loses_nothing),
		IN_DIR(other_muk_under_a_known_btid_starts_anew),
		IN_DIR(no_rand_is_drawn_again_that_a_muk_came_from),
		IN_DIR(keys_are_kept_or_not),
		IN_DIR(damaged_files_are_refused),
		IN_DIR(changed_octets_do_no_harm),
		IN_DIR(two_processes_do_not_share),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
