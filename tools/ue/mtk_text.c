// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// What people write about multicast addresses, and what is reported of MTKs.

#include "csv.h"
#include "mtk.h"
#include "response.h"
#include "site.h"

// "232.1.1.1%lo:5004" or "[ff3e::1%lo]:5004" in text[0..len).
static bool group_parse(struct ue_mtk_group *group, const char *text, size_t len)
{
	const char *end = text + len, *colon = memrchr(text, ':', len), *address_end = colon,
		   *percent;
	unsigned long port;

	*group = (struct ue_mtk_group){.port = 0};
	if (colon == NULL ||
		!ue_text_number(
			(struct ue_text){colon + 1, (size_t)(end - colon - 1)}, 65535, &port) ||
		port == 0)
		return false;
	group->port = (uint16_t)port;
	if (*text == '[') {
		text++;
		if (colon == text || *--address_end != ']')
			return false;
	}
	percent = memchr(text, '%', (size_t)(address_end - text));
	if (percent != NULL) {
		size_t name_len = (size_t)(address_end - percent - 1);

		if (name_len == 0 || name_len >= sizeof(group->interface))
			return false;
		memcpy(group->interface, percent + 1, name_len);
		address_end = percent;
	}
	return ue_address_parse(&group->address, text, (size_t)(address_end - text)) &&
		ue_address_is_multicast(&group->address);
}

unsigned ue_mtk_groups_parse(struct ue_mtk_group groups[UE_MTK_GROUPS_MAX], const char *text)
{
	for (unsigned count = 0; count < UE_MTK_GROUPS_MAX; text++) {
		size_t len = strcspn(text, ",");

		if (!group_parse(&groups[count++], text, len))
			return 0;
		text += len;
		if (*text == '\0')
			return count;
	}
	return 0;
}

static json_t *seen_json(const struct ue_phones *phones, const struct ue_mtk_seen *seen)
{
	const struct ue_msk *msk = &phones->msks[seen->msk];
	char domain[8], check[6];

	mikey_kdi_to_text(domain, msk->kdi);
	ue_hex_put(check, seen->check, sizeof(seen->check));
	return json_pack("{s:o, s:o, s:I, s:I, s:s%, s:i, s:I}", "key_group",
		json_sprintf("%s/%04x", domain, msk->group), "number",
		json_sprintf("%04x", msk->number), "mtk_id", (json_int_t)seen->mtk_id, "counter",
		(json_int_t)seen->counter, "check", check, sizeof(check), "salt_bytes",
		seen->salt_len, "phones", (json_int_t)seen->phones);
}

json_t *ue_mtk_report(const struct ue_site *site)
{
	const struct ue_mtk *mtk = &site->mtk;
	uint64_t first = mtk->seen_count > UE_MTK_SEEN ? mtk->seen_count - UE_MTK_SEEN : 0;
	json_t *list = json_array();

	for (uint64_t i = first; i < mtk->seen_count; i++)
		json_array_append_new(list, seen_json(&site->phones, &mtk->seen[i % UE_MTK_SEEN]));
	return list;
}
