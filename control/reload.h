// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// SIGHUP: the configuration is read again. What can change while the daemon runs takes effect;
// for all else the log says that it needs a restart, and the old value stays in force.

#pragma once

#include <stdbool.h>

#include "conf.h"
#include "ctl.h"

// Puts what fresh says in force. conf is the one that ctl->conf points to. Main thread.
void reload_apply(struct ctl *ctl, struct conf *conf, struct conf *fresh);

// Whether a key takes effect without a restart.
bool reload_is_live(const char *key);
