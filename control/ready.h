// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#pragma once

#include "ctl.h"

// Logs version, CPU path, ports, store and counters, once all of it runs. counter_first: no value
// at or below it is sent.
void ready_report(struct ctl *ctl, uint32_t counter_first);
