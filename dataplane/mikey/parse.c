// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Parses a message into a view. RFC 3830 and RFC 4563 give the payloads between HDR and KEMAC (or
// V) no order that changes their meaning, except that IDi stands before IDr, so any is taken.

#include "walk.h"

struct parse {
	struct mikey_view *view;
	uint64_t policies[4]; // a bit for each policy number seen
};

static enum mikey_status ext_take(struct parse *parse, const struct payload *p)
{
	struct mikey_view *view = parse->view;

	if (p->code != MIKEY_EXT_KEY_ID)
		return MIKEY_OK;
	if (view->has_key_id)
		return MIKEY_EXT_DUPLICATE;
	view->has_key_id = true;
	return mikey_key_id_read(p->data, view);
}

static enum mikey_status t_take(struct parse *parse, const struct payload *p)
{
	struct mikey_view *view = parse->view;

	if (view->has_t)
		return MIKEY_T_DUPLICATE;
	view->has_t = true;
	view->ts_type = p->code;
	view->ts = p->data;
	if (p->code == MIKEY_TS_COUNTER)
		view->counter = be32_get(p->data.data);
	return MIKEY_OK;
}

static enum mikey_status rand_take(struct parse *parse, const struct payload *p)
{
	if (parse->view->has_rand)
		return MIKEY_RAND_DUPLICATE;
	parse->view->has_rand = true;
	parse->view->rand = p->data;
	return MIKEY_OK;
}

static enum mikey_status id_take(struct parse *parse, const struct payload *p)
{
	struct mikey_view *view = parse->view;

	if (view->identity_count == 2)
		return MIKEY_ID_EXCESS;
	view->identity_type[view->identity_count] = p->code;
	view->identity[view->identity_count++] = p->data;
	return MIKEY_OK;
}

static enum mikey_status sp_take(struct parse *parse, const struct payload *p)
{
	struct mikey_view *view = parse->view;
	uint64_t *word = &parse->policies[p->policy / 64];
	uint64_t bit = UINT64_C(1) << p->policy % 64;
	struct mikey_policy other;

	// RFC 4563: with the empty map the policy is conveyed elsewhere.
	if (view->map_type == MIKEY_MAP_EMPTY)
		return MIKEY_SP_EMPTY_MAP;
	if (*word & bit)
		return MIKEY_SP_DUPLICATE;
	*word |= bit;
	return mikey_policy_read(p, view->policy_count++ == 0 ? &view->policy : &other);
}

static enum mikey_status kemac_take(struct parse *parse, const struct payload *p)
{
	struct mikey_view *view = parse->view;

	view->has_kemac = true;
	view->encr_alg = p->code;
	view->encr = p->data;
	view->mac_alg = p->mac_alg;
	view->mac = p->mac;
	return MIKEY_OK;
}

static enum mikey_status v_take(struct parse *parse, const struct payload *p)
{
	parse->view->has_v = true;
	parse->view->mac_alg = p->mac_alg;
	parse->view->mac = p->mac;
	return MIKEY_OK;
}

static enum mikey_status err_take(struct parse *parse, const struct payload *p)
{
	if (parse->view->has_err)
		return MIKEY_ERR_DUPLICATE;
	parse->view->has_err = true;
	parse->view->error_no = p->code;
	return MIKEY_OK;
}

static enum mikey_status payload_take(struct parse *parse, const struct payload *p)
{
	switch (p->type) {
	case MIKEY_PAYLOAD_EXT:
		return ext_take(parse, p);
	case MIKEY_PAYLOAD_T:
		return t_take(parse, p);
	case MIKEY_PAYLOAD_RAND:
		return rand_take(parse, p);
	case MIKEY_PAYLOAD_ID:
		return id_take(parse, p);
	case MIKEY_PAYLOAD_SP:
		return sp_take(parse, p);
	case MIKEY_PAYLOAD_KEMAC:
		return kemac_take(parse, p);
	case MIKEY_PAYLOAD_V:
		return v_take(parse, p);
	default: // the walk lets nothing else through
		return err_take(parse, p);
	}
}

// In v600 the group is the CSB ID, and the domain is IDi, which only an initiator sends.
static void v600_complete(struct mikey_view *view)
{
	if (view->msk_id_bytes != 2 || view->data_type != MIKEY_TYPE_PSK)
		return;
	view->id.group = (uint16_t)view->csb_id;
	if (view->identity_count == 0 || view->identity[0].len != MIKEY_KDI_BYTES)
		return;
	view->has_kdi = true;
	memcpy(view->id.kdi, view->identity[0].data, MIKEY_KDI_BYTES);
}

// In pieces that compilers make stores of: for the whole they take an instruction that is slow to
// begin.
static void view_clear(struct mikey_view *view)
{
	const size_t piece = 64, end = offsetof(struct mikey_view, policy.param);
	uint8_t *at = (uint8_t *)view;

	for (size_t i = 0; i < end / piece; i++)
		memset(at + i * piece, 0, piece);
	memset(at + end / piece * piece, 0, end % piece);
}

enum mikey_status mikey_parse(const uint8_t *data, size_t len, struct mikey_view *view)
{
	struct parse parse = {.view = view};
	struct walk walk;
	struct payload payload;
	enum mikey_status status;

	view_clear(view);
	view->len = (uint16_t)len;
	status = walk_begin(&walk, data, len, view);
	while (status == MIKEY_OK && walk_next(&walk, &payload))
		status = payload_take(&parse, &payload);
	if (status == MIKEY_OK)
		status = walk.rd.status;
	if (status == MIKEY_OK)
		v600_complete(view);
	return status;
}
