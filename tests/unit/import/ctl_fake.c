// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "ctl_fake.h"

#include "admin.h"
#include "conf.h"
#include "dp.h"
#include "history.h"
#include "ua.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAP_BYTES (256 << 20)

struct ctl_fake fake;
static pthread_mutex_t writer_lock = PTHREAD_MUTEX_INITIALIZER;

int ctl_writer_exclusive(struct ctl *ctl, int (*fn)(struct store_env *env, void *arg), void *arg)
{
	int ret;

	pthread_mutex_lock(&writer_lock);
	fake.jobs++;
	ret = fake.jobs == fake.failing_job ? -ENOSPC : fn(ctl->env, arg);
	pthread_mutex_unlock(&writer_lock);
	return ret;
}

int ctl_writer_run(struct ctl *ctl, int (*fn)(struct store_txn *txn, void *arg), void *arg)
{
	struct store_txn *txn;
	int err = store_txn_begin(ctl->env, &txn);

	if (err == 0)
		err = fn(txn, arg);
	if (err == 0)
		return store_txn_commit(txn);
	store_txn_abort(txn);
	return err;
}

uint32_t ctl_campaign_holding(struct ctl *ctl, store_id id)
{
	(void)ctl;
	(void)id;
	return fake.holding_campaign;
}

void ctl_store_changed(struct ctl *ctl, store_id first, uint32_t n)
{
	(void)ctl;
	if (first < fake.changed_from)
		fake.changed_from = first;
	if (first + n > fake.changed_to)
		fake.changed_to = first + n;
}

int ctl_reader_get(struct ctl *ctl, struct store_reader **out)
{
	return store_reader_create(ctl->env, out);
}

void ctl_reader_put(struct ctl *ctl, struct store_reader *r)
{
	(void)ctl;
	store_reader_destroy(r);
}

uint32_t ctl_max_subscribers(const struct ctl *ctl)
{
	(void)ctl;
	return fake.max_subscribers;
}

bool ctl_may_reuse_ids(struct ctl *ctl)
{
	(void)ctl;
	return fake.may_reuse_ids;
}

// Messages of v600 are short here, so that the profile makes a difference.
int ctl_uicc_check(const struct ctl *ctl, unsigned profile, size_t btid_len, char why[256])
{
	(void)ctl;
	if (profile == STORE_PROFILE_V600 || btid_len <= CTL_FAKE_BTID_MAX)
		return 0;
	snprintf(why, 256, "%zu octets are too many for the UICC", btid_len);
	return -E2BIG;
}

// Stand-ins for HMAC states that show which MUK they were made of: its complement.
int dp_muk_prep_create(unsigned crypto, struct dp_muk_prep **out)
{
	(void)crypto;
	*out = NULL;
	return 0;
}

int dp_muk_prep_burst(struct dp_muk_prep *prep, const uint8_t *muks, size_t stride,
	struct store_muk_state *states, size_t state_stride, size_t n)
{
	(void)prep;
	for (size_t i = 0; i < n; i++) {
		uint8_t *state = (uint8_t *)states + i * state_stride;

		for (unsigned k = 0; k < STORE_MUK_BYTES; k++)
			state[k] = (uint8_t)~muks[i * stride + k];
	}
	return 0;
}

void dp_muk_prep_destroy(struct dp_muk_prep *prep)
{
	(void)prep;
}

static int services_put(struct store_env *env)
{
	static const char *const names[] = {"urn:a", "urn:b", "urn:c"};
	struct store_group groups[] = {
		{.id = {{0x00, 0xf1, 0x10}, 1}, .profile = STORE_PROFILE_TS33246},
		{.id = {{0x00, 0xf1, 0x10}, 2}, .profile = STORE_PROFILE_V600},
	};
	struct store_txn *txn;
	int err = store_txn_begin(env, &txn);

	for (unsigned i = 0; i < 2 && err == 0; i++)
		err = store_group_put(txn, &groups[i]);
	for (unsigned i = 0; i < 3 && err == 0; i++) {
		struct store_service service = {.group_count = 1, .group = {groups[i / 2].id}};

		strcpy(service.name, names[i]);
		err = store_service_put(txn, &service);
	}
	return err == 0 ? store_txn_commit(txn) : err;
}

void admin_ua_notes_add(json_t *subscriber, struct ctl *ctl, store_id id)
{
	(void)subscriber;
	(void)ctl;
	(void)id;
}

void ua_note_forget(struct ua *ua, store_id id)
{
	(void)ua;
	(void)id;
}

void history_add(struct history *h, struct history_event *events, size_t n)
{
	(void)h;
	(void)events;
	(void)n;
}

int ctl_fake_begin(void **state)
{
	static const struct conf defaults;
	struct store_env_conf conf = {.dir = fake.dir, .map_bytes = MAP_BYTES, .max_readers = 16};
	char why[256] = "";
	int err;

	(void)state;
	fake = (struct ctl_fake){.max_subscribers = 1000000, .changed_from = STORE_ID_NONE};
	strcpy(fake.dir, "/tmp/mskpush-import-XXXXXX");
	if (mkdtemp(fake.dir) == NULL)
		return -1;
	fake.ctl.conf = &defaults;
	err = store_env_open(&conf, &fake.ctl.env, why);
	if (err != 0)
		fprintf(stderr, "%s\n", why);
	return err != 0 ? err : services_put(fake.ctl.env);
}

int ctl_fake_end(void **state)
{
	char command[96];

	(void)state;
	store_env_close(fake.ctl.env);
	snprintf(command, sizeof(command), "rm -rf %s", fake.dir);
	return system(command);
}
