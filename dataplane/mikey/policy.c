// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Security policies, RFC 3830 6.10.

#include "payload.h"

static bool has_param(const struct mikey_policy *policy, uint8_t type)
{
	for (uint8_t i = 0; i < policy->param_count; i++)
		if (policy->param[i].type == type)
			return true;
	return false;
}

static void param_read(struct reader *rd, struct mikey_policy *policy)
{
	struct tlv tlv = rd_tlv(rd, MIKEY_SP_PARAM_TRUNCATED, MIKEY_SP_PARAM_LENGTH);
	struct mikey_sp_param *param = &policy->param[policy->param_count];

	if (rd->status == MIKEY_OK && tlv.value.len == 0)
		rd_fail(rd, MIKEY_SP_PARAM_EMPTY);
	if (has_param(policy, tlv.type))
		rd_fail(rd, MIKEY_SP_PARAM_DUPLICATE);
	if (policy->param_count == MIKEY_SP_PARAM_MAX)
		rd_fail(rd, MIKEY_SP_PARAM_EXCESS);
	if (rd->status != MIKEY_OK)
		return;
	param->type = tlv.type;
	param->len = (uint8_t)tlv.value.len;
	memcpy(param->value, tlv.value.data,
		tlv.value.len < sizeof(param->value) ? tlv.value.len : sizeof(param->value));
	policy->param_count++;
}

enum mikey_status mikey_policy_read(const struct payload *p, struct mikey_policy *policy)
{
	struct reader rd = rd_over(p->data);

	*policy = (struct mikey_policy){.policy = p->policy, .prot_type = p->code};
	while (rd.status == MIKEY_OK && rd_left(&rd) > 0)
		param_read(&rd, policy);
	return rd.status;
}
