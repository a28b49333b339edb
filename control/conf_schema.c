// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "conf.h"

#define AT(member) offsetof(struct conf, member)
#define PORT(member) offsetof(struct conf_port, member)
#define ROUTE(member) offsetof(struct conf_route, member)
#define AREA(member) offsetof(struct conf_area, member)

const struct conf_row conf_rows[] = {
	{"store.dir", CONF_TEXT, AT(store.dir), false, 1, 200, "/var/lib/mskpush", NULL,
		"Directory of the store; made with mode 0700 when it is missing."},
	{"store.map_size", CONF_SIZE, AT(store.map_bytes), false, 16ull << 20, 1ull << 44, "1G",
		NULL,
		"Size of the store, set aside on disk at the first start. 1G holds 4 million."},
	{"store.map_max", CONF_SIZE, AT(store.map_max_bytes), false, 16ull << 20, 1ull << 44, "64G",
		NULL, "Size up to which it grows by itself while it fills."},
	{"store.max_subscribers", CONF_COUNT, AT(store.max_subscribers), false, 1, 100000000,
		"10000000", NULL, "Most subscribers there can be: sizes the table of counters."},
	{"store.wrapping_key", CONF_TEXT, AT(store.wrapping_key), true, 1, 255, "none", NULL,
		"Key that wraps the secrets at rest: file:PATH, credential:NAME, "
		"passphrase-file:PATH; none: they lie in the clear."},
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
	{"console.listen", CONF_TEXT, AT(console.listen), false, 0, 64, "", NULL,
		"Address and port where the console is served, a web page for callers with a "
		"token, as 127.0.0.1:9471. Beyond loopback over TLS. Empty: nowhere."},
	{"metrics.listen", CONF_TEXT, AT(metrics.listen), false, 0, 64, "", NULL,
		"Address and port where /metrics is served to anybody, as 127.0.0.1:9469. "
		"Empty: on the admin socket alone."},
	{"fqdn", CONF_TEXT, AT(fqdn), true, 1, 253, "bmsc.example.org", NULL,
		"NAF FQDN of this BM-SC: IDi of its MIKEY messages."},
	{"workers.count", CONF_COUNT, AT(workers.count), false, 1, CONF_WORKERS_MAX, "1", NULL,
		"Worker threads, each with a queue of the port."},
	{"workers.cpus", CONF_COUNTS, AT(workers.cpus), false, 0, 1023, "", NULL,
		"CPU of each worker. Empty: the first ones this process may run on."},
	{"workers.poll", CONF_CHOICE, AT(workers.poll), false, 0, 0, "sleep", "sleep busy",
		"Whether idle workers sleep or keep polling."},
	{"workers.crypto", CONF_CHOICE, AT(workers.crypto), false, 0, 0, "auto",
		"auto avx512 avx512-aesni avx2 ipsec-mb",
		"Which code computes: lanes of AVX-512 or AVX2, many messages side by side, or "
		"ipsec-mb. auto: the first of them that the CPU can run."},
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
	{"campaign.solicits", CONF_COUNT, AT(campaign.solicits), false, 1, CONF_SENDS_MAX - 2, "3",
		NULL, "Most solicited pulls a member of a campaign gets."},
	{"campaign.solicit_waits", CONF_DURATIONS, AT(campaign.solicit_waits_s), false, 0, 3600,
		"10s, 20s, 30s", NULL,
		"Time to wait for the fetched MSK's verification after the first solicited pull, "
		"the second, and so on."},
	{"governor.target", CONF_COUNT, AT(governor.target_percent), false, 0, 95, "70", NULL,
		"Share of the time, in percent, that the threads of `ua` work while phones are "
		"solicited. 0: solicited pulls do not follow what the HTTP side can serve."},
	{"governor.p99_ms", CONF_COUNT, AT(governor.p99_ms), false, 1, 10000, "250", NULL,
		"Above this time of 99 in 100 answers, milliseconds, fewer phones are solicited."},
	{"governor.start", CONF_COUNT, AT(governor.start), false, 1, 1000000, "1000", NULL,
		"Solicited pulls per second while nothing is known of what they cost."},
	{"ua.shed_after_ms", CONF_COUNT, AT(ua.shed_after_ms), false, 0, 10000, "100", NULL,
		"A request that is looked at later than this, milliseconds after its thread woke "
		"up for it, gets 503 and Retry-After at once. 0: never."},
	{"ua.listen", CONF_TEXTS, AT(ua.listen), false, 3, 64, "127.0.0.1:8080", NULL,
		"Addresses and ports where phones are served over HTTP, IPv6 in brackets. Port 0: "
		"any that is free; `mskpush status` tells. None: phones are not served."},
	{"ua.path", CONF_TEXT, AT(ua.path), false, 1, 200, "/keymanagement", NULL,
		"Path of the request target; the query tells the procedure."},
	{"ua.threads", CONF_COUNT, AT(ua.threads), false, 1, CONF_WORKERS_MAX, "1", NULL,
		"Threads that serve phones."},
	{"ua.connections", CONF_COUNT, AT(ua.connections), false, 1, 1000000, "10000", NULL,
		"Most connections at once, over all threads."},
	{"ua.connections_per_address", CONF_COUNT, AT(ua.connections_per_address), false, 0,
		1000000, "0", NULL,
		"Most connections from one address and thread. 0: no limit, for phones sit behind "
		"address translation."},
	{"ua.idle_timeout", CONF_DURATION, AT(ua.idle_timeout_s), false, 1, 86400, "60s", NULL,
		"A connection without any traffic is closed after this time."},
	{"ua.request_timeout", CONF_DURATION, AT(ua.request_timeout_s), false, 1, 3600, "20s", NULL,
		"Longest time a request may take to arrive."},
	{"ua.certificate", CONF_TEXT, AT(ua.certificate), false, 0, 200, "", NULL,
		"Certificate chain for TLS, a PEM file. Empty: no TLS."},
	{"ua.private_key", CONF_TEXT, AT(ua.private_key), false, 0, 200, "", NULL,
		"Private key for TLS, a PEM file."},
	{"ua.address", CONF_CHOICE, AT(ua.address), false, 0, 0, "request", "request imported",
		"Where to push to after a request: the address it came from, or the imported one."},
	{"ua.require_gba_token", CONF_CHOICE, AT(ua.require_gba_token), false, 0, 0, "false",
		"false true",
		"Whether phones without the product token 3gpp-gba in User-Agent are refused."},
	{"ua.realms", CONF_CHOICE, AT(ua.realms), false, 0, 0, "me", "me uicc both",
		"Realms of the challenge: 3GPP-bootstrapping@FQDN, 3GPP-bootstrapping-uicc@FQDN, "
		"or both."},
	{"ua.algorithms", CONF_CHOICE, AT(ua.algorithms), false, 0, 0, "MD5",
		"MD5 SHA-256 both MD5-sess",
		"Digest algorithms of the challenge; both: SHA-256 and MD5. Responses by their "
		"variants with -sess are taken too."},
	{"ua.allow_qop_auth", CONF_CHOICE, AT(ua.allow_qop_auth), false, 0, 0, "false",
		"false true", "Whether qop=auth is offered too, which does not protect the body."},
	{"ua.nonce_life", CONF_DURATION, AT(ua.nonce_life_s), false, 2, 86400, "5m", NULL,
		"How long a nonce is good."},
	{"ua.nonces", CONF_COUNT, AT(ua.nonces), false, 64, 1u << 28, "1048576", NULL,
		"Nonces whose counts are kept."},
	{"ua.ha1_entries", CONF_COUNT, AT(ua.ha1_entries), false, 64, 1u << 28, "1048576", NULL,
		"Subscribers whose Digest key is kept ready in memory."},
	{"ua.wrong_per_btid", CONF_COUNT, AT(ua.wrong_per_btid), false, 0, 1000000, "10", NULL,
		"Wrong responses for one B-TID from one address that are challenged in a minute; "
		"further ones get 403. 0: no limit."},
	{"ua.wrong_per_address", CONF_COUNT, AT(ua.wrong_per_address), false, 0, 1000000000, "1000",
		NULL, "The same from one address, whatever the B-TID. 0: no limit."},
	{"ua.waiting", CONF_COUNT, AT(ua.waiting), false, 1, 1000000, "10000", NULL,
		"Most requests of a thread that wait for the key source or the store; further "
		"ones get 503."},
	{"ua.servers", CONF_TEXTS, AT(ua.servers), false, 1, 255, "", NULL,
		"URIs of key management servers in service announcements. None: "
		"http://FQDN:8080/keymanagement, with the path and port from above."},
	{"ua.wait_time", CONF_DURATION, AT(ua.wait_time_s), false, 0, 86400, "5s", NULL,
		"Announced: how long phones wait before they ask for a missing MSK."},
	{"ua.max_back_off", CONF_DURATION, AT(ua.max_back_off_s), false, 0, 86400, "60s", NULL,
		"Announced: the most of the random time they wait besides."},
	{"key_source.url", CONF_TEXT, AT(key_source.url), false, 0, 200, "", NULL,
		"Who is asked for the keys of a B-TID that is not known: unix:/PATH of a socket, "
		"or "
		"https://HOST. Empty: nobody."},
	{"key_source.ca_file", CONF_TEXT, AT(key_source.ca_file), false, 0, 200, "", NULL,
		"Certificates that the key source is checked by, a PEM file. Empty: the system's."},
	{"key_source.timeout", CONF_DURATION, AT(key_source.timeout_s), false, 1, 60, "2s", NULL,
		"How long an answer may take."},
	{"key_source.lookups", CONF_COUNT, AT(key_source.lookups), false, 1, 10000, "64", NULL,
		"Most questions to the key source at once; as many more wait as ua.waiting lets."},
	{"key_source.max_key_age", CONF_DURATION, AT(key_source.max_key_age_s), false, 0, 31536000,
		"0", NULL,
		"Keys are good for this time after the bootstrapping at most, however long the key "
		"source lets them live. 0: no limit."},
	{"key_source.services", CONF_TEXTS, AT(key_source.services), false, 1, 127, "", NULL,
		"Services that subscribers are authorised for whom only the key source knows, "
		"when it names none."},
	{"history.size", CONF_SIZE, AT(history.bytes), false, 0, 1ull << 40, "256M", NULL,
		"Memory for what happened to each phone, for `mskpush trace`: the newest requests "
		"and single pushes of all, 48 octets each. 0: none is kept."},
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
	{"confine", CONF_CHOICE, AT(is_confined), false, 0, 0, "true", "false true",
		"Whether the daemon gives up what it does not need: capabilities, beginning "
		"programs, being traced or dumped. For looking for faults, false."},
	{"user", CONF_TEXT, AT(user), false, 0, 64, "", NULL,
		"Account that the daemon becomes when root starts it, before it opens anything; "
		"what its ports need of root's powers it keeps. Empty: who started it."},
};
const size_t conf_rows_count = sizeof(conf_rows) / sizeof(conf_rows[0]);

static const struct conf_row port_rows[] = {
	{"name", CONF_TEXT, PORT(name), false, 0, CONF_NAME_MAX - 1, "", NULL,
		"Name for routes and status. Empty: port0, port1, ..."},
	{"device", CONF_TEXT, PORT(device), true, 1, 255, "net_null0,no-rx=1", NULL,
		"DPDK device: a PCI address or a virtual device with its arguments."},
	{"mac", CONF_MAC, PORT(mac), false, 0, 0, "", NULL,
		"MAC address of the port. Empty: the device's own."},
	{"address", CONF_ADDRESSES, PORT(address), true, 0, 16, "192.0.2.1/24", NULL,
		"Addresses of the port, IPv4 and IPv6, with the length of the link's prefix: one, "
		"or a list. Messages leave from the one on the link of the next hop."},
	{"gateway", CONF_HOSTS, PORT(gateway), true, 0, CONF_MACS_MAX, "192.0.2.254", NULL,
		"Next hops of what no route says otherwise of: one, or a list. Of one IP version "
		"the first that can be used is taken."},
	{"gateway_mac", CONF_MACS, PORT(gateway_mac), false, 0, 0, "", NULL,
		"MAC addresses of the gateways, in their order. Empty: found by ARP or ND."},
	{"vlan", CONF_TAGS, PORT(vlan), false, 1, 4094, "", NULL,
		"VLAN of all frames: one number, or two, the outer one first (QinQ)."},
	{"dscp", CONF_COUNT, PORT(dscp), false, 0, 63, "0", NULL,
		"Differentiated services code point of what is sent."},
	{"mtu", CONF_COUNT, PORT(mtu), false, 576, 9000, "1500", NULL,
		"Longest IP packet, octets."},
	{"udp_port", CONF_COUNT, PORT(udp_port), false, 1, 65535, "2269", NULL,
		"UDP port of MIKEY messages, source and destination."},
	{"tx_descriptors", CONF_COUNT, PORT(tx_descriptors), false, 64, 4096, "1024", NULL,
		"Descriptors of a transmit queue."},
	{"rx_descriptors", CONF_COUNT, PORT(rx_descriptors), false, 64, 4096, "1024", NULL,
		"Descriptors of a receive queue."},
	{"mbufs", CONF_COUNT, PORT(mbufs), false, 511, 262143, "4095", NULL,
		"Packet buffers per queue: more than both rings can hold."},
};

static const struct conf_row route_rows[] = {
	{"to", CONF_PREFIX, ROUTE(to), false, 0, 0, "", NULL,
		"Destinations. Several routes to one prefix are tried in their order."},
	{"via", CONF_ADDRESS, ROUTE(via), false, 0, 0, "", NULL, "The next hop."},
	{"mac", CONF_MAC, ROUTE(mac), false, 0, 0, "", NULL,
		"Its MAC address. Empty: found by ARP or ND."},
	{"port", CONF_TEXT, ROUTE(port), false, 0, CONF_NAME_MAX - 1, "", NULL,
		"Name of the port. Empty: the one on whose link the next hop is."},
	{"source", CONF_ADDRESS, ROUTE(source), false, 0, 0, "", NULL,
		"Which of the port's addresses messages leave from. Empty: the one on the link."},
	{"mtu", CONF_COUNT, ROUTE(mtu), false, 0, 9000, "0", NULL,
		"Longest IP packet of the path, octets. 0: the port's."},
};

static const struct conf_row area_rows[] = {
	{"name", CONF_TEXT, AREA(name), false, 1, CONF_NAME_MAX - 1, "", NULL, "Name of the area."},
	{"prefixes", CONF_PREFIXES, AREA(prefixes), false, 0, CONF_ADDRESSES_MAX, "", NULL,
		"Addresses of its phones. No two prefixes overlap."},
	{"rate", CONF_COUNT, AREA(rate), false, 0, 100000000, "0", NULL,
		"UEs per second that all campaigns together send to in this area. 0: no limit."},
};

#define COUNT_OF(rows) (sizeof(rows) / sizeof((rows)[0]))
const struct conf_list conf_lists[] = {
	{"ports", "port", "workers.count", port_rows, COUNT_OF(port_rows), AT(port),
		sizeof(struct conf_port), AT(ports), CONF_PORTS_MAX, 1,
		"The ports; a single one may stand under the key port."},
	{"routes", NULL, "workers.count", route_rows, COUNT_OF(route_rows), AT(route),
		sizeof(struct conf_route), AT(routes), CONF_ROUTES_MAX, 0,
		"Next hops by longest prefix. What they do not cover goes to the gateways."},
	{"areas", NULL, "workers.count", area_rows, COUNT_OF(area_rows), AT(area),
		sizeof(struct conf_area), AT(areas), CONF_AREAS_MAX, 0,
		"Parts of the network that are counted apart."},
};
const size_t conf_lists_count = COUNT_OF(conf_lists);
