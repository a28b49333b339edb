// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// EAL: its arguments, its lcores, and the CPUs these run on.

#include "port.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_pci.h>

#define ARGS_MAX (24 + DP_PORTS_MAX + DP_EAL_ARGS_MAX)
#define LCORES_TEXT 2048

// CPUs this process may run on, ascending; returns how many.
static int cpus_allowed(int cpus[CPU_SETSIZE])
{
	cpu_set_t set;
	int n = 0;

	if (sched_getaffinity(0, sizeof(set), &set) != 0)
		return 0;
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &set))
			cpus[n++] = cpu;
	return n;
}

static bool cpu_is_allowed(const int *allowed, int n, int cpu)
{
	for (int i = 0; i < n; i++)
		if (allowed[i] == cpu)
			return true;
	return false;
}

// "0@(0,1),1@0,2@1": the main lcore floats, each worker has a CPU of its own.
static int lcores_write(
	const struct dp_conf *conf, int cpus[], char text[LCORES_TEXT], char why[256])
{
	int allowed[CPU_SETSIZE], n = cpus_allowed(allowed), at;

	if (n == 0)
		return -errno;
	at = snprintf(text, LCORES_TEXT, "0@(");
	for (int i = 0; i < n && at < LCORES_TEXT - 8; i++)
		at += snprintf(text + at, LCORES_TEXT - at, "%s%d", i ? "," : "", allowed[i]);
	at += snprintf(text + at, LCORES_TEXT - at, ")");
	for (unsigned i = 0; i < conf->workers && at < LCORES_TEXT - 16; i++) {
		cpus[i] = conf->cpu[i] >= 0 ? conf->cpu[i] : allowed[i % (unsigned)n];
		if (!cpu_is_allowed(allowed, n, cpus[i])) {
			snprintf(why, 256, "CPU %d is not one this process may run on", cpus[i]);
			return -EINVAL;
		}
		at += snprintf(text + at, LCORES_TEXT - at, ",%u@%d", i + 1, cpus[i]);
	}
	return at < LCORES_TEXT - 16 ? 0 : -E2BIG;
}

struct args {
	int n;
	char *arg[ARGS_MAX];
	char text[4 + DP_PORTS_MAX][LCORES_TEXT + 32];
	unsigned texts;
};

static void args_add(struct args *args, const char *arg)
{
	if (args->n < ARGS_MAX - 1)
		args->arg[args->n++] = (char *)(uintptr_t)arg;
}

static void args_format(struct args *args, const char *format, const char *value)
{
	char *text = args->text[args->texts++];

	snprintf(text, sizeof(args->text[0]), format, value);
	args_add(args, text);
}

bool port_is_pci(const char *device)
{
	struct rte_pci_addr addr;
	char name[64];

	snprintf(name, sizeof(name), "%.*s", (int)strcspn(device, ","), device);
	return rte_pci_addr_parse(name, &addr) == 0;
}

// Virtual devices are probed later, one by one; PCI devices only here.
static void devices_fill(const struct dp_conf *conf, struct args *args)
{
	bool has_pci = false;

	for (unsigned p = 0; p < conf->ports; p++) {
		if (!port_is_pci(conf->port[p].device))
			continue;
		args_format(args, "--allow=%s", conf->port[p].device);
		has_pci = true;
	}
	if (!has_pci)
		args_add(args, "--no-pci");
}

// EAL takes either the memory in all or that of each NUMA node.
static bool memory_is_by_node(const struct dp_conf *conf)
{
	for (int i = 0; i < DP_EAL_ARGS_MAX && conf->eal_args[i] != NULL; i++)
		if (strncmp(conf->eal_args[i], "--socket-mem", strlen("--socket-mem")) == 0)
			return true;
	return false;
}

static void args_fill(const struct dp_conf *conf, const char *lcores, struct args *args)
{
	char memory[16];

	snprintf(memory, sizeof(memory), "%u", conf->memory_mb);
	args_add(args, "mskpushd");
	args_format(args, "--lcores=%s", lcores);
	args_add(args, "--main-lcore=0");
	args_format(args, "--file-prefix=%s", conf->file_prefix);
	if (!memory_is_by_node(conf)) {
		args_add(args, "-m");
		args_format(args, "%s", memory);
	}
	if (!conf->is_huge) {
		args_add(args, "--no-huge");
		args_add(args, "--no-shconf");
	}
	devices_fill(conf, args);
	args_add(args, "--log-level=warning");
	for (int i = 0; i < DP_EAL_ARGS_MAX && conf->eal_args[i] != NULL; i++)
		args_add(args, conf->eal_args[i]);
}

int port_eal_start(const struct dp_conf *conf, int cpus[DP_WORKERS_MAX], char why[256])
{
	static struct args args; // EAL keeps pointers into it
	char lcores[LCORES_TEXT];
	int ret = lcores_write(conf, cpus, lcores, why);

	if (ret != 0)
		return ret;
	args_fill(conf, lcores, &args);
	if (rte_eal_init(args.n, args.arg) < 0) {
		snprintf(why, 256, "DPDK cannot start: %s (its own messages stand above)",
			rte_strerror(rte_errno));
		return -rte_errno;
	}
	return 0;
}
