// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#pragma once

#include "admin.h"
#include "campaign.h"

#define ADMIN_RATE_MAX 100000000

json_t *admin_campaign_json(const struct store_reader *r, const struct campaign_view *view);
// What a member's state says (STORE_MEMBER_*, but not NONE).
struct admin_member {
	const char *state; // "verified", "refused", "given-up", "pending"
	const char *why; // NULL: nothing to say
	int sends; // messages; -1: not known, the store keeps another state in its place
};
struct admin_member admin_member_of(uint8_t state, const struct store_campaign *record);
json_t *admin_member_sends_json(const struct admin_member *member);
const char *admin_campaign_kind_text(uint8_t kind);
const char *admin_campaign_state_text(const struct store_campaign *record);
json_t *admin_plan_json(struct ctl *ctl, const struct campaign_plan *plan);
// "push", "solicit", "auto"; -EINVAL.
int admin_campaign_kind_parse(const char *text, uint8_t *kind);
// UEs per second of the body, null = no limit, which is 0 here. 1: *rate is set, 0: absent,
// -EINVAL.
int admin_rate_read(const struct admin_request *req, struct admin_reply *reply, uint32_t *rate);
// admin_campaigns.c: makes the reply the campaign as it stands.
void admin_campaign_reply(
	const struct admin_request *req, struct admin_reply *reply, uint32_t id, unsigned status);
// The campaign that the first wildcard of the path names. -EINVAL: the reply holds the error.
int admin_campaign_id_read(
	const struct admin_request *req, struct admin_reply *reply, uint32_t *out);
