// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Configurations as text, for tests: what they come to, or what is said of them.

#pragma once

#include "conf.h"

extern struct conf conf; // of the last one
extern char why[CONF_WHY_MAX];

int read_text(const char *yaml); // as conf_parse(), of "f.yaml"
void expect_refused(const char *yaml, const char *message);
