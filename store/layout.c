// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Subscribers to blocks.

#include <errno.h>
#include <string.h>

#include "subscriber.h"
#include "view.h"

int subscriber_check(const struct view *v, const struct store_subscriber *sub)
{
	size_t impi = strnlen(sub->impi, sizeof(sub->impi));
	size_t btid = strnlen(sub->btid, sizeof(sub->btid));

	if (impi == 0 || impi > STORE_NAI_MAX || btid > STORE_NAI_MAX)
		return -EINVAL;
	if ((btid != 0) != ((sub->flags & STORE_HAS_MUK) != 0))
		return -EINVAL;
	if (sub->authorised > v->state->set_count || sub->registered > v->state->set_count)
		return -EINVAL;
	return 0;
}

bool subscriber_is_same(const struct store_subscriber *a, const struct store_subscriber *b)
{
	return (a->flags & SUBSCRIBER_FLAGS) == (b->flags & SUBSCRIBER_FLAGS) &&
		a->port == b->port && a->expires == b->expires && a->authorised == b->authorised &&
		a->registered == b->registered &&
		memcmp(&a->addr, &b->addr, sizeof(a->addr)) == 0 &&
		memcmp(&a->muk, &b->muk, sizeof(a->muk)) == 0 &&
		memcmp(&a->mrk, &b->mrk, sizeof(a->mrk)) == 0 &&
		memcmp(&a->muk_state, &b->muk_state, sizeof(a->muk_state)) == 0 &&
		strcmp(a->btid, b->btid) == 0 && strcmp(a->impi, b->impi) == 0;
}

// The number of a suffix; false when the dictionary is full, so that the text stays as it is.
static int suffix_number(
	struct store_txn *txn, struct nai_suffix suffix, uint16_t *number, bool *is_raw)
{
	int rc = dict_suffix_intern(txn, suffix, number);

	*is_raw = rc == -EOVERFLOW;
	return *is_raw ? 0 : rc;
}

int layout_make(struct store_txn *txn, const struct store_subscriber *sub, struct layout *out)
{
	uint8_t flags = (sub->flags & SUBSCRIBER_FLAGS) | STORE_LIVE;
	struct nai_suffix suffix;
	int rc = 0;

	*out = (struct layout){.is_impi_raw = true};
	if (nai_impi_split(sub->impi, strlen(sub->impi), &out->impi, &suffix))
		rc = suffix_number(txn, suffix, &out->impi_suffix, &out->is_impi_raw);
	if (rc == 0 && flags & STORE_HAS_MUK) {
		out->is_btid_raw = true;
		if (nai_btid_split(sub->btid, strlen(sub->btid), out->hot.btid, &suffix))
			rc = suffix_number(txn, suffix, &out->hot.btid_suffix, &out->is_btid_raw);
	}
	if (out->is_impi_raw) {
		flags |= STORE_IMPI_RAW;
		out->impi = 0;
	}
	if (out->is_btid_raw) {
		flags |= STORE_BTID_RAW;
		memset(out->hot.btid, 0, sizeof(out->hot.btid));
	}
	out->hot.addr = sub->addr;
	out->hot.expires = sub->expires;
	out->hot.authorised = sub->authorised | (uint32_t)flags << 24;
	out->hot.registered = sub->registered;
	out->hot.port = sub->port;
	return rc;
}

void layout_to_hot(const struct layout *l, const struct store_subscriber *sub,
	struct store_block *block, unsigned at)
{
	block->hot[at] = l->hot;
	block->muk[at] = sub->muk_state;
	if (block->count <= at)
		block->count = (uint8_t)(at + 1);
}

void layout_to_cold(const struct layout *l, const struct store_subscriber *sub,
	struct cold_block *block, unsigned at)
{
	block->impi[at] = l->impi;
	block->impi_suffix[at] = l->impi_suffix;
	block->secret.muk[at] = sub->muk;
	block->secret.mrk[at] = sub->mrk;
	if (block->seat.count <= at)
		block->seat.count = (uint8_t)(at + 1);
}

static int raw_put(struct store_txn *txn, uint64_t key, const char *text)
{
	struct text_record record;
	size_t len = record_encode_text(text, strlen(text), &record);

	return sealed_put(txn, DB_RAW, (struct blob){&key, sizeof(key)}, &record, len);
}

int layout_put_raw(struct store_txn *txn, store_id id, const struct layout *l,
	const struct store_subscriber *sub)
{
	uint64_t key = (uint64_t)id << 1;
	int rc = 0;

	if (l->is_btid_raw)
		rc = raw_put(txn, key | RAW_BTID, sub->btid);
	if (rc == 0 && l->is_impi_raw)
		rc = raw_put(txn, key | RAW_IMPI, sub->impi);
	return rc;
}

int hot_block_put(struct store_txn *txn, uint32_t number, struct store_block *block)
{
	block->version = BLOCK_VERSION;
	txn_state(txn)->hot_version++;
	moves_add(&txn->hot, number);
	return sealed_put(txn, DB_HOT, blob_u32(&number), block, sizeof(*block));
}

int cold_block_put(struct store_txn *txn, uint32_t number, struct cold_block *block)
{
	block->seat.version = BLOCK_VERSION;
	return sealed_put(txn, DB_COLD, blob_u32(&number), block, sizeof(*block));
}

int hot_block_append(struct store_txn *txn, uint32_t number, struct store_block *block)
{
	block->version = BLOCK_VERSION;
	return sealed_append(txn, DB_HOT, blob_u32(&number), block, sizeof(*block));
}

int cold_block_append(struct store_txn *txn, uint32_t number, struct cold_block *block)
{
	block->seat.version = BLOCK_VERSION;
	return sealed_append(txn, DB_COLD, blob_u32(&number), block, sizeof(*block));
}

int hot_block_merge(
	struct store_txn *txn, uint32_t number, const struct store_block *add, unsigned from)
{
	size_t n = STORE_BLOCK_SUBSCRIBERS - from;
	struct store_block block;
	int rc = hot_block_load(&txn->view, number, &block);

	if (rc == 0) {
		memcpy(block.hot + from, add->hot + from, n * sizeof(*block.hot));
		memcpy(block.muk + from, add->muk + from, n * sizeof(*block.muk));
		block.count = add->count;
		rc = hot_block_put(txn, number, &block);
	}
	explicit_bzero(&block, sizeof(block));
	return rc;
}

int cold_block_merge(
	struct store_txn *txn, uint32_t number, const struct cold_block *add, unsigned from)
{
	size_t n = COLD_BLOCK_SUBSCRIBERS - from;
	struct cold_block block;
	int rc = cold_block_load(&txn->view, number, &block);

	if (rc == 0) {
		memcpy(block.impi + from, add->impi + from, n * sizeof(*block.impi));
		memcpy(block.impi_suffix + from, add->impi_suffix + from,
			n * sizeof(*block.impi_suffix));
		memcpy(block.secret.muk + from, add->secret.muk + from,
			n * sizeof(*block.secret.muk));
		memcpy(block.secret.mrk + from, add->secret.mrk + from,
			n * sizeof(*block.secret.mrk));
		block.seat.count = add->seat.count;
		rc = cold_block_put(txn, number, &block);
	}
	explicit_bzero(&block, sizeof(block));
	return rc;
}

int hot_block_load(const struct view *v, uint32_t number, struct store_block *out)
{
	const struct store_block *block;
	int rc = view_hot_block(v, number, &block);

	memset(out, 0, sizeof(*out));
	if (rc != 0)
		return rc == -ENOENT ? 0 : rc;
	return wrap_open(v, DB_HOT, blob_u32(&number), (struct blob){block, sizeof(*block)}, out);
}

int cold_block_load(const struct view *v, uint32_t number, struct cold_block *out)
{
	const struct cold_block *block;
	int rc = view_cold_block(v, number, &block);

	memset(out, 0, sizeof(*out));
	if (rc != 0)
		return rc == -ENOENT ? 0 : rc;
	return wrap_open(v, DB_COLD, blob_u32(&number), (struct blob){block, sizeof(*block)}, out);
}

// --- What cannot be read --------------------------------------------------------------------

static bool is_damage(int rc)
{
	return rc != 0 && rc != -ENOMEM;
}

// Ids that nobody gets need their hot blocks all the same.
static int span_move(struct store_txn *txn, uint32_t span)
{
	struct state_record *state = txn_state(txn);
	struct store_block block;
	int rc = 0;

	while (state->span < span && rc == 0) {
		uint32_t number = state->span / STORE_BLOCK_SUBSCRIBERS;
		uint32_t next = (number + 1) * STORE_BLOCK_SUBSCRIBERS;

		if (hot_block_load(&txn->view, number, &block) == 0)
			rc = hot_block_put(txn, number, &block);
		state->span = next < span ? next : span;
	}
	explicit_bzero(&block, sizeof(block));
	return rc;
}

int span_pass_damage(struct store_txn *txn)
{
	union {
		struct store_block hot;
		struct cold_block cold;
	} block;
	uint32_t span = txn_state(txn)->span;
	unsigned hot = span % STORE_BLOCK_SUBSCRIBERS, cold = span % COLD_BLOCK_SUBSCRIBERS;
	unsigned pass = 0;

	if (hot != 0 &&
		is_damage(hot_block_load(&txn->view, span / STORE_BLOCK_SUBSCRIBERS, &block.hot)))
		pass = STORE_BLOCK_SUBSCRIBERS - hot;
	if (cold != 0 &&
		is_damage(
			cold_block_load(&txn->view, span / COLD_BLOCK_SUBSCRIBERS, &block.cold)) &&
		pass < COLD_BLOCK_SUBSCRIBERS - cold)
		pass = COLD_BLOCK_SUBSCRIBERS - cold;
	explicit_bzero(&block, sizeof(block));
	return pass != 0 && pass <= STORE_ID_NONE - span ? span_move(txn, span + pass) : 0;
}
