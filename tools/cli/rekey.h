// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Whoever is removed still holds the MSKs he was given. Only new ones shut him out.

#pragma once

#include "cli.h"

// Adds the key groups of the named services to groups, each once.
int rekey_groups(struct cli *cli, const json_t *names, json_t *groups);
// Removes what the path names. Then, with --rekey, starts a campaign with a new MSK for each of the
// groups, else says how that is done.
int rekey_remove(
	struct cli *cli, const struct cli_args *args, const char *path, const json_t *groups);
