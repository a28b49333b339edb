// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "cursor.h"

size_t mikey_label(uint8_t *buf, uint32_t constant, uint32_t csb_id, struct mikey_bytes rand)
{
	struct writer wr = {.data = buf, .cap = MIKEY_LABEL_MAX_BYTES};

	wr_u32be(&wr, constant);
	wr_u8(&wr, MIKEY_DERIVE_CS_ID);
	wr_u32be(&wr, csb_id);
	wr_bytes(&wr, rand.data, rand.len);
	return wr.pos;
}

void mikey_iv(
	uint8_t iv[16], const uint8_t salt[MIKEY_SALT_KEY_BYTES], uint32_t csb_id, uint32_t counter)
{
	uint8_t operand[MIKEY_SALT_KEY_BYTES] = {0};

	be32_put(operand + 2, csb_id);
	be32_put(operand + 10, counter); // RFC 3830 6.6: a COUNTER is padded on the left
	for (size_t i = 0; i < sizeof(operand); i++)
		iv[i] = salt[i] ^ operand[i];
	iv[14] = 0;
	iv[15] = 0;
}
