// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// All keys of a message fit into one PRF block each (RFC 3830 4.1.2 with m = 1), so a derivation
// is two HMACs: A_1 = HMAC(psk, label), then key = HMAC(psk, A_1 || label).

#include "common_block.h"
#include "context.h"

#include <assert.h>
#include <string.h>

size_t crypto_labels_write(
	uint8_t labels[CRYPTO_KEY_KINDS][MIKEY_LABEL_MAX_BYTES], const struct crypto_label *label)
{
	static const uint32_t constants[CRYPTO_KEY_KINDS] = {
		[CRYPTO_KEY_AUTH] = MIKEY_DERIVE_AUTH,
		[CRYPTO_KEY_ENCR] = MIKEY_DERIVE_ENCR,
		[CRYPTO_KEY_SALT] = MIKEY_DERIVE_SALT,
	};

	for (size_t kind = 0; kind < CRYPTO_KEY_KINDS; kind++) {
		uint8_t *to = labels[kind];
		sha1_store_be(to, constants[kind]);
		to[4] = MIKEY_DERIVE_CS_ID;
		sha1_store_be(to + 5, label->csb_id);
		memcpy(to + 9, label->rand, label->rand_len);
	}
	return 9 + (size_t)label->rand_len;
}

void crypto_derive_begin(struct crypto_derive *d, const struct crypto_label *label)
{
	d->label_len = crypto_labels_write(d->labels, label);
	d->count = 0;
}

static size_t step_stride(const struct crypto_derive *d)
{
	return (MB_SHA1_BYTES + d->label_len + 15) / 16 * 16;
}

void crypto_derive_add(struct crypto_derive *d, const struct crypto_hmac_state *psk,
	enum crypto_key_kind kind, uint8_t *key)
{
	assert(d->count < DERIVE_MAX);
	const uint8_t *label = d->labels[kind];
	uint8_t *step = &d->steps[d->count * step_stride(d)];

	memcpy(step + MB_SHA1_BYTES, label, d->label_len);
	d->first[d->count] = (struct mb_hmac){psk, label, d->label_len, step};
	d->second[d->count] = (struct mb_hmac){psk, step, MB_SHA1_BYTES + d->label_len, key};
	d->count++;
}

void crypto_derive_run(struct crypto_derive *d, struct mb *mb)
{
	mb_hmac_burst(mb, d->first, d->count);
	mb_hmac_burst(mb, d->second, d->count);
	explicit_bzero(d->steps, d->count * step_stride(d));
}
