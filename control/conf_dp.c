// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "conf_dp.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../dataplane/conf.h"
#include "conf.h"

_Static_assert(CONF_WORKERS_MAX == DP_WORKERS_MAX, "as many workers as the dataplane takes");

static const char *file_prefix(const struct conf *conf)
{
	static char prefix[32];

	if (conf->eal.file_prefix[0] != '\0')
		return conf->eal.file_prefix;
	snprintf(prefix, sizeof(prefix), "mskpush-%d", (int)getpid());
	return prefix;
}

static void port_fill(const struct conf *conf, struct dp_conf *out)
{
	out->port = conf->port.device;
	out->tx_descriptors = (unsigned)conf->port.tx_descriptors;
	out->rx_descriptors = (unsigned)conf->port.rx_descriptors;
	out->mbufs = (unsigned)conf->port.mbufs;
	out->mtu = (unsigned)conf->port.mtu;
	out->udp_port = (uint16_t)conf->port.udp_port;
	memcpy(out->mac, conf->port.mac.byte, sizeof(out->mac));
	memcpy(out->ipv4, conf->port.address.byte, sizeof(out->ipv4));
	memcpy(out->gateway, conf->port.gateway.byte, sizeof(out->gateway));
	memcpy(out->gateway_mac, conf->port.gateway_mac.byte, sizeof(out->gateway_mac));
}

// A single push is a campaign of one.
static void singles_fill(const struct conf *conf, struct dp_conf *out)
{
	const struct conf_numbers *waits = &conf->campaign.waits_s;

	out->single_sends = (uint8_t)conf->campaign.sends;
	for (unsigned i = 0; i < CONF_SENDS_MAX; i++)
		out->single_wait_ms[i] =
			(uint32_t)waits->value[i < waits->n ? i : waits->n - 1] * 1000;
}

void conf_dp_fill(const struct conf *conf, struct dp_conf *out)
{
	const struct conf_numbers *cpus = &conf->workers.cpus;

	memset(out, 0, sizeof(*out));
	port_fill(conf, out);
	out->is_huge = conf->memory.hugepages != 0;
	out->memory_mb = (unsigned)conf->memory.size_mb;
	out->file_prefix = file_prefix(conf);
	for (unsigned i = 0; i < conf->eal.args.n && i + 1 < DP_EAL_ARGS_MAX; i++)
		out->eal_args[i] = conf->eal.args.value[i];
	out->workers = (unsigned)conf->workers.count;
	for (unsigned i = 0; i < DP_WORKERS_MAX; i++)
		out->cpu[i] = i < cpus->n ? (int)cpus->value[i] : -1;
	out->is_busy_poll = conf->workers.poll == CONF_POLL_BUSY;
	singles_fill(conf, out);
	out->muk_margin_s = (uint32_t)conf->muk_margin_s;
	out->ts_bytes = conf->verification_timestamp == 0 ? 4 : 8;
	snprintf(out->idi, sizeof(out->idi), "%.*s", DP_IDI_MAX, conf->fqdn);
	out->max_subscribers = (uint32_t)conf->store.max_subscribers;
}
