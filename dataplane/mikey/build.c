// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Verification messages (HDR, T, IDr, V) and MTK messages (HDR, EXT, T, KEMAC; in v600 with IDi).

#include "payload.h"

uint32_t mikey_v600_csb_id(uint16_t group)
{
	return group;
}

enum mikey_status mikey_verification_build(
	uint8_t *buf, size_t cap, const struct mikey_verification *msg, struct mikey_layout *layout)
{
	struct writer wr = {.data = buf, .cap = cap < UINT16_MAX ? cap : UINT16_MAX};
	struct hdr_fields hdr = {
		.data_type = MIKEY_TYPE_PSK_VERIFICATION,
		.csb_id = msg->csb_id,
		.cs_count = msg->cs_count,
		.cs = msg->cs,
	};

	if (msg->idr.len == 0 || msg->cs_count > MIKEY_CS_MAX)
		return MIKEY_BAD_FIELD;
	mikey_write_hdr(&wr, MIKEY_PAYLOAD_T, &hdr);
	mikey_write_t(&wr, MIKEY_PAYLOAD_ID, msg->counter);
	mikey_write_id(&wr, MIKEY_PAYLOAD_V, msg->idr);
	*layout = (struct mikey_layout){.mac = mikey_write_v(&wr)};
	layout->len = (uint16_t)wr.pos;
	return wr.status;
}

size_t mikey_verification_tail(uint8_t *buf, size_t cap, struct mikey_bytes idi,
	struct mikey_bytes idr, uint32_t counter, unsigned ts_bytes)
{
	struct writer wr = {.data = buf, .cap = cap};

	wr_bytes(&wr, idi.data, idi.len);
	wr_bytes(&wr, idr.data, idr.len);
	if (ts_bytes == 8)
		wr_u32be(&wr, 0);
	wr_u32be(&wr, counter);
	return wr.status == MIKEY_OK ? wr.pos : 0;
}

static bool mtk_id_fits(const struct mikey_key_id *id)
{
	// A UE takes only MTK IDs above the one it holds, so 0 would never be taken (TS 33.246).
	if (!id->has_mtk_id || id->mtk_id == 0 || id->number == MIKEY_KEY_NUMBER_CURRENT)
		return false;
	return id->mtk_id_bytes == 4 || (id->mtk_id_bytes == 2 && id->mtk_id <= UINT16_MAX);
}

static bool mtk_fits(const struct mikey_mtk *msg)
{
	if (msg->key == NULL || msg->salt.len > MIKEY_SALT_MAX_BYTES || !mtk_id_fits(&msg->id))
		return false;
	return msg->profile == MIKEY_PROFILE_TS33246 ||
		(msg->profile == MIKEY_PROFILE_V600 &&
			msg->csb_id == mikey_v600_csb_id(msg->id.group));
}

static void mtk_head_write(struct writer *wr, const struct mikey_mtk *msg)
{
	struct mikey_bytes idi = {msg->id.kdi, MIKEY_KDI_BYTES};
	struct hdr_fields hdr = {.data_type = MIKEY_TYPE_PSK, .csb_id = msg->csb_id};

	mikey_write_hdr(wr, MIKEY_PAYLOAD_EXT, &hdr);
	mikey_write_key_id(wr, MIKEY_PAYLOAD_T, msg->profile, &msg->id);
	if (msg->profile == MIKEY_PROFILE_TS33246) {
		mikey_write_t(wr, MIKEY_PAYLOAD_KEMAC, msg->counter);
		return;
	}
	mikey_write_t(wr, MIKEY_PAYLOAD_ID, msg->counter);
	mikey_write_id(wr, MIKEY_PAYLOAD_KEMAC, idi);
}

static void mtk_key_data_write(struct writer *wr, const struct mikey_mtk *msg)
{
	uint8_t type = msg->salt.len > 0 ? MIKEY_KEY_TEK_SALT : MIKEY_KEY_TEK;

	wr_u8(wr, MIKEY_PAYLOAD_LAST);
	wr_u8(wr, (uint8_t)(type << 4 | MIKEY_KV_NULL));
	wr_u16be(wr, MIKEY_MTK_BYTES);
	wr_bytes(wr, msg->key, MIKEY_MTK_BYTES);
	if (msg->salt.len == 0)
		return;
	wr_u16be(wr, msg->salt.len);
	wr_bytes(wr, msg->salt.data, msg->salt.len);
}

enum mikey_status mikey_mtk_build(
	uint8_t *buf, size_t cap, const struct mikey_mtk *msg, struct mikey_layout *layout)
{
	struct writer wr = {.data = buf, .cap = cap};
	size_t encr_len = 4 + MIKEY_MTK_BYTES;

	if (!mtk_fits(msg))
		return MIKEY_BAD_FIELD;
	if (msg->salt.len > 0)
		encr_len += 2 + msg->salt.len;
	mtk_head_write(&wr, msg);
	mikey_write_kemac_head(&wr, (uint16_t)encr_len);
	layout->encr = (struct mikey_span){(uint16_t)wr.pos, (uint16_t)encr_len};
	mtk_key_data_write(&wr, msg);
	layout->mac = mikey_write_kemac_mac(&wr);
	layout->len = (uint16_t)wr.pos;
	if (wr.status != MIKEY_OK)
		explicit_bzero(buf, wr.pos);
	return wr.status;
}
