// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "conf.h"

#define AT(member) offsetof(struct conf, member)

const struct conf_row conf_rows[] = {
	{"store.dir", CONF_TEXT, AT(store.dir), false, 1, 200, "/var/lib/mskpush", NULL,
		"Directory of the store; made with mode 0700 when it is missing."},
	{"store.map_size", CONF_SIZE, AT(store.map_bytes), false, 16ull << 20, 1ull << 44, "1G",
		NULL,
		"Size of the store, set aside on disk at the first start. 1G holds 4 million."},
	{"store.max_subscribers", CONF_COUNT, AT(store.max_subscribers), false, 1, 100000000,
		"10000000", NULL, "Most subscribers there can be: sizes the table of counters."},
	{"socket", CONF_TEXT, AT(socket), false, 0, 107, "", NULL,
		"Admin socket. Empty: $MSKPUSH_SOCKET, else $XDG_RUNTIME_DIR/mskpush/admin.sock, "
		"else "
		"/run/mskpush/admin.sock."},
	{"admin.group", CONF_TEXT, AT(admin.group), false, 0, 32, "", NULL,
		"Group whose members may use the admin socket. Empty: the daemon's account and "
		"root."},
	{"admin.read", CONF_TEXTS, AT(admin.read), false, 1, 33, "", NULL,
		"Accounts and @groups that may look: status, campaigns, subscribers without keys."},
	{"admin.operate", CONF_TEXTS, AT(admin.operate), false, 1, 33, "", NULL,
		"Those that may start and steer campaigns, capture, and end the daemon."},
	{"admin.keys", CONF_TEXTS, AT(admin.keys), false, 1, 33, "", NULL,
		"Those that may change subscribers, services, key groups and MSKs."},
	{"admin.audit", CONF_TEXT, AT(admin.audit), false, 0, 255, "", NULL,
		"File that gets a line for each change somebody made. Empty: audit.log in "
		"store.dir."},
	{"admin.listen", CONF_TEXT, AT(admin.listen), false, 0, 64, "", NULL,
		"Address and port where the admin API is served over TLS to callers with a "
		"token, IPv6 in brackets. Empty: nowhere."},
	{"admin.certificate", CONF_TEXT, AT(admin.certificate), false, 0, 255, "", NULL,
		"Certificate chain for admin.listen, a PEM file."},
	{"admin.private_key", CONF_TEXT, AT(admin.private_key), false, 0, 255, "", NULL,
		"Private key for admin.listen, a PEM file."},
	{"admin.tokens", CONF_TEXT, AT(admin.tokens), false, 0, 255, "", NULL,
		"File of tokens: a line NAME ROLE,ROLE SHA256 each."},
	{"metrics.listen", CONF_TEXT, AT(metrics.listen), false, 0, 64, "", NULL,
		"Address and port where /metrics is served to anybody, as 127.0.0.1:9469. "
		"Empty: on the admin socket alone."},
	{"fqdn", CONF_TEXT, AT(fqdn), true, 1, 253, "bmsc.example.org", NULL,
		"NAF FQDN of this BM-SC: IDi of its MIKEY messages."},
	{"port.device", CONF_TEXT, AT(port.device), true, 1, 255, "net_null0,no-rx=1", NULL,
		"DPDK device: a PCI address or a virtual device with its arguments."},
	{"port.mac", CONF_MAC, AT(port.mac), false, 0, 0, "", NULL,
		"MAC address of the port. Empty: the device's own."},
	{"port.address", CONF_IPV4, AT(port.address), true, 0, 0, "192.0.2.1/24", NULL,
		"IPv4 address of the port, with or without the length of its prefix."},
	{"port.gateway", CONF_IPV4, AT(port.gateway), true, 0, 0, "192.0.2.254", NULL,
		"Next hop of everything that is sent."},
	{"port.gateway_mac", CONF_MAC, AT(port.gateway_mac), false, 0, 0, "", NULL,
		"MAC address of the next hop. Empty: found by ARP."},
	{"port.mtu", CONF_COUNT, AT(port.mtu), false, 576, 9000, "1500", NULL,
		"Longest IP packet, octets."},
	{"port.udp_port", CONF_COUNT, AT(port.udp_port), false, 1, 65535, "2269", NULL,
		"UDP port of MIKEY messages, source and destination."},
	{"port.tx_descriptors", CONF_COUNT, AT(port.tx_descriptors), false, 64, 4096, "1024", NULL,
		"Descriptors of a transmit queue."},
	{"port.rx_descriptors", CONF_COUNT, AT(port.rx_descriptors), false, 64, 4096, "1024", NULL,
		"Descriptors of a receive queue."},
	{"port.mbufs", CONF_COUNT, AT(port.mbufs), false, 511, 262143, "4095", NULL,
		"Packet buffers per queue: more than both rings can hold."},
	{"workers.count", CONF_COUNT, AT(workers.count), false, 1, CONF_WORKERS_MAX, "1", NULL,
		"Worker threads, each with a queue of the port."},
	{"workers.cpus", CONF_COUNTS, AT(workers.cpus), false, 0, 1023, "", NULL,
		"CPU of each worker. Empty: the first ones this process may run on."},
	{"workers.poll", CONF_CHOICE, AT(workers.poll), false, 0, 0, "sleep", "sleep busy",
		"Whether idle workers sleep or keep polling."},
	{"memory.size_mb", CONF_COUNT, AT(memory.size_mb), false, 64, 1048576, "512", NULL,
		"Memory for packet buffers, MiB."},
	{"memory.hugepages", CONF_CHOICE, AT(memory.hugepages), false, 0, 0, "false", "false true",
		"Whether that memory is in huge pages."},
	{"eal.file_prefix", CONF_TEXT, AT(eal.file_prefix), false, 0, 64, "", NULL,
		"Prefix of DPDK's run-time files. Empty: mskpush-PID."},
	{"eal.args", CONF_TEXTS, AT(eal.args), false, 1, 255, "", NULL,
		"More arguments for DPDK's EAL."},
	{"campaign.sends", CONF_COUNT, AT(campaign.sends), false, 1, CONF_SENDS_MAX, "8", NULL,
		"Most messages a member of a campaign gets."},
	{"campaign.waits", CONF_DURATIONS, AT(campaign.waits_s), false, 0, 3600, "1s, 2s, 4s, 8s",
		NULL,
		"Time to wait for an answer after the first send, the second, and so on; the last "
		"one "
		"stands for all that follow."},
	{"campaign.rate", CONF_COUNT, AT(campaign.rate), false, 0, 100000000, "0", NULL,
		"UEs per second a campaign sends to, over all workers. 0: as fast as the port "
		"takes."},
	{"muk_margin", CONF_DURATION, AT(muk_margin_s), false, 0, 86400, "30s", NULL,
		"A MUK that expires within this time counts as expired."},
	{"verification_timestamp_bytes", CONF_CHOICE, AT(verification_timestamp), false, 0, 0, "4",
		"4 8",
		"Octets of the counter in the MAC of a verification message (RFC 3830, 5.2 leaves "
		"it open)."},
	{"log.level", CONF_CHOICE, AT(log.level), false, 0, 0, "info", "error warning info debug",
		"What is logged: this level and those before it."},
	{"log.target", CONF_CHOICE, AT(log.target), false, 0, 0, "auto", "auto stderr journal",
		"Where to: stderr, systemd's journal, or the journal when stderr leads there."},
};
const size_t conf_rows_count = sizeof(conf_rows) / sizeof(conf_rows[0]);
