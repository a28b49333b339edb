// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Takes a message apart, payload by payload. What a payload means for the message as a whole
// (twice there, misplaced) is parse.c's business.

#include "payload.h"

static void map_read(struct reader *rd, struct mikey_view *view)
{
	view->cs_count = rd_u8(rd, MIKEY_HDR_TRUNCATED);
	view->map_type = rd_u8(rd, MIKEY_HDR_TRUNCATED);
	if (view->map_type == MIKEY_MAP_SRTP)
		view->cs_map = rd_bytes(
			rd, (size_t)view->cs_count * MIKEY_MAP_SRTP_BYTES, MIKEY_MAP_TRUNCATED);
	// RFC 4563: the empty map has no entries, whatever #CS says.
	else if (view->map_type != MIKEY_MAP_EMPTY)
		rd_fail(rd, MIKEY_MAP_TYPE);
}

static bool data_type_is_known(uint8_t type)
{
	return type == MIKEY_TYPE_PSK || type == MIKEY_TYPE_PSK_VERIFICATION ||
		type == MIKEY_TYPE_ERROR;
}

enum mikey_status mikey_walk_begin(
	struct walk *walk, const uint8_t *data, size_t len, struct mikey_view *view)
{
	struct reader *rd = &walk->rd;
	uint8_t flags;

	*rd = (struct reader){.data = data, .len = len};
	if (len > UINT16_MAX)
		rd_fail(rd, MIKEY_TOO_LONG);
	if (rd_u8(rd, MIKEY_HDR_TRUNCATED) != MIKEY_VERSION_1)
		rd_fail(rd, MIKEY_VERSION);
	view->data_type = rd_u8(rd, MIKEY_HDR_TRUNCATED);
	if (!data_type_is_known(view->data_type))
		rd_fail(rd, MIKEY_DATA_TYPE);
	walk->next = rd_u8(rd, MIKEY_HDR_TRUNCATED);
	flags = rd_u8(rd, MIKEY_HDR_TRUNCATED);
	view->wants_verification = flags >> 7;
	if ((flags & 0x7f) != MIKEY_PRF_HMAC_SHA1)
		rd_fail(rd, MIKEY_PRF);
	view->csb_id = rd_u32be(rd, MIKEY_HDR_TRUNCATED);
	map_read(rd, view);
	return rd->status;
}

static void ext_read(struct reader *rd, struct payload *p)
{
	p->code = rd_u8(rd, MIKEY_EXT_TRUNCATED);
	p->data = rd_bytes(rd, rd_u16be(rd, MIKEY_EXT_TRUNCATED), MIKEY_EXT_LENGTH);
}

static void t_read(struct reader *rd, struct payload *p)
{
	p->code = rd_u8(rd, MIKEY_T_TRUNCATED);
	if (p->code > MIKEY_TS_COUNTER)
		rd_fail(rd, MIKEY_T_TYPE);
	p->data = rd_bytes(rd, p->code == MIKEY_TS_COUNTER ? 4 : 8, MIKEY_T_TRUNCATED);
}

static void rand_read(struct reader *rd, struct payload *p)
{
	uint8_t len = rd_u8(rd, MIKEY_RAND_TRUNCATED);

	if (len == 0)
		rd_fail(rd, MIKEY_RAND_EMPTY);
	p->data = rd_bytes(rd, len, MIKEY_RAND_LENGTH);
}

static void id_read(struct reader *rd, struct payload *p)
{
	uint16_t len;

	p->code = rd_u8(rd, MIKEY_ID_TRUNCATED);
	if (p->code > MIKEY_ID_BYTES)
		rd_fail(rd, MIKEY_ID_TYPE);
	len = rd_u16be(rd, MIKEY_ID_TRUNCATED);
	if (len == 0)
		rd_fail(rd, MIKEY_ID_EMPTY);
	p->data = rd_bytes(rd, len, MIKEY_ID_LENGTH);
}

static void sp_read(struct reader *rd, struct payload *p)
{
	p->policy = rd_u8(rd, MIKEY_SP_TRUNCATED);
	p->code = rd_u8(rd, MIKEY_SP_TRUNCATED);
	if (p->code != MIKEY_SP_PROT_SRTP)
		rd_fail(rd, MIKEY_SP_PROT_TYPE);
	p->data = rd_bytes(rd, rd_u16be(rd, MIKEY_SP_TRUNCATED), MIKEY_SP_LENGTH);
}

static void mac_read(struct reader *rd, struct payload *p, enum mikey_status unknown,
	enum mikey_status truncated)
{
	if (p->mac_alg > MIKEY_MAC_HMAC_SHA1_160)
		rd_fail(rd, unknown);
	p->mac.off = (uint16_t)rd->pos;
	p->mac.len = p->mac_alg == MIKEY_MAC_NULL ? 0 : MIKEY_MAC_BYTES;
	rd_bytes(rd, p->mac.len, truncated);
}

static void kemac_read(struct reader *rd, struct payload *p)
{
	uint16_t len;

	if (p->next != MIKEY_PAYLOAD_LAST)
		rd_fail(rd, MIKEY_KEMAC_NOT_LAST);
	p->code = rd_u8(rd, MIKEY_KEMAC_TRUNCATED);
	if (p->code > MIKEY_ENCR_AES_KW_128)
		rd_fail(rd, MIKEY_KEMAC_ENCR_ALG);
	len = rd_u16be(rd, MIKEY_KEMAC_TRUNCATED);
	p->data = rd_bytes(rd, len, MIKEY_KEMAC_ENCR_LENGTH);
	p->mac_alg = rd_u8(rd, MIKEY_KEMAC_ENCR_LENGTH);
	mac_read(rd, p, MIKEY_KEMAC_MAC_ALG, MIKEY_KEMAC_MAC_TRUNCATED);
}

static void v_read(struct reader *rd, struct payload *p)
{
	if (p->next != MIKEY_PAYLOAD_LAST)
		rd_fail(rd, MIKEY_V_NOT_LAST);
	p->mac_alg = rd_u8(rd, MIKEY_V_TRUNCATED);
	mac_read(rd, p, MIKEY_V_AUTH_ALG, MIKEY_V_MAC_TRUNCATED);
}

static void err_read(struct reader *rd, struct payload *p)
{
	p->code = rd_u8(rd, MIKEY_ERR_TRUNCATED);
	if (p->code > MIKEY_ERR_UNSPECIFIED)
		rd_fail(rd, MIKEY_ERR_NUMBER);
	p->data = rd_bytes(rd, 2, MIKEY_ERR_TRUNCATED); // reserved
}

// How each payload reads, and the verdict when it ends before its next-payload octet.
static const struct {
	void (*read)(struct reader *rd, struct payload *p);
	enum mikey_status truncated;
} payloads[] = {
	[MIKEY_PAYLOAD_KEMAC] = {kemac_read, MIKEY_KEMAC_TRUNCATED},
	[MIKEY_PAYLOAD_PKE] = {NULL, MIKEY_PAYLOAD_FOREIGN},
	[MIKEY_PAYLOAD_DH] = {NULL, MIKEY_PAYLOAD_FOREIGN},
	[MIKEY_PAYLOAD_SIGN] = {NULL, MIKEY_PAYLOAD_FOREIGN},
	[MIKEY_PAYLOAD_T] = {t_read, MIKEY_T_TRUNCATED},
	[MIKEY_PAYLOAD_ID] = {id_read, MIKEY_ID_TRUNCATED},
	[MIKEY_PAYLOAD_CERT] = {NULL, MIKEY_PAYLOAD_FOREIGN},
	[MIKEY_PAYLOAD_CHASH] = {NULL, MIKEY_PAYLOAD_FOREIGN},
	[MIKEY_PAYLOAD_V] = {v_read, MIKEY_V_TRUNCATED},
	[MIKEY_PAYLOAD_SP] = {sp_read, MIKEY_SP_TRUNCATED},
	[MIKEY_PAYLOAD_RAND] = {rand_read, MIKEY_RAND_TRUNCATED},
	[MIKEY_PAYLOAD_ERR] = {err_read, MIKEY_ERR_TRUNCATED},
	[MIKEY_PAYLOAD_KEY_DATA] = {NULL, MIKEY_PAYLOAD_MISPLACED},
	[MIKEY_PAYLOAD_EXT] = {ext_read, MIKEY_EXT_TRUNCATED},
};

// The verdict on a payload type that is not read at all, else OK.
static enum mikey_status type_verdict(uint8_t type)
{
	if (type >= sizeof(payloads) / sizeof(payloads[0]))
		return MIKEY_PAYLOAD_UNKNOWN;
	if (payloads[type].read != NULL)
		return MIKEY_OK;
	return payloads[type].truncated != MIKEY_OK ? payloads[type].truncated
						    : MIKEY_PAYLOAD_UNKNOWN;
}

bool mikey_walk_next(struct walk *walk, struct payload *p)
{
	struct reader *rd = &walk->rd;

	if (rd->status != MIKEY_OK)
		return false;
	if (walk->next == MIKEY_PAYLOAD_LAST) {
		if (rd_left(rd) > 0)
			rd_fail(rd, MIKEY_TRAILING);
		return false;
	}
	rd->status = type_verdict(walk->next);
	if (rd->status != MIKEY_OK)
		return false;
	*p = (struct payload){.type = walk->next, .span.off = (uint16_t)rd->pos};
	p->next = rd_u8(rd, payloads[p->type].truncated);
	payloads[p->type].read(rd, p);
	p->span.len = (uint16_t)(rd->pos - p->span.off);
	walk->next = p->next;
	return rd->status == MIKEY_OK;
}
