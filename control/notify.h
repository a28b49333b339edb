// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// What the service manager is told: datagrams to $NOTIFY_SOCKET, as sd_notify(3) describes them.
// The protocol is promised to stay, and is a dozen lines; libsystemd would bring its
// decompressors into a process that holds keys.

#pragma once

#include <stdbool.h>
#include <stdint.h>

#define NOTIFY_TEXT_MAX 512

// Whether there is a service manager that listens.
bool notify_is_wanted(void);
// Sends assignments, one a line: "READY=1\nSTATUS=...". Never waits; what cannot be sent is lost.
// Without $NOTIFY_SOCKET it does nothing. -errno for tests.
int notify_send(const char *format, ...) __attribute__((format(printf, 1, 2)));
// Microseconds within which the service manager wants to hear WATCHDOG=1; 0: it does not watch
// this process (sd_watchdog_enabled(3)).
uint64_t notify_watchdog_us(void);
