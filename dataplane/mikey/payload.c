// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Writes payloads. Values are checked by whoever calls, room by the writer.

#include "payload.h"

#define KEY_ID_HEAD_BYTES 2

static void write_map(struct writer *wr, const struct mikey_cs *cs, uint8_t count)
{
	wr_u8(wr, count);
	wr_u8(wr, count == 0 ? MIKEY_MAP_EMPTY : MIKEY_MAP_SRTP);
	for (uint8_t i = 0; i < count; i++) {
		wr_u8(wr, cs[i].policy);
		wr_u32be(wr, cs[i].ssrc);
		wr_u32be(wr, cs[i].roc);
	}
}

void mikey_write_hdr(struct writer *wr, uint8_t next, const struct hdr_fields *hdr)
{
	wr_u8(wr, MIKEY_VERSION_1);
	wr_u8(wr, hdr->data_type);
	wr_u8(wr, next);
	wr_u8(wr, (uint8_t)(hdr->wants_verification << 7 | MIKEY_PRF_HMAC_SHA1));
	wr_u32be(wr, hdr->csb_id);
	write_map(wr, hdr->cs, hdr->cs_count);
}

static void write_key_id_head(struct writer *wr, uint8_t type, uint8_t len)
{
	wr_u8(wr, type);
	wr_u8(wr, len);
}

void mikey_write_key_id(
	struct writer *wr, uint8_t next, enum mikey_profile profile, const struct mikey_key_id *id)
{
	bool is_final = profile == MIKEY_PROFILE_TS33246;
	uint8_t msk_id_bytes = is_final ? 4 : 2;
	size_t len = KEY_ID_HEAD_BYTES + msk_id_bytes;

	len += is_final ? KEY_ID_HEAD_BYTES + MIKEY_KDI_BYTES : 0;
	len += id->has_mtk_id ? KEY_ID_HEAD_BYTES + id->mtk_id_bytes : 0;
	wr_u8(wr, next);
	wr_u8(wr, MIKEY_EXT_KEY_ID);
	wr_u16be(wr, (uint16_t)len);
	if (is_final) {
		write_key_id_head(wr, MIKEY_KEY_ID_DOMAIN, MIKEY_KDI_BYTES);
		wr_bytes(wr, id->kdi, MIKEY_KDI_BYTES);
	}
	write_key_id_head(wr, MIKEY_KEY_ID_MSK, msk_id_bytes);
	if (is_final)
		wr_u16be(wr, id->group);
	wr_u16be(wr, id->number);
	if (!id->has_mtk_id)
		return;
	write_key_id_head(wr, MIKEY_KEY_ID_MTK, id->mtk_id_bytes);
	if (id->mtk_id_bytes == 4)
		wr_u32be(wr, id->mtk_id);
	else
		wr_u16be(wr, (uint16_t)id->mtk_id);
}

void mikey_write_t(struct writer *wr, uint8_t next, uint32_t counter)
{
	wr_u8(wr, next);
	wr_u8(wr, MIKEY_TS_COUNTER);
	wr_u32be(wr, counter);
}

void mikey_write_rand(struct writer *wr, uint8_t next, struct mikey_bytes rand)
{
	wr_u8(wr, next);
	wr_u8(wr, (uint8_t)rand.len);
	wr_bytes(wr, rand.data, rand.len);
}

void mikey_write_id_head(struct writer *wr, uint8_t next, uint16_t len)
{
	wr_u8(wr, next);
	wr_u8(wr, MIKEY_ID_NAI);
	wr_u16be(wr, len);
}

void mikey_write_id(struct writer *wr, uint8_t next, struct mikey_bytes id)
{
	mikey_write_id_head(wr, next, id.len);
	wr_bytes(wr, id.data, id.len);
}

void mikey_write_sp(struct writer *wr, uint8_t next, const struct mikey_policy *policy)
{
	uint16_t len = 0;

	for (uint8_t i = 0; i < policy->param_count; i++)
		len = (uint16_t)(len + 2 + policy->param[i].len);
	wr_u8(wr, next);
	wr_u8(wr, policy->policy);
	wr_u8(wr, policy->prot_type);
	wr_u16be(wr, len);
	for (uint8_t i = 0; i < policy->param_count; i++) {
		wr_u8(wr, policy->param[i].type);
		wr_u8(wr, policy->param[i].len);
		wr_bytes(wr, policy->param[i].value, policy->param[i].len);
	}
}

void mikey_write_kemac_head(struct writer *wr, uint16_t encr_len)
{
	wr_u8(wr, MIKEY_PAYLOAD_LAST);
	wr_u8(wr, MIKEY_ENCR_AES_CM_128);
	wr_u16be(wr, encr_len);
}

struct mikey_span mikey_write_kemac_mac(struct writer *wr)
{
	struct mikey_span mac = {.len = MIKEY_MAC_BYTES};

	wr_u8(wr, MIKEY_MAC_HMAC_SHA1_160);
	mac.off = (uint16_t)wr->pos;
	wr_zeros(wr, MIKEY_MAC_BYTES);
	return mac;
}

struct mikey_span mikey_write_v(struct writer *wr)
{
	wr_u8(wr, MIKEY_PAYLOAD_LAST);
	// Authentication algorithm and data of V lie as MAC algorithm and MAC of KEMAC do.
	return mikey_write_kemac_mac(wr);
}
