// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Keeps the counter mark ahead of the values in use: no value above the mark is sent, and the mark
// is durable before the workers learn of it. See docs/architecture.md, "The counter".

#pragma once

#include <stdbool.h>
#include <stdint.h>

struct ctl;
struct counter_mark;
struct dp_counter_start;
struct store_env;

// Opens the mark file of the store and works out where the counter begins. -ERANGE, -EOVERFLOW:
// refused, as counter_start() does; -EUCLEAN: the file is damaged. why gets a sentence.
int counter_mark_open(struct store_env *env, const char *dir, bool is_clock_accepted,
	struct counter_mark **out, struct dp_counter_start *start, char why[256]);
// Moves the mark on when that is due: what the thread does again and again.
void counter_mark_advance(struct counter_mark *m, struct ctl *ctl);
// Starts the thread that moves the mark on while the dataplane runs.
int counter_mark_run(struct counter_mark *m, struct ctl *ctl);
// Ends the thread. The mark stays where it is.
void counter_mark_stop(struct counter_mark *m);
void counter_mark_close(struct counter_mark *m);
// The durable mark, 0 while none is. Any thread.
uint32_t counter_mark_value(const struct counter_mark *m);

// The mark that should be written now, 0 when the present one is far enough ahead of the clock
// and of the values in use.
uint32_t counter_mark_due(uint32_t mark, uint32_t now, uint32_t highest);

// 16 octets of this machine: /etc/machine-id, or zeros when there is none (a mark file from
// another such machine is then taken for ours). Returns whether there was one.
bool machine_id_read(const char *path, uint8_t out[16]);
