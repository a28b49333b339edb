// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The recorder as a library to preload (LD_PRELOAD): writes down what a program asks of the disk.
//   POWERCUT_ROOT     only what lies in this directory is recorded; names are relative to it
//   POWERCUT_TRACE    the trace, appended to
//   POWERCUT_SYNC_US  what a sync takes at least: whoever does not wait for it is seen then

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "recorder.h"

#define PARTS_MAX 1024

static char root[4096];
static size_t root_len;
static int trace_fd = -1;
static long sync_us;

__attribute__((constructor)) static void begin(void)
{
	const char *dir = getenv("POWERCUT_ROOT"), *trace = getenv("POWERCUT_TRACE");
	const char *us = getenv("POWERCUT_SYNC_US");

	if (dir == NULL || trace == NULL || realpath(dir, root) == NULL)
		return;
	root_len = strlen(root);
	sync_us = us != NULL ? atol(us) : 0;
	trace_fd = (int)syscall(
		SYS_open, trace, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, (mode_t)0600);
}

const char *listener_name(const char *path)
{
	if (trace_fd < 0 || strncmp(path, root, root_len) != 0)
		return NULL;
	if (path[root_len] == '\0')
		return ".";
	return path[root_len] == '/' ? path + root_len + 1 : NULL;
}

void listener_take(const struct trace_record *r, const struct iovec *payload, int n)
{
	struct iovec out[1 + PARTS_MAX] = {{(void *)(uintptr_t)r, sizeof(*r)}};

	if (trace_fd < 0)
		return;
	if (n > PARTS_MAX)
		abort();
	memcpy(out + 1, payload, (size_t)n * sizeof(*payload));
	if (syscall(SYS_writev, trace_fd, out, 1 + n) != (ssize_t)(sizeof(*r) + r->payload))
		abort();
}

int listener_fault(enum trace_kind kind, const char *name)
{
	(void)kind;
	(void)name;
	return 0;
}

int listener_sync(int fd, long call)
{
	int rc = fd < 0 ? 0 : (int)syscall(call, fd);
	int error = errno;

	if (sync_us > 0)
		usleep((useconds_t)sync_us);
	errno = error;
	return rc;
}
