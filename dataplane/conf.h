// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// What the dataplane is told at start. Const afterwards; strings belong to the caller and live
// as long as the dataplane.

#pragma once

#include <stdbool.h>
#include <stdint.h>

#define DP_WORKERS_MAX 32
#define DP_IDI_MAX 253
#define DP_EAL_ARGS_MAX 32

struct dp_conf {
	// Device: a --vdev string ("net_vhost0,iface=/run/v.sock,queues=1") or a PCI address.
	const char *port;
	bool is_huge; // hugepages and shared configuration; else --no-huge --no-shconf
	unsigned memory_mb; // EAL's -m
	const char *file_prefix; // unique per process
	const char *eal_args[DP_EAL_ARGS_MAX]; // more EAL arguments, NULL ends
	unsigned workers; // 1 .. DP_WORKERS_MAX
	int cpu[DP_WORKERS_MAX]; // CPU of each worker, -1 = next of the affinity mask
	bool is_busy_poll; // poll: busy
	unsigned tx_descriptors; // per queue
	unsigned rx_descriptors;
	unsigned mbufs; // per queue
	unsigned mtu; // of IP packets, octets

	uint8_t mac[6]; // all zero: the device's own
	uint8_t ipv4[4]; // our address
	uint8_t gateway[4]; // next hop of everything we send
	uint8_t gateway_mac[6]; // all zero: by ARP
	uint16_t udp_port; // source and destination, 2269

	uint8_t single_sends; // most messages of a single push
	uint32_t single_wait_ms[31]; // to wait after send i+1; DP_SENDS_MAX of them
	uint32_t muk_margin_s; // fresh = expires > now + margin
	unsigned ts_bytes; // width of T in the verification MAC: 4 or 8
	char idi[DP_IDI_MAX + 1]; // BM-SC FQDN, IDi of ts33246 messages
	uint32_t max_subscribers; // ids the counter table has room for
};
