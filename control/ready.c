// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The one line that tells what has been started.

#include "ready.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "conf.h"
#include "dp.h"
#include "log.h"
#include "ua.h"

static void cpus_text(const struct dp_status *status, char out[160])
{
	size_t n = 0;

	out[0] = '\0';
	for (unsigned i = 0; i < status->workers && n < 150; i++)
		n += (size_t)snprintf(out + n, 160 - n, "%s%d", i > 0 ? " " : "", status->cpu[i]);
}

// "port0=0000:01:00.0/net_ixgbe/up/4q/software", one after the other.
static void ports_text(const struct dp_status *status, char out[512])
{
	size_t n = 0;

	out[0] = '\0';
	for (unsigned p = 0; p < status->ports && n < 511; p++) {
		const struct dp_port_status *port = &status->port[p];

		n += (size_t)snprintf(out + n, 512 - n, "%s%s=%s/%s/%s/%uq/%s", p > 0 ? " " : "",
			port->name, port->device, port->driver, port->is_up ? "up" : "down",
			port->queues,
			port->tx_udp_checksum == DP_PATH_DEVICE ? "device" : "software");
	}
}

static uint32_t subscribers_count(struct ctl *ctl)
{
	struct store_reader *r;
	uint32_t n;

	if (ctl_reader_get(ctl, &r) != 0)
		return 0;
	n = store_reader_subscriber_count(r);
	ctl_reader_put(ctl, r);
	return n;
}

void ready_report(struct ctl *ctl, uint32_t counter_first)
{
	struct store_env_info info = {0};
	struct dp_status status = {0};
	char cpus[160], ports[512];

	pthread_mutex_lock(&ctl->dp_lock);
	dp_status_read(ctl->dp, &status);
	pthread_mutex_unlock(&ctl->dp_lock);
	store_env_info(ctl->env, &info);
	cpus_text(&status, cpus);
	ports_text(&status, ports);
	log_info("ready",
		"version=%s pid=%d crypto=\"%s\" workers=%u cpus=\"%s\" ports=\"%s\" ua=\"%s\" "
		"store=\"%s\" subscribers=%u used-bytes=%lu map-bytes=%lu counter-first=%u "
		"counter-mark=%u socket=\"%s\"",
		MSKPUSH_VERSION, (int)getpid(), status.crypto, status.workers, cpus, ports,
		ua_addresses(ctl->ua), ctl->conf->store.dir, subscribers_count(ctl),
		(unsigned long)info.used_bytes, (unsigned long)info.map_bytes, counter_first,
		status.counter_mark, ctl->conf->socket);
}
