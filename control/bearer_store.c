// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// What bearers read from the store and write to it. An MTK is drawn, stored and counted in the mark
// file, in this order, before anybody sees it.

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "admin.h"
#include "bearer_inside.h"
#include "counter_mark.h"
#include "log.h"

// --- Reading --------------------------------------------------------------------------------

static void keys_forget(struct store_mtks *mtks)
{
	for (unsigned i = 0; i < mtks->count; i++) {
		explicit_bzero(&mtks->mtk[i].key, sizeof(mtks->mtk[i].key));
		explicit_bzero(mtks->mtk[i].salt, sizeof(mtks->mtk[i].salt));
	}
}

static int supply_load(
	const struct store_reader *r, const struct store_msk *msk, struct mtk_supply *out)
{
	int ret;

	out->number = msk->number;
	out->seq_l = msk->seq_l;
	out->seq_u = msk->seq_u;
	ret = store_reader_mtks(r, &msk->group, msk->number, &out->mtks);
	if (ret == -ENOENT) {
		out->mtks = (struct store_mtks){.group = msk->group, .number = msk->number};
		return 0;
	}
	return ret;
}

int supplies_load(
	const struct store_reader *r, const struct store_group_id *group, struct mtk_supply out[2])
{
	struct store_msk msk = {0};
	int ret = 0;

	memset(out, 0, 2 * sizeof(out[0]));
	while (ret == 0 && store_reader_msk_next(r, group, msk.number, &msk) == 0)
		if (msk.state == STORE_MSK_CURRENT || msk.state == STORE_MSK_NEXT)
			ret = supply_load(r, &msk, &out[msk.state == STORE_MSK_NEXT]);
	explicit_bzero(&msk, sizeof(msk));
	return ret;
}

static bool group_is(const struct store_group_id *a, const struct store_group_id *b)
{
	return a->group == b->group && memcmp(a->kdi, b->kdi, sizeof(a->kdi)) == 0;
}

struct stream *stream_find(struct bearers *all, const struct store_group_id *group)
{
	for (unsigned i = 0; i < all->n; i++)
		if (group_is(&all->stream[i].bearer.group, group))
			return &all->stream[i];
	return NULL;
}

static int stream_load(
	struct stream *s, const struct store_reader *r, const struct store_bearer *bearer)
{
	struct mtk_supply supply[2] = {0};
	struct store_group group = {0};
	int ret = store_reader_group(r, &bearer->group, &group);

	s->bearer = *bearer;
	s->profile = group.profile;
	s->version = store_reader_version(r);
	s->reservations = store_reader_mtk_reservations(r);
	if (ret == 0)
		ret = supplies_load(r, &bearer->group, supply);
	for (unsigned i = 0; i < 2; i++)
		keys_forget(&supply[i].mtks);
	memcpy(s->supply, supply, sizeof(s->supply));
	return ret;
}

// Whether its seat can be given away: nothing is sent, and its MSK does not change.
static bool stream_is_idle(const struct stream *s)
{
	return !stream_is_on(s) && stream_target(s) == 0;
}

static struct stream *idle_find(struct bearers *all)
{
	for (unsigned i = 0; i < all->n; i++)
		if (stream_is_idle(&all->stream[i]))
			return &all->stream[i];
	return NULL;
}

bool streams_have_room(struct bearers *all)
{
	return all->n < BEARERS_MAX || idle_find(all) != NULL;
}

static struct stream *seat_take(struct bearers *all, const struct store_bearer *bearer)
{
	struct stream *s = NULL;

	if (all->n < BEARERS_MAX)
		s = &all->stream[all->n++];
	else if ((bearer->flags & STORE_BEARER_ON) != 0)
		s = idle_find(all);
	if (s != NULL)
		memset(s, 0, sizeof(*s));
	return s;
}

// Bearers stay in the store once they were there, so a stream keeps its place while it is sent.
int streams_load(struct bearers *all)
{
	struct store_bearer bearer = {0};
	struct store_reader *r;
	int ret = ctl_reader_get(all->ctl, &r);

	if (ret != 0)
		return ret;
	all->is_stale = false;
	while (store_reader_bearer_next(r, &bearer.group, &bearer) == 0) {
		struct stream *s = stream_find(all, &bearer.group);

		if (s == NULL)
			s = seat_take(all, &bearer);
		if (s != NULL && stream_load(s, r, &bearer) != 0)
			all->is_stale = true;
	}
	// A group that was removed took its bearer along.
	for (unsigned i = 0; i < all->n; i++)
		if (store_reader_bearer(r, &all->stream[i].bearer.group, &bearer) == -ENOENT)
			all->stream[i--] = all->stream[--all->n];
	ctl_reader_put(all->ctl, r);
	return 0;
}

// --- Writing --------------------------------------------------------------------------------

static int bearer_job(struct store_txn *txn, void *bearer)
{
	return store_bearer_put(txn, bearer);
}

int bearer_write(struct bearers *all, const struct store_bearer *bearer)
{
	struct store_bearer copy = *bearer;

	all->is_stale = true;
	return ctl_writer_run(all->ctl, bearer_job, &copy);
}

struct mtks_job {
	struct store_mtks mtks;
	uint32_t reservation;
};

static int mtks_job(struct store_txn *txn, void *arg)
{
	struct mtks_job *job = arg;

	return store_mtks_put(txn, &job->mtks, &job->reservation);
}

// Keys of the MTKs that are new: those above the last one that was given out before.
static int keys_draw(struct store_mtks *mtks, uint16_t last_id)
{
	for (unsigned i = 0; i < mtks->count; i++) {
		struct store_mtk *mtk = &mtks->mtk[i];

		if (mtk->id <= last_id)
			continue;
		if (getrandom(&mtk->key, sizeof(mtk->key), 0) != sizeof(mtk->key) ||
			getrandom(mtk->salt, sizeof(mtk->salt), 0) != sizeof(mtk->salt))
			return -EIO;
		if ((mtk->flags & STORE_MTK_SALTED) == 0)
			memset(mtk->salt, 0, sizeof(mtk->salt));
	}
	return 0;
}

static int mtks_write(struct bearers *all, const struct store_mtks *mtks, uint16_t last_id)
{
	struct mtks_job job = {.mtks = *mtks};
	int ret = keys_draw(&job.mtks, last_id);

	if (ret == 0)
		ret = ctl_writer_run(all->ctl, mtks_job, &job);
	if (ret == 0 && mtks->last_id > last_id)
		ret = counter_mark_mtk_reserve(all->mark, job.reservation);
	explicit_bzero(&job, sizeof(job));
	all->is_stale = true;
	return ret;
}

bool stream_is_reserved(struct bearers *all, const struct stream *s)
{
	return counter_mark_mtk_reserve(all->mark, s->reservations) == 0;
}

// What a change makes of the MTKs of one MSK; the number of MTKs that came or went.
typedef unsigned supply_change(
	const struct stream *s, struct mtk_supply *supply, const struct bearer_now *now);

static void change_tell(struct bearers *all, const struct stream *s,
	const struct mtk_supply *supply, uint16_t last_id)
{
	for (unsigned i = 0; i < supply->mtks.count; i++)
		if (supply->mtks.mtk[i].id > last_id)
			event_send(all, "mtk-scheduled", &s->bearer.group,
				mtk_entry_json(s, supply, &supply->mtks.mtk[i]));
}

// 1: written, and the stream has to be read anew; 0: nothing was to be changed; or -errno.
static int supply_alter(struct bearers *all, struct stream *s, unsigned which,
	supply_change *change, const struct bearer_now *now)
{
	struct mtk_supply supply[2];
	struct store_reader *r;
	uint16_t last_id;
	bool is_changed;
	int ret = ctl_reader_get(all->ctl, &r);

	if (ret != 0)
		return ret;
	ret = supplies_load(r, &s->bearer.group, supply);
	ctl_reader_put(all->ctl, r);
	last_id = supply[which].mtks.last_id;
	if (ret == 0 && supply[which].number != s->supply[which].number)
		ret = -ESTALE; // the MSK has changed meanwhile
	if (ret == -ESTALE)
		all->is_stale = true;
	is_changed = ret == 0 && change(s, &supply[which], now) != 0;
	if (is_changed)
		ret = mtks_write(all, &supply[which].mtks, last_id);
	if (ret == 0 && supply[which].mtks.last_id > last_id) {
		all->made += supply[which].mtks.last_id - last_id;
		change_tell(all, s, &supply[which], last_id);
	}
	explicit_bzero(supply, sizeof(supply));
	return ret != 0 ? ret : is_changed;
}

static unsigned extension(
	const struct stream *s, struct mtk_supply *supply, const struct bearer_now *now)
{
	mtk_plan_tidy(&supply->mtks, now->unix_ms);
	return mtk_plan_extend(&s->bearer, supply, stream_end_ms(s), now->unix_ms);
}

static unsigned dummy(
	const struct stream *s, struct mtk_supply *supply, const struct bearer_now *now)
{
	return mtk_plan_add_dummy(&s->bearer, supply, now->unix_ms);
}

static unsigned withdrawal(
	const struct stream *s, struct mtk_supply *supply, const struct bearer_now *now)
{
	(void)s;
	return mtk_plan_withdraw(&supply->mtks, now->unix_ms);
}

int stream_extend(struct bearers *all, struct stream *s, const struct bearer_now *now)
{
	return supply_alter(all, s, stream_target(s), extension, now);
}

int stream_add_dummy(struct bearers *all, struct stream *s, const struct bearer_now *now)
{
	return supply_alter(all, s, 1, dummy, now);
}

int stream_withdraw(
	struct bearers *all, struct stream *s, unsigned which, const struct bearer_now *now)
{
	int ret = supply_alter(all, s, which, withdrawal, now);

	if (ret > 0)
		event_send(all, "mtk-withdrawn", &s->bearer.group,
			json_pack("{s:o, s:o}", "msk",
				json_sprintf("%04x", s->supply[which].number), "send_after",
				admin_time_ms(now->unix_ms)));
	return ret;
}
