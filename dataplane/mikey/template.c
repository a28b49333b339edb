// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// MSK messages and solicited pulls: HDR, EXT, T, RAND, IDi | IDr | {SP}, KEMAC. There is one
// layout path: a single message is a template filled once.

#include "payload.h"

#define KEY_DATA_HEAD_BYTES 4
#define INTERVAL_BYTES 6 // two ends of two octets, each behind its length
#define MSK_KEY_DATA_BYTES (KEY_DATA_HEAD_BYTES + MIKEY_MSK_BYTES + INTERVAL_BYTES)
#define RAND_MIN_BYTES 16 // RFC 3830 6.11 asks for at least 128 bits

static bool policy_fits(const struct mikey_policy *policy)
{
	if (policy->param_count > MIKEY_SP_PARAM_MAX || policy->prot_type != MIKEY_SP_PROT_SRTP)
		return false;
	for (uint8_t i = 0; i < policy->param_count; i++)
		if (policy->param[i].len == 0 ||
			policy->param[i].len > sizeof(policy->param[i].value))
			return false;
	return true;
}

// Key Number 0 marks a solicited pull, and a solicited pull has no key (TS 33.246).
static bool key_fits(const struct mikey_msk *msg)
{
	if (msg->key == NULL)
		return msg->id.number == MIKEY_KEY_NUMBER_CURRENT;
	return msg->id.number != MIKEY_KEY_NUMBER_CURRENT &&
		(msg->key_type == MIKEY_KEY_TEK || msg->key_type == MIKEY_KEY_TGK);
}

static bool profile_fits(const struct mikey_msk *msg)
{
	if (msg->profile == MIKEY_PROFILE_TS33246)
		return msg->idi.len > 0;
	return msg->profile == MIKEY_PROFILE_V600 &&
		msg->csb_id == mikey_v600_csb_id(msg->id.group);
}

static bool msk_fits(const struct mikey_msk *msg)
{
	if (!profile_fits(msg) || !key_fits(msg) || msg->id.has_mtk_id)
		return false;
	if (msg->rand.len < RAND_MIN_BYTES || msg->rand.len > UINT8_MAX)
		return false;
	if (msg->cs_count > MIKEY_CS_MAX)
		return false;
	// RFC 4563: no SP in a message with the empty map.
	return msg->policy == NULL || (msg->cs_count > 0 && policy_fits(msg->policy));
}

static void head_write(struct mikey_template *tpl, const struct mikey_msk *msg)
{
	struct writer wr = {.data = tpl->head, .cap = sizeof(tpl->head)};
	struct hdr_fields hdr = {
		.data_type = MIKEY_TYPE_PSK,
		.wants_verification = msg->wants_verification,
		.csb_id = msg->csb_id,
		.cs_count = msg->cs_count,
		.cs = msg->cs,
	};
	struct mikey_bytes idi = msg->idi;

	if (msg->profile == MIKEY_PROFILE_V600)
		idi = (struct mikey_bytes){msg->id.kdi, MIKEY_KDI_BYTES};
	mikey_write_hdr(&wr, MIKEY_PAYLOAD_EXT, &hdr);
	mikey_write_key_id(&wr, MIKEY_PAYLOAD_T, msg->profile, &msg->id);
	mikey_write_t(&wr, MIKEY_PAYLOAD_RAND, msg->counter);
	tpl->counter_off = (uint16_t)(wr.pos - 4);
	mikey_write_rand(&wr, MIKEY_PAYLOAD_ID, msg->rand);
	mikey_write_id(&wr, MIKEY_PAYLOAD_ID, idi);
	mikey_write_id_head(&wr, msg->policy == NULL ? MIKEY_PAYLOAD_KEMAC : MIKEY_PAYLOAD_SP, 0);
	tpl->head_len = wr.status == MIKEY_OK ? (uint16_t)wr.pos : 0;
}

static void key_data_write(struct writer *wr, const struct mikey_msk *msg)
{
	wr_u8(wr, MIKEY_PAYLOAD_LAST);
	wr_u8(wr, (uint8_t)(msg->key_type << 4 | MIKEY_KV_INTERVAL));
	wr_u16be(wr, MIKEY_MSK_BYTES);
	wr_bytes(wr, msg->key, MIKEY_MSK_BYTES);
	wr_u8(wr, 2);
	wr_u16be(wr, msg->seq_l);
	wr_u8(wr, 2);
	wr_u16be(wr, msg->seq_u);
}

static void tail_write(struct mikey_template *tpl, const struct mikey_msk *msg)
{
	struct writer wr = {.data = tpl->tail, .cap = sizeof(tpl->tail)};

	if (msg->policy != NULL)
		mikey_write_sp(&wr, MIKEY_PAYLOAD_KEMAC, msg->policy);
	tpl->encr_len = msg->key == NULL ? 0 : MSK_KEY_DATA_BYTES;
	mikey_write_kemac_head(&wr, tpl->encr_len);
	tpl->encr_off = (uint16_t)wr.pos;
	if (msg->key != NULL)
		key_data_write(&wr, msg);
	mikey_write_kemac_mac(&wr);
	tpl->tail_len = (uint16_t)wr.pos;
}

// The longest SP and KEMAC there can be fit into a tail.
_Static_assert(5 + MIKEY_SP_PARAM_MAX * 6 + 4 + MSK_KEY_DATA_BYTES + 1 + MIKEY_MAC_BYTES <=
		sizeof(((struct mikey_template *)0)->tail),
	"a tail holds every policy");

enum mikey_status mikey_template_init(struct mikey_template *tpl, const struct mikey_msk *msg)
{
	if (!msk_fits(msg))
		return MIKEY_BAD_FIELD;
	head_write(tpl, msg);
	if (tpl->head_len == 0)
		return MIKEY_NO_ROOM;
	tail_write(tpl, msg);
	return MIKEY_OK;
}

void mikey_template_set_counter(struct mikey_template *tpl, uint32_t counter)
{
	be32_put(tpl->head + tpl->counter_off, counter);
}

void mikey_template_fill(const struct mikey_template *tpl, struct mikey_bytes idr, uint8_t *buf,
	struct mikey_layout *layout)
{
	uint16_t tail_off = (uint16_t)(tpl->head_len + idr.len);
	uint16_t len = (uint16_t)(tail_off + tpl->tail_len);

	// Whole pieces: what stands behind the head is written after it, and is longer than a
	// piece.
	for (size_t i = 0; i < tpl->head_len; i += 16)
		memcpy(buf + i, tpl->head + i, 16);
	be16_put(buf + tpl->head_len - 2, idr.len);
	octets_copy(buf + tpl->head_len, idr.data, idr.len);
	octets_copy(buf + tail_off, tpl->tail, tpl->tail_len);
	layout->len = len;
	layout->encr = (struct mikey_span){(uint16_t)(tail_off + tpl->encr_off), tpl->encr_len};
	layout->mac = (struct mikey_span){(uint16_t)(len - MIKEY_MAC_BYTES), MIKEY_MAC_BYTES};
}

size_t mikey_msk_bytes(const struct mikey_msk *msg)
{
	struct mikey_template tpl;
	size_t len = 0;

	if (msg->idr.len > 0 && mikey_template_init(&tpl, msg) == MIKEY_OK)
		len = mikey_template_bytes(&tpl, msg->idr.len);
	explicit_bzero(&tpl, sizeof(tpl));
	return len <= UINT16_MAX ? len : 0;
}

static enum mikey_status msk_fill(const struct mikey_template *tpl, struct mikey_bytes idr,
	uint8_t *buf, size_t cap, struct mikey_layout *layout)
{
	size_t len = mikey_template_bytes(tpl, idr.len);

	if (len > UINT16_MAX)
		return MIKEY_BAD_FIELD;
	if (len > cap)
		return MIKEY_NO_ROOM;
	mikey_template_fill(tpl, idr, buf, layout);
	return MIKEY_OK;
}

enum mikey_status mikey_msk_build(
	uint8_t *buf, size_t cap, const struct mikey_msk *msg, struct mikey_layout *layout)
{
	struct mikey_template tpl;
	enum mikey_status status =
		msg->idr.len == 0 ? MIKEY_BAD_FIELD : mikey_template_init(&tpl, msg);

	if (status == MIKEY_OK)
		status = msk_fill(&tpl, msg->idr, buf, cap, layout);
	explicit_bzero(&tpl, sizeof(tpl));
	return status;
}
