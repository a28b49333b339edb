// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Takes a message apart, payload by payload. What a payload means for the message as a whole
// (twice there, misplaced) is parse.c's business. All of it is inline, so that the cursor of a
// message that is parsed stays in registers.

#pragma once

#include "payload.h"

struct walk {
	struct reader rd;
	uint8_t next;
};

static inline void map_read(struct reader *rd, struct mikey_view *view)
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

static inline bool data_type_is_known(uint8_t type)
{
	return type == MIKEY_TYPE_PSK || type == MIKEY_TYPE_PSK_VERIFICATION ||
		type == MIKEY_TYPE_ERROR;
}

// Reads the common header into view and stands before the first payload.
static inline enum mikey_status walk_begin(
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

static inline void ext_read(struct reader *rd, struct payload *p)
{
	p->next = rd_u8(rd, MIKEY_EXT_TRUNCATED);
	p->code = rd_u8(rd, MIKEY_EXT_TRUNCATED);
	p->data = rd_bytes(rd, rd_u16be(rd, MIKEY_EXT_TRUNCATED), MIKEY_EXT_LENGTH);
}

static inline void t_read(struct reader *rd, struct payload *p)
{
	p->next = rd_u8(rd, MIKEY_T_TRUNCATED);
	p->code = rd_u8(rd, MIKEY_T_TRUNCATED);
	if (p->code > MIKEY_TS_COUNTER)
		rd_fail(rd, MIKEY_T_TYPE);
	p->data = rd_bytes(rd, p->code == MIKEY_TS_COUNTER ? 4 : 8, MIKEY_T_TRUNCATED);
}

static inline void rand_read(struct reader *rd, struct payload *p)
{
	uint8_t len;

	p->next = rd_u8(rd, MIKEY_RAND_TRUNCATED);
	len = rd_u8(rd, MIKEY_RAND_TRUNCATED);
	if (len == 0)
		rd_fail(rd, MIKEY_RAND_EMPTY);
	p->data = rd_bytes(rd, len, MIKEY_RAND_LENGTH);
}

static inline void id_read(struct reader *rd, struct payload *p)
{
	uint16_t len;

	p->next = rd_u8(rd, MIKEY_ID_TRUNCATED);
	p->code = rd_u8(rd, MIKEY_ID_TRUNCATED);
	if (p->code > MIKEY_ID_BYTES)
		rd_fail(rd, MIKEY_ID_TYPE);
	len = rd_u16be(rd, MIKEY_ID_TRUNCATED);
	if (len == 0)
		rd_fail(rd, MIKEY_ID_EMPTY);
	p->data = rd_bytes(rd, len, MIKEY_ID_LENGTH);
}

static inline void sp_read(struct reader *rd, struct payload *p)
{
	p->next = rd_u8(rd, MIKEY_SP_TRUNCATED);
	p->policy = rd_u8(rd, MIKEY_SP_TRUNCATED);
	p->code = rd_u8(rd, MIKEY_SP_TRUNCATED);
	if (p->code != MIKEY_SP_PROT_SRTP)
		rd_fail(rd, MIKEY_SP_PROT_TYPE);
	p->data = rd_bytes(rd, rd_u16be(rd, MIKEY_SP_TRUNCATED), MIKEY_SP_LENGTH);
}

static inline void mac_read(struct reader *rd, struct payload *p, enum mikey_status unknown,
	enum mikey_status truncated)
{
	if (p->mac_alg > MIKEY_MAC_HMAC_SHA1_160)
		rd_fail(rd, unknown);
	p->mac.off = (uint16_t)rd->pos;
	p->mac.len = p->mac_alg == MIKEY_MAC_NULL ? 0 : MIKEY_MAC_BYTES;
	rd_bytes(rd, p->mac.len, truncated);
}

static inline void kemac_read(struct reader *rd, struct payload *p)
{
	uint16_t len;

	p->next = rd_u8(rd, MIKEY_KEMAC_TRUNCATED);
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

static inline void v_read(struct reader *rd, struct payload *p)
{
	p->next = rd_u8(rd, MIKEY_V_TRUNCATED);
	if (p->next != MIKEY_PAYLOAD_LAST)
		rd_fail(rd, MIKEY_V_NOT_LAST);
	p->mac_alg = rd_u8(rd, MIKEY_V_TRUNCATED);
	mac_read(rd, p, MIKEY_V_AUTH_ALG, MIKEY_V_MAC_TRUNCATED);
}

static inline void err_read(struct reader *rd, struct payload *p)
{
	p->next = rd_u8(rd, MIKEY_ERR_TRUNCATED);
	p->code = rd_u8(rd, MIKEY_ERR_TRUNCATED);
	if (p->code > MIKEY_ERR_UNSPECIFIED)
		rd_fail(rd, MIKEY_ERR_NUMBER);
	p->data = rd_bytes(rd, 2, MIKEY_ERR_TRUNCATED); // reserved
}

static inline enum mikey_status foreign_verdict(uint8_t type)
{
	switch (type) {
	case MIKEY_PAYLOAD_PKE:
	case MIKEY_PAYLOAD_DH:
	case MIKEY_PAYLOAD_SIGN:
	case MIKEY_PAYLOAD_CERT:
	case MIKEY_PAYLOAD_CHASH:
		return MIKEY_PAYLOAD_FOREIGN;
	case MIKEY_PAYLOAD_KEY_DATA:
		return MIKEY_PAYLOAD_MISPLACED;
	default:
		return MIKEY_PAYLOAD_UNKNOWN;
	}
}

static inline void payload_read(struct reader *rd, struct payload *p)
{
	switch (p->type) {
	case MIKEY_PAYLOAD_KEMAC:
		return kemac_read(rd, p);
	case MIKEY_PAYLOAD_T:
		return t_read(rd, p);
	case MIKEY_PAYLOAD_ID:
		return id_read(rd, p);
	case MIKEY_PAYLOAD_V:
		return v_read(rd, p);
	case MIKEY_PAYLOAD_SP:
		return sp_read(rd, p);
	case MIKEY_PAYLOAD_RAND:
		return rand_read(rd, p);
	case MIKEY_PAYLOAD_ERR:
		return err_read(rd, p);
	case MIKEY_PAYLOAD_EXT:
		return ext_read(rd, p);
	default:
		return rd_fail(rd, foreign_verdict(p->type));
	}
}

// Reads the next payload. False behind the last one, and when walk->rd.status says why not.
static inline bool walk_next(struct walk *walk, struct payload *p)
{
	struct reader *rd = &walk->rd;

	if (rd->status != MIKEY_OK)
		return false;
	if (walk->next == MIKEY_PAYLOAD_LAST) {
		if (rd_left(rd) > 0)
			rd_fail(rd, MIKEY_TRAILING);
		return false;
	}
	*p = (struct payload){.type = walk->next, .span.off = (uint16_t)rd->pos};
	payload_read(rd, p);
	p->span.len = (uint16_t)(rd->pos - p->span.off);
	walk->next = p->next;
	return rd->status == MIKEY_OK;
}
