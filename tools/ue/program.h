// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// What the threads of the program share.

#pragma once

#include "command.h"
#include "options.h"
#include "turn.h"

enum port_state {
	PORT_WAITS,
	PORT_UP
};

struct capture;

struct program {
	struct ue_options options;
	struct ue_site *site; // owned by who holds the turn
	struct turn turn;
	struct capture *capture; // NULL: none. Owned by the port loop's thread
	atomic_bool stop_requested;
	_Atomic enum port_state port_state; // port loop: rw, control: ro
	_Atomic uint64_t attachments; // how often the port came up; likewise
};

struct ue_now ue_now(void);
// Waits without taking the turn away from the control thread.
void program_pause(struct program *program, unsigned us);

// The control socket (control.c). -errno.
struct control;
int control_start(struct control **out, struct program *program);
void control_stop(struct control *control);

// The capture file (capture.c). -errno.
int capture_open(struct capture **out, const char *path, uint64_t frames_max);
void capture_see(
	void *capture, enum ue_direction direction, const uint8_t *data, size_t len, int64_t wall);
// Brings what was seen so far to the file, for those who read along.
void capture_flush(struct capture *capture);
// 0, or -errno when not all frames reached the file.
int capture_close(struct capture *capture);

// The port loop (loop.c): returns when stop is requested; 1 when the port never came up.
int loop_run(struct program *program);
