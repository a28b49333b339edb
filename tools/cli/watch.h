// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Watching a campaign to its end, and what is said about one.

#pragma once

#include "cli.h"

// The daemon's drop counters, owned by the caller.
int drops_read(struct cli *cli, json_t **drops);

// Watches campaign id until it is closed, then prints the verdict. drops: the counters before it
// began, NULL = do not report drops; borrowed. Ctrl-C leaves the campaign running.
int campaign_watch(struct cli *cli, uint64_t id, const json_t *drops);

// A campaign as a list of names and values.
void campaign_print(const json_t *campaign, const json_t *drops);
