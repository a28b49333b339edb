// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "notify.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

bool notify_is_wanted(void)
{
	const char *path = getenv("NOTIFY_SOCKET");

	return path != NULL && (path[0] == '/' || path[0] == '@') && path[1] != '\0';
}

// A path, or a name without one when it begins with '@'.
static int address_fill(const char *path, struct sockaddr_un *address, socklen_t *len)
{
	size_t n = strlen(path);

	if (n >= sizeof(address->sun_path))
		return -ENAMETOOLONG;
	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	memcpy(address->sun_path, path, n);
	if (path[0] == '@')
		address->sun_path[0] = '\0';
	*len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
	return 0;
}

int notify_send(const char *format, ...)
{
	char text[NOTIFY_TEXT_MAX];
	struct sockaddr_un address;
	socklen_t len;
	va_list args;
	int fd, ret;

	if (!notify_is_wanted())
		return 0;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	ret = address_fill(getenv("NOTIFY_SOCKET"), &address, &len);
	if (ret != 0)
		return ret;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (sendto(fd, text, strlen(text), MSG_NOSIGNAL, (struct sockaddr *)&address, len) < 0)
		ret = -errno;
	close(fd);
	return ret;
}

static bool number_read(const char *text, uint64_t *out)
{
	char *end;

	if (text == NULL || text[0] < '0' || text[0] > '9')
		return false;
	errno = 0;
	*out = strtoull(text, &end, 10);
	return errno == 0 && *end == '\0';
}

uint64_t notify_watchdog_us(void)
{
	const char *pid_text = getenv("WATCHDOG_PID");
	uint64_t us, pid;

	if (!number_read(getenv("WATCHDOG_USEC"), &us))
		return 0;
	if (pid_text != NULL && (!number_read(pid_text, &pid) || pid != (uint64_t)getpid()))
		return 0;
	return us;
}
