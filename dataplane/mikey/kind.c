// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Tells our messages from one another by the payloads that are there.

#include "mikey.h"

// Whether the message names an MSK completely: the final encoding in EXT alone, v600 with the
// group in CSB ID and the domain in IDi.
static bool has_msk_name(const struct mikey_view *view)
{
	if (!view->has_msk_id || !view->has_kdi)
		return false;
	return view->msk_id_bytes == 4 || view->csb_id == mikey_v600_csb_id(view->id.group);
}

static bool has_counter(const struct mikey_view *view)
{
	return view->has_t && view->ts_type == MIKEY_TS_COUNTER;
}

// KEMAC as we protect it. An empty MAC protects nothing.
static bool is_sealed(const struct mikey_view *view)
{
	return view->has_kemac && view->encr_alg == MIKEY_ENCR_AES_CM_128 &&
		view->mac_alg == MIKEY_MAC_HMAC_SHA1_160;
}

// MTK messages have neither RAND nor policy, and in v600 an IDi for the domain.
static enum mikey_kind mtk_kind(const struct mikey_view *view)
{
	uint8_t identities = view->msk_id_bytes == 2 ? 1 : 0;
	bool is_ours = !view->has_rand && view->identity_count == identities &&
		view->policy_count == 0 && view->encr.len > 0 &&
		view->id.number != MIKEY_KEY_NUMBER_CURRENT;

	return is_ours ? MIKEY_KIND_MTK : MIKEY_KIND_OTHER;
}

// Key Number 0 and an empty KEMAC go together: both make a solicited pull.
static enum mikey_kind msk_kind(const struct mikey_view *view)
{
	bool is_numbered = view->id.number != MIKEY_KEY_NUMBER_CURRENT;

	if (!view->has_rand || view->identity_count != 2)
		return MIKEY_KIND_OTHER;
	if (is_numbered != (view->encr.len > 0))
		return MIKEY_KIND_OTHER;
	return is_numbered ? MIKEY_KIND_MSK : MIKEY_KIND_SOLICIT;
}

static enum mikey_kind psk_kind(const struct mikey_view *view)
{
	if (!has_msk_name(view) || !has_counter(view) || !is_sealed(view) || view->has_err)
		return MIKEY_KIND_OTHER;
	return view->id.has_mtk_id ? mtk_kind(view) : msk_kind(view);
}

// An EXT payload in a verification is tolerated.
static enum mikey_kind verification_kind(const struct mikey_view *view)
{
	bool is_ours = has_counter(view) && view->identity_count == 1 && view->has_v &&
		view->mac_alg == MIKEY_MAC_HMAC_SHA1_160 && !view->has_rand &&
		view->policy_count == 0 && !view->has_err;

	return is_ours ? MIKEY_KIND_VERIFICATION : MIKEY_KIND_OTHER;
}

enum mikey_kind mikey_view_kind(const struct mikey_view *view)
{
	switch (view->data_type) {
	case MIKEY_TYPE_PSK:
		return psk_kind(view);
	case MIKEY_TYPE_PSK_VERIFICATION:
		return verification_kind(view);
	default:
		return view->has_err && !view->has_kemac ? MIKEY_KIND_ERROR : MIKEY_KIND_OTHER;
	}
}

const char *mikey_kind_name(enum mikey_kind kind)
{
	static const char *const names[] = {
		[MIKEY_KIND_OTHER] = "other",
		[MIKEY_KIND_MSK] = "msk",
		[MIKEY_KIND_SOLICIT] = "solicit",
		[MIKEY_KIND_VERIFICATION] = "verification",
		[MIKEY_KIND_MTK] = "mtk",
		[MIKEY_KIND_ERROR] = "error",
	};

	return (unsigned)kind < sizeof(names) / sizeof(names[0]) ? names[kind] : "unknown";
}
