// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The calls by which a program changes the disk, under libc's names: content, and syncs. What it
// asks is told to who listens (recorder.h). One lock is held over a record and the call that it
// tells of, so that they cannot change places; not over syncs, which are long and have two records.

// Else open() here would be open64().
#undef _FILE_OFFSET_BITS

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "recorder_inside.h"

pthread_mutex_t recorder_lock = PTHREAD_MUTEX_INITIALIZER;

void powercut_note(const char *text);

const char *recorder_name(int fd, char path[NAME_MAX_BYTES])
{
	char link[64];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, NAME_MAX_BYTES - 1);
	path[n > 0 ? n : 0] = '\0';
	return listener_name(path);
}

uint64_t recorder_inode(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 ? st.st_ino : 0;
}

void recorder_tell(
	enum trace_kind kind, uint64_t file, uint64_t at, const struct iovec *payload, int payloads)
{
	struct trace_record r = {
		.kind = kind,
		.thread = (uint32_t)syscall(SYS_gettid),
		.file = file,
		.at = at,
	};
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	r.time_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
	for (int i = 0; i < payloads; i++)
		r.payload += payload[i].iov_len;
	listener_take(&r, payload, payloads);
}

void recorder_tell_name(enum trace_kind kind, uint64_t file, const char *name)
{
	struct iovec payload = {(void *)name, strlen(name)};

	recorder_tell(kind, file, 0, &payload, 1);
}

void powercut_note(const char *text)
{
	pthread_mutex_lock(&recorder_lock);
	recorder_tell_name(TRACE_NOTE, 0, text);
	pthread_mutex_unlock(&recorder_lock);
}

bool recorder_fails(enum trace_kind kind, const char *name)
{
	int error = name == NULL ? 0 : listener_fault(kind, name);

	if (error != 0)
		errno = error;
	return error != 0;
}

// --- Writing ---------------------------------------------------------------------------------

static bool is_ours(int fd)
{
	char path[NAME_MAX_BYTES];

	return recorder_name(fd, path) != NULL;
}

static void written(int fd, uint64_t file)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags >= 0 && (flags & O_DSYNC) != 0) {
		listener_sync(-1, 0);
		recorder_tell(TRACE_WRITTEN, file, 0, NULL, 0);
	}
}

// at < 0: where the descriptor stands.
static ssize_t write_recorded(int fd, const struct iovec *iov, int n, off_t at)
{
	char path[NAME_MAX_BYTES];
	const char *name = recorder_name(fd, path);
	bool is_recorded = name != NULL;
	ssize_t rc;
	int error;

	if (is_recorded) {
		if (recorder_fails(TRACE_WRITE, name))
			return -1;
		pthread_mutex_lock(&recorder_lock);
		recorder_tell(TRACE_WRITE, recorder_inode(fd),
			(uint64_t)(at < 0 ? lseek(fd, 0, SEEK_CUR) : at), iov, n);
	}
	rc = at < 0 ? syscall(SYS_writev, fd, iov, n)
		    : syscall(SYS_pwritev, fd, iov, n, (long)at, 0L);
	error = errno;
	if (is_recorded) {
		written(fd, recorder_inode(fd));
		pthread_mutex_unlock(&recorder_lock);
	}
	errno = error;
	return rc;
}

ssize_t write(int fd, const void *data, size_t len)
{
	struct iovec iov = {(void *)data, len};

	return write_recorded(fd, &iov, 1, -1);
}

ssize_t writev(int fd, const struct iovec *iov, int n)
{
	return write_recorded(fd, iov, n, -1);
}

ssize_t pwrite(int fd, const void *data, size_t len, off_t at)
{
	struct iovec iov = {(void *)data, len};

	return write_recorded(fd, &iov, 1, at);
}

ssize_t pwrite64(int fd, const void *data, size_t len, off_t at)
{
	return pwrite(fd, data, len, at);
}

ssize_t pwritev(int fd, const struct iovec *iov, int n, off_t at)
{
	return write_recorded(fd, iov, n, at);
}

ssize_t pwritev64(int fd, const struct iovec *iov, int n, off_t at)
{
	return write_recorded(fd, iov, n, at);
}

int ftruncate(int fd, off_t size)
{
	int rc, error;

	pthread_mutex_lock(&recorder_lock);
	if (is_ours(fd))
		recorder_tell(TRACE_SIZE, recorder_inode(fd), (uint64_t)size, NULL, 0);
	rc = (int)syscall(SYS_ftruncate, fd, size);
	error = errno;
	pthread_mutex_unlock(&recorder_lock);
	errno = error;
	return rc;
}

int ftruncate64(int fd, off_t size)
{
	return ftruncate(fd, size);
}

static int grow_recorded(int fd, int mode, off_t at, off_t len)
{
	char path[NAME_MAX_BYTES];
	int rc, error;

	if (recorder_fails(TRACE_GROW, recorder_name(fd, path)))
		return -1;
	pthread_mutex_lock(&recorder_lock);
	rc = (int)syscall(SYS_fallocate, fd, mode, at, len);
	error = errno;
	if (rc == 0 && mode == 0 && is_ours(fd))
		recorder_tell(TRACE_GROW, recorder_inode(fd), (uint64_t)(at + len), NULL, 0);
	pthread_mutex_unlock(&recorder_lock);
	errno = error;
	return rc;
}

int fallocate(int fd, int mode, off_t at, off_t len)
{
	return grow_recorded(fd, mode, at, len);
}

int fallocate64(int fd, int mode, off_t at, off_t len)
{
	return grow_recorded(fd, mode, at, len);
}

int posix_fallocate(int fd, off_t at, off_t len)
{
	int before = errno, rc = grow_recorded(fd, 0, at, len) == 0 ? 0 : errno;

	errno = before;
	return rc;
}

int posix_fallocate64(int fd, off_t at, off_t len)
{
	return posix_fallocate(fd, at, len);
}

// --- Syncs -----------------------------------------------------------------------------------

static int sync_recorded(int fd, long call)
{
	char path[NAME_MAX_BYTES];
	const char *name = recorder_name(fd, path);
	int rc, error;

	if (name == NULL)
		return (int)syscall(call, fd);
	if (recorder_fails(TRACE_SYNC_BEGIN, name))
		return -1;
	pthread_mutex_lock(&recorder_lock);
	recorder_tell_name(TRACE_SYNC_BEGIN, recorder_inode(fd), name);
	pthread_mutex_unlock(&recorder_lock);
	rc = listener_sync(fd, call);
	error = errno;
	pthread_mutex_lock(&recorder_lock);
	if (rc == 0)
		recorder_tell_name(TRACE_SYNC_END, recorder_inode(fd), name);
	pthread_mutex_unlock(&recorder_lock);
	errno = error;
	return rc;
}

int fsync(int fd)
{
	return sync_recorded(fd, SYS_fsync);
}

int fdatasync(int fd)
{
	return sync_recorded(fd, SYS_fdatasync);
}

// The store does not write through maps. One that did could not be told from the trace, so it is
// named there, and msync() after it changes nothing.
static void map_recorded(int prot, int flags, int fd)
{
	char path[NAME_MAX_BYTES];
	const char *name;

	if (fd < 0 || (prot & PROT_WRITE) == 0 || (flags & MAP_SHARED) == 0)
		return;
	name = recorder_name(fd, path);
	if (name == NULL)
		return;
	pthread_mutex_lock(&recorder_lock);
	recorder_tell_name(TRACE_MAPPED, recorder_inode(fd), name);
	pthread_mutex_unlock(&recorder_lock);
}

void *mmap(void *addr, size_t len, int prot, int flags, int fd, off_t at)
{
	map_recorded(prot, flags, fd);
	return (void *)syscall(SYS_mmap, addr, len, prot, flags, fd, at);
}

void *mmap64(void *addr, size_t len, int prot, int flags, int fd, off_t at)
{
	return mmap(addr, len, prot, flags, fd, at);
}
