// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// What `push` and `solicit` order, and what comes before it is given.

#pragma once

#include "cli.h"

#define CONFIRM_ABOVE 10000 // UEs that are sent to without asking

// Fills the body of the order. Returns the exit code after it has said what is wrong.
int order_fill(struct cli *cli, const struct cli_args *args, const char *kind, json_t *body);
// Prints what the order comes to.
int order_plan(struct cli *cli, const json_t *body);
// Above CONFIRM_ABOVE UEs: shows the plan and wants their number on stdin; CLI_USAGE where it does
// not come, and always with --json, which has no room for a question.
int order_confirm(struct cli *cli, const json_t *body);
