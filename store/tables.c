// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "tables.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dict.h"
#include "view.h"

// Stands for a block that is missing or damaged: all its ids read as free.
static const struct store_block no_block = {.version = BLOCK_VERSION};
static const struct index_block no_index = {
	.version = INDEX_VERSION,
	.slot = {[0 ... INDEX_BUCKETS - 1] = {[0 ... INDEX_BUCKET_SLOTS - 1] = {0, STORE_ID_NONE}}},
};

static int block_table_reserve(struct block_table *t, uint32_t count)
{
	uintptr_t *block;

	if (count <= t->room)
		return 0;
	block = realloc(t->block, sizeof(*block) * (count + count / 4));
	if (block == NULL)
		return -ENOMEM;
	t->block = block;
	t->room = count + count / 4;
	return 0;
}

uintptr_t block_table_look(const struct block_table *t, const struct view *v, uint32_t number)
{
	struct blob val = {block_of(t->block[number]), sizeof(struct store_block)};
	const struct store_block *block = hot_block_check(v, val);

	if (block == NULL)
		block = &no_block;
	t->block[number] = (uintptr_t)block | (block->data_key != WRAP_CLEAR ? BLOCK_WRAPPED : 0);
	return t->block[number];
}

uint32_t block_table_damaged(const struct block_table *t, const struct view *v)
{
	uint32_t damaged = 0;

	for (uint32_t i = 0; i < t->count; i++)
		damaged += block_table_at(t, v, i) == &no_block;
	return damaged;
}

static uintptr_t block_unseen(struct blob val)
{
	return val.len == sizeof(struct store_block) ? (uintptr_t)val.data | BLOCK_UNSEEN
						     : (uintptr_t)&no_block;
}

// The block of a number. One that lies where it lay before keeps what was seen of it.
static uintptr_t block_at(const struct block_table *t, uint32_t known, struct db_cursor *c)
{
	uint32_t number = blob_to_u32(c->key);
	uintptr_t block = block_unseen(c->val);

	return number < known && block_of(t->block[number]) == block_of(block) ? t->block[number]
									       : block;
}

int block_table_load(struct block_table *t, const struct view *v)
{
	uint32_t count = (v->state->span + STORE_BLOCK_SUBSCRIBERS - 1) / STORE_BLOCK_SUBSCRIBERS;
	uint32_t known = t->count, next = 0;
	struct db_cursor c;
	int rc = block_table_reserve(t, count);

	t->count = 0;
	if (rc == 0)
		rc = db_cursor_open(v, DB_HOT, &c);
	if (rc != 0)
		return rc;
	for (rc = db_cursor_first(&c); rc == 0 && next < count; rc = db_cursor_next(&c)) {
		uint32_t number = blob_to_u32(c.key);

		while (next < number && next < count)
			t->block[next++] = (uintptr_t)&no_block;
		if (number != next || next == count)
			continue;
		t->block[next] = block_at(t, known, &c);
		next++;
	}
	db_cursor_close(&c);
	if (rc != 0 && rc != -ENOENT)
		return rc;
	while (next < count)
		t->block[next++] = (uintptr_t)&no_block;
	t->count = count;
	return 0;
}

struct follow {
	const struct view *v;
	struct block_table *blocks;
	struct index_table *index;
};

static bool block_follow(void *arg, uint32_t number)
{
	struct follow *f = arg;
	struct blob val;

	if (number < f->blocks->count)
		f->blocks->block[number] = db_get_u32(f->v, DB_HOT, number, &val) == 0
			? block_unseen(val)
			: (uintptr_t)&no_block;
	return true;
}

bool block_table_follow(struct block_table *t, const struct view *v, uint64_t from, uint64_t to)
{
	uint32_t count = (v->state->span + STORE_BLOCK_SUBSCRIBERS - 1) / STORE_BLOCK_SUBSCRIBERS;
	struct follow f = {.v = v, .blocks = t};

	if (count < t->count || block_table_reserve(t, count) != 0)
		return false;
	while (t->count < count)
		t->block[t->count++] = (uintptr_t)&no_block;
	return move_log_each(v->env->hot_moves, from, to, block_follow, &f);
}

void block_table_free(struct block_table *t)
{
	free(t->block);
	*t = (struct block_table){0};
}

static int index_table_reserve(struct index_table *t, uint64_t count)
{
	uint32_t room = (uint32_t)(count + count / 4);
	unsigned bits = 2;
	void *p;

	if (count <= t->room)
		return 0;
	while (bits < 24 && (1u << bits) < 4 * room)
		bits++;
	p = realloc(t->entry, room * sizeof(*t->entry));
	if (p == NULL)
		return -ENOMEM;
	t->entry = p;
	p = realloc(t->way, sizeof(*t->way) << bits);
	if (p == NULL)
		return -ENOMEM;
	t->way = p;
	t->way_bits = bits;
	t->room = room;
	return 0;
}

static void index_table_pave(struct index_table *t)
{
	uint32_t at = 0;

	for (uint32_t i = 0; i < 1u << t->way_bits; i++) {
		uint32_t tag = i << (32 - t->way_bits);

		while (at + 1 < t->count && t->entry[at + 1].first <= tag)
			at++;
		t->way[i] = at;
	}
}

int index_table_load(struct index_table *t, const struct view *v, enum db_id db)
{
	uint64_t count;
	struct db_cursor c;
	int rc = db_entries(v, db, &count);

	t->count = 0;
	if (rc == 0)
		rc = index_table_reserve(t, count + 1);
	if (rc == 0)
		rc = db_cursor_open(v, db, &c);
	if (rc != 0)
		return rc;
	for (rc = db_cursor_first(&c); rc == 0 && t->count < count; rc = db_cursor_next(&c)) {
		const struct index_block *block = index_block_check(c.val);

		t->entry[t->count++] = (struct index_entry){
			.block = block != NULL ? block : &no_index,
			.first = blob_to_u32(c.key),
		};
	}
	db_cursor_close(&c);
	if (rc != 0 && rc != -ENOENT)
		return rc;
	if (t->count == 0)
		t->entry[t->count++] = (struct index_entry){.block = &no_index};
	index_table_pave(t);
	return 0;
}

static bool index_follow(void *arg, uint32_t first)
{
	struct follow *f = arg;
	struct index_table *t = f->index;
	const struct index_block *block = NULL;
	uint32_t low = 0, high = t->count;
	struct blob val;

	while (low + 1 < high) {
		uint32_t middle = low + (high - low) / 2;

		if (t->entry[middle].first <= first)
			low = middle;
		else
			high = middle;
	}
	if (t->count == 0 || t->entry[low].first != first)
		return false;
	if (db_get_u32(f->v, DB_BTID, first, &val) == 0)
		block = index_block_check(val);
	t->entry[low].block = block != NULL ? block : &no_index;
	return true;
}

bool index_table_follow(struct index_table *t, const struct view *v, uint64_t from, uint64_t to)
{
	struct follow f = {.v = v, .index = t};

	return move_log_each(v->env->btid_moves, from, to, index_follow, &f);
}

void index_table_free(struct index_table *t)
{
	free(t->entry);
	free(t->way);
	*t = (struct index_table){0};
}

static int suffix_table_reserve(struct suffix_table *t, uint32_t count)
{
	void *p;

	if (count <= t->room)
		return 0;
	p = realloc(t->text, count * sizeof(*t->text));
	if (p == NULL)
		return -ENOMEM;
	t->text = p;
	p = realloc(t->len, count * sizeof(*t->len));
	if (p == NULL)
		return -ENOMEM;
	t->len = p;
	t->room = count;
	return 0;
}

int suffix_table_load(struct suffix_table *t, const struct view *v)
{
	uint32_t count = v->state->suffix_count + 1;
	struct blob text;
	int rc = 0;

	if (count > DICT_SUFFIX_MAX + 1)
		return -EIO;
	if (count > t->count)
		rc = suffix_table_reserve(t, count);
	for (; rc == 0 && t->count < count; t->count++) {
		t->len[t->count] = 0;
		if (t->count == 0)
			continue;
		rc = dict_suffix_text(v, (uint16_t)t->count, &text);
		if (rc != 0)
			break;
		memcpy(t->text[t->count], text.data, text.len);
		t->len[t->count] = (uint8_t)text.len;
	}
	return rc;
}

void suffix_table_free(struct suffix_table *t)
{
	free(t->text);
	free(t->len);
	*t = (struct suffix_table){0};
}
