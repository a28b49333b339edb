// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "setup.h"

#include <string.h>

#include <jansson.h>

static const char *link_name(enum setup_link link)
{
	static const char *const names[] = {"unknown", "down", "up"};

	return names[link];
}

static void ports_print(const struct setup_machine *m, FILE *out)
{
	if (m->ports == 0)
		return;
	fprintf(out, "%-13s %-12s %-10s %-8s %4s %5s  %s\n", "PORT", "DRIVER", "INTERFACE", "LINK",
		"NODE", "GROUP", "NAME");
	for (unsigned i = 0; i < m->ports; i++) {
		const struct setup_port *port = &m->port[i];
		char node[12] = "-", group[12] = "-";

		if (port->node >= 0)
			snprintf(node, sizeof(node), "%d", port->node);
		if (port->iommu_group >= 0)
			snprintf(group, sizeof(group), "%d", port->iommu_group);
		fprintf(out, "%-13s %-12s %-10s %-8s %4s %5s  %s\n", port->address,
			port->driver[0] != '\0' ? port->driver : "-",
			port->interface[0] != '\0' ? port->interface : "-", link_name(port->link),
			node, group, port->name);
	}
}

void setup_print(const struct setup_machine *m, const struct setup_findings *f, FILE *out)
{
	ports_print(m, out);
	for (unsigned i = 0; i < f->n; i++) {
		const struct setup_finding *finding = &f->finding[i];

		fprintf(out, "\n%s%s%s: %s\n    %s\n", finding->is_missing ? "missing" : "advice",
			finding->port[0] != '\0' ? ", port " : "", finding->port, finding->text,
			finding->command);
	}
	if (f->n == 0)
		fprintf(out, "\nNothing is missing.\n");
}

static json_t *port_json(const struct setup_port *port)
{
	return json_pack("{s:s, s:s, s:s?, s:s?, s:s?, s:o, s:o, s:s, s:b, s:b, s:o}", "address",
		port->address, "name", port->name, "driver",
		port->driver[0] != '\0' ? port->driver : NULL, "interface",
		port->interface[0] != '\0' ? port->interface : NULL, "mac",
		port->mac[0] != '\0' ? port->mac : NULL, "numa_node",
		port->node >= 0 ? json_integer(port->node) : json_null(), "iommu_group",
		port->iommu_group >= 0 ? json_integer(port->iommu_group) : json_null(), "link",
		link_name(port->link), "is_switched_on", port->is_switched_on, "is_routed",
		port->is_routed, "speed_mbps",
		port->speed_mbps > 0 ? json_integer(port->speed_mbps) : json_null());
}

static json_t *finding_json(const struct setup_finding *finding)
{
	return json_pack("{s:b, s:s?, s:s, s:s}", "is_missing", finding->is_missing, "port",
		finding->port[0] != '\0' ? finding->port : NULL, "text", finding->text, "command",
		finding->command);
}

void setup_print_json(const struct setup_machine *m, const struct setup_findings *f, FILE *out)
{
	json_t *ports = json_array(), *findings = json_array(), *all;

	for (unsigned i = 0; i < m->ports; i++)
		json_array_append_new(ports, port_json(&m->port[i]));
	for (unsigned i = 0; i < f->n; i++)
		json_array_append_new(findings, finding_json(&f->finding[i]));
	all = json_pack("{s:o, s:b, s:b, s:b, s:I, s:I, s:o}", "ports", ports, "has_iommu",
		m->has_iommu, "has_vfio", m->has_vfio, "is_clock_synchronised",
		m->is_clock_synchronised, "hugepage_bytes", (json_int_t)m->hugepages,
		"hugepage_free_bytes", (json_int_t)m->hugepages_free, "findings", findings);
	json_dumpf(all, out, JSON_INDENT(2));
	fputc('\n', out);
	json_decref(all);
}
