// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// From facts to findings: what is missing, and what to run. A command is one line for a root shell.

#include "setup.h"

#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

#define HUGEPAGES_WANTED (1024ull << 20)

static struct setup_finding *finding_add(
	struct setup_findings *f, const struct setup_port *port, bool is_missing)
{
	struct setup_finding *finding = &f->finding[f->n < SETUP_FINDINGS_MAX - 1 ? f->n++ : f->n];

	memset(finding, 0, sizeof(*finding));
	finding->is_missing = is_missing;
	if (port != NULL)
		memcpy(finding->port, port->address, sizeof(finding->port));
	return finding;
}

static void text_set(struct setup_finding *finding, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
static void text_set(struct setup_finding *finding, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(finding->text, sizeof(finding->text), format, args);
	va_end(args);
}

static void command_set(struct setup_finding *finding, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
static void command_set(struct setup_finding *finding, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(finding->command, sizeof(finding->command), format, args);
	va_end(args);
}

// --- The machine ------------------------------------------------------------------------------

static void clock_advise(const struct setup_machine *m, struct setup_findings *f)
{
	struct setup_finding *finding;

	if (m->is_clock_synchronised)
		return;
	finding = finding_add(f, NULL, true);
	text_set(finding, "nobody keeps the clock; the counter of messages begins with it");
	command_set(finding, "apt-get install -y chrony && chronyc waitsync 30");
}

static void iommu_advise(const struct setup_machine *m, struct setup_findings *f)
{
	struct setup_finding *finding;

	if (m->has_iommu || m->is_noiommu)
		return;
	finding = finding_add(f, NULL, true);
	text_set(finding,
		"no IOMMU is in use: switch it on in the firmware (VT-d, AMD-Vi) and for the "
		"kernel. In a virtual machine that has none: modprobe uio_pci_generic && driverctl "
		"set-override PORT uio_pci_generic, and a daemon of root's");
	command_set(finding,
		"sed -i 's/^GRUB_CMDLINE_LINUX=\"/&%s iommu=pt /' /etc/default/grub && update-grub "
		"&& reboot",
		m->is_amd ? "amd_iommu=on" : "intel_iommu=on");
}

static void vfio_advise(const struct setup_machine *m, struct setup_findings *f)
{
	struct setup_finding *finding;

	if (m->has_vfio)
		return;
	finding = finding_add(f, NULL, true);
	text_set(finding, "the driver vfio-pci is not loaded");
	command_set(
		finding, "modprobe vfio-pci && echo vfio-pci > /etc/modules-load.d/mskpush.conf");
}

static void hugepages_advise(const struct setup_machine *m, struct setup_findings *f)
{
	struct setup_finding *finding;

	if (m->hugepages >= HUGEPAGES_WANTED)
		return;
	finding = finding_add(f, NULL, false);
	text_set(finding, "%llu MiB of huge pages are set aside; 1024 spare the processor's TLB",
		(unsigned long long)(m->hugepages >> 20));
	command_set(finding,
		"sysctl -w vm.nr_hugepages=512 && echo vm.nr_hugepages=512 > "
		"/etc/sysctl.d/70-mskpush.conf");
}

// The service's account makes files there.
static void hugetlbfs_advise(
	const char *root, const struct setup_machine *m, struct setup_findings *f)
{
	struct setup_finding *finding;
	struct stat st;
	char path[512];

	snprintf(path, sizeof(path), "%s/dev/hugepages", strcmp(root, "/") == 0 ? "" : root);
	if (m->hugepages_free < SETUP_HUGEPAGES_NEEDED || stat(path, &st) != 0 ||
		(st.st_mode & 0030) == 0030)
		return;
	finding = finding_add(f, NULL, true);
	text_set(finding, "/dev/hugepages is root's alone; the daemon runs as mskpush");
	command_set(finding,
		"mkdir -p /etc/systemd/system/dev-hugepages.mount.d && "
		"printf '[Mount]\\nOptions=gid=mskpush,mode=0775\\n' > "
		"/etc/systemd/system/dev-hugepages.mount.d/mskpush.conf && "
		"chgrp mskpush /dev/hugepages && chmod g+w /dev/hugepages");
}

// --- A port -----------------------------------------------------------------------------------

static bool port_is_vfio(const struct setup_port *port)
{
	return strcmp(port->driver, "vfio-pci") == 0;
}

// Their DPDK drivers work beside the kernel's.
static bool port_is_shared(const struct setup_port *port)
{
	return strncmp(port->driver, "mlx", 3) == 0 || strcmp(port->driver, "mana") == 0;
}

// The way of machines without an IOMMU.
static bool port_is_uio(const struct setup_port *port)
{
	return strcmp(port->driver, "uio_pci_generic") == 0 || strcmp(port->driver, "igb_uio") == 0;
}

static bool port_needs_vfio(const struct setup_port *port)
{
	return !port_is_shared(port) && !port_is_uio(port);
}

static void uio_advise(const struct setup_port *port, struct setup_findings *f)
{
	struct setup_finding *finding = finding_add(f, port, false);

	text_set(finding,
		"under %s it is for a daemon of root's alone, not the service's, and it can write "
		"to all memory",
		port->driver);
	command_set(finding, "mskpushd --config /etc/mskpush/mskpushd.yaml");
}

static void driver_advise(
	const struct setup_machine *m, const struct setup_port *port, struct setup_findings *f)
{
	struct setup_finding *finding;

	if (port_is_uio(port))
		uio_advise(port, f);
	if (port_is_vfio(port) || !port_needs_vfio(port))
		return;
	finding = finding_add(f, port, true);
	if (port->driver[0] == '\0')
		text_set(finding, "the port has no driver; DPDK reaches it through vfio-pci");
	else if (port->is_routed)
		text_set(finding,
			"the kernel has it (%s) AND SENDS THIS MACHINE'S OWN TRAFFIC THROUGH IT: "
			"make sure that you reach the machine another way",
			port->interface);
	else
		text_set(finding, "the kernel has it (driver %s, %s)", port->driver,
			port->interface[0] != '\0' ? port->interface : "no interface");
	command_set(finding, "%sdriverctl set-override %s vfio-pci",
		m->has_driverctl ? "" : "apt-get install -y driverctl && ", port->address);
}

struct group {
	const char *root;
	const struct setup_port *port;
	char others[SETUP_TEXT_MAX / 2];
};

// A device of the same IOMMU group, if it stands in the way.
static void group_look(void *arg, const char *name)
{
	struct group *g = arg;
	size_t used = strlen(g->others);
	char path[256], driver[32], class[16];

	snprintf(path, sizeof(path), "sys/bus/pci/devices/%s/driver", name);
	if (strcmp(name, g->port->address) == 0 ||
		!file_link(g->root, path, driver, sizeof(driver)))
		return;
	snprintf(path, sizeof(path), "sys/bus/pci/devices/%s/class", name);
	// Bridges may stay with their driver.
	if (file_line(g->root, path, class, sizeof(class)) && strncmp(class, "0x06", 4) == 0)
		return;
	if (strcmp(driver, "vfio-pci") != 0)
		snprintf(g->others + used, sizeof(g->others) - used, "%s%s", used > 0 ? " " : "",
			name);
}

static void group_advise(const char *root, const struct setup_port *port, struct setup_findings *f)
{
	struct group g = {root, port, ""};
	struct setup_finding *finding;
	char path[128];

	if (port->iommu_group < 0 || !port_needs_vfio(port))
		return;
	snprintf(path, sizeof(path), "sys/kernel/iommu_groups/%d/devices", port->iommu_group);
	file_each(root, path, group_look, &g);
	if (g.others[0] == '\0')
		return;
	finding = finding_add(f, port, true);
	text_set(finding, "shares IOMMU group %d with %s, which vfio has to have as well",
		port->iommu_group, g.others);
	command_set(finding, "for d in %s; do driverctl set-override $d vfio-pci; done", g.others);
}

// The daemon is not root: the group's file has to be its own.
static void device_advise(const char *root, const struct setup_port *port, struct setup_findings *f)
{
	struct setup_finding *finding;
	struct stat st;
	char path[600];

	if (!port_is_vfio(port) || port->iommu_group < 0)
		return;
	snprintf(path, sizeof(path), "%s/dev/vfio/%d", strcmp(root, "/") == 0 ? "" : root,
		port->iommu_group);
	if (stat(path, &st) != 0 || (st.st_mode & 0060) == 0060)
		return;
	finding = finding_add(f, port, true);
	text_set(finding, "/dev/vfio/%d is root's alone; the daemon runs as mskpush",
		port->iommu_group);
	command_set(finding,
		"echo 'SUBSYSTEM==\"vfio\", GROUP=\"mskpush\", MODE=\"0660\"' > "
		"/etc/udev/rules.d/70-mskpush.rules && udevadm control --reload && "
		"udevadm trigger --subsystem-match=vfio");
}

static void link_advise(const struct setup_port *port, struct setup_findings *f)
{
	struct setup_finding *finding;

	if (port->link != SETUP_LINK_DOWN)
		return;
	finding = finding_add(f, port, false);
	if (port->is_switched_on) {
		text_set(finding, "no link: no cable, or nobody at its other end");
		command_set(finding, "ethtool %s", port->interface);
	} else {
		text_set(finding, "switched off; whether there is a link shows when it is on");
		command_set(finding, "ip link set dev %s up && sleep 5 && ip -br link show dev %s",
			port->interface, port->interface);
	}
}

static void port_advise(const char *root, const struct setup_machine *m,
	const struct setup_port *port, struct setup_findings *f)
{
	driver_advise(m, port, f);
	group_advise(root, port, f);
	device_advise(root, port, f);
	link_advise(port, f);
}

void setup_advise(const char *root, const struct setup_machine *m, const struct setup_port *port,
	struct setup_findings *out)
{
	struct setup_finding *finding;
	bool is_vfio = false;

	out->n = 0;
	clock_advise(m, out);
	if (m->ports == 0) {
		finding = finding_add(out, NULL, false);
		text_set(finding,
			"there is no PCI port: the daemon can use an interface of the kernel "
			"(net_af_packet), or a virtual device");
		command_set(finding, "mskpush-setup --write FILE --interface NAME ...");
		return;
	}
	for (unsigned i = 0; i < m->ports; i++)
		is_vfio |= (port == NULL || port == &m->port[i]) && port_needs_vfio(&m->port[i]);
	if (is_vfio) {
		iommu_advise(m, out);
		vfio_advise(m, out);
	}
	hugepages_advise(m, out);
	hugetlbfs_advise(root, m, out);
	for (unsigned i = 0; i < m->ports; i++)
		if (port == NULL || port == &m->port[i])
			port_advise(root, m, &m->port[i], out);
}

void setup_advise_interface(const char *root, const struct setup_machine *m, const char *interface,
	struct setup_findings *out)
{
	struct setup_finding *finding;
	struct setup_port port;

	out->n = 0;
	clock_advise(m, out);
	if (setup_interface(root, interface, &port)) {
		link_advise(&port, out);
		return;
	}
	finding = finding_add(out, NULL, true);
	text_set(finding, "there is no interface %.15s; these are there:", interface);
	command_set(finding, "ip -br link");
}
