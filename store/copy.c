// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// A backup, or another copy, is opened as a store. Since it was made the original may have given
// out Key Numbers and MTK IDs that it knows nothing of: each group skips some Key Numbers, and no
// MTK goes under an MSK of before any more.

#include <errno.h>
#include <string.h>

#include "env.h"
#include "meta.h"

#define SKIPPED 16

static int group_skip(struct store_txn *txn, struct store_group *group)
{
	uint32_t last = group->last_key_number + SKIPPED;

	group->last_key_number = last < UINT16_MAX ? (uint16_t)last : UINT16_MAX;
	return store_group_put(txn, group);
}

static int groups_skip(struct store_txn *txn)
{
	struct store_group group = {0};
	int rc;

	while ((rc = meta_group_next(&txn->view, &group.id, &group)) == 0)
		if ((rc = group_skip(txn, &group)) != 0)
			return rc;
	return rc == -ENOENT ? 0 : rc;
}

int copy_recover(struct store_env *env)
{
	struct store_txn *txn;
	int rc = store_txn_begin(env, &txn);

	if (rc != 0 || !txn->state.is_copy) {
		if (rc == 0)
			store_txn_abort(txn);
		return rc;
	}
	rc = groups_skip(txn);
	if (rc == 0)
		rc = store_mtks_bar(txn, 0);
	txn_state(txn)->is_copy = false;
	if (rc == 0)
		rc = store_txn_commit(txn);
	else
		store_txn_abort(txn);
	if (rc == 0)
		env->key_numbers_skipped = SKIPPED;
	return rc;
}
