// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Kernel interfaces under a port. Not all drivers tell by their link how these are, and none tells
// that one is gone.

#include "port.h"

#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static const char *const devices[] = {"net_af_packet", "net_af_xdp"};

bool port_iface_name(const char *device, char *name, size_t size)
{
	const char *at = strstr(device, ",iface=");

	name[0] = '\0';
	if (at == NULL)
		return false;
	for (size_t i = 0; i < sizeof(devices) / sizeof(devices[0]); i++)
		if (strncmp(device, devices[i], strlen(devices[i])) == 0)
			snprintf(name, size, "%.*s", (int)strcspn(at + 7, ","), at + 7);
	return name[0] != '\0';
}

unsigned port_iface_mtu(const struct port *port, const struct port_iface *iface)
{
	bool is_smaller = iface->mtu != 0 && iface->mtu < port->conf->mtu;

	return is_smaller ? iface->mtu : port->conf->mtu;
}

void port_iface_look(const char *name, struct port_iface *out)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = {0};

	memset(out, 0, sizeof(*out));
	if (fd < 0)
		return;
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	if (ioctl(fd, SIOCGIFINDEX, &request) == 0)
		out->index = (unsigned)request.ifr_ifindex;
	if (ioctl(fd, SIOCGIFFLAGS, &request) == 0)
		out->is_running =
			(request.ifr_flags & (IFF_UP | IFF_RUNNING)) == (IFF_UP | IFF_RUNNING);
	if (ioctl(fd, SIOCGIFMTU, &request) == 0)
		out->mtu = (unsigned)request.ifr_mtu;
	close(fd);
}
