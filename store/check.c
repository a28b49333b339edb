// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// A walk over all that a store holds.

#include <errno.h>
#include <inttypes.h>
#include <lmdb.h>
#include <stdio.h>
#include <string.h>

#include "index.h"
#include "meta.h"
#include "offline.h"
#include "subscriber.h"
#include "view.h"
#include "wrap.h"

static const char *const table_names[DB_COUNT] = {[DB_META] = "meta",
	[DB_HOT] = "hot",
	[DB_COLD] = "cold",
	[DB_PREV] = "prev",
	[DB_RAW] = "raw",
	[DB_IMPI] = "impi",
	[DB_BTID] = "btid",
	[DB_SUFFIX] = "suffix",
	[DB_SET] = "set",
	[DB_SERVICE] = "service",
	[DB_GROUP] = "group",
	[DB_MSK] = "msk",
	[DB_CAMPAIGN] = "campaign",
	[DB_SLICE] = "slice",
	[DB_FREE] = "free",
	[DB_CHANGE] = "change",
	[DB_MTK] = "mtk",
	[DB_BEARER] = "bearer"};

struct check {
	struct view view;
	struct state_record state;
	void (*found)(void *arg, const struct store_finding *finding);
	void *arg;
	struct store_check_result *out;
};

static void finding_report(struct check *c, struct store_finding finding)
{
	c->out->findings++;
	c->out->damaged_subscribers += finding.subscribers;
	c->found(c->arg, &finding);
}

static void subscriber_report(struct check *c, enum db_id db, store_id id, const char *what)
{
	struct store_finding finding = {
		.table = table_names[db], .what = what, .first = id, .subscribers = 1};

	snprintf(finding.key, sizeof(finding.key), "%" PRIu32, id);
	finding_report(c, finding);
}

static const char *what_of(int rc)
{
	switch (rc) {
	case -EBADMSG:
		return "is not what was sealed there";
	case -ENOTSUP:
		return "is sealed under a data key that the store does not have, or not sealed";
	case -EPROTO:
		return "has a version that this program does not know";
	default:
		return "is not well formed";
	}
}

// --- Records ---------------------------------------------------------------------------------

static int secret_decode(enum db_id db, struct blob key, struct blob in)
{
	struct store_prev prev;
	struct store_subscriber sub;
	struct store_msk msk;
	struct store_mtks mtks;
	struct msk_key msk_key;
	store_id id;
	int rc = -EIO;

	if (db == DB_PREV) {
		rc = record_decode_prev(in, &prev);
		explicit_bzero(&prev, sizeof(prev));
	} else if (db == DB_CHANGE) {
		rc = record_decode_change(in, &id, &sub);
		explicit_bzero(&sub, sizeof(sub));
	} else if (key.len == sizeof(msk_key)) {
		memcpy(&msk_key, key.data, sizeof(msk_key));
		rc = db == DB_MTK ? record_decode_mtks(in, &msk_key, &mtks)
				  : record_decode_msk(in, &msk_key, &msk);
		explicit_bzero(&msk, sizeof(msk));
		explicit_bzero(&mtks, sizeof(mtks));
	}
	return rc;
}

static int record_decode(enum db_id db, struct blob key, struct blob in)
{
	struct store_service service;
	struct store_group group;
	struct store_bearer bearer;
	struct group_key group_key;
	struct blob text;

	switch (db) {
	case DB_HOT:
	case DB_COLD:
		if (in.len != sizeof(struct store_block))
			return -EIO;
		return *(const uint8_t *)in.data == BLOCK_VERSION ? 0 : -EPROTO;
	case DB_SERVICE:
		return record_decode_service(in, 1, &service);
	case DB_GROUP:
		if (key.len != sizeof(group_key))
			return -EIO;
		memcpy(&group_key, key.data, sizeof(group_key));
		return record_decode_group(in, &group_key, &group);
	case DB_BEARER:
		if (key.len != sizeof(group_key))
			return -EIO;
		memcpy(&group_key, key.data, sizeof(group_key));
		return record_decode_bearer(in, &group_key, &bearer);
	case DB_PREV:
	case DB_CHANGE:
	case DB_MSK:
	case DB_MTK:
		return secret_decode(db, key, in);
	default:
		return record_decode_text(in, &text);
	}
}

static int record_check(const struct view *v, enum db_id db, struct blob key, struct blob val)
{
	uint8_t record[WRAP_RECORD_MAX];
	int rc = val.len <= sizeof(record) ? wrap_open(v, db, key, val, record) : -EIO;

	if (rc == 0)
		rc = record_decode(db, key, (struct blob){record, val.len});
	explicit_bzero(record, sizeof(record));
	return rc;
}

static void key_print(struct store_finding *finding, struct blob key)
{
	const uint8_t *p = key.data;
	size_t n = 0;

	if (key.len == 4 || key.len == 8) {
		uint64_t number = key.len == 4 ? blob_to_u32(key) : blob_to_u64(key);

		snprintf(finding->key, sizeof(finding->key), "%" PRIu64, number);
		return;
	}
	for (size_t i = 0; i < key.len && n + 3 < sizeof(finding->key); i++)
		n += (size_t)snprintf(finding->key + n, sizeof(finding->key) - n, "%02x", p[i]);
}

// The subscribers that a record is of.
static void subscribers_of(
	const struct check *c, enum db_id db, struct blob key, struct store_finding *finding)
{
	uint32_t each = db == DB_HOT ? STORE_BLOCK_SUBSCRIBERS
		: db == DB_COLD	     ? COLD_BLOCK_SUBSCRIBERS
				     : 1;
	uint64_t first = db == DB_RAW ? blob_to_u64(key) >> 1 : (uint64_t)blob_to_u32(key) * each;

	if ((db != DB_HOT && db != DB_COLD && db != DB_PREV && db != DB_RAW) ||
		first >= c->state.span)
		return;
	finding->first = (store_id)first;
	finding->subscribers =
		c->state.span - finding->first < each ? c->state.span - finding->first : each;
}

static int table_check(struct check *c, enum db_id db)
{
	struct db_cursor cursor;
	int rc = db_cursor_open(&c->view, db, &cursor);

	if (rc != 0)
		return rc == -ENOENT ? 0 : rc; // it came later
	for (rc = db_cursor_first(&cursor); rc == 0; rc = db_cursor_next(&cursor)) {
		struct store_finding finding = {.table = table_names[db]};
		int verdict = record_check(&c->view, db, cursor.key, cursor.val);

		c->out->records++;
		if (verdict == 0)
			continue;
		finding.what = what_of(verdict);
		key_print(&finding, cursor.key);
		subscribers_of(c, db, cursor.key, &finding);
		finding_report(c, finding);
	}
	db_cursor_close(&cursor);
	return rc == -ENOENT ? 0 : rc;
}

static int index_check(struct check *c, enum db_id db)
{
	struct db_cursor cursor;
	int rc = db_cursor_open(&c->view, db, &cursor);

	if (rc != 0)
		return rc;
	for (rc = db_cursor_first(&cursor); rc == 0; rc = db_cursor_next(&cursor)) {
		struct store_finding finding = {
			.table = table_names[db], .what = "is not well formed"};

		c->out->records++;
		if (index_block_check(cursor.val) != NULL)
			continue;
		key_print(&finding, cursor.key);
		finding_report(c, finding);
	}
	db_cursor_close(&cursor);
	return rc == -ENOENT ? 0 : rc;
}

// --- Subscribers -----------------------------------------------------------------------------

static void prev_check(struct check *c, store_id id)
{
	struct store_prev prev;
	bool is_prev = false;

	if (view_prev(&c->view, id, &prev) != 0)
		subscriber_report(c, DB_PREV, id, "the previous MUK cannot be read");
	else if (view_find_btid(&c->view, prev.btid, strlen(prev.btid), &is_prev) != id || !is_prev)
		subscriber_report(c, DB_BTID, id, "the previous B-TID does not lead to it");
	explicit_bzero(&prev, sizeof(prev));
}

static void names_check(struct check *c, store_id id, const struct store_hot *hot)
{
	char name[STORE_NAI_MAX + 1];
	uint8_t flags = store_hot_flags(hot);
	bool is_prev;
	size_t len = view_impi(&c->view, id, hot, name);

	if (len == 0 || view_find_impi(&c->view, name, len) != id)
		subscriber_report(c, DB_IMPI, id, "its IMPI does not lead to it");
	len = view_btid(&c->view, id, hot, name);
	if (flags & STORE_HAS_MUK &&
		(len == 0 || view_find_btid(&c->view, name, len, &is_prev) != id))
		subscriber_report(c, DB_BTID, id, "its B-TID does not lead to it");
	if (flags & STORE_HAS_PREV)
		prev_check(c, id);
	if (store_hot_authorised(hot) > c->state.set_count ||
		store_hot_registered(hot) > c->state.set_count)
		subscriber_report(c, DB_SET, id, "it has a set of services that is not there");
}

static int subscribers_check(struct check *c)
{
	struct blob val;

	for (store_id id = 0; id < c->state.span; id++) {
		const struct store_hot *hot;
		int rc = view_hot(&c->view, id, &hot);

		if (rc == 0) {
			c->out->live++;
			names_check(c, id, hot);
		} else if (rc == -ENOENT && db_get_u32(&c->view, DB_FREE, id, &val) != 0 &&
			id % STORE_BLOCK_SUBSCRIBERS == 0) {
			// A block that is missing altogether was not met by the walk.
			const struct store_block *block;

			if (view_hot_block(&c->view, id / STORE_BLOCK_SUBSCRIBERS, &block) != 0)
				subscriber_report(c, DB_HOT, id, "its block is missing");
		}
	}
	if (c->out->live != c->state.live && c->out->damaged_subscribers == 0)
		finding_report(c,
			(struct store_finding){.table = "meta",
				.what = "counts other subscribers than there are"});
	return 0;
}

// --- Groups, campaigns -----------------------------------------------------------------------

static void group_check(struct check *c, const struct store_group *group)
{
	struct store_finding finding = {
		.table = "msk", .what = "has a Key Number above the last one of its group"};
	struct store_msk msk = {0};

	while (meta_msk_next(&c->view, &group->id, msk.number, &msk) == 0) {
		if (msk.number <= group->last_key_number)
			continue;
		snprintf(finding.key, sizeof(finding.key), "%04x", msk.number);
		finding_report(c, finding);
	}
	explicit_bzero(&msk, sizeof(msk));
}

static void campaign_check(struct check *c, const struct store_campaign *campaign)
{
	struct store_finding finding = {.table = "campaign", .what = "does not add up"};
	const struct store_campaign *k = campaign;

	if ((uint64_t)k->verified + k->given_up + k->refused <= k->members)
		return;
	snprintf(finding.key, sizeof(finding.key), "%" PRIu32, k->id);
	finding_report(c, finding);
}

static void small_tables_check(struct check *c)
{
	struct store_group group = {0};
	struct store_campaign campaign = {0};

	while (meta_group_next(&c->view, &group.id, &group) == 0)
		group_check(c, &group);
	while (meta_campaign_next(&c->view, campaign.id, &campaign) == 0) {
		c->out->records++;
		campaign_check(c, &campaign);
	}
}

static int all_check(struct check *c)
{
	int rc = 0;

	for (enum db_id db = 0; db < DB_COUNT && rc == 0; db++)
		if (wrap_is_sealed(db))
			rc = table_check(c, db);
	if (rc == 0)
		rc = index_check(c, DB_IMPI);
	if (rc == 0)
		rc = index_check(c, DB_BTID);
	if (rc == 0)
		rc = subscribers_check(c);
	if (rc == 0)
		small_tables_check(c);
	return rc;
}

int store_check(struct store_env *env,
	void (*found)(void *arg, const struct store_finding *finding), void *arg,
	struct store_check_result *out)
{
	struct check c = {.view.env = env, .found = found, .arg = arg, .out = out};
	int rc = db_error(mdb_txn_begin(env->mdb, NULL, MDB_RDONLY, &c.view.mdb));

	*out = (struct store_check_result){0};
	if (rc != 0)
		return rc;
	c.view.state = &c.state;
	rc = state_load(&c.view, &c.state);
	out->is_import_open = c.state.import != IMPORT_NONE;
	out->is_copy = c.state.is_copy;
	if (rc == 0)
		rc = all_check(&c);
	mdb_txn_abort(c.view.mdb);
	return rc;
}
