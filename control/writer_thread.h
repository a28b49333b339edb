// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The one thread that changes the store. ctl.h has the calls for everybody else.

#pragma once

struct ctl;
struct counter_mark;
struct writer;

// Starts the thread. mark: whose value is copied into the store with each commit; NULL: none.
int writer_create(struct ctl *ctl, struct counter_mark *mark, struct writer **out);
// The same without a thread, for one that does everything: who waits for a job turns the writer,
// and jobs that nobody waits for are done at the next turn, with what workers have to be told.
int writer_create_by_hand(struct ctl *ctl, struct counter_mark *mark, struct writer **out);
void writer_turn(struct writer *writer);
// Jobs that wait for their turn. Any thread.
unsigned writer_waiting(struct writer *writer);
// Finishes the jobs that wait, commits once more, ends the thread. Later calls of
// ctl_writer_run() get -ESHUTDOWN.
void writer_destroy(struct writer *writer);
