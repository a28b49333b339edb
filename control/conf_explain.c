// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// What a configuration comes to, in sentences for who wrote it.

#include <inttypes.h>
#include <string.h>

#include "conf.h"

#define STORE_BYTES_EACH 256 // of a subscriber, with room to change
#define COUNTER_BYTES_EACH 4

struct device {
	const char *prefix;
	const char *text;
};

static const struct device devices[] = {
	{"net_null", "swallows everything: for trials only"},
	{"net_ring", "leads back into the daemon: for trials only"},
	{"net_pcap", "reads and writes captures: for trials only"},
	{"net_af_packet", "an interface of the kernel, through a packet socket (CAP_NET_RAW)"},
	{"net_af_xdp", "an interface of the kernel, through AF_XDP (CAP_NET_RAW, CAP_BPF)"},
	{"net_tap", "an interface that the daemon makes for the kernel (CAP_NET_ADMIN)"},
	{"net_vhost", "a socket that a virtual machine or mskpush-ue connects to"},
	{"net_virtio_user", "the other end of a vhost socket"},
	{"net_memif", "memory shared with another process"},
	{"net_", "a virtual device of DPDK"},
};

static const char *device_text(const char *device)
{
	for (size_t i = 0; i < sizeof(devices) / sizeof(devices[0]); i++)
		if (strncmp(device, devices[i].prefix, strlen(devices[i].prefix)) == 0)
			return devices[i].text;
	return "a PCI port: it has to be with vfio-pci (mskpush-setup shows what is missing)";
}

static void ports_explain(const struct conf *conf, FILE *out)
{
	for (unsigned i = 0; i < conf->ports; i++) {
		const struct conf_port *port = &conf->port[i];

		fprintf(out, "  port%s%s: %s, %s\n", port->name[0] == '\0' ? "" : " ", port->name,
			port->device, device_text(port->device));
	}
	if (conf->areas > 0)
		fprintf(out, "  areas: %u\n", conf->areas);
}

static void workers_explain(const struct conf *conf, FILE *out)
{
	fprintf(out, "  workers: %" PRIu64 ", on ", conf->workers.count);
	if (conf->workers.cpus.n == 0)
		fprintf(out, "the first CPUs this process may run on");
	for (unsigned i = 0; i < conf->workers.cpus.n; i++)
		fprintf(out, "%s%" PRIu64, i == 0 ? "CPU " : ", ", conf->workers.cpus.value[i]);
	fprintf(out, "; idle ones %s\n",
		conf->workers.poll == CONF_POLL_BUSY ? "keep polling" : "sleep");
}

static void store_explain(const struct conf *conf, FILE *out)
{
	uint64_t room = conf->store.map_bytes / STORE_BYTES_EACH;

	fprintf(out, "  store: %s has room for some %" PRIu64 " subscribers\n", conf->store.dir,
		room);
	if (room < conf->store.max_subscribers)
		fprintf(out,
			"    fewer than store.max_subscribers (%" PRIu64 ") allows: %" PRIu64
			"M as store.map_size would hold those\n",
			conf->store.max_subscribers,
			(conf->store.max_subscribers * STORE_BYTES_EACH >> 20) + 1);
}

static void campaign_explain(const struct conf *conf, FILE *out)
{
	const struct conf_numbers *waits = &conf->campaign.waits_s;
	uint64_t sum = 0;

	for (uint64_t i = 0; i < conf->campaign.sends && waits->n > 0; i++)
		sum += waits->value[i < waits->n ? i : waits->n - 1];
	fprintf(out,
		"  campaigns: at most %" PRIu64
		" messages to a phone; one that never answers is given "
		"up %" PRIu64 " s after its first\n",
		conf->campaign.sends, sum);
	if (conf->campaign.rate == 0)
		fprintf(out,
			"    as fast as the port takes: set campaign.rate to what the radio "
			"network can page\n");
}

static void phones_explain(const struct conf *conf, FILE *out)
{
	fprintf(out, "  phones: ");
	if (conf->ua.listen.n == 0)
		fprintf(out, "not served over HTTP");
	for (unsigned i = 0; i < conf->ua.listen.n; i++)
		fprintf(out, "%s%s", i == 0 ? "served at " : ", ", conf->ua.listen.value[i]);
	fprintf(out, "%s; %s\n",
		conf->ua.listen.n > 0 && conf->ua.certificate[0] != '\0' ? ", over TLS" : "",
		conf->key_source.url[0] == '\0' ? "nobody is asked for keys of those who bootstrap"
						: conf->key_source.url);
}

static void default_explain(void *out, const char *key, const char *value)
{
	fprintf(out, "  %s: still the default %s, which is of no use at a real site\n", key, value);
}

void conf_explain(const struct conf *conf, FILE *out)
{
	ports_explain(conf, out);
	workers_explain(conf, out);
	fprintf(out,
		"  memory: %" PRIu64 " MiB for packets in %s pages, %" PRIu64
		" MiB for the counters of %" PRIu64 " subscribers\n",
		conf->memory.size_mb, conf->memory.hugepages != 0 ? "huge" : "ordinary",
		conf->store.max_subscribers * COUNTER_BYTES_EACH >> 20,
		conf->store.max_subscribers);
	store_explain(conf, out);
	campaign_explain(conf, out);
	phones_explain(conf, out);
	fprintf(out, "  admin socket: %s\n", conf->socket);
	if (conf->console.listen[0] != '\0')
		fprintf(out, "  console: %s://%s, for callers with a token\n",
			conf_console_is_tls(conf) ? "https" : "http", conf->console.listen);
	conf_defaults_report(conf, default_explain, out);
}
