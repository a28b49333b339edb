// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// What mskpush-setup learns of a machine from sysfs and procfs, and what it makes of it. Nothing
// is changed: whoever reads the findings runs the commands.

#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define SETUP_PORTS_MAX 64
#define SETUP_FINDINGS_MAX 256
#define SETUP_TEXT_MAX 256
#define SETUP_CPUS_MAX 1024
#define SETUP_HUGEPAGES_NEEDED (768ull << 20) // the daemon's 512 MiB, and some

enum setup_link {
	SETUP_LINK_UNKNOWN, // no driver of the kernel tells
	SETUP_LINK_DOWN,
	SETUP_LINK_UP,
};

struct setup_port {
	char address[16]; // PCI: 0000:3b:00.0
	char name[96]; // as pci.ids knows it, else vendor and device in hex
	char driver[32]; // empty: none
	char interface[16]; // of the kernel; empty: none
	char mac[18];
	int node; // NUMA; -1: the machine has one, or does not tell
	int iommu_group; // -1: none
	enum setup_link link;
	bool is_switched_on; // "up" as ip(8) shows it
	bool is_routed; // the kernel sends through it, or through what stands on it
	int speed_mbps; // 0: not known
};

struct setup_machine {
	bool is_amd;
	bool has_iommu;
	bool has_vfio; // the driver vfio-pci is loaded
	bool is_noiommu; // vfio goes without an IOMMU
	bool is_clock_synchronised;
	bool has_driverctl;
	uint64_t hugepages; // of all sizes, octets
	uint64_t hugepages_free;
	struct setup_port port[SETUP_PORTS_MAX];
	unsigned ports;
};

// Looks at the machine whose files stand below root ("/" is this one).
void setup_look(const char *root, struct setup_machine *out);

// --- Reading (files.c) ------------------------------------------------------------------------

// First line of ROOT/..., without its end. false: it cannot be read, and out is empty.
bool file_line(const char *root, const char *path, char *out, size_t size);
// Last component of the link's target. false: no link.
bool file_link(const char *root, const char *path, char *out, size_t size);
bool file_exists(const char *root, const char *path);
uint64_t file_number(const char *root, const char *path, uint64_t otherwise);
// Calls fn for each entry of a directory, in the order of their names.
void file_each(
	const char *root, const char *path, void (*fn)(void *arg, const char *name), void *arg);

// --- Ports (ports.c) --------------------------------------------------------------------------

void setup_ports(const char *root, struct setup_machine *m);
// What the kernel says of an interface of its own. false: there is none of that name.
bool setup_interface(const char *root, const char *name, struct setup_port *out);
const struct setup_port *setup_port_find(const struct setup_machine *m, const char *address);
// CPUs beside a port's memory, without the first of the machine when there are others; those
// that the kernel keeps free for such work when there are any. Returns how many.
unsigned setup_cpus(const char *root, int node, int cpus[SETUP_CPUS_MAX]);

// --- Findings (advise.c) ----------------------------------------------------------------------

struct setup_finding {
	bool is_missing; // it does not work without; else it works better with
	char port[16]; // empty: it is of the machine
	char text[SETUP_TEXT_MAX];
	char command[2 * SETUP_TEXT_MAX]; // what to run, as root
};

struct setup_findings {
	struct setup_finding finding[SETUP_FINDINGS_MAX];
	unsigned n;
};

// What stands between this machine and pushing through a port; port NULL: through any.
void setup_advise(const char *root, const struct setup_machine *m, const struct setup_port *port,
	struct setup_findings *out);
// The same for an interface of the kernel, which takes no more than a packet socket.
void setup_advise_interface(const char *root, const struct setup_machine *m, const char *interface,
	struct setup_findings *out);

// --- Output -----------------------------------------------------------------------------------

void setup_print(const struct setup_machine *m, const struct setup_findings *f, FILE *out);
void setup_print_json(const struct setup_machine *m, const struct setup_findings *f, FILE *out);

struct setup_order {
	const struct setup_port *port; // NULL: interface
	const char *interface; // of the kernel, through net_af_packet
	const char *fqdn;
	const char *address;
	const char *gateway;
	unsigned workers;
	bool may_replace;
};
// Writes a configuration for mskpushd, as a whole or not at all. -errno: why tells.
int setup_write(const char *root, const struct setup_machine *m, const struct setup_order *order,
	const char *path, char why[SETUP_TEXT_MAX]);
