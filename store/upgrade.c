// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// A data file written anew from another one, table by table and in the order of keys. Format 1 had
// no seats before names, sets, services and groups, and no data keys.

#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "env.h"
#include "files.h"
#include "meta.h"
#include "offline.h"
#include "wrap.h"
#include "wrap_keys.h"

#define BATCH 2000 // records a transaction
#define COPY_BYTES (1 << 20)

struct service_record_1 {
	uint8_t version;
	uint8_t group_count;
	uint16_t name_len;
	uint8_t rest[]; // groups, then the name, as now
};
struct group_record_1 {
	uint8_t version;
	uint8_t profile;
	uint16_t last_key_number;
	uint32_t created;
};

int store_dir_lock(const char *dir, int *fd, char why[256])
{
	return dir_lock(dir, fd, why);
}

// --- Any format ------------------------------------------------------------------------------

static int format_read(MDB_env *mdb, uint32_t *format)
{
	struct store_env env = {.mdb = mdb};
	struct view v = {.env = &env};
	struct format_record record = {0};
	struct blob val;
	int rc = db_error(mdb_txn_begin(mdb, NULL, MDB_RDONLY, &v.mdb));

	if (rc != 0)
		return rc;
	rc = db_error(mdb_dbi_open(v.mdb, "meta", MDB_INTEGERKEY, &env.dbi[DB_META]));
	if (rc == 0)
		rc = db_get_u32(&v, DB_META, META_FORMAT, &val);
	if (rc == 0 && val.len >= sizeof(record))
		memcpy(&record, val.data, sizeof(record));
	mdb_txn_abort(v.mdb);
	*format = record.format;
	if (rc == -ENOENT)
		return -ENOMSG;
	return rc != 0 || memcmp(record.magic, STORE_MAGIC, sizeof(record.magic)) == 0 ? rc
										       : -ENOMSG;
}

static int file_open_raw(const char *path, MDB_env **out)
{
	struct stat st;
	int rc = stat(path, &st) == 0 ? 0 : -errno;

	*out = NULL;
	if (rc == 0)
		rc = db_error(mdb_env_create(out));
	if (rc == 0)
		rc = db_error(mdb_env_set_maxdbs(*out, DB_COUNT));
	if (rc == 0)
		rc = db_error(mdb_env_set_mapsize(*out, (size_t)st.st_size + ENV_MAP_BYTES_MIN));
	if (rc == 0)
		rc = db_error(mdb_env_open(
			*out, path, MDB_RDONLY | MDB_NOSUBDIR | MDB_NOLOCK | MDB_NOTLS, 0600));
	return rc;
}

int store_file_format(const char *path, uint32_t *format, char why[256])
{
	MDB_env *mdb;
	int rc = file_open_raw(path, &mdb);

	*format = 0;
	if (rc == 0)
		rc = format_read(mdb, format);
	if (mdb != NULL)
		mdb_env_close(mdb);
	if (rc == -ENOMSG)
		return why_not(why, rc, "%.200s is not a store of mskpush.", path);
	if (rc != 0)
		return why_not(why, rc, "%.150s cannot be read as a store: %s.", path,
			rc == -EIO ? "it is damaged, or something else" : strerror(-rc));
	return 0;
}

// --- From record to record -------------------------------------------------------------------

static int service_upgrade(struct blob in, uint8_t out[WRAP_RECORD_MAX], size_t *len)
{
	struct service_record *record = (struct service_record *)out;
	struct service_record_1 head;
	size_t groups;

	if (in.len < sizeof(head))
		return -EIO;
	memcpy(&head, in.data, sizeof(head));
	groups = head.group_count * sizeof(struct group_key);
	if (head.group_count > STORE_SERVICE_GROUPS_MAX || head.name_len > STORE_NAME_MAX ||
		in.len != sizeof(head) + sizeof(record->group) + head.name_len)
		return -EIO;
	*record = (struct service_record){.seat.version = SERVICE_VERSION,
		.name_len = head.name_len,
		.group_count = head.group_count};
	memcpy(record->group, (const uint8_t *)in.data + sizeof(head), groups);
	memcpy(record->name, (const uint8_t *)in.data + sizeof(head) + sizeof(record->group),
		head.name_len);
	*len = offsetof(struct service_record, name) + head.name_len;
	return 0;
}

static int group_upgrade(struct blob in, uint8_t out[WRAP_RECORD_MAX], size_t *len)
{
	struct group_record_1 old;
	struct group_record record = {.seat.version = GROUP_VERSION};

	if (in.len != sizeof(old))
		return -EIO;
	memcpy(&old, in.data, sizeof(old));
	record.profile = old.profile;
	record.last_key_number = old.last_key_number;
	record.created = old.created;
	memcpy(out, &record, sizeof(record));
	*len = sizeof(record);
	return 0;
}

// A record of format 1 in the shape of today; in the clear in both.
static int record_upgrade(enum db_id db, struct blob in, uint8_t out[WRAP_RECORD_MAX], size_t *len)
{
	switch (db) {
	case DB_SERVICE:
		return service_upgrade(in, out, len);
	case DB_GROUP:
		return group_upgrade(in, out, len);
	case DB_RAW:
	case DB_SUFFIX:
	case DB_SET:
		if (in.len > TEXT_MAX)
			return -EIO;
		*len = record_encode_text(in.data, in.len, (struct text_record *)out);
		return 0;
	default:
		if (in.len > WRAP_RECORD_MAX)
			return -EIO;
		memcpy(out, in.data, in.len);
		*len = in.len;
		return 0;
	}
}

struct upgrade {
	uint32_t format; // of the old file
	struct view old;
	struct state_record state;
	struct store_env *env; // the new one
	struct store_txn *txn;
	unsigned pending; // records of this transaction
};

static int batch_turn(struct upgrade *u, bool is_end)
{
	int rc = 0;

	if (u->txn != NULL && (is_end || u->pending == BATCH)) {
		rc = store_txn_commit(u->txn);
		u->txn = NULL;
		u->pending = 0;
	}
	if (rc == 0 && !is_end && u->txn == NULL)
		rc = store_txn_begin(u->env, &u->txn);
	u->pending++;
	return rc;
}

static int record_copy(struct upgrade *u, enum db_id db, struct blob key, struct blob val)
{
	uint8_t record[WRAP_RECORD_MAX];
	size_t len = val.len;
	int rc = batch_turn(u, false);

	if (rc != 0)
		return rc;
	if (!wrap_is_sealed(db))
		return db_append(&u->txn->view, db, key, val);
	if (u->format == 1)
		rc = record_upgrade(db, val, record, &len);
	else
		rc = val.len <= sizeof(record) ? wrap_open(&u->old, db, key, val, record) : -EIO;
	if (rc == 0)
		rc = sealed_append(u->txn, db, key, record, len);
	explicit_bzero(record, sizeof(record));
	return rc;
}

// The tables of a new store are not empty: its indexes have a first block.
static int table_clear(struct upgrade *u, enum db_id db)
{
	int rc = batch_turn(u, false);

	return rc == 0 ? db_clear(&u->txn->view, db) : rc;
}

static int table_copy(struct upgrade *u, enum db_id db)
{
	struct db_cursor c;
	int rc = table_clear(u, db);

	if (rc == 0)
		rc = db_cursor_open(&u->old, db, &c);
	if (rc != 0)
		return rc == -ENOENT ? 0 : rc; // it came later
	for (rc = db_cursor_first(&c); rc == 0; rc = db_cursor_next(&c)) {
		rc = record_copy(u, db, c.key, c.val);
		if (rc != 0)
			break;
	}
	db_cursor_close(&c);
	return rc == -ENOENT ? 0 : rc;
}

static int meta_copy(struct upgrade *u)
{
	struct state_record *state;
	uint32_t last_data_key;
	struct blob val;
	int rc = batch_turn(u, false);

	if (rc != 0)
		return rc;
	state = txn_state(u->txn);
	last_data_key = state->last_data_key;
	*state = u->state;
	state->last_data_key = last_data_key;
	if (db_get_u32(&u->old, DB_META, META_MARK, &val) != 0)
		return 0;
	return db_put_u32(&u->txn->view, DB_META, META_MARK, val.data, val.len);
}

static int tables_copy(struct upgrade *u)
{
	int rc = meta_copy(u);

	for (enum db_id db = DB_META + 1; db < DB_COUNT && rc == 0; db++)
		if (db != DB_KEY)
			rc = table_copy(u, db);
	if (rc == 0)
		return batch_turn(u, true);
	if (u->txn != NULL)
		store_txn_abort(u->txn);
	return rc;
}

// --- From file to file -----------------------------------------------------------------------

static int old_open(struct upgrade *u, const char *path, const char *source, char *why)
{
	struct store_env_conf conf = {.file = path, .wrapping_key = source};
	struct store_env *env;
	int rc = store_file_format(path, &u->format, why);

	if (rc != 0)
		return rc;
	if (u->format == 0 || u->format > STORE_FORMAT)
		return why_not(why, -EPROTO,
			"The store has format %u; this program knows up to %d.", u->format,
			STORE_FORMAT);
	rc = u->format == STORE_FORMAT ? store_env_open(&conf, &env, why)
				       : env_open_format_1(path, &env, why);
	if (rc != 0)
		return rc;
	u->old.env = env;
	u->old.state = &u->state;
	rc = db_error(mdb_txn_begin(env->mdb, NULL, MDB_RDONLY, &u->old.mdb));
	if (rc == 0)
		rc = state_load(&u->old, &u->state);
	return rc == 0 ? 0 : why_not(why, rc, "The store cannot be read: %s.", strerror(-rc));
}

static void old_close(struct upgrade *u)
{
	if (u->old.mdb != NULL)
		mdb_txn_abort(u->old.mdb);
	store_env_close(u->old.env);
}

static int new_fill(struct upgrade *u, const char *dir, const char *source, char *why)
{
	struct stat st;
	char path[PATH_BYTES];
	int rc = file_path(dir, "data.mdb", path);

	if (rc == 0 && stat(path, &st) != 0)
		rc = -errno;
	// Seats and branches of the tree may take a little more than before.
	if (rc == 0)
		rc = env_create_new(
			dir, (uint64_t)st.st_size + (uint64_t)st.st_size / 4, source, &u->env, why);
	if (rc != 0)
		return rc;
	rc = tables_copy(u);
	store_env_close(u->env);
	return rc == 0 ? 0 : why_not(why, rc, "The new file cannot be written: %s.", strerror(-rc));
}

// data.mdb, data.mdb.before, data.mdb.before-2 and so on.
static int file_keep(const char *dir, char kept[64], char *why)
{
	char from[PATH_BYTES], to[PATH_BYTES];
	int rc = file_path(dir, "data.mdb", from);

	kept[0] = '\0';
	if (rc != 0 || access(from, F_OK) != 0)
		return rc;
	for (unsigned i = 1; rc == 0; i++) {
		snprintf(kept, 64, i == 1 ? "data.mdb.before" : "data.mdb.before-%u", i);
		rc = file_path(dir, kept, to);
		if (rc == 0 && access(to, F_OK) != 0)
			break;
	}
	// A second name, so that the store has one at every moment.
	if (rc == 0 && link(from, to) != 0)
		rc = -errno;
	return rc == 0 ? 0
		       : why_not(why, rc, "The old data file cannot be kept: %s.", strerror(-rc));
}

static int file_take(const char *dir, char kept[64], char *why)
{
	int rc = file_keep(dir, kept, why);

	if (rc != 0)
		return rc;
	rc = file_install(dir, ENV_NEW_FILE, "data.mdb");
	return rc == 0
		? 0
		: why_not(why, rc, "The new data file cannot be taken over: %s.", strerror(-rc));
}

int store_upgrade(const char *dir, const char *wrapping_key, char kept[64], char why[256])
{
	struct upgrade u = {0};
	char path[PATH_BYTES];
	int rc = file_path(dir, "data.mdb", path);

	kept[0] = '\0';
	if (rc != 0)
		return why_not(why, rc, "The name of the directory is too long.");
	rc = old_open(&u, path, wrapping_key, why);
	if (rc == 0)
		rc = new_fill(&u, dir, wrapping_key, why);
	old_close(&u);
	return rc == 0 ? file_take(dir, kept, why) : rc;
}

// --- Restore ---------------------------------------------------------------------------------

static int file_copy(int from, int to)
{
	uint8_t *buffer = malloc(COPY_BYTES);
	ssize_t n = 0;
	int rc = buffer != NULL ? 0 : -ENOMEM;

	while (rc == 0 && (n = read(from, buffer, COPY_BYTES)) > 0)
		if (write(to, buffer, (size_t)n) != n)
			rc = errno != 0 ? -errno : -EIO;
	if (rc == 0 && n < 0)
		rc = -errno;
	if (rc == 0 && fsync(to) != 0)
		rc = -errno;
	free(buffer);
	return rc;
}

static int backup_copy(const char *backup, const char *path)
{
	int from = open(backup, O_RDONLY | O_CLOEXEC), to = -1, rc = from >= 0 ? 0 : -errno;

	if (rc == 0) {
		to = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		rc = to >= 0 ? file_copy(from, to) : -errno;
	}
	if (from >= 0)
		close(from);
	if (to >= 0)
		close(to);
	return rc;
}

int store_restore(const char *backup, const char *dir, char kept[64], char why[256])
{
	struct store_backup_result ignored;
	char path[PATH_BYTES];
	uint32_t format;
	int rc = store_file_format(backup, &format, why);

	kept[0] = '\0';
	if (rc == 0 && format != STORE_FORMAT)
		rc = why_not(why, -EPROTO,
			"The backup has format %u; this program restores format %d: take the "
			"program that made it, and upgrade then.",
			format, STORE_FORMAT);
	if (rc != 0)
		return rc;
	rc = file_path(dir, ENV_NEW_FILE, path);
	if (rc == 0)
		rc = backup_copy(backup, path);
	if (rc == 0)
		rc = copy_mark(path, &ignored);
	if (rc != 0)
		return why_not(why, rc, "%.150s cannot be copied: %s.", backup, strerror(-rc));
	return file_take(dir, kept, why);
}
