// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// A client of the admin socket: bytes of HTTP in, bytes of HTTP out.

#pragma once

#include <stdbool.h>

#include <jansson.h>

#include "admin_http.h"
#include "site.h"
#include "test.h"

struct client {
	struct site *site;
	char path[100];
	unsigned status; // of the last answer
	json_t *body;
};
extern struct client client;

// A site with its socket, for each test anew.
int client_up(void **state);
int client_down(void **state);
#define WITH_CLIENT(test) cmocka_unit_test_setup_teardown(test, client_up, client_down)

int client_connect(void);
void client_write(int fd, const char *data, size_t len);
// line is method and path, as in "GET /v1/status". They return the status.
unsigned call(const char *line, const char *body);
unsigned call_body(const char *line, const char *body, size_t len, bool has_body);
// Members of the last answer.
const char *text(const char *name);
json_int_t number(const char *name);
void expect_error(const char *line, const char *body, unsigned status, const char *word);
