// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "view.h"

#include <errno.h>
#include <string.h>

#include "dict.h"
#include "index.h"
#include "nai.h"

const struct store_block *hot_block_check(struct blob val)
{
	const struct store_block *block = val.data;

	if (val.len != sizeof(*block) || block->version != BLOCK_VERSION ||
		wrap_check(val.data) != 0)
		return NULL;
	return block;
}

// What is wrong with a block that was refused.
static int block_error(struct blob val)
{
	if (val.len != sizeof(struct store_block))
		return -EIO;
	return *(const uint8_t *)val.data != BLOCK_VERSION ? -EPROTO : -ENOTSUP;
}

int view_hot_block(const struct view *v, uint32_t block, const struct store_block **out)
{
	struct blob val;
	int rc = db_get_u32(v, DB_HOT, block, &val);

	if (rc != 0)
		return rc;
	*out = hot_block_check(val);
	return *out != NULL ? 0 : block_error(val);
}

int view_cold_block(const struct view *v, uint32_t block, const struct cold_block **out)
{
	struct blob val;
	int rc = db_get_u32(v, DB_COLD, block, &val);

	if (rc != 0)
		return rc;
	*out = val.data;
	if (val.len != sizeof(**out) || (*out)->seat.version != BLOCK_VERSION)
		return block_error(val);
	return 0;
}

int view_hot(const struct view *v, store_id id, const struct store_hot **out)
{
	const struct store_block *block;
	int rc;

	if (id >= v->state->span)
		return -ENOENT;
	rc = view_hot_block(v, id / STORE_BLOCK_SUBSCRIBERS, &block);
	if (rc != 0)
		return rc;
	*out = &block->hot[id % STORE_BLOCK_SUBSCRIBERS];
	return store_hot_flags(*out) & STORE_LIVE ? 0 : -ENOENT;
}

static size_t raw_text(
	const struct view *v, store_id id, enum raw_kind kind, char out[STORE_NAI_MAX + 1])
{
	uint64_t key = (uint64_t)id << 1 | kind;
	struct blob val;

	if (db_get(v, DB_RAW, (struct blob){&key, sizeof(key)}, &val) != 0 ||
		val.len > STORE_NAI_MAX)
		return 0;
	memcpy(out, val.data, val.len);
	out[val.len] = '\0';
	return val.len;
}

// Puts '@' and the suffix behind the first n characters.
static size_t suffix_text(
	const struct view *v, uint16_t number, size_t n, char out[STORE_NAI_MAX + 1])
{
	struct blob text;

	if (dict_suffix_text(v, number, &text) != 0 || n + 1 + text.len > STORE_NAI_MAX)
		return 0;
	out[n] = '@';
	memcpy(out + n + 1, text.data, text.len);
	out[n + 1 + text.len] = '\0';
	return n + 1 + text.len;
}

size_t view_btid(
	const struct view *v, store_id id, const struct store_hot *hot, char out[STORE_NAI_MAX + 1])
{
	uint8_t flags = store_hot_flags(hot);
	size_t len = 0;

	if (flags & STORE_HAS_MUK && flags & STORE_BTID_RAW) {
		len = raw_text(v, id, RAW_BTID, out);
	} else if (flags & STORE_HAS_MUK) {
		nai_btid_text(hot->btid, out);
		len = suffix_text(v, hot->btid_suffix, NAI_BTID_TEXT, out);
	}
	out[len] = '\0';
	return len;
}

static size_t cold_impi(const struct view *v, const struct cold_block *cold, unsigned at,
	char out[STORE_NAI_MAX + 1])
{
	size_t len = nai_impi_text(cold->impi[at], out);

	return len != 0 ? suffix_text(v, cold->impi_suffix[at], len, out) : 0;
}

size_t view_impi(
	const struct view *v, store_id id, const struct store_hot *hot, char out[STORE_NAI_MAX + 1])
{
	const struct cold_block *cold;
	size_t len = 0;

	if (store_hot_flags(hot) & STORE_IMPI_RAW)
		len = raw_text(v, id, RAW_IMPI, out);
	else if (view_cold_block(v, id / COLD_BLOCK_SUBSCRIBERS, &cold) == 0)
		len = cold_impi(v, cold, id % COLD_BLOCK_SUBSCRIBERS, out);
	out[len] = '\0';
	return len;
}

static int cold_read(const struct cold_block *cold, unsigned at, struct store_subscriber *out)
{
	int rc = wrap_open(&cold->seat, &cold->secret.muk[at], &out->muk, sizeof(out->muk));

	if (rc == 0)
		rc = wrap_open(&cold->seat, &cold->secret.mrk[at], &out->mrk, sizeof(out->mrk));
	return rc;
}

int view_subscriber(const struct view *v, store_id id, struct store_subscriber *out)
{
	const struct store_block *block;
	const struct cold_block *cold;
	const struct store_hot *hot;
	int rc = view_hot(v, id, &hot);

	memset(out, 0, sizeof(*out));
	if (rc == 0)
		rc = view_hot_block(v, id / STORE_BLOCK_SUBSCRIBERS, &block);
	if (rc != 0)
		return rc;
	rc = view_cold_block(v, id / COLD_BLOCK_SUBSCRIBERS, &cold);
	if (rc != 0)
		return rc == -ENOENT ? -EIO : rc;
	out->flags = store_hot_flags(hot);
	out->port = hot->port;
	out->expires = hot->expires;
	out->authorised = store_hot_authorised(hot);
	out->registered = store_hot_registered(hot);
	out->addr = hot->addr;
	out->muk_state = block->muk[id % STORE_BLOCK_SUBSCRIBERS];
	view_btid(v, id, hot, out->btid);
	view_impi(v, id, hot, out->impi);
	return cold_read(cold, id % COLD_BLOCK_SUBSCRIBERS, out);
}

int view_prev(const struct view *v, store_id id, struct store_prev *out)
{
	struct blob val;
	int rc = db_get_u32(v, DB_PREV, id, &val);

	if (rc != 0) {
		memset(out, 0, sizeof(*out));
		return rc;
	}
	return record_decode_prev(val, out);
}

store_id view_find_impi(const struct view *v, const char *text, size_t len)
{
	char impi[STORE_NAI_MAX + 1];
	uint32_t tag = env_tag(v->env, text, len);
	struct index_place place;
	const struct store_hot *hot;
	unsigned pos = 0;
	store_id id;

	if (index_find(v, DB_IMPI, tag, &place) != 0)
		return STORE_ID_NONE;
	while ((id = index_block_next(place.block, tag, &pos)) != STORE_ID_NONE) {
		if (view_hot(v, id, &hot) == 0 && view_impi(v, id, hot, impi) == len &&
			memcmp(impi, text, len) == 0)
			return id;
	}
	return STORE_ID_NONE;
}

static bool prev_is(const struct view *v, store_id id, const char *text, size_t len)
{
	struct store_prev prev;
	bool is_same = view_prev(v, id, &prev) == 0 && strlen(prev.btid) == len &&
		memcmp(prev.btid, text, len) == 0;

	explicit_bzero(&prev, sizeof(prev));
	return is_same;
}

static store_id find_btid(const struct view *v, struct blob text, store_id but, bool *is_prev)
{
	char btid[STORE_NAI_MAX + 1];
	uint32_t tag = env_tag(v->env, text.data, text.len);
	struct index_place place;
	const struct store_hot *hot;
	unsigned pos = 0;
	store_id id;

	*is_prev = false;
	if (text.len == 0 || index_find(v, DB_BTID, tag, &place) != 0)
		return STORE_ID_NONE;
	while ((id = index_block_next(place.block, tag, &pos)) != STORE_ID_NONE) {
		if (id == but || view_hot(v, id, &hot) != 0)
			continue;
		if (view_btid(v, id, hot, btid) == text.len &&
			memcmp(btid, text.data, text.len) == 0)
			return id;
		*is_prev = store_hot_flags(hot) & STORE_HAS_PREV &&
			prev_is(v, id, text.data, text.len);
		if (*is_prev)
			return id;
	}
	return STORE_ID_NONE;
}

store_id view_find_btid(const struct view *v, const char *text, size_t len, bool *is_prev)
{
	return find_btid(v, (struct blob){text, len}, STORE_ID_NONE, is_prev);
}

store_id view_find_btid_but(const struct view *v, const char *text, store_id but, bool *is_prev)
{
	return find_btid(v, (struct blob){text, strlen(text)}, but, is_prev);
}
