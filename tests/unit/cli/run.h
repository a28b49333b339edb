// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Runs mskpush in a directory of its own, beside a fake daemon.

#pragma once

#include <stdbool.h>
#include <stddef.h>

// What the last run left.
struct ran {
	int code;
	char out[1 << 16];
	char err[1 << 12];
};
extern struct ran ran;
extern char run_dir[64];

// Takes the paths of mskpush and of the fake daemon's script. False: usage was shown.
bool run_arguments(int argc, char **argv);
// cmocka's group set-up and tear-down: the directory, the fake daemon, $MSKPUSH_SOCKET.
int run_begin(void **state);
int run_end(void **state);

// arguments as a shell reads them.
void run(const char *arguments);
// The same, with SIGINT after some time.
void run_interrupted(const char *arguments, unsigned after_ms);
// The newest request that begins with call has to hold part.
void expect_string_in_log(const char *call, const char *part);

void file_write(const char *name, const char *text);
void file_fill(const char *name, size_t bytes);

void expect_code(int code, const char *arguments);
void expect_in(const char *text, const char *part);
// A line of the verdict: the name, blanks, the value.
void expect_pair(const char *name, const char *value);
// An error is one line, and with --json an object as well.
void expect_error(int code, const char *arguments, const char *part);
