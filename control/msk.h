// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The life of MSKs: made with random octets, next, current, retired.

#pragma once

#include "ctl.h"

#define MSK_CHECK_TEXT 7

// Makes the next MSK of a group: it is current at once when the group has no current one, else
// next. -ENOENT: no such group; -EBUSY: a next one lives already; -ENOSPC: after Key Number 0xffff.
// A next one that is revoked, and that no campaign pushes, is retired for it.
int msk_new(struct ctl *ctl, const struct store_group_id *group, uint16_t seq_l, uint16_t seq_u,
	struct store_msk *out);
// Makes the next MSK current and retires the one before. -ENOENT: no such MSK; -EBUSY: it is
// current or retired already.
int msk_activate(struct ctl *ctl, const struct store_group_id *group, uint16_t number,
	struct store_msk *out);

// Takes an MSK out of use: its interval of MTK IDs is empty from now on (SEQl above SEQu), so that
// a phone that is pushed it deletes it, and no MTK goes under it. Its octets stay as they are.
// -ENOENT: no such MSK; -EBUSY: it is retired; -EINPROGRESS: a campaign (campaigns_of_msk()) would
// go on telling phones that it is good.
int msk_revoke(struct ctl *ctl, const struct store_group_id *group, uint16_t number,
	struct store_msk *out);

// The Key Number after this one; 0 is never one.
uint16_t msk_number_after(uint16_t number);
// Key check value: the first 6 hex digits of SHA-256 of the MSK.
void msk_check_text(const struct store_secret16 *key, char out[MSK_CHECK_TEXT]);
