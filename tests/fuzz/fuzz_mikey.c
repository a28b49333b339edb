// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Any octets as a message and as key data. What parses is laid out again from the view, and what
// comes of that has to say the same.

#include <stdlib.h>
#include <string.h>

#include "mikey.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t key[MIKEY_MSK_BYTES];

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void require_inside(struct mikey_bytes bytes, const uint8_t *data, size_t size)
{
	if (bytes.len == 0)
		return;
	require(bytes.data >= data && bytes.len <= size);
	require((size_t)(bytes.data - data) <= size - bytes.len);
}

static bool bytes_equal(struct mikey_bytes a, struct mikey_bytes b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

static void view_check(const struct mikey_view *view, const uint8_t *data, size_t size)
{
	require(view->len == size);
	require_inside(view->cs_map, data, size);
	require_inside(view->ts, data, size);
	require_inside(view->rand, data, size);
	require_inside(view->identity[0], data, size);
	require_inside(view->identity[1], data, size);
	require_inside(view->encr, data, size);
	require(view->mac.off + view->mac.len <= size);
	require(view->policy.param_count <= MIKEY_SP_PARAM_MAX);
	require(!view->has_key_id || !view->has_msk_id || view->msk_id_bytes == 2 ||
		view->msk_id_bytes == 4);
}

static uint32_t be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

// False when the builders have no words for this map.
static bool map_copy(const struct mikey_view *view, struct mikey_cs *cs)
{
	if ((view->map_type == MIKEY_MAP_EMPTY) != (view->cs_count == 0))
		return false;
	if (view->cs_count > MIKEY_CS_MAX)
		return false;
	for (uint8_t i = 0; i < view->cs_count; i++) {
		const uint8_t *entry = view->cs_map.data + i * MIKEY_MAP_SRTP_BYTES;

		cs[i] = (struct mikey_cs){entry[0], be32(entry + 1), be32(entry + 5)};
	}
	return true;
}

static void again_check(const struct mikey_view *was, const uint8_t *buf, uint16_t len)
{
	struct mikey_view is;

	require(mikey_parse(buf, len, &is) == MIKEY_OK);
	require(mikey_view_kind(&is) == mikey_view_kind(was));
	require(is.csb_id == was->csb_id && is.counter == was->counter);
	require(is.cs_count == was->cs_count && bytes_equal(is.cs_map, was->cs_map));
	require(bytes_equal(is.rand, was->rand));
	require(is.identity_count == was->identity_count);
	require(bytes_equal(is.identity[0], was->identity[0]));
	require(bytes_equal(is.identity[1], was->identity[1]));
	if (mikey_view_kind(was) == MIKEY_KIND_VERIFICATION)
		return;
	require(memcmp(is.id.kdi, was->id.kdi, MIKEY_KDI_BYTES) == 0);
	require(is.id.group == was->id.group && is.id.number == was->id.number);
	require(is.id.has_mtk_id == was->id.has_mtk_id && is.id.mtk_id == was->id.mtk_id);
	require(is.wants_verification == was->wants_verification || was->id.has_mtk_id);
}

static bool policy_is_buildable(const struct mikey_view *view)
{
	if (view->policy_count > 1 || (view->policy_count == 1 && view->cs_count == 0))
		return false;
	for (uint8_t i = 0; i < view->policy.param_count; i++)
		if (view->policy.param[i].len > sizeof(view->policy.param[i].value))
			return false;
	return true;
}

static void msk_again(const struct mikey_view *view, enum mikey_profile profile)
{
	static uint8_t buf[UINT16_MAX];
	struct mikey_msk msg = {
		.profile = profile,
		.wants_verification = view->wants_verification,
		.csb_id = view->csb_id,
		.id = view->id,
		.counter = view->counter,
		.rand = view->rand,
		.idi = view->identity[0],
		.idr = view->identity[1],
		.cs_count = view->cs_count,
		.policy = view->policy_count == 0 ? NULL : &view->policy,
		.key = mikey_view_kind(view) == MIKEY_KIND_SOLICIT ? NULL : key,
		.key_type = MIKEY_KEY_TEK,
	};
	struct mikey_layout layout;
	enum mikey_status status;
	size_t len;

	if (!map_copy(view, msg.cs) || !policy_is_buildable(view) || view->rand.len < 16)
		return;
	len = mikey_msk_bytes(&msg);
	status = mikey_msk_build(buf, sizeof(buf), &msg, &layout);
	require((status == MIKEY_OK) == (len > 0));
	// An FQDN that no template holds, or a message of more than 65,535 octets.
	if (status != MIKEY_OK) {
		require(view->identity[0].len > 253 || view->identity[1].len > 60000);
		return;
	}
	require(layout.len == len);
	again_check(view, buf, layout.len);
}

static void mtk_again(const struct mikey_view *view, enum mikey_profile profile)
{
	uint8_t buf[256];
	struct mikey_mtk msg = {
		.profile = profile,
		.csb_id = view->csb_id,
		.id = view->id,
		.counter = view->counter,
		.key = key,
	};
	struct mikey_layout layout;
	enum mikey_status status = mikey_mtk_build(buf, sizeof(buf), &msg, &layout);

	require(status == (view->id.mtk_id == 0 ? MIKEY_BAD_FIELD : MIKEY_OK));
	// An MTK message is built with the empty map.
	if (status == MIKEY_OK && view->cs_count == 0)
		again_check(view, buf, layout.len);
}

static void verification_again(const struct mikey_view *view)
{
	static uint8_t buf[UINT16_MAX];
	struct mikey_verification msg = {
		.csb_id = view->csb_id,
		.cs_count = view->cs_count,
		.counter = view->counter,
		.idr = view->identity[0],
	};
	struct mikey_layout layout;

	if (!map_copy(view, msg.cs))
		return;
	require(mikey_verification_build(buf, sizeof(buf), &msg, &layout) == MIKEY_OK);
	again_check(view, buf, layout.len);
}

static void message_again(const struct mikey_view *view)
{
	enum mikey_profile profile =
		view->msk_id_bytes == 2 ? MIKEY_PROFILE_V600 : MIKEY_PROFILE_TS33246;

	switch (mikey_view_kind(view)) {
	case MIKEY_KIND_MSK:
	case MIKEY_KIND_SOLICIT:
		msk_again(view, profile);
		break;
	case MIKEY_KIND_MTK:
		mtk_again(view, profile);
		break;
	case MIKEY_KIND_VERIFICATION:
		verification_again(view);
		break;
	default:
		break;
	}
}

static void key_data_check(const uint8_t *data, size_t size)
{
	struct mikey_key_data kd;
	size_t octets;

	if (mikey_key_data_parse(data, size, &kd) != MIKEY_OK)
		return;
	require_inside(kd.key, data, size);
	require_inside(kd.salt, data, size);
	require_inside(kd.spi, data, size);
	require_inside(kd.valid_from, data, size);
	require_inside(kd.valid_to, data, size);
	// All octets are spoken for: heads, then what the heads announce.
	octets = 4u + kd.key.len + kd.salt.len + kd.spi.len + kd.valid_from.len + kd.valid_to.len;
	octets += kd.salt.len > 0 ? 2 : 0;
	octets += kd.spi.len > 0 ? 1 : 0;
	octets += kd.valid_to.len > 0 ? 2 : 0;
	require(octets == size);
}

static void line_check(void *arg, const char *line)
{
	unsigned *lines = arg;

	require(strlen(line) < 512 && strchr(line, '\n') == NULL);
	*lines += 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mikey_view view;
	unsigned lines = 0;

	if (mikey_parse(data, size, &view) == MIKEY_OK) {
		view_check(&view, data, size);
		message_again(&view);
		require(mikey_parse(data, size - 1, &view) != MIKEY_OK);
	}
	mikey_dump(data, size, line_check, &lines);
	require(lines > 0);
	key_data_check(data, size);
	return 0;
}
