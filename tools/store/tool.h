// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// What the commands of mskpush-store share.

#pragma once

#include <stdbool.h>

#include <jansson.h>

#include "reader.h"

#define TOOL_WHY_MAX 256 // room for a sentence

struct args {
	const char *verb;
	const char *path[2];
	int paths;
	const char *wrapping_key;
	const char *out;
	bool is_json;
};

// A store that is open for reading: of a directory, which is locked meanwhile, or a file alone.
struct opened {
	struct store_env *env;
	int lock_fd;
	char file[4096];
};

// Says why a command failed, as text or JSON; the exit status that goes with it.
int tool_failed(const struct args *args, const char *why);
// Prints an object as a line, and frees it.
void tool_json_show(json_t *object);
// Finds the data file of the first path, locks its directory if it is one, and opens it.
// tool_store_close() is due in any case.
int tool_store_open(const struct args *args, struct opened *o, char why[TOOL_WHY_MAX]);
void tool_store_close(struct opened *o);

// Commands; they return the exit status.
int tool_check_run(const struct args *args);
int tool_export_run(const struct args *args);
