// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The calls by which a program makes, changes and removes names.

// Else open() here would be open64().
#undef _FILE_OFFSET_BITS

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "recorder_inside.h"

static const char *name_of_path(const char *path, char full[NAME_MAX_BYTES])
{
	char copy[NAME_MAX_BYTES], *slash;

	// The last part may not be there yet.
	snprintf(copy, sizeof(copy), "%s", path);
	slash = strrchr(copy, '/');
	if (slash == NULL || slash == copy)
		return NULL;
	*slash = '\0';
	if (realpath(copy, full) == NULL || strlen(full) + strlen(slash + 1) + 2 > NAME_MAX_BYTES)
		return NULL;
	strcat(full, "/");
	strcat(full, slash + 1);
	return listener_name(full);
}

static int open_recorded(const char *path, int flags, mode_t mode)
{
	char full[NAME_MAX_BYTES];
	struct stat st;
	bool is_there;
	const char *name;
	int fd;

	if (recorder_fails(TRACE_CREATE, name_of_path(path, full)))
		return -1;
	pthread_mutex_lock(&recorder_lock);
	is_there = stat(path, &st) == 0;
	fd = (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
	name = fd >= 0 ? recorder_name(fd, full) : NULL;
	if (name != NULL) {
		recorder_tell_name(is_there ? TRACE_NAME : TRACE_CREATE, recorder_inode(fd), name);
		if (is_there && (flags & O_TRUNC) != 0)
			recorder_tell(TRACE_SIZE, recorder_inode(fd), 0, NULL, 0);
	}
	pthread_mutex_unlock(&recorder_lock);
	return fd;
}

#define OPEN_AS(function)                                \
	int function(const char *path, int flags, ...)   \
	{                                                \
		va_list ap;                              \
		mode_t mode;                             \
                                                         \
		va_start(ap, flags);                     \
		mode = (mode_t)va_arg(ap, int);          \
		va_end(ap);                              \
		return open_recorded(path, flags, mode); \
	}

OPEN_AS(open)
OPEN_AS(open64)

int mkdir(const char *path, mode_t mode)
{
	char full[NAME_MAX_BYTES];
	const char *name;
	int rc, error;

	pthread_mutex_lock(&recorder_lock);
	rc = (int)syscall(SYS_mkdir, path, mode);
	error = errno;
	name = rc == 0 ? name_of_path(path, full) : NULL;
	if (name != NULL)
		recorder_tell_name(TRACE_MKDIR, 0, name);
	pthread_mutex_unlock(&recorder_lock);
	errno = error;
	return rc;
}

static int unlink_recorded(const char *path, long call)
{
	char full[NAME_MAX_BYTES];
	const char *name;
	int rc, error;

	pthread_mutex_lock(&recorder_lock);
	rc = (int)syscall(call, path);
	error = errno;
	name = rc == 0 ? name_of_path(path, full) : NULL;
	if (name != NULL)
		recorder_tell_name(TRACE_UNLINK, 0, name);
	pthread_mutex_unlock(&recorder_lock);
	errno = error;
	return rc;
}

int unlink(const char *path)
{
	return unlink_recorded(path, SYS_unlink);
}

int rmdir(const char *path)
{
	return unlink_recorded(path, SYS_rmdir);
}

static int rename_recorded(const char *from, const char *to, unsigned flags)
{
	char full[2][NAME_MAX_BYTES];
	const char *name[2];
	int rc, error;

	pthread_mutex_lock(&recorder_lock);
	rc = (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, flags);
	error = errno;
	name[0] = name_of_path(from, full[0]);
	name[1] = name_of_path(to, full[1]);
	if (rc == 0 && name[0] != NULL && name[1] != NULL) {
		struct iovec payload[2] = {
			{(void *)name[0], strlen(name[0]) + 1}, {(void *)name[1], strlen(name[1])}};

		recorder_tell(TRACE_RENAME, 0, 0, payload, 2);
	}
	pthread_mutex_unlock(&recorder_lock);
	errno = error;
	return rc;
}

int rename(const char *from, const char *to)
{
	return rename_recorded(from, to, 0);
}

// Of paths alone.
int renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags)
{
	if (from_dir != AT_FDCWD || to_dir != AT_FDCWD) {
		errno = ENOTSUP;
		return -1;
	}
	return rename_recorded(from, to, flags);
}
