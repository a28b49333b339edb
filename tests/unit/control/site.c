// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "site.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "history.h"
#include "msk.h"
#include "test.h"
#include "writer_thread.h"

static void ctl_up(struct site *s)
{
	struct store_env_conf conf = {
		.dir = s->dir, .map_bytes = s->conf.store.map_bytes, .max_readers = 32};
	char why[256];

	memset(&s->ctl, 0, sizeof(s->ctl));
	s->dp = fake_dp_create((unsigned)s->conf.workers.count);
	s->ctl.conf = &s->conf;
	s->ctl.dp = s->dp;
	pthread_mutex_init(&s->ctl.conf_lock, NULL);
	pthread_mutex_init(&s->ctl.dp_lock, NULL);
	pthread_mutex_init(&s->ctl.msk_lock, NULL);
	pthread_mutex_init(&s->ctl.meters.expiry.lock, NULL);
	assert_int_equal(store_env_open(&conf, &s->ctl.env, why), 0);
	assert_int_equal(campaigns_create(&s->ctl, &s->ctl.campaigns), 0);
	assert_int_equal(history_create(1 << 16, &s->ctl.history), 0);
	assert_int_equal(writer_create(&s->ctl, NULL, &s->ctl.writer), 0);
}

static void ctl_down(struct site *s)
{
	writer_destroy(s->ctl.writer);
	history_destroy(s->ctl.history);
	campaigns_destroy(s->ctl.campaigns);
	store_env_close(s->ctl.env);
	fake_dp_destroy(s->dp);
}

void site_restart(struct site *s, bool is_crash)
{
	if (!is_crash) {
		settle_step(&s->ctl);
		settle_finish(&s->ctl);
	}
	ctl_down(s);
	ctl_up(s);
	assert_int_equal(campaigns_resume(&s->ctl), 0);
}

static int found_job(struct store_txn *txn, void *arg)
{
	struct site *s = arg;
	struct store_group group = {.id = s->group, .created = 1};
	struct store_service service = {.name = "tv", .group_count = 1, .group = {s->group}};
	int ret = store_group_put(txn, &group);

	if (ret == 0)
		ret = store_service_put(txn, &service);
	s->service = service.id;
	return ret != 0 ? ret : store_set_intern(txn, &service.id, 1, &s->set);
}

int site_up(void **state)
{
	struct site *s = calloc(1, sizeof(*s));
	struct store_msk msk;

	conf_init(&s->conf);
	s->conf.workers.count = 2;
	s->conf.store.map_bytes = 192 << 20;
	s->group = (struct store_group_id){{0x00, 0xf1, 0x10}, 1};
	snprintf(s->dir, sizeof(s->dir), "/tmp/mskpush-control-XXXXXX");
	if (mkdtemp(s->dir) == NULL)
		return -1;
	ctl_up(s);
	assert_int_equal(ctl_writer_run(&s->ctl, found_job, s), 0);
	assert_int_equal(msk_new(&s->ctl, &s->group, 0, 65535, &msk), 0);
	*state = s;
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

int site_down(void **state)
{
	struct site *s = *state;

	ctl_down(s);
	nftw(s->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	free(s);
	return 0;
}

struct put {
	struct site *site;
	unsigned first, n;
	const char *btid;
};

static void subscriber_fill(const struct put *put, unsigned i, struct store_subscriber *sub)
{
	*sub = (struct store_subscriber){
		.flags = STORE_HAS_MUK | STORE_LIVE,
		.port = 2269,
		.expires = UINT32_MAX,
		.authorised = put->site->set,
		.registered = put->site->set,
	};
	snprintf(sub->impi, sizeof(sub->impi), "%u@x", 100000 + i);
	snprintf(sub->btid, sizeof(sub->btid), "b%u@x", i);
	if (put->btid != NULL)
		snprintf(sub->btid, sizeof(sub->btid), "%s", put->btid);
	sub->muk.byte[0] = (uint8_t)i;
}

static int put_job(struct store_txn *txn, void *arg)
{
	struct put *put = arg;
	int ret = 0;

	for (unsigned i = put->first; i < put->first + put->n && ret == 0; i++) {
		struct store_subscriber sub;
		store_id id;
		bool is_new;

		subscriber_fill(put, i, &sub);
		ret = store_subscriber_put(txn, &sub, false, &id, &is_new);
		if (ret == 0)
			ctl_store_changed(&put->site->ctl, id, 1);
	}
	return ret;
}

static int import_chunk(struct store_import *imp, const struct put *put, unsigned from)
{
	static struct store_subscriber subs[STORE_SLICE];
	static enum store_row verdict[STORE_SLICE];
	unsigned n = put->n - from < STORE_SLICE ? put->n - from : STORE_SLICE;

	for (unsigned i = 0; i < n; i++)
		subscriber_fill(put, put->first + from + i, &subs[i]);
	return store_import_add(imp, subs, n, verdict);
}

static int import_job(struct store_env *env, void *arg)
{
	struct put *put = arg;
	struct store_import_result result;
	struct store_import *imp;
	int ret = store_import_begin(env, put->n, &imp);

	for (unsigned from = 0; from < put->n && ret == 0; from += STORE_SLICE)
		ret = import_chunk(imp, put, from);
	while (ret == 0 && (ret = store_import_publish(imp)) == 1)
		ret = 0;
	store_import_end(imp, &result);
	ctl_store_changed(&put->site->ctl, put->first, put->n);
	return ret;
}

void site_subscribers(struct site *s, unsigned n)
{
	struct put put = {.site = s, .n = n};
	struct store_reader *r;

	assert_int_equal(ctl_reader_get(&s->ctl, &r), 0);
	put.first = store_reader_span(r);
	ctl_reader_put(&s->ctl, r);
	if (n > STORE_SLICE)
		assert_int_equal(ctl_writer_exclusive(&s->ctl, import_job, &put), 0);
	else
		assert_int_equal(ctl_writer_run(&s->ctl, put_job, &put), 0);
}

struct uicc {
	struct site *site;
	unsigned btid_len;
};

static int uicc_job(struct store_txn *txn, void *arg)
{
	const struct uicc *uicc = arg;
	struct store_subscriber sub = {
		.impi = "uicc@x",
		.flags = STORE_HAS_MUK | STORE_LIVE | STORE_IN_UICC,
		.expires = UINT32_MAX,
		.authorised = uicc->site->set,
		.registered = uicc->site->set,
	};
	store_id id;
	bool is_new;

	memset(sub.btid, 'b', uicc->btid_len);
	sub.btid[1] = '@';
	return store_subscriber_put(txn, &sub, false, &id, &is_new);
}

void site_uicc_subscriber(struct site *s, unsigned btid_len)
{
	struct uicc uicc = {s, btid_len};

	assert_int_equal(ctl_writer_run(&s->ctl, uicc_job, &uicc), 0);
}

void site_rekey(struct site *s, unsigned number, const char *btid)
{
	struct put put = {.site = s, .first = number, .n = 1, .btid = btid};

	assert_int_equal(ctl_writer_run(&s->ctl, put_job, &put), 0);
}

uint8_t site_flags(struct site *s, store_id id)
{
	struct store_subscriber sub;
	struct store_reader *r;

	assert_int_equal(ctl_reader_get(&s->ctl, &r), 0);
	assert_int_equal(store_reader_subscriber(r, id, &sub), 0);
	ctl_reader_put(&s->ctl, r);
	return sub.flags;
}

uint32_t site_push(struct site *s, uint8_t sends)
{
	struct campaign_order order = {.group = s->group, .sends = sends, .only = STORE_ID_NONE};
	char why[256];
	uint32_t id;

	for (int i = 0; i < STORE_SENDS_MAX; i++)
		order.wait_s[i] = 1;
	assert_int_equal(campaign_start(&s->ctl, &order, &id, why), 0);
	return id;
}

struct dp_campaign *site_campaign(struct site *s, unsigned members, uint8_t sends, uint32_t *id)
{
	uint32_t number;

	site_subscribers(s, members);
	number = site_push(s, sends);
	if (id != NULL)
		*id = number;
	return fake_dp_opened(s->dp, 0);
}

struct campaign_view site_view(struct site *s, uint32_t id)
{
	struct campaign_view view;
	struct store_reader *r;

	assert_int_equal(ctl_reader_get(&s->ctl, &r), 0);
	assert_int_equal(campaign_view(&s->ctl, r, id, &view), 0);
	ctl_reader_put(&s->ctl, r);
	return view;
}

uint8_t site_member(struct site *s, uint32_t campaign, store_id id)
{
	uint8_t state[STORE_SLICE];
	struct store_reader *r;

	assert_int_equal(ctl_reader_get(&s->ctl, &r), 0);
	assert_int_equal(campaign_slice_read(&s->ctl, r, campaign, id / STORE_SLICE, state), 0);
	ctl_reader_put(&s->ctl, r);
	return state[id % STORE_SLICE];
}

void site_settle(struct site *s)
{
	settle_step(&s->ctl);
	settle_step(&s->ctl);
}

void site_expect(
	struct site *s, uint32_t id, const uint32_t counts[5], enum store_campaign_state state)
{
	struct campaign_view v = site_view(s, id);

	assert_int_equal(v.record.members, counts[0]);
	assert_int_equal(v.record.verified, counts[1]);
	assert_int_equal(v.record.given_up, counts[2]);
	assert_int_equal(v.record.refused, counts[3]);
	assert_int_equal(v.pending, counts[4]);
	assert_int_equal(v.record.members,
		v.record.verified + v.record.given_up + v.record.refused + v.pending);
	assert_int_equal(v.record.state, state);
}
