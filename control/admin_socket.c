// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "admin_http.h"

#define BACKLOG 64

#define NO_GROUP ((gid_t)-1)

static int directory_make(const char *path, gid_t group, char why[256])
{
	char dir[sizeof(((struct sockaddr_un *)0)->sun_path)];
	char *slash;

	snprintf(dir, sizeof(dir), "%s", path);
	slash = strrchr(dir, '/');
	if (slash == NULL || slash == dir)
		return 0;
	*slash = '\0';
	if (mkdir(dir, group == NO_GROUP ? 0700 : 0711) == 0 || errno == EEXIST)
		return 0;
	snprintf(why, 256, "the directory %s cannot be made: %s", dir, strerror(errno));
	return -errno;
}

// Removes a socket that a daemon left behind: one that refuses connections. Anything else stays.
static int stale_remove(const struct sockaddr_un *address, char why[256])
{
	struct stat st;
	int fd, ret;

	if (lstat(address->sun_path, &st) != 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode)) {
		snprintf(why, 256, "%s is there and is no socket", address->sun_path);
		return -EEXIST;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	ret = connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 ? 0 : -errno;
	close(fd);
	if (ret == -ECONNREFUSED)
		return unlink(address->sun_path) == 0 ? 0 : -errno;
	snprintf(why, 256, "another daemon listens on %s", address->sun_path);
	return -EADDRINUSE;
}

// Nobody else can connect before the group may: the socket does not listen yet.
static int group_admit(const char *path, gid_t group)
{
	if (group == NO_GROUP)
		return 0;
	return chown(path, (uid_t)-1, group) == 0 && chmod(path, 0660) == 0 ? 0 : -errno;
}

static int socket_listen(const struct sockaddr_un *address, gid_t group)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	mode_t mask;
	int ret;

	if (fd < 0)
		return -errno;
	mask = umask(0177);
	ret = bind(fd, (const struct sockaddr *)address, sizeof(*address));
	ret = ret == 0 ? 0 : -errno;
	umask(mask);
	if (ret == 0)
		ret = group_admit(address->sun_path, group);
	if (ret == 0 && listen(fd, BACKLOG) != 0)
		ret = -errno;
	if (ret == 0)
		return fd;
	close(fd);
	if (ret != -EADDRINUSE)
		unlink(address->sun_path);
	return ret;
}

int admin_socket_open(const char *path, gid_t group, char why[256])
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int ret;

	if (strlen(path) >= sizeof(address.sun_path)) {
		snprintf(why, 256, "a socket path has at most %zu octets, this one has %zu",
			sizeof(address.sun_path) - 1, strlen(path));
		return -ENAMETOOLONG;
	}
	strcpy(address.sun_path, path);
	why[0] = '\0';
	ret = directory_make(path, group, why);
	if (ret == 0)
		ret = stale_remove(&address, why);
	if (ret == 0)
		ret = socket_listen(&address, group);
	if (ret < 0 && why[0] == '\0')
		snprintf(why, 256, "%s cannot be listened on: %s", path, strerror(-ret));
	return ret;
}
