// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Key groups and their MSKs.

#include <errno.h>
#include <string.h>

#include "meta.h"
#include "numbers.h"

static int group_write(struct store_txn *txn, const struct store_group *group)
{
	struct group_key key = group_key_of(&group->id);
	struct group_record record;
	size_t len = record_encode_group(group, &record);

	return sealed_put(txn, DB_GROUP, (struct blob){&key, sizeof(key)}, &record, len);
}

// Key Numbers that the group had before the store was lost, or before it was removed, stay used.
static int group_create(struct store_txn *txn, const struct store_group *group)
{
	const struct numbers *numbers = txn->view.env->numbers;
	struct store_group fresh = *group;
	uint16_t last = numbers != NULL ? numbers_last(numbers, &group->id) : 0;

	if (last > fresh.last_key_number)
		fresh.last_key_number = last;
	return group_write(txn, &fresh);
}

int store_group_put(struct store_txn *txn, const struct store_group *group)
{
	static const struct group_key zero;
	struct group_key key = group_key_of(&group->id);
	struct store_group old;
	int rc = meta_group(&txn->view, &group->id, &old);

	// The all-zero key starts a walk, so no group can have it.
	if (memcmp(&key, &zero, sizeof(key)) == 0 || group->profile > STORE_PROFILE_V600)
		return -EINVAL;
	if (rc == -ENOENT)
		return group_create(txn, group);
	if (rc != 0)
		return rc;
	// The profile is fixed at creation, and Key Numbers never go back.
	if (old.profile != group->profile)
		return -EEXIST;
	return old.last_key_number > group->last_key_number ? -EINVAL : group_write(txn, group);
}

static bool group_is_used(const struct view *v, const struct store_group_id *id)
{
	struct group_key key = group_key_of(id);
	struct store_service service = {0};
	struct store_campaign campaign = {0};

	while (meta_service_next(v, service.id, &service) == 0)
		if (meta_service_names(&service, id))
			return true;
	while (meta_campaign_next(v, campaign.id, &campaign) == 0) {
		struct group_key of = group_key_of(&campaign.group);

		if (campaign.state <= STORE_CAMPAIGN_PAUSED && memcmp(&of, &key, sizeof(key)) == 0)
			return true;
	}
	return false;
}

int store_group_remove(struct store_txn *txn, const struct store_group_id *id)
{
	struct group_key key = group_key_of(id);
	struct store_group group;
	struct store_msk msk = {0};
	int rc = meta_group(&txn->view, id, &group);

	if (rc != 0)
		return rc;
	if (group_is_used(&txn->view, id))
		return -EBUSY;
	while ((rc = meta_msk_next(&txn->view, id, msk.number, &msk)) == 0) {
		struct msk_key msk_key = msk_key_of(id, msk.number);

		rc = db_del(&txn->view, DB_MSK, (struct blob){&msk_key, sizeof(msk_key)});
		if (rc != 0)
			break;
	}
	explicit_bzero(&msk, sizeof(msk));
	if (rc != -ENOENT)
		return rc;
	return db_del(&txn->view, DB_GROUP, (struct blob){&key, sizeof(key)});
}

static int msk_write(struct store_txn *txn, const struct store_msk *msk)
{
	struct msk_key key = msk_key_of(&msk->group, msk->number);
	struct msk_record record;
	size_t len;
	int rc;

	len = record_encode_msk(msk, &record);
	rc = sealed_put(txn, DB_MSK, (struct blob){&key, sizeof(key)}, &record, len);
	explicit_bzero(&record, sizeof(record));
	return rc;
}

// A group has at most one next and one current MSK: a UE keeps two (TS 33.246).
static int msk_check_state(const struct view *v, const struct store_msk *msk)
{
	struct store_msk other = {0};
	int rc = 0;

	if (msk->state == STORE_MSK_RETIRED)
		return 0;
	while (rc == 0 && meta_msk_next(v, &msk->group, other.number, &other) == 0)
		if (other.number != msk->number && other.state == msk->state)
			rc = -EBUSY;
	explicit_bzero(&other, sizeof(other));
	return rc;
}

static bool group_has_csb(const struct view *v, const struct store_group_id *id, uint32_t csb_id)
{
	struct store_msk msk = {0};
	bool is_found = false;

	while (!is_found && meta_msk_next(v, id, msk.number, &msk) == 0)
		is_found = msk.state != STORE_MSK_RETIRED && msk.csb_id == csb_id;
	explicit_bzero(&msk, sizeof(msk));
	return is_found;
}

// In ts33246 an answer is told by its CSB ID alone; in v600 the CSB ID is the group.
static int msk_check_csb(
	const struct view *v, const struct store_group *group, const struct store_msk *msk)
{
	struct store_group other = {0};

	if (group->profile != STORE_PROFILE_TS33246)
		return 0;
	while (meta_group_next(v, &other.id, &other) == 0)
		if (other.profile == STORE_PROFILE_TS33246 &&
			group_has_csb(v, &other.id, msk->csb_id))
			return -EEXIST;
	return 0;
}

static int msk_create(struct store_txn *txn, struct store_group *group, const struct store_msk *msk)
{
	struct numbers *numbers = txn->view.env->numbers;
	int rc;

	if (group->last_key_number == UINT16_MAX)
		return -ENOSPC;
	if (msk->number != group->last_key_number + 1)
		return -EINVAL;
	rc = msk_check_csb(&txn->view, group, msk);
	if (rc == 0 && numbers != NULL)
		rc = numbers_raise(numbers, &group->id, msk->number);
	if (rc != 0)
		return rc;
	rc = msk_write(txn, msk);
	if (rc != 0)
		return rc;
	group->last_key_number = msk->number;
	return group_write(txn, group);
}

static int msk_change(
	struct store_txn *txn, const struct store_msk *old, const struct store_msk *msk)
{
	if (memcmp(&old->key, &msk->key, sizeof(old->key)) != 0 ||
		memcmp(old->rand, msk->rand, sizeof(old->rand)) != 0 || old->csb_id != msk->csb_id)
		return -EEXIST;
	// next, current, retired: never back. What was sent out stays sent out.
	if (msk->state < old->state || (old->is_released && !msk->is_released))
		return -EINVAL;
	return msk_write(txn, msk);
}

int store_msk_put(struct store_txn *txn, const struct store_msk *msk)
{
	struct store_group group;
	struct store_msk old;
	int rc = meta_group(&txn->view, &msk->group, &group);

	if (rc != 0)
		return rc;
	if (msk->number == 0 || msk->state > STORE_MSK_RETIRED)
		return -EINVAL;
	rc = msk_check_state(&txn->view, msk);
	if (rc != 0)
		return rc;
	rc = meta_msk(&txn->view, &msk->group, msk->number, &old);
	if (rc == -ENOENT)
		return msk_create(txn, &group, msk);
	if (rc == 0)
		rc = msk_change(txn, &old, msk);
	explicit_bzero(&old, sizeof(old));
	return rc;
}
