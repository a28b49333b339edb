// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Subscribers as one snapshot or one write transaction has them, read through the tables. The
// packet path has quicker ways of its own in reader.c.

#pragma once

#include "env.h"

// -ENOENT beyond the last block, -EIO or -EPROTO or -ENOTSUP when the block cannot be used.
int view_hot_block(const struct view *v, uint32_t block, const struct store_block **out);
int view_cold_block(const struct view *v, uint32_t block, const struct cold_block **out);
// NULL unless the value is a hot block that can be used. Its secrets are not opened.
const struct store_block *hot_block_check(const struct view *v, struct blob val);

// The record of a live subscriber below the span, -ENOENT when there is none.
int view_hot(const struct view *v, store_id id, const struct store_hot **out);

// Text of the B-TID or IMPI with a terminator; returns its length, 0 when there is none.
size_t view_btid(const struct view *v, store_id id, const struct store_hot *hot,
	char out[STORE_NAI_MAX + 1]);
size_t view_impi(const struct view *v, store_id id, const struct store_hot *hot,
	char out[STORE_NAI_MAX + 1]);

// Any id of a block. Errors of view_hot_block(), and -EBADMSG when it is not what was sealed.
int view_muk_state(const struct view *v, store_id id, struct store_muk_state *out);
int view_subscriber(const struct view *v, store_id id, struct store_subscriber *out);
int view_prev(const struct view *v, store_id id, struct store_prev *out);

// STORE_ID_NONE when there is none.
store_id view_find_impi(const struct view *v, const char *text, size_t len);
store_id view_find_btid(const struct view *v, const char *text, size_t len, bool *is_prev);
// The same, but passes over one subscriber.
store_id view_find_btid_but(const struct view *v, const char *text, store_id but, bool *is_prev);
