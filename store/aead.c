// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "aead.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <intel-ipsec-mb.h>

_Static_assert(sizeof(struct gcm_key_data) <= sizeof(((struct aead_key *)0)->expanded),
	"an expanded key fits");

// Its functions keep nothing in the manager, so that threads can share it.
struct aead {
	IMB_MGR *mb;
};

static const struct gcm_key_data *expanded(const struct aead_key *key)
{
	return (const struct gcm_key_data *)key->expanded;
}

void aead_key_init(const struct aead *aead, const uint8_t key[AEAD_KEY_BYTES], struct aead_key *out)
{
	IMB_AES256_GCM_PRE(aead->mb, key, (struct gcm_key_data *)out->expanded);
}

void aead_seal(const struct aead *aead, const struct aead_key *key, const struct aead_text *text,
	const void *in, void *out, size_t len, uint8_t tag[AEAD_TAG_BYTES])
{
	struct gcm_context_data context;

	IMB_AES256_GCM_ENC(aead->mb, expanded(key), &context, out, in, len, text->nonce, text->aad,
		text->aad_len, tag, AEAD_TAG_BYTES);
	explicit_bzero(&context, sizeof(context));
}

static bool is_same(const uint8_t a[AEAD_TAG_BYTES], const uint8_t b[AEAD_TAG_BYTES])
{
	volatile uint8_t other = 0;

	for (unsigned i = 0; i < AEAD_TAG_BYTES; i++)
		other |= a[i] ^ b[i];
	return other == 0;
}

bool aead_open(const struct aead *aead, const struct aead_key *key, const struct aead_text *text,
	const void *in, void *out, size_t len, const uint8_t tag[AEAD_TAG_BYTES])
{
	struct gcm_context_data context;
	uint8_t computed[AEAD_TAG_BYTES];
	bool is_good;

	IMB_AES256_GCM_DEC(aead->mb, expanded(key), &context, out, in, len, text->nonce, text->aad,
		text->aad_len, computed, AEAD_TAG_BYTES);
	is_good = is_same(computed, tag);
	if (!is_good)
		explicit_bzero(out, len);
	explicit_bzero(&context, sizeof(context));
	explicit_bzero(computed, sizeof(computed));
	return is_good;
}

// Test case 16 of McGrew and Viega, "The Galois/Counter Mode of Operation".
static bool known_answer_is_right(const struct aead *aead)
{
	static const uint8_t key[32] = {0xfe, 0xff, 0xe9, 0x92, 0x86, 0x65, 0x73, 0x1c, 0x6d, 0x6a,
		0x8f, 0x94, 0x67, 0x30, 0x83, 0x08, 0xfe, 0xff, 0xe9, 0x92, 0x86, 0x65, 0x73, 0x1c,
		0x6d, 0x6a, 0x8f, 0x94, 0x67, 0x30, 0x83, 0x08};
	static const uint8_t nonce[12] = {
		0xca, 0xfe, 0xba, 0xbe, 0xfa, 0xce, 0xdb, 0xad, 0xde, 0xca, 0xf8, 0x88};
	static const uint8_t aad[20] = {0xfe, 0xed, 0xfa, 0xce, 0xde, 0xad, 0xbe, 0xef, 0xfe, 0xed,
		0xfa, 0xce, 0xde, 0xad, 0xbe, 0xef, 0xab, 0xad, 0xda, 0xd2};
	static const uint8_t plain[60] = {0xd9, 0x31, 0x32, 0x25, 0xf8, 0x84, 0x06, 0xe5, 0xa5,
		0x59, 0x09, 0xc5, 0xaf, 0xf5, 0x26, 0x9a, 0x86, 0xa7, 0xa9, 0x53, 0x15, 0x34, 0xf7,
		0xda, 0x2e, 0x4c, 0x30, 0x3d, 0x8a, 0x31, 0x8a, 0x72, 0x1c, 0x3c, 0x0c, 0x95, 0x95,
		0x68, 0x09, 0x53, 0x2f, 0xcf, 0x0e, 0x24, 0x49, 0xa6, 0xb5, 0x25, 0xb1, 0x6a, 0xed,
		0xf5, 0xaa, 0x0d, 0xe6, 0x57, 0xba, 0x63, 0x7b, 0x39};
	static const uint8_t sealed_end[4] = {0xbc, 0xc9, 0xf6, 0x62};
	static const uint8_t tag[16] = {0x76, 0xfc, 0x6e, 0xce, 0x0f, 0x4e, 0x17, 0x68, 0xcd, 0xdf,
		0x88, 0x53, 0xbb, 0x2d, 0x55, 0x1b};
	struct aead_text text = {nonce, aad, sizeof(aad)};
	uint8_t sealed[sizeof(plain)], computed[16], opened[sizeof(plain)];
	struct aead_key ready;

	aead_key_init(aead, key, &ready);
	aead_seal(aead, &ready, &text, plain, sealed, sizeof(plain), computed);
	return memcmp(sealed + sizeof(sealed) - 4, sealed_end, 4) == 0 &&
		memcmp(computed, tag, sizeof(tag)) == 0 &&
		aead_open(aead, &ready, &text, sealed, opened, sizeof(sealed), tag) &&
		memcmp(opened, plain, sizeof(plain)) == 0;
}

int aead_create(struct aead **out)
{
	struct aead *aead = calloc(1, sizeof(*aead));

	*out = aead;
	if (aead == NULL)
		return -ENOMEM;
	aead->mb = alloc_mb_mgr(0);
	if (aead->mb == NULL)
		return -ENOMEM;
	init_mb_mgr_auto(aead->mb, NULL);
	return known_answer_is_right(aead) ? 0 : -EIO;
}

void aead_destroy(struct aead *aead)
{
	if (aead == NULL)
		return;
	if (aead->mb != NULL)
		free_mb_mgr(aead->mb);
	free(aead);
}
