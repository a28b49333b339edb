// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Key ID information: the extension of RFC 4563, with the widths of TS 33.246.

#include "payload.h"

static void domain_read(struct reader *rd, struct mikey_bytes value, struct mikey_view *view)
{
	if (value.len != MIKEY_KDI_BYTES) {
		rd_fail(rd, MIKEY_DOMAIN_LENGTH);
		return;
	}
	if (view->has_kdi)
		rd_fail(rd, MIKEY_KEY_ID_DUPLICATE);
	view->has_kdi = true;
	memcpy(view->id.kdi, value.data, MIKEY_KDI_BYTES);
}

static void msk_id_read(struct reader *rd, struct mikey_bytes value, struct mikey_view *view)
{
	struct reader id = rd_over(value);

	if (value.len != 2 && value.len != 4) {
		rd_fail(rd, MIKEY_MSK_ID_LENGTH);
		return;
	}
	if (view->has_msk_id)
		rd_fail(rd, MIKEY_KEY_ID_DUPLICATE);
	view->has_msk_id = true;
	view->msk_id_bytes = (uint8_t)value.len;
	if (value.len == 4)
		view->id.group = rd_u16be(&id, MIKEY_MSK_ID_LENGTH);
	view->id.number = rd_u16be(&id, MIKEY_MSK_ID_LENGTH);
}

static void mtk_id_read(struct reader *rd, struct mikey_bytes value, struct mikey_view *view)
{
	struct reader id = rd_over(value);

	if (value.len != 2 && value.len != 4) {
		rd_fail(rd, MIKEY_MTK_ID_LENGTH);
		return;
	}
	if (view->id.has_mtk_id)
		rd_fail(rd, MIKEY_KEY_ID_DUPLICATE);
	view->id.has_mtk_id = true;
	view->id.mtk_id_bytes = (uint8_t)value.len;
	view->id.mtk_id = value.len == 4 ? rd_u32be(&id, MIKEY_MTK_ID_LENGTH)
					 : rd_u16be(&id, MIKEY_MTK_ID_LENGTH);
}

static void one_read(struct reader *rd, struct mikey_view *view)
{
	struct tlv tlv = rd_tlv(rd, MIKEY_KEY_ID_TRUNCATED, MIKEY_KEY_ID_LENGTH);

	if (rd->status != MIKEY_OK)
		return;
	switch (tlv.type) {
	case MIKEY_KEY_ID_DOMAIN:
		domain_read(rd, tlv.value, view);
		break;
	case MIKEY_KEY_ID_MSK:
		msk_id_read(rd, tlv.value, view);
		break;
	case MIKEY_KEY_ID_MTK:
		mtk_id_read(rd, tlv.value, view);
		break;
	default: // other types may come one day, and 241..255 are private
		break;
	}
}

enum mikey_status mikey_key_id_read(struct mikey_bytes ext, struct mikey_view *view)
{
	struct reader rd = rd_over(ext);

	if (ext.len == 0)
		return MIKEY_KEY_ID_EMPTY;
	while (rd.status == MIKEY_OK && rd_left(&rd) > 0)
		one_read(&rd, view);
	// With two octets the group is in CSB ID and the domain in IDi: a second domain here
	// could say something else.
	if (view->msk_id_bytes == 2 && view->has_kdi)
		rd_fail(&rd, MIKEY_KEY_ID_MIXED);
	return rd.status;
}
