// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#pragma once

struct conf;
struct dp_conf;

// The dataplane's share of the configuration. Strings of out belong to conf, which has to live as
// long as the dataplane.
void conf_dp_fill(const struct conf *conf, struct dp_conf *out);
