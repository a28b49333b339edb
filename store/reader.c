// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Readers: one snapshot each, and the look-ups of the packet path.

#include "reader_env.h"

#include <errno.h>
#include <lmdb.h>
#include <stdlib.h>
#include <string.h>

#include "view.h"
#include "wrap.h"

static int hot_load(struct store_reader *r, const struct state_record *old)
{
	const struct state_record *now = &r->state;

	if (r->is_loaded && now->hot_version == old->hot_version && now->span == old->span)
		return 0;
	if (r->is_loaded && now->hot_version != old->hot_version &&
		block_table_follow(&r->hot, &r->view, old->hot_version, now->hot_version))
		return 0;
	if (r->was_idle)
		r->hot.count = 0;
	return block_table_load(&r->hot, &r->view);
}

static int btid_load(struct store_reader *r, const struct state_record *old)
{
	const struct state_record *now = &r->state;

	if (r->is_loaded && now->index_version == old->index_version)
		return 0;
	if (r->is_loaded &&
		index_table_follow(&r->btid, &r->view, old->index_version, now->index_version))
		return 0;
	return index_table_load(&r->btid, &r->view, DB_BTID);
}

// Loads what changed since `old`. What was not written lies where it lay: LMDB moves no page for
// another.
static int tables_load(struct store_reader *r, const struct state_record *old)
{
	int rc = suffix_table_load(&r->suffix, &r->view);

	if (rc == 0)
		rc = hot_load(r, old);
	return rc == 0 ? btid_load(r, old) : rc;
}

// Reads the state of a snapshot that was just taken.
static int snapshot_load(struct store_reader *r)
{
	struct state_record old = r->state;
	int rc = state_load(&r->view, &r->state);

	if (rc == 0)
		rc = tables_load(r, &old);
	r->is_loaded = rc == 0;
	r->was_idle = false;
	if (rc == 0) {
		r->version = mdb_txn_id(r->view.mdb);
		return 0;
	}
	// Without its tables a reader finds nothing.
	r->hot.count = 0;
	memset(&r->state, 0, sizeof(r->state));
	mdb_txn_reset(r->view.mdb);
	return rc;
}

static int reader_new(struct store_env *env, struct store_reader **out)
{
	struct store_reader *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return -ENOMEM;
	r->view.env = env;
	r->view.state = &r->state;
	*out = r;
	return db_error(mdb_txn_begin(env->mdb, NULL, MDB_RDONLY, &r->view.mdb));
}

static void reader_free(struct store_reader *r)
{
	if (r->view.mdb != NULL)
		mdb_txn_abort(r->view.mdb);
	block_table_free(&r->hot);
	index_table_free(&r->btid);
	suffix_table_free(&r->suffix);
	muk_cache_destroy(r->muks);
	free(r);
}

static struct store_reader *idle_take(struct store_env *env)
{
	struct store_reader *r = NULL;

	pthread_mutex_lock(&env->idle_lock);
	if (env->idles > 0)
		r = env->idle[--env->idles];
	pthread_mutex_unlock(&env->idle_lock);
	return r;
}

static bool idle_put(struct store_env *env, struct store_reader *r)
{
	bool has_room;

	pthread_mutex_lock(&env->idle_lock);
	has_room = env->idles < ENV_IDLE_READERS;
	if (has_room)
		env->idle[env->idles++] = r;
	pthread_mutex_unlock(&env->idle_lock);
	return has_room;
}

int store_reader_create(struct store_env *env, struct store_reader **out)
{
	struct store_reader *r = idle_take(env);
	int rc = r == NULL ? reader_new(env, &r) : db_error(mdb_txn_renew(r->view.mdb));

	*out = NULL;
	if (rc == 0)
		rc = snapshot_load(r);
	if (rc == 0)
		*out = r;
	else if (r != NULL)
		reader_free(r);
	return rc;
}

// One that lets go of its snapshot holds no page of the store. It keeps its tables: to look at
// every block for each question would cost more than most answers.
void store_reader_destroy(struct store_reader *r)
{
	if (r == NULL)
		return;
	muk_cache_destroy(r->muks);
	r->muks = NULL;
	if (r->is_loaded) {
		mdb_txn_reset(r->view.mdb);
		r->was_idle = true;
	}
	if (!r->is_loaded || !idle_put(r->view.env, r))
		reader_free(r);
}

void readers_free(struct store_env *env)
{
	while (env->idles > 0)
		reader_free(env->idle[--env->idles]);
}

int store_reader_renew(struct store_reader *r)
{
	MDB_envinfo info;
	int rc = mdb_env_info(r->view.env->mdb, &info);

	if (rc == 0 && r->is_loaded && info.me_last_txnid == r->version)
		return 0;
	mdb_txn_reset(r->view.mdb);
	if (rc == 0)
		rc = mdb_txn_renew(r->view.mdb);
	if (rc != 0) {
		r->is_loaded = false;
		r->hot.count = 0;
		memset(&r->state, 0, sizeof(r->state));
		return db_error(rc);
	}
	rc = snapshot_load(r);
	return rc == 0 ? 1 : rc;
}

uint64_t store_reader_version(const struct store_reader *r)
{
	return r->version;
}

store_id store_reader_span(const struct store_reader *r)
{
	return r->state.span;
}

uint32_t store_reader_damaged(const struct store_reader *r)
{
	return block_table_damaged(&r->hot, &r->view);
}

const struct store_block *store_reader_block(const struct store_reader *r, uint32_t block)
{
	return block < r->hot.count ? block_table_at(&r->hot, &r->view, block) : NULL;
}

// The block of an id, most probably the one of the id before.
struct neighbours {
	const struct store_block *block;
	store_id first; // of its ids
	bool is_clear;
};

static inline const struct store_block *neighbours_block(
	struct neighbours *n, const struct store_reader *r, store_id id)
{
	uint32_t number;
	uintptr_t entry;

	if (n->block != NULL && id - n->first < STORE_BLOCK_SUBSCRIBERS)
		return n->block;
	number = id / STORE_BLOCK_SUBSCRIBERS;
	entry = number < r->hot.count ? block_table_entry(&r->hot, &r->view, number) : 0;
	n->block = block_of(entry);
	n->first = number * STORE_BLOCK_SUBSCRIBERS;
	// Whether it may lie in the clear was looked at when the block was first asked for.
	n->is_clear = entry != 0 && (entry & BLOCK_WRAPPED) == 0;
	return n->block;
}

void store_reader_prefetch_burst(
	const struct store_reader *r, const store_id *ids, size_t n, store_id ahead)
{
	struct neighbours near = {0};

	for (size_t i = 0; i < n; i++) {
		store_id id = ids[i] + ahead;
		const struct store_block *block = neighbours_block(&near, r, id);

		if (block == NULL)
			continue;
		__builtin_prefetch(&block->hot[id - near.first]);
		reader_prefetch_muk(r, id, block, id - near.first);
	}
}

void store_reader_records(
	const struct store_reader *r, const store_id *ids, size_t n, struct store_record *out)
{
	struct neighbours near = {0};

	for (size_t i = 0; i < n; i++) {
		const struct store_block *block = neighbours_block(&near, r, ids[i]);
		store_id at = ids[i] - near.first;

		out[i].hot = block == NULL ? NULL : &block->hot[at];
		out[i].muk = near.is_clear ? &block->muk[at] : NULL;
	}
}

static int muk_open(const struct store_reader *r, store_id id, const struct store_block *block,
	struct store_muk_state *out)
{
	uint32_t number = id / STORE_BLOCK_SUBSCRIBERS;
	struct wrap_part part = {
		.at = id % STORE_BLOCK_SUBSCRIBERS * sizeof(*out), .n = sizeof(*out), .out = out};

	return wrap_open_part(
		&r->view, DB_HOT, blob_u32(&number), (struct blob){block, sizeof(*block)}, &part);
}

// The keys of a block that is wrapped are unwrapped all at once, if there is memory to keep them.
static int muk_unwrap(struct store_reader *r, store_id id, const struct store_block *block,
	struct store_muk_state *out)
{
	const struct store_muk_state *muk;

	if (r->muks == NULL)
		r->muks = muk_cache_create();
	if (r->muks == NULL)
		return muk_open(r, id, block, out);
	muk = muk_cache_get(r->muks, &r->view, id / STORE_BLOCK_SUBSCRIBERS, block);
	if (muk == NULL)
		return -EBADMSG;
	*out = muk[id % STORE_BLOCK_SUBSCRIBERS];
	return 0;
}

int store_reader_muk(struct store_reader *r, store_id id, struct store_muk_state *out)
{
	struct neighbours near = {0};
	const struct store_block *block = neighbours_block(&near, r, id);

	if (block == NULL)
		return -ENOENT;
	if (!near.is_clear)
		return muk_unwrap(r, id, block, out);
	*out = block->muk[id - near.first];
	return 0;
}

int store_reader_prev(const struct store_reader *r, store_id id, struct store_prev *out)
{
	const struct store_hot *hot;

	memset(out, 0, sizeof(*out));
	if (!r->is_loaded)
		return -ENOENT;
	hot = store_reader_hot(r, id);
	if (hot == NULL || id >= r->state.span || !(store_hot_flags(hot) & STORE_HAS_PREV))
		return -ENOENT;
	return view_prev(&r->view, id, out);
}
