// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Listening on addresses of the configuration.

#pragma once

#include <stdbool.h>

#define LISTEN_TEXT 64

// Whether "127.0.0.1:8080" or "[::1]:8080" could be listened on.
bool listen_is_address(const char *text);
// Whether only this machine gets there: 127.0.0.0/8 or ::1.
bool listen_is_loopback(const char *text);
// Listens there and returns the socket. Those that are shared may be several on one address, and
// the kernel spreads connections over them. actual: the address with the port that was chosen
// where the text says 0. -errno with a sentence, which names the key, in why.
int listen_open(
	const char *key, const char *text, bool is_shared, char actual[LISTEN_TEXT], char why[256]);
