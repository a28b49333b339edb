// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// MTKs of MSKs, and how they are sent. What the writer refuses keeps an MTK ID from ever naming two
// MTKs: one that was given out never changes, and the next ones are above it.

#include <errno.h>
#include <string.h>

#include "meta.h"
#include "reader_env.h"

static int mtks_write(struct store_txn *txn, const struct store_mtks *mtks)
{
	struct msk_key key = msk_key_of(&mtks->group, mtks->number);
	struct mtks_record record;
	size_t len = record_encode_mtks(mtks, &record);
	int rc = sealed_put(txn, DB_MTK, (struct blob){&key, sizeof(key)}, &record, len);

	explicit_bzero(&record, sizeof(record));
	return rc;
}

static const struct store_mtk *mtk_find(const struct store_mtks *mtks, uint16_t id)
{
	for (unsigned i = 0; i < mtks->count; i++)
		if (mtks->mtk[i].id == id)
			return &mtks->mtk[i];
	return NULL;
}

// Whether an MTK is what it was, or has an MTK ID that nothing ever had.
static bool mtk_is_fit(const struct store_mtk *mtk, const struct store_mtks *old)
{
	const struct store_mtk *before = mtk_find(old, mtk->id);

	if (before == NULL)
		return mtk->id > old->last_id;
	return before->flags == mtk->flags &&
		memcmp(&before->key, &mtk->key, sizeof(mtk->key)) == 0 &&
		memcmp(before->salt, mtk->salt, sizeof(mtk->salt)) == 0;
}

static int mtks_check(
	const struct store_msk *msk, const struct store_mtks *mtks, const struct store_mtks *old)
{
	uint16_t before = 0;

	if (mtks->count > STORE_MTKS_MAX || mtks->last_id < old->last_id ||
		mtks->is_barred != old->is_barred)
		return -EINVAL;
	for (unsigned i = 0; i < mtks->count; i++) {
		const struct store_mtk *mtk = &mtks->mtk[i];

		if (mtk->id <= before || mtk->id > mtks->last_id || !mtk_is_fit(mtk, old))
			return -EINVAL;
		if (mtk->id > old->last_id && (mtk->id <= msk->seq_l || mtk->id > msk->seq_u))
			return -ERANGE;
		before = mtk->id;
	}
	return mtks->last_id > old->last_id && mtks->is_barred ? -EKEYREVOKED : 0;
}

int store_mtks_put(struct store_txn *txn, const struct store_mtks *mtks, uint32_t *reservation)
{
	struct store_mtks old = {0};
	struct store_msk msk;
	int rc = meta_msk(&txn->view, &mtks->group, mtks->number, &msk);

	if (rc != 0)
		return rc;
	rc = meta_mtks(&txn->view, &mtks->group, mtks->number, &old);
	if (rc == 0 || rc == -ENOENT)
		rc = mtks_check(&msk, mtks, &old);
	explicit_bzero(&msk, sizeof(msk));
	if (rc == 0)
		rc = mtks_write(txn, mtks);
	if (rc == 0 && mtks->last_id > old.last_id)
		txn_state(txn)->mtk_reservations++;
	*reservation = txn->state.mtk_reservations;
	explicit_bzero(&old, sizeof(old));
	return rc;
}

static int msk_bar(struct store_txn *txn, const struct store_msk *msk)
{
	struct store_mtks mtks = {0};
	int rc = meta_mtks(&txn->view, &msk->group, msk->number, &mtks);

	if (rc == -ENOENT) {
		mtks = (struct store_mtks){.group = msk->group, .number = msk->number};
		rc = 0;
	}
	mtks.is_barred = true;
	mtks.count = 0;
	if (rc == 0)
		rc = mtks_write(txn, &mtks);
	explicit_bzero(&mtks, sizeof(mtks));
	return rc;
}

int store_mtks_bar(struct store_txn *txn, uint32_t reservations)
{
	struct store_group group = {0};
	struct store_msk msk;
	int rc = 0, walk;

	while (rc == 0 && (walk = meta_group_next(&txn->view, &group.id, &group)) == 0) {
		msk = (struct store_msk){0};
		while (rc == 0 && meta_msk_next(&txn->view, &group.id, msk.number, &msk) == 0)
			if (msk.state != STORE_MSK_RETIRED)
				rc = msk_bar(txn, &msk);
	}
	explicit_bzero(&msk, sizeof(msk));
	if (txn->state.mtk_reservations < reservations)
		txn_state(txn)->mtk_reservations = reservations;
	return rc != 0 || walk == -ENOENT ? rc : walk;
}

int store_bearer_put(struct store_txn *txn, const struct store_bearer *bearer)
{
	struct group_key key = group_key_of(&bearer->group);
	struct bearer_record record;
	struct store_group group;
	size_t len;
	int rc = meta_group(&txn->view, &bearer->group, &group);

	if (rc == 0 && (bearer->places > STORE_BEARER_PLACES_MAX || bearer->switch_percent > 100))
		rc = -EINVAL;
	if (rc != 0)
		return rc;
	len = record_encode_bearer(bearer, &record);
	return sealed_put(txn, DB_BEARER, (struct blob){&key, sizeof(key)}, &record, len);
}

int bearer_remove(struct store_txn *txn, const struct store_group_id *group)
{
	struct group_key key = group_key_of(group);
	struct store_bearer bearer;
	int rc = meta_bearer(&txn->view, group, &bearer);

	if (rc == 0 && (bearer.flags & STORE_BEARER_ON) != 0)
		return -EBUSY;
	if (rc == 0)
		rc = db_del(&txn->view, DB_BEARER, (struct blob){&key, sizeof(key)});
	return rc == -ENOENT ? 0 : rc;
}

int mtks_remove(struct store_txn *txn, const struct store_group_id *group, uint16_t number)
{
	struct msk_key key = msk_key_of(group, number);
	int rc = db_del(&txn->view, DB_MTK, (struct blob){&key, sizeof(key)});

	return rc == -ENOENT ? 0 : rc;
}

int store_reader_mtks(const struct store_reader *r, const struct store_group_id *group,
	uint16_t number, struct store_mtks *out)
{
	return r->is_loaded ? meta_mtks(&r->view, group, number, out) : -ENOENT;
}

int store_reader_bearer(
	const struct store_reader *r, const struct store_group_id *group, struct store_bearer *out)
{
	return r->is_loaded ? meta_bearer(&r->view, group, out) : -ENOENT;
}

int store_reader_bearer_next(
	const struct store_reader *r, const struct store_group_id *after, struct store_bearer *out)
{
	return r->is_loaded ? meta_bearer_next(&r->view, after, out) : -ENOENT;
}

uint32_t store_reader_mtk_reservations(const struct store_reader *r)
{
	return r->is_loaded ? r->state.mtk_reservations : 0;
}
