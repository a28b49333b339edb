// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Bounded reading and writing. The first error sticks: what follows it reads zeros or writes
// nothing, so that a caller looks at `status` once, at the end of a payload.

#pragma once

#include <string.h>

#include "mikey.h"

struct reader {
	const uint8_t *data;
	size_t len;
	size_t pos;
	enum mikey_status status;
};

static inline struct reader rd_over(struct mikey_bytes bytes)
{
	return (struct reader){.data = bytes.data, .len = bytes.len};
}

static inline void rd_fail(struct reader *rd, enum mikey_status verdict)
{
	if (rd->status == MIKEY_OK)
		rd->status = verdict;
}

static inline size_t rd_left(const struct reader *rd)
{
	return rd->len - rd->pos;
}

// Whether n more octets are there; `verdict` sticks when they are not.
static inline bool rd_has(struct reader *rd, size_t n, enum mikey_status verdict)
{
	if (rd_left(rd) < n)
		rd_fail(rd, verdict);
	return rd->status == MIKEY_OK;
}

static inline uint8_t rd_u8(struct reader *rd, enum mikey_status verdict)
{
	return rd_has(rd, 1, verdict) ? rd->data[rd->pos++] : 0;
}

static inline uint16_t rd_u16be(struct reader *rd, enum mikey_status verdict)
{
	const uint8_t *p;

	if (!rd_has(rd, 2, verdict))
		return 0;
	p = rd->data + rd->pos;
	rd->pos += 2;
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t be32_get(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline uint32_t rd_u32be(struct reader *rd, enum mikey_status verdict)
{
	if (!rd_has(rd, 4, verdict))
		return 0;
	rd->pos += 4;
	return be32_get(rd->data + rd->pos - 4);
}

static inline struct mikey_bytes rd_bytes(struct reader *rd, size_t n, enum mikey_status verdict)
{
	struct mikey_bytes bytes = {NULL, 0};

	if (!rd_has(rd, n, verdict))
		return bytes;
	bytes.data = rd->data + rd->pos;
	bytes.len = (uint16_t)n;
	rd->pos += n;
	return bytes;
}

// Type, length of one octet, value: Key IDs and policy parameters.
struct tlv {
	uint8_t type;
	struct mikey_bytes value;
};

static inline struct tlv rd_tlv(
	struct reader *rd, enum mikey_status truncated, enum mikey_status too_long)
{
	struct tlv tlv = {.type = rd_u8(rd, truncated)};
	uint8_t len = rd_u8(rd, truncated);

	tlv.value = rd_bytes(rd, len, too_long);
	return tlv;
}

struct writer {
	uint8_t *data;
	size_t cap;
	size_t pos;
	enum mikey_status status;
};

// Room for n octets, or NULL.
static inline uint8_t *wr_take(struct writer *wr, size_t n)
{
	if (wr->cap - wr->pos < n)
		wr->status = MIKEY_NO_ROOM;
	if (wr->status != MIKEY_OK)
		return NULL;
	wr->pos += n;
	return wr->data + wr->pos - n;
}

static inline void wr_u8(struct writer *wr, uint8_t value)
{
	uint8_t *p = wr_take(wr, 1);

	if (p != NULL)
		p[0] = value;
}

static inline void be16_put(uint8_t *p, uint16_t value)
{
	p[0] = (uint8_t)(value >> 8);
	p[1] = (uint8_t)value;
}

static inline void wr_u16be(struct writer *wr, uint16_t value)
{
	uint8_t *p = wr_take(wr, 2);

	if (p != NULL)
		be16_put(p, value);
}

static inline void be32_put(uint8_t *p, uint32_t value)
{
	be16_put(p, (uint16_t)(value >> 16));
	be16_put(p + 2, (uint16_t)value);
}

static inline void wr_u32be(struct writer *wr, uint32_t value)
{
	uint8_t *p = wr_take(wr, 4);

	if (p != NULL)
		be32_put(p, value);
}

// memcpy() of lengths that are not constant, without a call: pieces of 16 octets, the last two of
// which may overlap.
static inline void octets_copy(uint8_t *to, const uint8_t *from, size_t len)
{
	uint8_t last[16];

	if (len < sizeof(last)) {
		for (size_t i = 0; i < len; i++)
			to[i] = from[i];
		return;
	}
	memcpy(last, from + len - sizeof(last), sizeof(last));
	for (size_t i = 0; i + sizeof(last) < len; i += sizeof(last))
		memcpy(to + i, from + i, sizeof(last));
	memcpy(to + len - sizeof(last), last, sizeof(last));
}

static inline void wr_bytes(struct writer *wr, const void *data, size_t n)
{
	uint8_t *p = wr_take(wr, n);

	if (p != NULL)
		octets_copy(p, data, n);
}

static inline void wr_zeros(struct writer *wr, size_t n)
{
	uint8_t *p = wr_take(wr, n);

	if (p != NULL)
		memset(p, 0, n);
}
