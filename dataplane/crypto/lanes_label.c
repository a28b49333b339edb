// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "lanes_label.h"

#include <string.h>

static bool is_same(const struct crypto_label *a, const struct crypto_label *b)
{
	return a->csb_id == b->csb_id && a->rand_len == b->rand_len &&
		memcmp(a->rand, b->rand, a->rand_len) == 0;
}

// Pads data[0..len), which stands behind a key block, in place. Returns the number of blocks.
static size_t hmac_pad(uint8_t *data, size_t len)
{
	size_t blocks = sha1_blocks(len);
	size_t end = blocks * SHA1_BLOCK_BYTES;

	memset(data + len, 0, end - len);
	data[len] = 0x80;
	sha1_store_be(data + end - 4, 8 * (uint32_t)(SHA1_BLOCK_BYTES + len));
	return blocks;
}

static void blocks_init(struct label_blocks *b, const uint8_t *label, size_t len)
{
	uint8_t data[LABEL_FIRST_MAX * SHA1_BLOCK_BYTES];

	memcpy(data, label, len);
	b->first_count = hmac_pad(data, len);
	for (size_t i = 0; i < b->first_count; i++)
		common_block_init(&b->first[i], data + i * SHA1_BLOCK_BYTES);

	memset(data, 0, SHA1_DIGEST_BYTES); // A_1
	memcpy(data + SHA1_DIGEST_BYTES, label, len);
	b->rest_count = hmac_pad(data, SHA1_DIGEST_BYTES + len) - 1;
	digest_block_init(&b->head, data);
	for (size_t i = 0; i < b->rest_count; i++)
		common_block_init(&b->rest[i], data + (i + 1) * SHA1_BLOCK_BYTES);
}

void lanes_label_set(struct lanes_label *l, const struct crypto_label *label)
{
	uint8_t labels[CRYPTO_KEY_KINDS][MIKEY_LABEL_MAX_BYTES];

	_Static_assert(LABEL_FIRST_MAX * SHA1_BLOCK_BYTES >=
			SHA1_DIGEST_BYTES + MIKEY_LABEL_MAX_BYTES + SHA1_PADDING_MIN,
		"the longest label has room");
	if (l->is_set && is_same(&l->label, label))
		return;
	size_t len = crypto_labels_write(labels, label);
	for (size_t kind = 0; kind < CRYPTO_KEY_KINDS; kind++)
		blocks_init(&l->key[kind], labels[kind], len);
	l->label = *label;
	l->is_set = true;
}
