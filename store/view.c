// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "view.h"

#include <errno.h>
#include <string.h>

#include "dict.h"
#include "index.h"
#include "nai.h"

// What is wrong with a value that should be a block, 0 when nothing is. Its secrets are not opened.
static int block_check(const struct view *v, struct blob val)
{
	if (val.len != sizeof(struct store_block))
		return -EIO;
	return *(const uint8_t *)val.data == BLOCK_VERSION ? wrap_check(v, val) : -EPROTO;
}

const struct store_block *hot_block_check(const struct view *v, struct blob val)
{
	return block_check(v, val) == 0 ? val.data : NULL;
}

int view_hot_block(const struct view *v, uint32_t block, const struct store_block **out)
{
	struct blob val;
	int rc = db_get_u32(v, DB_HOT, block, &val);

	*out = val.data;
	return rc == 0 ? block_check(v, val) : rc;
}

int view_cold_block(const struct view *v, uint32_t block, const struct cold_block **out)
{
	struct blob val;
	int rc = db_get_u32(v, DB_COLD, block, &val);

	*out = val.data;
	return rc == 0 ? block_check(v, val) : rc;
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
	uint64_t number = (uint64_t)id << 1 | kind;
	struct blob key = {&number, sizeof(number)}, val, text;

	if (db_get(v, DB_RAW, key, &val) != 0 || wrap_verify(v, DB_RAW, key, val) != 0 ||
		record_decode_text(val, &text) != 0 || text.len > STORE_NAI_MAX)
		return 0;
	memcpy(out, text.data, text.len);
	out[text.len] = '\0';
	return text.len;
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

static int hot_secret(const struct view *v, store_id id, const struct store_block *block,
	struct store_muk_state *out)
{
	uint32_t number = id / STORE_BLOCK_SUBSCRIBERS;
	struct wrap_part part = {
		.at = id % STORE_BLOCK_SUBSCRIBERS * sizeof(*out), .n = sizeof(*out), .out = out};

	return wrap_open_part(
		v, DB_HOT, blob_u32(&number), (struct blob){block, sizeof(*block)}, &part);
}

static int cold_secrets(const struct view *v, store_id id, struct store_subscriber *out)
{
	uint32_t number = id / COLD_BLOCK_SUBSCRIBERS;
	unsigned at = id % COLD_BLOCK_SUBSCRIBERS;
	const struct cold_block *cold;
	struct cold_secrets secret;
	int rc = view_cold_block(v, number, &cold);

	if (rc == 0)
		rc = wrap_open_secrets(
			v, DB_COLD, blob_u32(&number), (struct blob){cold, sizeof(*cold)}, &secret);
	if (rc == 0) {
		out->muk = secret.muk[at];
		out->mrk = secret.mrk[at];
		explicit_bzero(&secret, sizeof(secret));
	}
	return rc == -ENOENT ? -EIO : rc;
}

int view_muk_state(const struct view *v, store_id id, struct store_muk_state *out)
{
	const struct store_block *block;
	int rc = view_hot_block(v, id / STORE_BLOCK_SUBSCRIBERS, &block);

	return rc == 0 ? hot_secret(v, id, block, out) : rc;
}

int view_subscriber(const struct view *v, store_id id, struct store_subscriber *out)
{
	const struct store_hot *hot;
	int rc = view_hot(v, id, &hot);

	memset(out, 0, sizeof(*out));
	if (rc != 0)
		return rc;
	view_btid(v, id, hot, out->btid);
	view_impi(v, id, hot, out->impi);
	rc = view_muk_state(v, id, &out->muk_state);
	if (rc == 0)
		rc = cold_secrets(v, id, out);
	if (rc != 0)
		return rc;
	out->flags = store_hot_flags(hot);
	out->port = hot->port;
	out->expires = hot->expires;
	out->authorised = store_hot_authorised(hot);
	out->registered = store_hot_registered(hot);
	out->addr = hot->addr;
	return 0;
}

int view_prev(const struct view *v, store_id id, struct store_prev *out)
{
	struct prev_record record;
	size_t len;
	int rc = sealed_get(v, DB_PREV, blob_u32(&id), &record, sizeof(record), &len);

	memset(out, 0, sizeof(*out));
	if (rc == 0)
		rc = record_decode_prev((struct blob){&record, len}, out);
	explicit_bzero(&record, sizeof(record));
	return rc;
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
