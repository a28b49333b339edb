// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Readers: B-TIDs of records, and records of B-TIDs, as the packet path asks for them.

#include <string.h>

#include "nai_text.h"
#include "reader_env.h"
#include "view.h"

#define BURST 64

// Pieces of 16 octets, the last two of which overlap: what a compiler makes of memcpy() for lengths
// up to 253 takes much longer to begin.
static inline void suffix_copy(char *out, const char *text, size_t len)
{
	if (len < 16) {
		for (size_t i = 0; i < len; i++)
			out[i] = text[i];
		return;
	}
	for (size_t at = 0; at + 16 < len; at += 16)
		memcpy(out + at, text + at, 16);
	memcpy(out + len - 16, text + len - 16, 16);
}

size_t store_reader_btid(const struct store_reader *r, store_id id, const struct store_hot *hot,
	char out[STORE_NAI_MAX + 1])
{
	uint8_t flags = store_hot_flags(hot);
	size_t len;

	if (!(flags & STORE_HAS_MUK) || flags & STORE_BTID_RAW)
		return r->is_loaded ? view_btid(&r->view, id, hot, out) : 0;
	if (hot->btid_suffix >= r->suffix.count)
		return 0;
	len = r->suffix.len[hot->btid_suffix];
	if (len == 0 || NAI_BTID_TEXT + 1 + len > STORE_NAI_MAX)
		return 0;
	nai_text_put(hot->btid, out);
	out[NAI_BTID_TEXT] = '@';
	suffix_copy(out + NAI_BTID_TEXT + 1, r->suffix.text[hot->btid_suffix], len);
	return NAI_BTID_TEXT + 1 + len;
}

static inline uint64_t octets_differ(const uint8_t *one, const void *other, size_t at)
{
	uint64_t a, b;

	memcpy(&a, one + at, sizeof(a));
	memcpy(&b, (const uint8_t *)other + at, sizeof(b));
	return a ^ b;
}

// Pieces of 8 octets, the last two of which overlap: memcmp() takes longer to begin.
static bool text_is(const uint8_t *one, const void *other, size_t len)
{
	uint64_t differ = 0;

	if (len < 8)
		return memcmp(one, other, len) == 0;
	for (size_t at = 0; at + 8 < len; at += 8)
		differ |= octets_differ(one, other, at);
	return (differ | octets_differ(one, other, len - 8)) == 0;
}

// Compares a B-TID with the one of a record, the suffix first: it costs nothing to make.
static bool btid_is(const struct store_reader *r, store_id id, const struct store_hot *hot,
	const struct store_bytes *btid)
{
	uint8_t flags = store_hot_flags(hot);
	char text[STORE_NAI_MAX + 1];
	size_t len;

	if ((flags & STORE_HAS_MUK) && !(flags & STORE_BTID_RAW)) {
		if (hot->btid_suffix >= r->suffix.count)
			return false;
		len = r->suffix.len[hot->btid_suffix];
		if (btid->len != NAI_BTID_TEXT + 1 + len || btid->data[NAI_BTID_TEXT] != '@' ||
			!text_is(btid->data + NAI_BTID_TEXT + 1, r->suffix.text[hot->btid_suffix],
				len))
			return false;
		nai_text_put(hot->btid, text);
		return memcmp(text, btid->data, NAI_BTID_TEXT) == 0;
	}
	len = view_btid(&r->view, id, hot, text);
	return len == btid->len && len != 0 && memcmp(text, btid->data, len) == 0;
}

static bool prev_btid_is(const struct store_reader *r, store_id id, const struct store_bytes *btid)
{
	struct store_prev prev;
	bool is_same = view_prev(&r->view, id, &prev) == 0 && strlen(prev.btid) == btid->len &&
		memcmp(prev.btid, btid->data, btid->len) == 0;

	explicit_bzero(&prev, sizeof(prev));
	return is_same;
}

struct btid_probe {
	const struct index_block *block;
	uint32_t tag;
	unsigned pos;
	store_id id;
};

static void probe_next(struct btid_probe *p)
{
	p->id = index_block_next(p->block, p->tag, &p->pos);
}

// Slots may be of subscribers that are not published yet: those are beyond the blocks, or not live.
static store_id probe_confirm(const struct store_reader *r, struct btid_probe *p,
	const struct store_bytes *btid, uint8_t *is_prev)
{
	for (; p->id != STORE_ID_NONE; probe_next(p)) {
		const struct store_hot *hot = store_reader_hot(r, p->id);

		if (hot == NULL || !(store_hot_flags(hot) & STORE_LIVE))
			continue;
		if (btid_is(r, p->id, hot, btid))
			return p->id;
		*is_prev = store_hot_flags(hot) & STORE_HAS_PREV && prev_btid_is(r, p->id, btid);
		if (*is_prev)
			return p->id;
	}
	return STORE_ID_NONE;
}

// A look-up goes through five steps, each of them for all B-TIDs of a burst before the next. Each
// asks for the memory that the next one needs, which has arrived by then. Pages that are not in the
// TLB are found side by side while loops are short: work between such places makes each wait.

static void probes_hash(const struct store_reader *r, struct btid_probe *probe,
	const struct store_bytes *btid, size_t n)
{
	for (size_t i = 0; i < n; i += 2) {
		// An odd one at the end is hashed beside itself.
		size_t k = i + 1 < n ? i + 1 : i;
		const struct hash_text text[2] = {
			{btid[i].data, btid[i].len}, {btid[k].data, btid[k].len}};
		uint32_t tag[2];

		env_tag_pair(r->view.env, text, tag);
		probe[k] = (struct btid_probe){.tag = tag[1]};
		probe[i] = (struct btid_probe){.tag = tag[0]};
		index_table_prefetch(&r->btid, tag[0]);
		index_table_prefetch(&r->btid, tag[1]);
	}
}

static void probes_place(const struct store_reader *r, struct btid_probe *probe, size_t n)
{
	for (struct btid_probe *p = probe; p < probe + n; p++) {
		p->block = index_table_find(&r->btid, p->tag);
		__builtin_prefetch(&p->block->slot[index_bucket(p->tag)]);
	}
}

static void probes_search(const struct store_reader *r, struct btid_probe *probe, size_t n)
{
	for (struct btid_probe *p = probe; p < probe + n; p++) {
		probe_next(p);
		block_table_prefetch(&r->hot, p->id);
	}
}

static void probe_fetch(const struct store_reader *r, const struct btid_probe *p)
{
	const struct store_block *block = store_reader_block(r, p->id / STORE_BLOCK_SUBSCRIBERS);
	const struct store_hot *hot;

	if (block == NULL)
		return;
	// Most records lie across two cache lines.
	hot = &block->hot[p->id % STORE_BLOCK_SUBSCRIBERS];
	__builtin_prefetch(hot);
	__builtin_prefetch(&hot->port);
	// Who asks for a B-TID wants its key next.
	reader_prefetch_muk(r, p->id, block, p->id % STORE_BLOCK_SUBSCRIBERS);
}

void store_reader_find_btid_burst(const struct store_reader *r, const struct store_bytes *btids,
	size_t n, store_id *ids, uint8_t *is_prev)
{
	struct btid_probe probe[BURST];

	memset(ids, 0xff, n * sizeof(*ids));
	memset(is_prev, 0, n);
	if (!r->is_loaded || n > BURST)
		return;
	probes_hash(r, probe, btids, n);
	probes_place(r, probe, n);
	probes_search(r, probe, n);
	for (size_t i = 0; i < n; i++)
		probe_fetch(r, &probe[i]);
	for (size_t i = 0; i < n; i++)
		ids[i] = probe_confirm(r, &probe[i], &btids[i], &is_prev[i]);
}
