// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// What the store's writer tells the workers: which ids have changed, and that there is a newer
// snapshot. The writer's, and its thread's alone.

#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "writer_ranges.h"

#define WRITER_FOLLOW_NS 1000000000 // workers see the newest snapshot at least this often

struct ctl;

struct writer_news {
	struct ctl *ctl;
	struct writer_ranges changed; // ids whose counters the workers have to raise
	bool is_behind; // the workers do not know the newest snapshot
	bool is_urgent; // tell them at once
	int64_t told_ns; // CLOCK_MONOTONIC
};

void writer_news_init(struct writer_news *news, struct ctl *ctl);
// These records have changed with the commit that is to come, or with the last one.
void writer_news_add(struct writer_news *news, uint32_t first, uint32_t n);
// After a commit: tells them if they have to know now. What a worker does not take stays noted, and
// goes out with the next commit, at the latest after a second.
void writer_news_tell(struct writer_news *news);
// The number of the newest commit.
uint64_t writer_version(struct ctl *ctl);
