// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "program.h"

#define BACKLOG 64

static bool socket_is_alive(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool is_alive;

	if (fd < 0)
		return false;
	is_alive = connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0;
	close(fd);
	return is_alive;
}

// A socket that somebody listens on is not taken away; a stale one is.
int socket_listen(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct stat status;
	int fd, error = 0;
	mode_t mask;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path));
	if (socket_is_alive(&address))
		return -EADDRINUSE;
	if (lstat(path, &status) == 0 && S_ISSOCK(status.st_mode))
		unlink(path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	mask = umask(0177);
	if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) != 0 ||
		listen(fd, BACKLOG) != 0)
		error = errno;
	umask(mask);
	if (error != 0)
		close(fd);
	return error != 0 ? -error : fd;
}
