// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Capture of what the port really sent and received: workers copy frames into a ring, a thread
// writes them as pcapng. A worker never waits for the writer; what it cannot hand over is counted.

#pragma once

#include <stdint.h>

struct capture;
struct dp_capture;
struct dp_shared;

// The fd belongs to the capture from here on, also when this fails.
int capture_create(struct dp_shared *shared, const struct dp_capture *conf, struct capture **out);
// Whether the writer has ended by itself: count reached, or fd closed at the other end.
int capture_is_over(const struct capture *capture);
// Stops the writer. No worker may hold the capture any more.
void capture_destroy(struct capture *capture);
