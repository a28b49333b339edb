// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#pragma once

#include "admin.h"
#include "campaign.h"

json_t *admin_campaign_json(const struct store_reader *r, const struct campaign_view *view);
