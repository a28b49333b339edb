// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "gba.h"

#include <openssl/evp.h>
#include <string.h>

#define FC_GBA 0x01 // TS 33.220 B.2.1
#define PARAMETER_MAX_BYTES UE_NAF_ID_MAX_BYTES
#define PARAMETERS 4

// FC of the MRK and its label are from memory of TS 33.246 annex F.
static const char mrk_label[] = "mbms-mrk";

size_t ue_btid_put(char *out, const uint8_t rand[UE_GBA_RAND_BYTES], const char *bsf)
{
	uint8_t head[UE_BTID_HEAD_BYTES + 1]; // with the end that OpenSSL puts there
	size_t len = strlen(bsf);

	EVP_EncodeBlock(head, rand, UE_GBA_RAND_BYTES);
	memcpy(out, head, UE_BTID_HEAD_BYTES);
	out[UE_BTID_HEAD_BYTES] = '@';
	memcpy(out + UE_BTID_HEAD_BYTES + 1, bsf, len);
	return UE_BTID_HEAD_BYTES + 1 + len;
}

size_t ue_naf_id_put(uint8_t out[UE_NAF_ID_MAX_BYTES], const char *fqdn)
{
	static const uint8_t mbms[] = {0x01, 0x00, 0x00, 0x00, 0x01};
	size_t len = strlen(fqdn);

	memcpy(out, fqdn, len);
	memcpy(out + len, mbms, sizeof(mbms));
	return len + sizeof(mbms);
}

// Appends Pn || Ln (TS 33.220 B.2.0).
static uint8_t *parameter_put(uint8_t *at, const void *data, size_t len)
{
	memcpy(at, data, len);
	at[len] = (uint8_t)(len >> 8);
	at[len + 1] = (uint8_t)len;
	return at + len + 2;
}

void ue_ks_naf(enum ue_gba_side side, const struct ue_gba_input *input, uint8_t out[UE_KEY_BYTES])
{
	uint8_t text[1 + PARAMETERS * (PARAMETER_MAX_BYTES + 2)], *at = text;
	const char *label = side == UE_GBA_ME ? "gba-me" : "gba-u";

	*at++ = FC_GBA;
	at = parameter_put(at, label, strlen(label));
	at = parameter_put(at, input->rand, UE_GBA_RAND_BYTES);
	at = parameter_put(at, input->impi.data, input->impi.len);
	at = parameter_put(at, input->naf_id.data, input->naf_id.len);
	ue_kdf(input->ks, text, (size_t)(at - text), out);
}

void ue_mrk(const uint8_t ks_naf[UE_KEY_BYTES], uint8_t mrk[UE_KEY_BYTES])
{
	uint8_t text[1 + sizeof(mrk_label) + 2];

	text[0] = FC_GBA;
	ue_kdf(ks_naf, text, (size_t)(parameter_put(text + 1, mrk_label, strlen(mrk_label)) - text),
		mrk);
}
