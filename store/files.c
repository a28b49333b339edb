// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOCK_FILE "lock"

int why_not(char *why, int rc, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, WHY_BYTES, fmt, ap);
	va_end(ap);
	return rc;
}

int file_path(const char *dir, const char *name, char out[PATH_BYTES])
{
	return snprintf(out, PATH_BYTES, "%s/%s", dir, name) < PATH_BYTES ? 0 : -ENAMETOOLONG;
}

int file_open(const char *dir, const char *name, int flags, int *fd, char *why)
{
	char path[PATH_BYTES];

	if (file_path(dir, name, path) != 0)
		return why_not(why, -ENAMETOOLONG, "The name of the store directory is too long.");
	*fd = open(path, O_RDWR | O_CLOEXEC | flags, 0600);
	if (*fd < 0)
		return why_not(why, -errno, "%.180s cannot be opened: %s.", path, strerror(errno));
	return 0;
}

int dir_sync(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc = 0;

	if (fd < 0)
		return -errno;
	if (fsync(fd) != 0)
		rc = -errno;
	close(fd);
	return rc;
}

int dir_sync_parent(const char *path)
{
	char parent[PATH_BYTES];
	int rc = file_path(path, "..", parent);

	return rc == 0 ? dir_sync(parent) : rc;
}

int file_install(const char *dir, const char *from, const char *to)
{
	char source[PATH_BYTES], target[PATH_BYTES];
	int rc = file_path(dir, from, source);

	if (rc == 0)
		rc = file_path(dir, to, target);
	if (rc == 0 && rename(source, target) != 0)
		rc = -errno;
	return rc == 0 ? dir_sync(dir) : rc;
}

int file_mapping(const void *at, void **map, size_t *bytes)
{
	FILE *file = fopen("/proc/self/maps", "re");
	unsigned long from, to;
	char line[PATH_BYTES];
	int rc = -ENOENT;

	while (file != NULL && rc != 0 && fgets(line, sizeof(line), file) != NULL) {
		if (sscanf(line, "%lx-%lx", &from, &to) != 2 || (unsigned long)at < from ||
			(unsigned long)at >= to)
			continue;
		*map = (void *)from;
		*bytes = to - from;
		rc = 0;
	}
	if (file != NULL)
		fclose(file);
	return rc;
}

int file_remove(const char *dir, const char *name)
{
	char path[PATH_BYTES];
	int rc = file_path(dir, name, path);

	if (rc == 0 && unlink(path) != 0 && errno != ENOENT)
		rc = -errno;
	return rc;
}

// --- The lock -------------------------------------------------------------------------------

static void pid_read(const char *dir, char pid[32])
{
	char why[WHY_BYTES];
	int fd = -1;
	ssize_t len = file_open(dir, LOCK_FILE, 0, &fd, why) == 0 ? pread(fd, pid, 31, 0) : 0;

	pid[len > 0 ? len : 0] = '\0';
	pid[strcspn(pid, "\n")] = '\0';
	if (fd >= 0)
		close(fd);
}

// Over what stands there, so that a full disk has room for it.
static int pid_write(const char *dir, char *why)
{
	char pid[32];
	int len = snprintf(pid, sizeof(pid), "%d\n", (int)getpid()), fd = -1;
	int rc = file_open(dir, LOCK_FILE, O_CREAT, &fd, why);

	if (rc != 0)
		return rc;
	if (pwrite(fd, pid, (size_t)len, 0) != len || ftruncate(fd, len) != 0)
		rc = why_not(why, errno != 0 ? -errno : -EIO,
			"The lock file of the store cannot be written: %s.", strerror(errno));
	close(fd);
	return rc;
}

// LMDB would let a second daemon in. The directory itself is locked: a file could be removed, and
// made anew by the second one. The lock lives as long as the descriptor, so that a crash leaves
// none behind; the pid in the file is for people.
int dir_lock(const char *dir, int *fd, char *why)
{
	char pid[32];

	*fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*fd < 0)
		return why_not(why, -errno, "%.180s cannot be opened: %s.", dir, strerror(errno));
	if (flock(*fd, LOCK_EX | LOCK_NB) == 0)
		return pid_write(dir, why);
	if (errno != EWOULDBLOCK)
		return why_not(why, -errno, "The store %.150s cannot be locked: %s.", dir,
			strerror(errno));
	pid_read(dir, pid);
	return why_not(why, -EBUSY, "The store %.150s is in use by the process with pid %s.", dir,
		pid[0] != '\0' ? pid : "unknown");
}
