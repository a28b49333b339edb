// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "mtk_message.h"

#include <string.h>

#include "mikey.h"
#include "translate.h"

size_t mtk_message_make(struct crypto *crypto, const struct mtk_matter *matter, uint32_t counter,
	uint8_t *data, size_t cap)
{
	const struct dp_msk *msk = &matter->msk;
	struct crypto_hmac_state psk;
	struct crypto_seal_msg seal = {.psk = &psk, .data = data};
	struct crypto_label label;
	struct mikey_layout layout;
	struct mikey_mtk msg;

	translate_mtk(msk, &matter->mtk, counter, &msg);
	translate_label(msk, &label);
	// The other reading of the texts (docs/mikey-profile.md, 7).
	if (matter->has_no_rand)
		label.rand_len = 0;
	if (mikey_mtk_build(data, cap, &msg, &layout) != MIKEY_OK)
		return 0;
	seal.encr_off = layout.encr.off;
	seal.encr_len = layout.encr.len;
	seal.mac_off = layout.mac.off;
	crypto_hmac_state_burst(crypto, msk->key, sizeof(msk->key), sizeof(msk->key), &psk, 1);
	crypto_seal_burst(crypto, &label, counter, &seal, 1);
	explicit_bzero(&psk, sizeof(psk));
	return layout.len;
}
