// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// How the site is, on one screen of 24 lines and 80 columns: what is wrong first, then what runs.
// Shared by status and watch.

#pragma once

#include <jansson.h>

#define SCREEN_LINES 23 // one is left for the prompt
#define SCREEN_COLUMNS 79

// A line: a name of up to 11 columns, and text behind it, cut at the last column.
void screen_line(const char *name, const char *format, ...) __attribute__((format(printf, 2, 3)));

// What is wrong by /v1/status, a sentence each; owned by the caller.
json_t *screen_wrong(const json_t *status);

// Parts of the screen.
void screen_head(const json_t *status);
void screen_wrong_print(const json_t *wrong);
void screen_campaigns(const json_t *status);
void screen_site(const json_t *status);
