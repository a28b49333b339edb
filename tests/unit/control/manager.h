// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// A service manager for tests: a socket that stands in for systemd's.

#pragma once

// Listens on a name (of the abstract kind when it begins with '@') and puts it into
// $NOTIFY_SOCKET. Returns the descriptor.
int manager_listen(const char *name);
// The next message, "" when there is none. Valid until the next call.
const char *manager_heard(int fd);
