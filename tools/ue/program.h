// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// What the threads of the program share.

#pragma once

#include "command.h"
#include "options.h"
#include "record.h"
#include "turn.h"

#define HTTP_WHY_BYTES 384

enum port_state {
	PORT_WAITS,
	PORT_UP
};

struct capture;

struct program {
	struct ue_options options;
	struct ue_site *site; // owned by who holds the turn
	struct http *http; // likewise; NULL without
	struct turn turn;
	struct ue_state *state; // owned by the main thread; the site uses it. NULL: none
	struct ue_record *record; // likewise
	struct capture *capture; // NULL: none. Owned by the port loop's thread
	atomic_bool stop_requested;
	_Atomic enum port_state port_state; // port loop: rw, control: ro
	_Atomic uint64_t attachments; // how often the port came up; likewise
};

struct ue_now ue_now(void);
// The port is up for the first time: what the command line has phones do begins.
void program_begin(struct program *program);
// Waits without taking the turn away from the control thread.
void program_pause(struct program *program, unsigned us);

// The control socket (control.c). -errno.
struct control;
int control_start(struct control **out, struct program *program);
void control_stop(struct control *control);

// Listens on a UNIX socket at path, mode 0600, without blocking (listen.c). The descriptor or
// -errno, -EADDRINUSE when somebody else does.
int socket_listen(const char *path);

// HTTP of the phones and of their BSF (http.c), as far as the options ask for it. The functions do
// nothing when http is NULL.
struct http;
// -errno with a sentence in why. Makes what the site then refers to.
int http_start(struct http **out, struct program *program, char why[HTTP_WHY_BYTES]);
void http_stop(struct http *http);
// What the command line has phones do over HTTP begins.
void http_begin(struct http *http);
// Does what is due. True when there was anything.
bool http_turn(struct http *http, const struct ue_now *now);
// Sleeps, but not longer than until an answer or a question arrives.
void http_wait(struct http *http, unsigned us);
// Becomes readable when there is; -1 for none.
int http_fd(const struct http *http);

// The capture file (capture.c). -errno.
int capture_open(struct capture **out, const char *path, uint64_t frames_max);
void capture_see(
	void *capture, enum ue_direction direction, const uint8_t *data, size_t len, int64_t wall);
// Brings what was seen so far to the file, for those who read along.
void capture_flush(struct capture *capture);
// 0, or -errno when not all frames reached the file.
int capture_close(struct capture *capture);

// The port loop (loop.c), on a DPDK port or on the kernel's sockets (kernel.c): returns when stop
// is requested; 1 when the port never came up.
int loop_run(struct program *program);
int kernel_run(struct program *program);
