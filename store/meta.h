// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Services, key groups, MSKs and campaigns of one snapshot or write transaction. All return
// -ENOENT when there is none, and what record.h says of records that cannot be read.

#pragma once

#include "env.h"

int meta_service(const struct view *v, store_service_id id, struct store_service *out);
int meta_service_by_name(const struct view *v, const char *name, struct store_service *out);
int meta_service_next(const struct view *v, store_service_id after, struct store_service *out);
bool meta_service_names(const struct store_service *service, const struct store_group_id *group);

int meta_group(const struct view *v, const struct store_group_id *id, struct store_group *out);
int meta_group_next(
	const struct view *v, const struct store_group_id *after, struct store_group *out);

int meta_msk(const struct view *v, const struct store_group_id *group, uint16_t number,
	struct store_msk *out);
int meta_msk_next(const struct view *v, const struct store_group_id *group, uint16_t after,
	struct store_msk *out);

int meta_mtks(const struct view *v, const struct store_group_id *group, uint16_t number,
	struct store_mtks *out);
int meta_bearer(const struct view *v, const struct store_group_id *group, struct store_bearer *out);
int meta_bearer_next(
	const struct view *v, const struct store_group_id *after, struct store_bearer *out);

// mtk.c: what goes with a group. -EBUSY: its MTKs are being sent.
int bearer_remove(struct store_txn *txn, const struct store_group_id *group);
int mtks_remove(struct store_txn *txn, const struct store_group_id *group, uint16_t number);

int meta_campaign(const struct view *v, uint32_t id, struct store_campaign *out);
int meta_campaign_next(const struct view *v, uint32_t after, struct store_campaign *out);
