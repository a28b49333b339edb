// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "setup.h"

#include <stdlib.h>
#include <string.h>

#define PCI "sys/bus/pci/devices/"
#define CLASS_NETWORK 0x02
#define UPPER_LEVELS_MAX 4

struct look {
	const char *root;
	struct setup_machine *machine;
	struct setup_port *port;
};

// Sets path to PCI/ADDRESS/FILE.
static const char *port_file(const struct setup_port *port, const char *file, char path[256])
{
	snprintf(path, 256, PCI "%s/%s", port->address, file);
	return path;
}

// --- Names ------------------------------------------------------------------------------------

static FILE *ids_open(const char *root)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/usr/share/misc/pci.ids",
		strcmp(root, "/") == 0 ? "" : root);
	return fopen(path, "re");
}

// Lines are "8086  Intel Corporation", and below it "\t1572  Ethernet Controller X710".
static void name_find(FILE *ids, unsigned vendor, unsigned device, char out[96])
{
	char line[256], want[8], vendor_name[40] = "";
	bool is_vendor = false;

	while (fgets(line, sizeof(line), ids) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		if (line[0] == '#' || strlen(line) < 7)
			continue;
		if (line[0] != '\t') {
			if (is_vendor)
				break;
			snprintf(want, sizeof(want), "%04x", vendor);
			is_vendor = strncmp(line, want, 4) == 0;
			if (is_vendor)
				snprintf(vendor_name, sizeof(vendor_name), "%.39s", line + 6);
			continue;
		}
		snprintf(want, sizeof(want), "%04x", device);
		if (is_vendor && line[1] != '\t' && strncmp(line + 1, want, 4) == 0) {
			snprintf(out, 96, "%s %.50s", vendor_name, line + 7);
			break;
		}
	}
}

static void name_fill(const char *root, struct setup_port *port)
{
	char path[256];
	unsigned vendor = (unsigned)file_number(root, port_file(port, "vendor", path), 0);
	unsigned device = (unsigned)file_number(root, port_file(port, "device", path), 0);
	FILE *ids = ids_open(root);

	snprintf(port->name, sizeof(port->name), "%04x:%04x", vendor, device);
	if (ids == NULL)
		return;
	name_find(ids, vendor, device, port->name);
	fclose(ids);
}

// --- The kernel's side of a port --------------------------------------------------------------

struct use {
	const char *root;
	bool is_routed;
	unsigned depth;
};

// The kernel's routes: a line each. Of IPv4 the interface stands first; of IPv6 last, and only the
// default route counts, for each interface has others.
static bool route_is_of(const char *line, const char *interface, bool is_v6)
{
	static const char v6_default[] = "00000000000000000000000000000000 00 ";
	size_t len = strlen(interface);
	const char *last = strrchr(line, ' ');

	if (!is_v6)
		return strncmp(line, interface, len) == 0 && line[len] == '\t';
	return strncmp(line, v6_default, strlen(v6_default)) == 0 && last != NULL &&
		strcspn(last + 1, "\n") == len && strncmp(last + 1, interface, len) == 0;
}

static void routes_look(struct use *use, const char *file_name, const char *interface, bool is_v6)
{
	char path[512], line[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s/proc/net/%s", strcmp(use->root, "/") == 0 ? "" : use->root,
		file_name);
	file = fopen(path, "re");
	if (file == NULL)
		return;
	while (fgets(line, sizeof(line), file) != NULL)
		use->is_routed |= route_is_of(line, interface, is_v6);
	fclose(file);
}

static void upper_look(void *arg, const char *name);

// An interface, and the bonds, bridges and VLANs that stand on it.
static void use_look(struct use *use, const char *interface)
{
	char path[64];

	routes_look(use, "route", interface, false);
	routes_look(use, "ipv6_route", interface, true);
	snprintf(path, sizeof(path), "sys/class/net/%.15s", interface);
	if (use->depth++ < UPPER_LEVELS_MAX)
		file_each(use->root, path, upper_look, use);
	use->depth--;
}

static void upper_look(void *arg, const char *name)
{
	if (strncmp(name, "upper_", 6) == 0)
		use_look(arg, name + 6);
}

static void interface_take(void *arg, const char *name)
{
	struct look *look = arg;
	struct setup_port *port = look->port;
	struct use use = {.root = look->root};
	char path[256], text[32];

	if (port->interface[0] != '\0')
		return;
	snprintf(port->interface, sizeof(port->interface), "%.15s", name);
	snprintf(path, sizeof(path), "sys/class/net/%s/carrier", port->interface);
	port->link = file_number(look->root, path, 0) == 1 ? SETUP_LINK_UP : SETUP_LINK_DOWN;
	snprintf(path, sizeof(path), "sys/class/net/%s/flags", port->interface);
	port->is_switched_on = (file_number(look->root, path, 0) & 1) != 0;
	snprintf(path, sizeof(path), "sys/class/net/%s/speed", port->interface);
	port->speed_mbps = (int)file_number(look->root, path, 0);
	snprintf(path, sizeof(path), "sys/class/net/%s/address", port->interface);
	if (file_line(look->root, path, text, sizeof(text)))
		snprintf(port->mac, sizeof(port->mac), "%.17s", text);
	use_look(&use, port->interface);
	port->is_routed = use.is_routed;
}

bool setup_interface(const char *root, const char *name, struct setup_port *out)
{
	struct look look = {.root = root, .port = out};
	char path[64];

	memset(out, 0, sizeof(*out));
	snprintf(path, sizeof(path), "sys/class/net/%.15s", name);
	if (!file_exists(root, path))
		return false;
	interface_take(&look, name);
	return true;
}

// virtio puts a device of its own, virtio<n>, between the port and its interface.
static void virtio_take(void *arg, const char *name)
{
	struct look *look = arg;
	char path[256], file[64];

	if (strncmp(name, "virtio", 6) != 0)
		return;
	snprintf(file, sizeof(file), "%.32s/net", name);
	file_each(look->root, port_file(look->port, file, path), interface_take, look);
}

static void port_take(void *arg, const char *name)
{
	struct look *look = arg;
	struct setup_machine *m = look->machine;
	struct setup_port *port = &m->port[m->ports];
	char path[256], group[16];

	if (m->ports == SETUP_PORTS_MAX || strlen(name) >= sizeof(port->address))
		return;
	memset(port, 0, sizeof(*port));
	strcpy(port->address, name);
	if (file_number(look->root, port_file(port, "class", path), 0) >> 16 != CLASS_NETWORK)
		return;
	name_fill(look->root, port);
	file_link(look->root, port_file(port, "driver", path), port->driver, sizeof(port->driver));
	port->node = (int)file_number(look->root, port_file(port, "numa_node", path), UINT64_MAX);
	port->iommu_group = -1;
	if (file_link(look->root, port_file(port, "iommu_group", path), group, sizeof(group)))
		port->iommu_group = atoi(group);
	look->port = port;
	file_each(look->root, port_file(port, "net", path), interface_take, look);
	file_each(look->root, port_file(port, "", path), virtio_take, look);
	m->ports++;
}

void setup_ports(const char *root, struct setup_machine *m)
{
	struct look look = {.root = root, .machine = m};

	m->ports = 0;
	file_each(root, PCI, port_take, &look);
}

const struct setup_port *setup_port_find(const struct setup_machine *m, const char *address)
{
	for (unsigned i = 0; i < m->ports; i++)
		if (strcmp(m->port[i].address, address) == 0 ||
			strcmp(m->port[i].address + strcspn(m->port[i].address, ":") + 1,
				address) == 0)
			return &m->port[i];
	return NULL;
}

// --- CPUs -------------------------------------------------------------------------------------

// "0-3,8" -> 0 1 2 3 8.
static unsigned list_read(const char *text, int cpus[SETUP_CPUS_MAX])
{
	unsigned n = 0;
	char *end;

	while (*text >= '0' && *text <= '9') {
		long first = strtol(text, &end, 10), last = first;

		if (*end == '-')
			last = strtol(end + 1, &end, 10);
		for (; first <= last && n < SETUP_CPUS_MAX; first++)
			cpus[n++] = (int)first;
		text = *end == ',' ? end + 1 : end;
	}
	return n;
}

static unsigned lists_meet(int *a, unsigned n, const int *b, unsigned m)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < n; i++)
		for (unsigned k = 0; k < m; k++)
			if (a[i] == b[k])
				a[kept++] = a[i];
	return kept;
}

unsigned setup_cpus(const char *root, int node, int cpus[SETUP_CPUS_MAX])
{
	int isolated[SETUP_CPUS_MAX], beside[SETUP_CPUS_MAX];
	char path[128], text[1024];
	unsigned n, kept;

	snprintf(path, sizeof(path), "sys/devices/system/node/node%d/cpulist", node);
	if (node < 0 || !file_line(root, path, text, sizeof(text)))
		file_line(root, "sys/devices/system/cpu/online", text, sizeof(text));
	n = list_read(text, cpus);
	file_line(root, "sys/devices/system/cpu/isolated", text, sizeof(text));
	memcpy(beside, cpus, n * sizeof(cpus[0]));
	kept = lists_meet(beside, n, isolated, list_read(text, isolated));
	if (kept > 0) {
		memcpy(cpus, beside, kept * sizeof(cpus[0]));
		return kept;
	}
	if (n > 1 && cpus[0] == 0)
		memmove(cpus, cpus + 1, --n * sizeof(cpus[0]));
	return n;
}
