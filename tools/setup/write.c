// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// A first configuration: what the site has to say, and what the machine says about the port. All
// other keys keep their defaults.

#include "setup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void cpus_write(const char *root, const struct setup_order *order, FILE *out)
{
	int cpus[SETUP_CPUS_MAX];
	unsigned n = setup_cpus(root, order->port != NULL ? order->port->node : -1, cpus);

	fprintf(out, "workers:\n  count: %u\n", order->workers);
	if (n < order->workers)
		return;
	fprintf(out, "  # Beside the port's memory.\n  cpus: [");
	for (unsigned i = 0; i < order->workers; i++)
		fprintf(out, "%s%d", i > 0 ? ", " : "", cpus[i]);
	fprintf(out, "]\n");
}

static void conf_write(
	const char *root, const struct setup_machine *m, const struct setup_order *order, FILE *out)
{
	bool is_huge = order->port != NULL && m->hugepages_free >= SETUP_HUGEPAGES_NEEDED;

	fprintf(out,
		"# Written by mskpush-setup. Keys that do not stand here have their defaults: see\n"
		"# mskpushd --print-config, and mskpushd.yaml(5).\n\n"
		"fqdn: '%s'\nport:\n",
		order->fqdn);
	if (order->port != NULL)
		fprintf(out, "  # %s\n  device: '%s'\n", order->port->name, order->port->address);
	else
		fprintf(out, "  device: 'net_af_packet0,iface=%s'\n", order->interface);
	fprintf(out, "  address: '%s'\n  gateway: '%s'\n", order->address, order->gateway);
	cpus_write(root, order, out);
	fprintf(out, "memory:\n  hugepages: %s\n", is_huge ? "true" : "false");
}

// The name is taken only if nobody has it, unless it may be replaced.
static int file_publish(const struct setup_order *order, const char *temporary, const char *path)
{
	if (order->may_replace)
		return rename(temporary, path) == 0 ? 0 : -errno;
	if (link(temporary, path) != 0)
		return -errno;
	unlink(temporary);
	return 0;
}

int setup_write(const char *root, const struct setup_machine *m, const struct setup_order *order,
	const char *path, char why[SETUP_TEXT_MAX])
{
	char temporary[512];
	FILE *file = NULL;
	int fd, ret = 0;

	if (snprintf(temporary, sizeof(temporary), "%s.XXXXXX", path) >= (int)sizeof(temporary)) {
		snprintf(why, SETUP_TEXT_MAX, "the name is too long");
		return -ENAMETOOLONG;
	}
	fd = mkstemp(temporary);
	if (fd >= 0 && fchmod(fd, 0644) == 0)
		file = fdopen(fd, "w");
	if (file == NULL) {
		ret = -errno;
		snprintf(why, SETUP_TEXT_MAX, "%.200s: %s", path, strerror(-ret));
		return ret;
	}
	conf_write(root, m, order, file);
	if (fflush(file) != 0 || fsync(fd) != 0)
		ret = -errno;
	fclose(file);
	if (ret == 0)
		ret = file_publish(order, temporary, path);
	if (ret == 0)
		return 0;
	unlink(temporary);
	snprintf(why, SETUP_TEXT_MAX, "%.200s: %s%s", path, strerror(-ret),
		ret == -EEXIST ? "; --force replaces it" : "");
	return ret;
}
