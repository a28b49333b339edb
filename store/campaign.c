// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include <errno.h>

#include "meta.h"

static uint64_t slice_key(uint32_t campaign, uint32_t slice)
{
	return (uint64_t)campaign << 32 | slice;
}

int store_campaign_next_id(struct store_txn *txn, uint32_t *id)
{
	if (txn->state.last_campaign == UINT32_MAX)
		return -ENOSPC;
	*id = ++txn_state(txn)->last_campaign;
	return 0;
}

int store_campaign_put(struct store_txn *txn, const struct store_campaign *campaign)
{
	struct campaign_record record;

	if (campaign->id == 0 || campaign->id > txn->state.last_campaign ||
		campaign->state > STORE_CAMPAIGN_SCHEDULED ||
		campaign->sends + campaign->solicits > STORE_SENDS_MAX)
		return -EINVAL;
	record_encode_campaign(campaign, &record);
	return db_put_u32(&txn->view, DB_CAMPAIGN, campaign->id, &record, sizeof(record));
}

int store_campaign_slice_put(
	struct store_txn *txn, uint32_t campaign, uint32_t slice, const uint8_t state[STORE_SLICE])
{
	if (campaign == 0 || campaign > txn->state.last_campaign)
		return -EINVAL;
	return db_put_u64(&txn->view, DB_SLICE, slice_key(campaign, slice), state, STORE_SLICE);
}

int store_campaign_slices_drop(struct store_txn *txn, uint32_t campaign, unsigned most)
{
	uint64_t from = slice_key(campaign, 0), end = slice_key(campaign + 1, 0);
	struct db_cursor c;
	unsigned n = 0;
	int rc = db_cursor_open(&txn->view, DB_SLICE, &c);

	if (rc != 0)
		return rc;
	rc = db_cursor_seek(&c, (struct blob){&from, sizeof(from)});
	while (rc == 0 && blob_to_u64(c.key) < end && n < most) {
		n++;
		rc = db_cursor_del(&c);
		if (rc == 0)
			rc = db_cursor_seek(&c, (struct blob){&from, sizeof(from)});
	}
	if (rc == 0)
		rc = blob_to_u64(c.key) < end ? 1 : 0;
	db_cursor_close(&c);
	return rc == -ENOENT ? 0 : rc;
}
