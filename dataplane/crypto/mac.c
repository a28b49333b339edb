// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// HMAC-SHA-1 under keys that are used once. Making a state of such a key costs two SHA-1 blocks
// that ipsec-mb only does one after the other; hashing key block and data as one message, and
// then once more around its digest (RFC 2104), lets all blocks share the lanes.

#include "context.h"

#include <assert.h>
#include <string.h>

static void key_block_init(
	uint8_t block[MB_BLOCK_BYTES], const uint8_t key[MIKEY_AUTH_KEY_BYTES], uint8_t pad)
{
	for (size_t i = 0; i < MIKEY_AUTH_KEY_BYTES; i++)
		block[i] = key[i] ^ pad;
	memset(block + MIKEY_AUTH_KEY_BYTES, pad, MB_BLOCK_BYTES - MIKEY_AUTH_KEY_BYTES);
}

void crypto_mac_begin(struct crypto_mac *m)
{
	m->count = 0;
	m->inner_len = 0;
}

void crypto_mac_add(struct crypto_mac *m, const uint8_t key[MIKEY_AUTH_KEY_BYTES],
	const uint8_t *data, size_t len, uint8_t *tag)
{
	assert(m->count < CRYPTO_BURST && len <= MAC_DATA_MAX);
	uint8_t *inner = &m->inner[m->inner_len];
	uint8_t *outer = m->outer[m->count];
	size_t inner_len = MB_BLOCK_BYTES + len;

	key_block_init(inner, key, 0x36);
	memcpy(inner + MB_BLOCK_BYTES, data, len);
	key_block_init(outer, key, 0x5c);
	m->first[m->count] = (struct mb_sha1){inner, inner_len, outer + MB_BLOCK_BYTES};
	m->second[m->count] = (struct mb_sha1){outer, sizeof(m->outer[0]), tag};
	m->inner_len += (inner_len + MB_BLOCK_BYTES - 1) / MB_BLOCK_BYTES * MB_BLOCK_BYTES;
	m->count++;
}

void crypto_mac_run(struct crypto_mac *m, struct mb *mb)
{
	mb_sha1_burst(mb, m->first, m->count);
	mb_sha1_burst(mb, m->second, m->count);
	explicit_bzero(m->inner, m->inner_len);
	explicit_bzero(m->outer, m->count * sizeof(m->outer[0]));
}
