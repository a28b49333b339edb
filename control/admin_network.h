// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#pragma once

#include "admin.h"
#include "conf.h"

struct dp_status;

// The caller owns what is returned.
json_t *admin_ports_json(const struct conf *conf, const struct dp_status *status);
json_t *admin_hops_json(const struct dp_status *status);
// The first port, in short.
json_t *admin_port_json(const struct conf *conf, const struct dp_status *status);
// All areas, and last, without a name, what lies in none.
json_t *admin_areas_json(struct ctl *ctl);
