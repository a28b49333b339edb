// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// What one look at the daemon gives; all metrics of an answer are of the same look.

#pragma once

#include "audit.h"
#include "bearer.h"
#include "campaign.h"
#include "ctl.h"
#include "dp.h"
#include "key_source.h"
#include "log.h"
#include "ua.h"

struct metric_facts {
	struct ctl *ctl;
	struct dp_status status; // zero when the dataplane does not run
	struct dp_stats sum; // over all workers
	struct dp_stats worker[DP_WORKERS_MAX];
	struct dp_area_stats area[DP_AREAS_MAX + 1]; // the one behind the last: in none
	uint32_t area_rate[DP_AREAS_MAX]; // UEs per second, 0: no limit
	uint32_t solicit_rate; // as dp_solicit_rate() says
	struct dp_port_stats queue[DP_PORTS_MAX][DP_WORKERS_MAX];
	struct ua_stats ua;
	struct bearer_counts mtk;
	struct key_source_stats key_source;
	struct store_env_info store;
	uint64_t subscribers, services, groups, damaged;
	struct campaign_view campaign[DP_CAMPAIGNS_MAX]; // open ones
	char group[DP_CAMPAIGNS_MAX][16];
	size_t campaigns;
	struct log_counts log;
	struct audit_counts audit;
	double cpu_s, resident_bytes, virtual_bytes, start_s, open_fds, max_fds;
	uint64_t expired, expires_in[31], expires_later, without_muk;
};

// Owned by the caller, who frees it; NULL: no memory. Any thread.
struct metric_facts *metric_facts_collect(struct ctl *ctl);
// metric_expiry.c: counts again when the last count is older than a minute.
void metric_expiry_read(struct ctl *ctl, const struct store_reader *r, struct metric_facts *facts);
