// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The sockets that phones connect to.

#pragma once

#include <stdbool.h>

#define UA_LISTEN_TEXT 64

// Listens on "127.0.0.1:8080" or "[::1]:8080" and returns the socket. Those that are shared may be
// several on one address, and the kernel spreads connections over them. actual is the address with
// the port that was chosen where the text says 0. -errno with a sentence in why.
int ua_listen_open(const char *text, bool is_shared, char actual[UA_LISTEN_TEXT], char why[256]);
