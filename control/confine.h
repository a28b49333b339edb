// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// What the daemon gives up, so that who takes it over has little: core dumps, capabilities, system
// calls that it never makes.

#pragma once

#include <stdbool.h>

struct dp_conf;

// Before any key is read and any thread begun: no core dump shows memory, and only those
// capabilities stay that the ports' devices need, also when they come back after a failure, and
// with has_group the one to give the admin socket to a group of others. Threads inherit them. Root
// becomes that user, unless the name is empty. -errno with a sentence.
int confine_begin(const struct dp_conf *conf, bool has_group, const char *user, char why[256]);

// When everything is open: this process cannot be dumped or traced by its user, gains no
// privileges, and in all of its threads the calls that serve to begin programs, to trace, to mount,
// to load into the kernel and the like fail with EPERM. -errno with a sentence.
int confine_end(const struct dp_conf *conf, char why[256]);
