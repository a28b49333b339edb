// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Reading the store. A reader sees one snapshot, that of its last renewal, and nothing that was
// committed since. Pointers it hands out live until the next renewal or the end of the reader.
//
// A reader belongs to one thread. Renew it at least once a second while there are commits: LMDB
// cannot reuse pages that a reader still sees.

#pragma once

#include <stddef.h>

#include "types.h"

struct store_env;
struct store_reader;

struct store_bytes {
	const uint8_t *data;
	uint16_t len;
};

// Opens a reader with the newest snapshot. Cheap while nothing was written since another one was
// closed. -ENOMEM, -ENOSPC (too many readers), -EIO.
int store_reader_create(struct store_env *env, struct store_reader **out);
void store_reader_destroy(struct store_reader *r);
// Moves to the newest snapshot. Returns 1 when it is another one than before, 0 when nothing was
// committed, -errno when it failed (the old snapshot is gone then, all look-ups find nothing).
int store_reader_renew(struct store_reader *r);
// Number of the snapshot, rising with each commit.
uint64_t store_reader_version(const struct store_reader *r);

// Memory that holds keys of all open stores of this process: the locked part never reaches a swap.
struct store_memory_info {
	uint64_t locked_bytes;
	uint64_t unlocked_bytes; // RLIMIT_MEMLOCK did not allow more
};
void store_memory_info(struct store_memory_info *out);

// --- Subscribers, as the packet path reads them -------------------------------------------

// Ids 0 .. span-1 have records (some may be free: STORE_LIVE tells).
store_id store_reader_span(const struct store_reader *r);
// Blocks of the span that could not be read: damaged, or of an unknown version or data key. Their
// ids read as free. Looks at those that nobody has asked for, at the first time at all of them.
uint32_t store_reader_damaged(const struct store_reader *r);
// A block by number (id / STORE_BLOCK_SUBSCRIBERS), NULL beyond the span. One array look-up.
const struct store_block *store_reader_block(const struct store_reader *r, uint32_t block);
// The hot record of an id, NULL beyond the span.
static inline const struct store_hot *store_reader_hot(const struct store_reader *r, store_id id)
{
	const struct store_block *block = store_reader_block(r, id / STORE_BLOCK_SUBSCRIBERS);

	if (block == NULL)
		return NULL;
	return &block->hot[id % STORE_BLOCK_SUBSCRIBERS];
}
// Brings the records of n ids near, each `ahead` ids on, if there are such: for those that are
// needed soon.
void store_reader_prefetch_burst(
	const struct store_reader *r, const store_id *ids, size_t n, store_id ahead);

// A record, and the HMAC states of its MUK where they lie in the clear.
struct store_record {
	const struct store_hot *hot; // NULL beyond the span
	const struct store_muk_state *muk; // NULL: store_reader_muk() has to be asked
};
// Sets out[i] for each of n ids. Ids that ascend are found at little cost.
void store_reader_records(
	const struct store_reader *r, const store_id *ids, size_t n, struct store_record *out);
// The HMAC states of a subscriber's MUK, in the clear. -ENOENT beyond the span; -EBADMSG: the
// block, so also its hot records, is not what the store has written. Wipe them after use.
int store_reader_muk(struct store_reader *r, store_id id, struct store_muk_state *out);
// Writes the B-TID of a hot record. Returns its length, 0 when it has none; what stands behind it
// in out is of no meaning, it may lack a terminator.
size_t store_reader_btid(const struct store_reader *r, store_id id, const struct store_hot *hot,
	char out[STORE_NAI_MAX + 1]);
// Finds subscribers by B-TID: ids[i] is set to the id or STORE_ID_NONE, is_prev[i] to 1 when it
// is the subscriber's previous B-TID. n at most 64.
void store_reader_find_btid_burst(const struct store_reader *r, const struct store_bytes *btids,
	size_t n, store_id *ids, uint8_t *is_prev);
// The previous B-TID and MUK of a subscriber. -ENOENT when it has none.
int store_reader_prev(const struct store_reader *r, store_id id, struct store_prev *out);

// Who belongs to a key group: those both authorised for and registered with one of the services
// that name the group. Load it once per campaign and snapshot; then one test a record.
struct store_eligibility {
	uint64_t dict_version; // changes when services or sets changed: load again
	uint32_t set_count;
	uint64_t *mask; // by set number: which of the group's services it holds
};
// Services beyond 64 of one group are refused when they are created, so 64 bits do.
int store_eligibility_load(const struct store_reader *r, const struct store_group_id *group,
	struct store_eligibility *e);
void store_eligibility_free(struct store_eligibility *e);
uint64_t store_reader_dict_version(const struct store_reader *r);
static inline bool store_eligibility_is_authorised(
	const struct store_eligibility *e, const struct store_hot *hot)
{
	uint32_t set = store_hot_authorised(hot);

	return set < e->set_count && e->mask[set] != 0;
}
// Authorised and registered.
static inline bool store_eligibility_is_member(
	const struct store_eligibility *e, const struct store_hot *hot)
{
	uint32_t authorised = store_hot_authorised(hot), registered = store_hot_registered(hot);

	return authorised < e->set_count && registered < e->set_count &&
		(e->mask[authorised] & e->mask[registered]) != 0;
}

// --- Subscribers, as control reads them ----------------------------------------------------

// Number of live subscribers.
uint32_t store_reader_subscriber_count(const struct store_reader *r);
// -ENOENT when the id is free or beyond the span. -EBADMSG, -EIO: it is damaged; impi and btid are
// there as far as they can be read, to name it by.
int store_reader_subscriber(
	const struct store_reader *r, store_id id, struct store_subscriber *out);
// STORE_ID_NONE when there is none.
store_id store_reader_find_impi(const struct store_reader *r, const char *impi);
store_id store_reader_find_btid(const struct store_reader *r, const char *btid);
// Services of a set, ascending; returns how many (at most STORE_SET_MAX).
size_t store_reader_set(
	const struct store_reader *r, store_set set, store_service_id out[STORE_SET_MAX]);

// --- Services, key groups, MSKs, campaigns --------------------------------------------------
// Each `_next` walks in key order: start with the all-zero key, pass the one found last; returns
// 0, or -ENOENT at the end.

int store_reader_service(
	const struct store_reader *r, store_service_id id, struct store_service *out);
int store_reader_service_by_name(
	const struct store_reader *r, const char *name, struct store_service *out);
int store_reader_service_next(
	const struct store_reader *r, store_service_id after, struct store_service *out);

int store_reader_group(
	const struct store_reader *r, const struct store_group_id *id, struct store_group *out);
int store_reader_group_next(
	const struct store_reader *r, const struct store_group_id *after, struct store_group *out);

int store_reader_msk(const struct store_reader *r, const struct store_group_id *group,
	uint16_t number, struct store_msk *out);
// Walks the MSKs of one group by key number; after = 0 starts.
int store_reader_msk_next(const struct store_reader *r, const struct store_group_id *group,
	uint16_t after, struct store_msk *out);
// The newest MSK that is not retired. -ENOENT when the group has none.
int store_reader_msk_newest(
	const struct store_reader *r, const struct store_group_id *group, struct store_msk *out);

int store_reader_campaign(const struct store_reader *r, uint32_t id, struct store_campaign *out);
int store_reader_campaign_next(
	const struct store_reader *r, uint32_t after, struct store_campaign *out);
// Member states of one slice (ids slice*STORE_SLICE ..). -ENOENT when none were kept.
int store_reader_campaign_slice(
	const struct store_reader *r, uint32_t campaign, uint32_t slice, uint8_t out[STORE_SLICE]);

// The MTKs of an MSK. -ENOENT when it never had one. Secret: wipe them after use.
int store_reader_mtks(const struct store_reader *r, const struct store_group_id *group,
	uint16_t number, struct store_mtks *out);
// How the MTKs of a group are sent. -ENOENT when they never were.
int store_reader_bearer(
	const struct store_reader *r, const struct store_group_id *group, struct store_bearer *out);
int store_reader_bearer_next(
	const struct store_reader *r, const struct store_group_id *after, struct store_bearer *out);
// How often MTK IDs were given out.
uint32_t store_reader_mtk_reservations(const struct store_reader *r);

// The store's copy of the counter mark. -ENOENT in a new store.
int store_reader_mark(const struct store_reader *r, uint32_t *mark);
