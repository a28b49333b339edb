// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "mtk_scene.h"

const uint8_t group_mac[6] = {0x01, 0x00, 0x5e, 0x01, 0x01, 0x01};

void mtk_listen(struct ue_site *site, const char *groups)
{
	site->mtk.group_count = ue_mtk_groups_parse(site->mtk.groups, groups);
	assert_int_not_equal(site->mtk.group_count, 0);
}

struct mikey_bytes mtk_frame(struct mikey_bytes payload, const uint8_t mac[6])
{
	struct mikey_bytes frame = frame_to(GROUP_ADDRESS, GROUP_PORT, payload);

	memcpy((uint8_t *)(uintptr_t)frame.data, mac, 6);
	return frame;
}

void mtk_arrives(struct ue_site *site, struct mikey_bytes payload)
{
	struct ue_now now = now_at(0);
	uint8_t out[UE_FRAME_MAX_BYTES];

	assert_int_equal(site_take(site, mtk_frame(payload, group_mac)).len, 0);
	while (ue_site_due(site) <= now.mono)
		assert_int_equal(ue_site_poll(site, &now, out, sizeof(out)), 0);
}

void expect_mtk_taken(struct ue_site *site, struct mikey_bytes payload)
{
	uint64_t before = ue_site_count(site, UE_COUNT_MTK_TAKEN);

	mtk_arrives(site, payload);
	for (int i = 1; i < UE_REFUSAL_COUNT; i++)
		if (ue_site_count(site, UE_COUNT_MTK_TAKEN) == before &&
			ue_site_refused(site, (enum ue_refusal)i) != 0)
			print_message("so far refused: %s\n", ue_refusal_name((enum ue_refusal)i));
	assert_int_equal(ue_site_count(site, UE_COUNT_MTK_TAKEN), before + 1);
}

void expect_mtk_refusal(struct ue_site *site, struct mikey_bytes payload, enum ue_refusal refusal)
{
	uint64_t before = ue_site_refused(site, refusal);
	uint64_t taken = ue_site_count(site, UE_COUNT_MTK_TAKEN);

	mtk_arrives(site, payload);
	assert_int_equal(ue_site_refused(site, refusal), before + 1);
	assert_int_equal(ue_site_count(site, UE_COUNT_MTK_TAKEN), taken);
}

struct ue_site *mtk_holder_from(uint16_t seq_l)
{
	struct ue_site *site = site_of_one();
	struct push push = push_f(1);

	mtk_listen(site, GROUP_ADDRESS ":5004");
	push.seq_l = seq_l;
	expect_accepted(site, push_seal(&push));
	return site;
}

struct ue_site *mtk_holder(void)
{
	return mtk_holder_from(1);
}

struct mikey_bytes mtk_message(uint32_t counter, uint16_t id)
{
	const struct push msk = push_f(0);
	const struct mtk message = {.counter = counter, .id = id, .key = {(uint8_t)id}};

	return mtk_seal(&msk, &message);
}

const struct ue_holding *mtk_holding(const struct ue_site *site)
{
	return &site->phones.holdings[site->phones.phones[0].holding];
}
