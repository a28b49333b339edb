// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Ports, next hops and areas.

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "conf.h"
#include "metric.h"
#include "metric_facts.h"

#define NO_AREA "none" // of members that lie in none

// --- Ports ------------------------------------------------------------------------------------

static const char *path_name(uint8_t path)
{
	return path == DP_PATH_DEVICE ? "device" : "software";
}

static void info_collect(
	const struct metric *m, const struct metric_facts *f, struct metric_sink *sink)
{
	for (unsigned p = 0; p < f->status.ports; p++) {
		const struct dp_port_status *port = &f->status.port[p];

		metric_sample(m, sink, 1, port->name, port->device, port->driver,
			path_name(port->tx_udp_checksum), NULL);
	}
}

enum figure {
	FIGURE_UP,
	FIGURE_GONE,
	FIGURE_STUCK,
	FIGURE_SPEED,
	FIGURE_QUEUES,
	FIGURE_LIVES,
};

static double figure_of(const struct dp_port_status *port, enum figure figure)
{
	switch (figure) {
	case FIGURE_UP:
		return port->is_up && !port->is_gone;
	case FIGURE_GONE:
		return port->is_gone;
	case FIGURE_STUCK:
		return port->is_stuck;
	case FIGURE_SPEED:
		return (double)port->speed_mbps * 1e6 / 8;
	case FIGURE_QUEUES:
		return port->queues;
	case FIGURE_LIVES:
		return port->lives;
	}
	return 0;
}

static void figure_collect(
	const struct metric *m, const struct metric_facts *f, struct metric_sink *sink)
{
	for (unsigned p = 0; p < f->status.ports; p++)
		metric_sample(m, sink, figure_of(&f->status.port[p], (enum figure)m->offset),
			f->status.port[p].name, NULL);
}

static void count_collect(
	const struct metric *m, const struct metric_facts *f, struct metric_sink *sink)
{
	for (unsigned p = 0; p < f->status.ports; p++) {
		uint64_t value;

		memcpy(&value, (const char *)&f->status.port[p].stats + m->offset, sizeof(value));
		metric_sample(m, sink, (double)value, f->status.port[p].name, NULL);
	}
}

// A queue is the one of the worker with its number.
static void queue_collect(
	const struct metric *m, const struct metric_facts *f, struct metric_sink *sink)
{
	char queue[12];

	for (unsigned p = 0; p < f->status.ports; p++)
		for (unsigned q = 0; q < f->status.workers; q++) {
			uint64_t value;

			memcpy(&value, (const char *)&f->queue[p][q] + m->offset, sizeof(value));
			snprintf(queue, sizeof(queue), "%u", q);
			metric_sample(m, sink, (double)value, f->status.port[p].name, queue, NULL);
		}
}

// --- Next hops --------------------------------------------------------------------------------

static const char *address_text(const struct dp_addr *addr, char out[INET6_ADDRSTRLEN])
{
	bool is_v4 = dp_addr_is_v4(addr);

	return inet_ntop(
		is_v4 ? AF_INET : AF_INET6, addr->byte + (is_v4 ? 12 : 0), out, INET6_ADDRSTRLEN);
}

static void hop_collect(
	const struct metric *m, const struct metric_facts *f, struct metric_sink *sink)
{
	char via[INET6_ADDRSTRLEN];

	for (unsigned i = 0; i < f->status.hops; i++) {
		const struct dp_hop_status *hop = &f->status.hop[i];

		metric_sample(m, sink, hop->stall == DP_STALL_NONE, f->status.port[hop->port].name,
			address_text(&hop->via, via), NULL);
	}
}

// --- Areas ------------------------------------------------------------------------------------

static void area_collect(
	const struct metric *m, const struct metric_facts *f, struct metric_sink *sink)
{
	const struct conf *conf = f->ctl->conf;

	// Without areas nothing is counted by them.
	for (unsigned i = 0; conf->areas > 0 && i <= conf->areas; i++) {
		uint64_t value;

		memcpy(&value, (const char *)&f->area[i] + m->offset, sizeof(value));
		metric_sample(m, sink, (double)value,
			i == conf->areas ? NO_AREA : conf->area[i].name, NULL);
	}
}

static void pace_collect(
	const struct metric *m, const struct metric_facts *f, struct metric_sink *sink)
{
	for (unsigned i = 0; i < f->ctl->conf->areas; i++)
		metric_sample(m, sink, f->area_rate[i], f->ctl->conf->area[i].name, NULL);
}

#define COUNT(field) count_collect, offsetof(struct dp_port_stats, field)
#define QUEUE(field) queue_collect, offsetof(struct dp_port_stats, field)
#define AREA(field) area_collect, offsetof(struct dp_area_stats, field)

const struct metric metric_network_rows[] = {
	{"mskpush_port_info", METRIC_GAUGE, "port,device,driver,checksums",
		"1: the port, its device and driver, and who makes checksums", info_collect, 0},
	{"mskpush_port_up", METRIC_GAUGE, "port", "Whether the port has a link", figure_collect,
		FIGURE_UP},
	{"mskpush_port_gone", METRIC_GAUGE, "port", "Whether the device was taken away",
		figure_collect, FIGURE_GONE},
	{"mskpush_port_stuck", METRIC_GAUGE, "port", "Whether the port takes nothing from a worker",
		figure_collect, FIGURE_STUCK},
	{"mskpush_port_speed_bytes", METRIC_GAUGE, "port",
		"Octets a second that the link carries; 0 is unknown", figure_collect,
		FIGURE_SPEED},
	{"mskpush_port_queues", METRIC_GAUGE, "port", "Queues of the port each way", figure_collect,
		FIGURE_QUEUES},
	{"mskpush_port_lives_total", METRIC_COUNTER, "port", "How often the port came up",
		figure_collect, FIGURE_LIVES},
	{"mskpush_port_transmit_frames_total", METRIC_COUNTER, "port", "Frames the port took",
		COUNT(tx_frames)},
	{"mskpush_port_transmit_bytes_total", METRIC_COUNTER, "port",
		"Octets of frames the port took", COUNT(tx_bytes)},
	{"mskpush_port_receive_frames_total", METRIC_COUNTER, "port", "Frames received on the port",
		COUNT(rx_frames)},
	{"mskpush_port_receive_bytes_total", METRIC_COUNTER, "port",
		"Octets of frames received on the port", COUNT(rx_bytes)},
	{"mskpush_port_transmit_full_total", METRIC_COUNTER, "port",
		"Times the port took less than it was given", COUNT(tx_full)},
	{"mskpush_queue_transmit_frames_total", METRIC_COUNTER, "port,queue",
		"Frames the port took from a queue", QUEUE(tx_frames)},
	{"mskpush_queue_transmit_bytes_total", METRIC_COUNTER, "port,queue",
		"Octets of frames the port took from a queue", QUEUE(tx_bytes)},
	{"mskpush_queue_receive_frames_total", METRIC_COUNTER, "port,queue",
		"Frames received on a queue", QUEUE(rx_frames)},
	{"mskpush_queue_receive_bytes_total", METRIC_COUNTER, "port,queue",
		"Octets of frames received on a queue", QUEUE(rx_bytes)},
	{"mskpush_queue_transmit_full_total", METRIC_COUNTER, "port,queue",
		"Times the port took less from a queue than it was given", QUEUE(tx_full)},
	{"mskpush_next_hop_usable", METRIC_GAUGE, "port,via",
		"Whether a next hop can be sent to: its port works and its MAC is known",
		hop_collect, 0},
	{"mskpush_area_pushes_total", METRIC_COUNTER, "area",
		"MSK messages to phones of an area that a port took", AREA(sent)},
	{"mskpush_area_verifications_total", METRIC_COUNTER, "area",
		"Members of an area that became verified", AREA(verified)},
	{"mskpush_area_unreachable_total", METRIC_COUNTER, "area",
		"Messages that did not reach phones of an area, as ICMP says", AREA(unreachable)},
	{"mskpush_area_rate", METRIC_GAUGE, "area",
		"UEs per second that all campaigns together may send to in an area; 0 is no limit",
		pace_collect, 0},
};
const size_t metric_network_count = sizeof(metric_network_rows) / sizeof(metric_network_rows[0]);
