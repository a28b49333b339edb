// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "env.h"

#include <errno.h>
#include <lmdb.h>

struct table {
	const char *name;
	unsigned int flags;
};

static const struct table tables[DB_COUNT] = {
	[DB_META] = {"meta", MDB_INTEGERKEY},
	[DB_HOT] = {"hot", MDB_INTEGERKEY},
	[DB_COLD] = {"cold", MDB_INTEGERKEY},
	[DB_PREV] = {"prev", MDB_INTEGERKEY},
	[DB_RAW] = {"raw", MDB_INTEGERKEY},
	[DB_IMPI] = {"impi", MDB_INTEGERKEY},
	[DB_BTID] = {"btid", MDB_INTEGERKEY},
	[DB_SUFFIX] = {"suffix", MDB_INTEGERKEY},
	[DB_SUFFIX_TEXT] = {"suffix-text", 0},
	[DB_SET] = {"set", MDB_INTEGERKEY},
	[DB_SET_LIST] = {"set-list", 0},
	[DB_SERVICE] = {"service", MDB_INTEGERKEY},
	[DB_SERVICE_NAME] = {"service-name", 0},
	[DB_GROUP] = {"group", 0},
	[DB_MSK] = {"msk", 0},
	[DB_CAMPAIGN] = {"campaign", MDB_INTEGERKEY},
	[DB_SLICE] = {"slice", MDB_INTEGERKEY},
	[DB_FREE] = {"free", MDB_INTEGERKEY},
	[DB_CHANGE] = {"change", MDB_INTEGERKEY},
	[DB_KEY] = {"key", MDB_INTEGERKEY},
	[DB_MTK] = {"mtk", 0},
	[DB_BEARER] = {"bearer", 0},
};

int db_error(int mdb_rc)
{
	switch (mdb_rc) {
	case MDB_SUCCESS:
		return 0;
	case MDB_NOTFOUND:
		return -ENOENT;
	case MDB_KEYEXIST:
		return -EEXIST;
	case MDB_MAP_FULL:
	case MDB_TXN_FULL:
	case MDB_READERS_FULL:
		return -ENOSPC;
	default:
		break;
	}
	return mdb_rc > 0 ? -mdb_rc : -EIO;
}

int db_open_tables(struct store_env *env, struct MDB_txn *mdb, int n, bool is_new)
{
	unsigned create = is_new ? MDB_CREATE : 0;
	int rc = 0;

	for (int i = 0; i < n && rc == 0; i++) {
		rc = mdb_dbi_open(mdb, tables[i].name, tables[i].flags | create, &env->dbi[i]);
		if (rc != MDB_NOTFOUND || i < DB_LATER)
			continue;
		env->dbi[i] = 0;
		rc = 0;
	}
	return db_error(rc);
}

// LMDB numbers named tables from 2.
static bool is_there(const struct view *v, enum db_id db)
{
	return v->env->dbi[db] != 0;
}

static MDB_val to_mdb(struct blob b)
{
	return (MDB_val){.mv_size = b.len, .mv_data = (void *)b.data};
}

static struct blob from_mdb(const MDB_val *v)
{
	return (struct blob){v->mv_data, v->mv_size};
}

int db_get(const struct view *v, enum db_id db, struct blob key, struct blob *val)
{
	MDB_val k = to_mdb(key), d;
	int rc = is_there(v, db) ? mdb_get(v->mdb, v->env->dbi[db], &k, &d) : MDB_NOTFOUND;

	*val = rc == 0 ? from_mdb(&d) : (struct blob){0};
	return db_error(rc);
}

static int put(const struct view *v, enum db_id db, struct blob key, struct blob val, unsigned how)
{
	MDB_val k = to_mdb(key), d = to_mdb(val);

	return db_error(mdb_put(v->mdb, v->env->dbi[db], &k, &d, how));
}

int db_put(const struct view *v, enum db_id db, struct blob key, struct blob val)
{
	return put(v, db, key, val, 0);
}

int db_append(const struct view *v, enum db_id db, struct blob key, struct blob val)
{
	return put(v, db, key, val, MDB_APPEND);
}

int db_del(const struct view *v, enum db_id db, struct blob key)
{
	MDB_val k = to_mdb(key);

	return db_error(mdb_del(v->mdb, v->env->dbi[db], &k, NULL));
}

int db_get_u32(const struct view *v, enum db_id db, uint32_t key, struct blob *val)
{
	return db_get(v, db, blob_u32(&key), val);
}

int db_put_u32(const struct view *v, enum db_id db, uint32_t key, const void *data, size_t len)
{
	return db_put(v, db, blob_u32(&key), (struct blob){data, len});
}

int db_del_u32(const struct view *v, enum db_id db, uint32_t key)
{
	return db_del(v, db, blob_u32(&key));
}

int db_put_u64(const struct view *v, enum db_id db, uint64_t key, const void *data, size_t len)
{
	return db_put(v, db, (struct blob){&key, sizeof(key)}, (struct blob){data, len});
}

int db_clear(const struct view *v, enum db_id db)
{
	return db_error(mdb_drop(v->mdb, v->env->dbi[db], 0));
}

int db_entries(const struct view *v, enum db_id db, uint64_t *entries)
{
	MDB_stat stat = {0};
	int rc = is_there(v, db) ? mdb_stat(v->mdb, v->env->dbi[db], &stat) : 0;

	*entries = rc == 0 ? stat.ms_entries : 0;
	return db_error(rc);
}

int db_cursor_open(const struct view *v, enum db_id db, struct db_cursor *c)
{
	*c = (struct db_cursor){0};
	if (!is_there(v, db))
		return -ENOENT;
	return db_error(mdb_cursor_open(v->mdb, v->env->dbi[db], &c->mdb));
}

void db_cursor_close(struct db_cursor *c)
{
	if (c->mdb != NULL)
		mdb_cursor_close(c->mdb);
	c->mdb = NULL;
}

static int cursor_move(struct db_cursor *c, MDB_cursor_op op)
{
	MDB_val k = to_mdb(c->key), d;
	int rc = mdb_cursor_get(c->mdb, &k, &d, op);

	if (rc == 0) {
		c->key = from_mdb(&k);
		c->val = from_mdb(&d);
	}
	return db_error(rc);
}

int db_cursor_first(struct db_cursor *c)
{
	return cursor_move(c, MDB_FIRST);
}

int db_cursor_last(struct db_cursor *c)
{
	return cursor_move(c, MDB_LAST);
}

int db_cursor_next(struct db_cursor *c)
{
	return cursor_move(c, MDB_NEXT);
}

int db_cursor_prev(struct db_cursor *c)
{
	return cursor_move(c, MDB_PREV);
}

int db_cursor_seek(struct db_cursor *c, struct blob key)
{
	c->key = key;
	return cursor_move(c, MDB_SET_RANGE);
}

int db_cursor_del(struct db_cursor *c)
{
	return db_error(mdb_cursor_del(c->mdb, 0));
}
