// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Small services for control that need what only the dataplane has: message sizes and the states
// of keys.

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "crypto.h"
#include "dp.h"
#include "mikey.h"
#include "stats.h"
#include "types.h"

size_t dp_msk_message_bytes(unsigned profile, size_t idi_len, size_t btid_len)
{
	static const uint8_t zero[UINT16_MAX];
	struct mikey_msk msg = {
		.profile = profile,
		.rand = {zero, MIKEY_RAND_BYTES},
		.idi = {zero, (uint16_t)idi_len},
		.idr = {zero, (uint16_t)btid_len},
		.id = {.number = 1},
		.key = zero,
		.key_type = MIKEY_KEY_TEK,
	};

	if (idi_len > UINT16_MAX || btid_len > UINT16_MAX)
		return 0;
	return mikey_msk_bytes(&msg);
}

const char *dp_mikey_status_name(unsigned status)
{
	return mikey_status_name((enum mikey_status)status);
}

struct dp_muk_prep {
	struct crypto *crypto;
	struct crypto_hmac_state states[CRYPTO_BURST];
};

int dp_muk_prep_create(unsigned crypto, struct dp_muk_prep **out)
{
	struct dp_muk_prep *prep = calloc(1, sizeof(*prep));
	int ret = prep == NULL ? -ENOMEM
			       : crypto_create_path((enum crypto_path_id)crypto, &prep->crypto);

	if (ret != 0) {
		free(prep);
		return ret;
	}
	*out = prep;
	return 0;
}

int dp_muk_prep_burst(struct dp_muk_prep *prep, const uint8_t *muks, size_t stride,
	struct store_muk_state *states, size_t state_stride, size_t n)
{
	uint8_t *to = (uint8_t *)states;

	for (size_t done = 0; done < n; done += CRYPTO_BURST) {
		size_t part = n - done < CRYPTO_BURST ? n - done : CRYPTO_BURST;

		crypto_hmac_state_burst(prep->crypto, muks + done * stride, stride, STORE_MUK_BYTES,
			prep->states, part);
		for (size_t i = 0; i < part; i++)
			memcpy(to + (done + i) * state_stride, &prep->states[i],
				sizeof(prep->states[i]));
	}
	explicit_bzero(prep->states, sizeof(prep->states));
	return crypto_fault(prep->crypto) == NULL ? 0 : -EIO;
}

void dp_muk_prep_destroy(struct dp_muk_prep *prep)
{
	if (prep == NULL)
		return;
	crypto_destroy(prep->crypto);
	free(prep);
}
