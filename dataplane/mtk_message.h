// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// One MTK message, from records to protected octets.

#pragma once

#include "cmd.h"
#include "crypto.h"
#include "types.h"

// What a message is made of. Secret: wipe it after use.
struct mtk_matter {
	struct dp_msk msk;
	struct store_mtk mtk;
	bool has_no_rand; // keys are derived without the RAND of the MSK
};

// Lays the message out, encrypts it and puts its MAC, all under the MSK and with T = counter.
// Returns its octets, 0 when it cannot be built or cap is too small.
size_t mtk_message_make(struct crypto *crypto, const struct mtk_matter *matter, uint32_t counter,
	uint8_t *data, size_t cap);
