// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Members of a campaign that are not verified, page by page.

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "admin_campaign_json.h"

#define PAGE_MAX 10000
#define PAGE_INITIAL 1000

struct page {
	const struct admin_request *req;
	struct store_reader *r;
	struct campaign_view view;
	uint64_t limit;
	json_t *members;
	int64_t last; // id of the last one on the page
	bool is_full; // and there is another one behind it
};

static bool member_is_undelivered(uint8_t state)
{
	return state != STORE_MEMBER_NONE &&
		((state & STORE_MEMBER_REFUSED) != 0 || (state & STORE_MEMBER_VERIFIED) == 0);
}

static json_t *name_json(const char *name)
{
	return *name == '\0' ? json_null() : json_string(name);
}

static json_t *member_json(const struct page *page, store_id id, uint8_t state)
{
	struct admin_member member = admin_member_of(state, &page->view.record);
	struct store_subscriber sub = {0};
	json_t *out;

	store_reader_subscriber(page->r, id, &sub);
	out = json_pack("{s:I, s:o, s:o, s:s, s:s?, s:o}", "id", (json_int_t)id, "impi",
		name_json(sub.impi), "btid", name_json(sub.btid), "state", member.state, "why",
		member.why, "sends", admin_member_sends_json(&member));
	explicit_bzero(&sub, sizeof(sub));
	return out;
}

static void slice_list(struct page *page, uint32_t slice, const uint8_t *state, uint32_t from)
{
	for (uint32_t i = from; i < STORE_SLICE && !page->is_full; i++) {
		store_id id = slice * STORE_SLICE + i;

		if (!member_is_undelivered(state[i]))
			continue;
		if (json_array_size(page->members) == page->limit) {
			page->is_full = true;
			return;
		}
		json_array_append_new(page->members, member_json(page, id, state[i]));
		page->last = id;
	}
}

static void page_fill(struct page *page, uint64_t first)
{
	uint32_t id = page->view.record.id;
	uint32_t slices = (page->view.record.span + STORE_SLICE - 1) / STORE_SLICE;
	uint8_t state[STORE_SLICE];

	for (uint64_t i = first / STORE_SLICE; i < slices && !page->is_full; i++) {
		uint32_t slice = (uint32_t)i;

		if (campaign_slice_read(page->req->ctl, page->r, id, slice, state) == 0)
			slice_list(page, slice, state,
				i == first / STORE_SLICE ? (uint32_t)(first % STORE_SLICE) : 0);
	}
}

static int page_read(struct page *page, struct admin_reply *reply, uint64_t *first)
{
	uint64_t after = 0, id;
	char *end;
	int has;

	page->limit = PAGE_INITIAL;
	has = admin_query_u64(page->req, reply, "after", UINT32_MAX - 1, &after);
	if (has < 0 || admin_query_u64(page->req, reply, "limit", PAGE_MAX, &page->limit) < 0)
		return -EINVAL;
	*first = has == 1 ? after + 1 : 0;
	id = strtoull(page->req->arg[0], &end, 10);
	if (*page->req->arg[0] < '0' || *page->req->arg[0] > '9' || *end != '\0' ||
		id > UINT32_MAX || page->limit == 0) {
		admin_error(reply, 400, "bad-value",
			"A campaign has a decimal number, and limit is 1 to 10000.");
		return -EINVAL;
	}
	page->view.record.id = (uint32_t)id;
	return 0;
}

void admin_campaign_undelivered(const struct admin_request *req, struct admin_reply *reply)
{
	struct page page = {.req = req};
	uint64_t first;
	int ret = page_read(&page, reply, &first);

	if (ret != 0)
		return;
	ret = ctl_reader_get(req->ctl, &page.r);
	if (ret == 0) {
		ret = campaign_view(req->ctl, page.r, page.view.record.id, &page.view);
		if (ret != 0)
			ctl_reader_put(req->ctl, page.r);
	}
	if (ret != 0) {
		admin_error_store(reply, ret, "campaign");
		return;
	}
	page.members = json_array();
	page_fill(&page, first);
	ctl_reader_put(req->ctl, page.r);
	reply->body = json_pack("{s:o, s:o}", "members", page.members, "next",
		page.is_full ? json_integer(page.last) : json_null());
}
