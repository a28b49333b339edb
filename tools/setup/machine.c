// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "setup.h"

#include <string.h>
#include <sys/timex.h>

#define HUGEPAGES "sys/kernel/mm/hugepages/"

struct pages {
	const char *root;
	struct setup_machine *machine;
};

// Directories are named hugepages-2048kB.
static void pages_take(void *arg, const char *name)
{
	struct pages *pages = arg;
	unsigned long kb;
	char path[128];

	if (sscanf(name, "hugepages-%lukB", &kb) != 1)
		return;
	snprintf(path, sizeof(path), HUGEPAGES "%.40s/nr_hugepages", name);
	pages->machine->hugepages += file_number(pages->root, path, 0) * kb * 1024;
	snprintf(path, sizeof(path), HUGEPAGES "%.40s/free_hugepages", name);
	pages->machine->hugepages_free += file_number(pages->root, path, 0) * kb * 1024;
}

static void entry_note(void *arg, const char *name)
{
	(void)name;
	*(bool *)arg = true;
}

static bool cpu_is_amd(const char *root)
{
	char path[512], line[256];
	bool is_amd = false;
	FILE *file;

	snprintf(path, sizeof(path), "%s/proc/cpuinfo", strcmp(root, "/") == 0 ? "" : root);
	file = fopen(path, "re");
	if (file == NULL)
		return false;
	for (int i = 0; i < 8 && fgets(line, sizeof(line), file) != NULL; i++)
		is_amd |= strstr(line, "AuthenticAMD") != NULL;
	fclose(file);
	return is_amd;
}

// The kernel knows whether anybody keeps its clock. Of another root we only see systemd's note.
static bool clock_is_synchronised(const char *root)
{
	struct timex timex = {0};

	if (strcmp(root, "/") != 0)
		return file_exists(root, "run/systemd/timesync/synchronized");
	return adjtimex(&timex) >= 0 && (timex.status & STA_UNSYNC) == 0;
}

void setup_look(const char *root, struct setup_machine *out)
{
	struct pages pages = {root, out};
	char text[8];

	memset(out, 0, sizeof(*out));
	out->is_amd = cpu_is_amd(root);
	file_each(root, "sys/class/iommu", entry_note, &out->has_iommu);
	out->has_vfio = file_exists(root, "sys/bus/pci/drivers/vfio-pci");
	out->is_noiommu = file_line(root, "sys/module/vfio/parameters/enable_unsafe_noiommu_mode",
				  text, sizeof(text)) &&
		text[0] == 'Y';
	out->is_clock_synchronised = clock_is_synchronised(root);
	out->has_driverctl = file_exists(root, "usr/sbin/driverctl");
	file_each(root, HUGEPAGES, pages_take, &pages);
	setup_ports(root, out);
}
