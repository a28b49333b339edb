// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// A daemon that was killed leaves the socket of its device behind, and DPDK does not bind over it.

#include "port.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

// The devices that listen on a socket, unless an argument makes them clients.
static const struct listener {
	const char *device;
	const char *path;
	const char *needs; // argument that makes it listen; NULL: it does by itself
	const char *client; // argument that makes it a client
} listeners[] = {
	{"net_vhost", ",iface=", NULL, ",client=1"},
	{"net_memif", ",socket=", ",role=server", ",role=client"},
};

static const char *listener_path(const char *device)
{
	for (size_t i = 0; i < sizeof(listeners) / sizeof(listeners[0]); i++) {
		const struct listener *l = &listeners[i];
		const char *path = strstr(device, l->path);

		if (strncmp(device, l->device, strlen(l->device)) != 0 || path == NULL ||
			strstr(device, l->client) != NULL ||
			(l->needs != NULL && strstr(device, l->needs) == NULL))
			continue;
		return path + strlen(l->path);
	}
	return NULL;
}

// Nobody listens: whoever made it is gone.
static bool is_stale(const struct sockaddr_un *address)
{
	struct stat st;
	int fd, error;

	if (lstat(address->sun_path, &st) != 0 || !S_ISSOCK(st.st_mode))
		return false;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return false;
	error = connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 ? 0 : errno;
	close(fd);
	return error == ECONNREFUSED;
}

void port_socket_clear(const char *device)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const char *path = listener_path(device);
	size_t len = path != NULL ? strcspn(path, ",") : 0;

	if (len == 0 || len >= sizeof(address.sun_path))
		return;
	memcpy(address.sun_path, path, len);
	if (is_stale(&address))
		unlink(address.sun_path);
}
