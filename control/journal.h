// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The journal's native protocol: one datagram an entry, KEY=value a line. Values are lines
// without control characters here, so its form for binary values is not needed.

#pragma once

#include <stdbool.h>
#include <stddef.h>

#define JOURNAL_SOCKET "/run/systemd/journal/socket"

// Whether stderr leads to the journal: $JOURNAL_STREAM names its device and inode
// (systemd.exec(5)).
bool journal_has_stderr(void);
// Opens the way to the journal at a socket. The descriptor, or -errno.
int journal_open(void);

struct journal_entry {
	int priority; // of syslog: 3 error, 4 warning, 6 info, 7 debug
	const char *event;
	const char *pairs; // key=value, as log_text.h makes them
};
// Sends an entry: MESSAGE, PRIORITY, SYSLOG_IDENTIFIER, MSKPUSH_EVENT, and MSKPUSH_KEY for each
// pair. Never waits. -errno when it could not be sent.
int journal_send(int fd, const char *path, const struct journal_entry *entry);
