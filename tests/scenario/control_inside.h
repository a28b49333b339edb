// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// What the files of control share: control.c counts, settles and takes up again, control_start.c
// begins.

#pragma once

#include "control.h"

void msk_store(struct site *s, const struct dp_msk *msk, enum store_msk_state state);
void campaign_send(struct site *s, struct campaign *c, enum dp_cmd_kind kind);
void campaign_tally(struct campaign *c, struct tally *t);
