// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Phones that come over HTTP (docs/ua-profile.md), as far as the store and the workers see of it:
// a new bootstrapping is learnt and committed, a registration too, and then MSKs are pushed to who
// asked. Jobs go to the writer as Ua's do, and nobody waits for them.

#pragma once

#include <stdint.h>

struct sim;

struct visits {
	unsigned under_way;
	uint64_t down_until_ns; // the HTTP side serves nobody
};

// A phone will come after that time, unless it is about to anyway.
void visit_plan(struct sim *s, unsigned person, uint64_t after_ns);
// Those who took a solicited pull, and those whose time has come.
void visits_step(struct sim *s);
// A phone changes what it is registered with, to p->in.
void visit_register(struct sim *s, unsigned person);
