#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the mskpush authors

"""How much of the push rate a flood of forged verifications leaves. Called by tools/dev/bench.py."""

import os
import statistics
import struct

from bench_campaign import pushes_per_cpu_second
from bench_site import provision
from mskpush_site import DAEMON_IP, GROUP, Site

FLOOD_PHONES = 1024
QUIET = "net_null0,no-rx=1"  # a capture that has ended costs a system call a look


def flood_write(path, names, csb_id, mark):
    """Verifications as phones send them, but for their MAC; counters that a campaign will use."""
    with open(path, "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
        for i, name in enumerate(names):
            # HDR, T, IDr and V (docs/mikey-profile.md).
            message = (b"\x01\x01\x05\x00" + csb_id + b"\x00\x01" + b"\x06\x02"
                       + struct.pack(">I", mark + 1 + i % 8) + b"\x09\x00"
                       + struct.pack(">H", len(name)) + name + b"\x00\x01" + bytes(20))
            udp = struct.pack(">HHHH", 2269, 2269, 8 + len(message), 0) + message
            start = struct.pack(">BBHHHBB", 0x45, 0, 20 + len(udp), 0, 0x4000, 64, 17)
            rest = bytes([10, 0, i >> 8, i & 255]) + bytes(map(int, DAEMON_IP.split(".")))
            total = sum(struct.unpack(">9H", start + rest))
            total = (total & 0xffff) + (total >> 16)
            frame = (bytes.fromhex("020000000001020000000002") + b"\x08\x00" + start
                     + struct.pack(">H", ~total & 0xffff) + rest + udp)
            file.write(struct.pack("<IIII", 0, 0, len(frame), len(frame)) + frame)


def port_rate(site, args, port):
    """(messages per second of the worker's CPU time, forged ones among what was checked) of a daemon
    with this port."""
    site.port = port
    site.write_config()
    site.start_daemon()
    try:
        return pushes_per_cpu_second(site, args.seconds), site.cli("stats")["drops"]["bad-mac"]
    finally:
        site.stop_daemon()


def phones_find(site):
    """B-TIDs of some subscribers, and the CSB ID of the MSK."""
    listed = site.cli("ue", "list", "--limit", str(FLOOD_PHONES))["subscribers"]
    return ([one["btid"].encode() for one in listed],
            bytes.fromhex(site.cli("msk", "list", GROUP)["msks"][0]["csb_id"]))


def measure_flood(args, results):
    """The push rate while forged verifications come as fast as they are taken, over that without, in
    turns: a port that replays a capture without end against one where nothing comes in. Both take
    everything."""
    ratios, checked = [], 0
    with Site(args.build) as site:
        flood = os.path.join(site.dir, "flood.pcap")
        site.extra_yaml = "campaign:\n  sends: 31\n  waits: [0]\n"
        site.gateway_mac = "02:00:00:00:00:02"
        site.mac_yaml = '  mac: "02:00:00:00:00:01"\n'
        site.port = QUIET
        site.write_config()
        site.start_daemon()
        provision(site, args, {})
        names, csb_id = phones_find(site)
        site.stop_daemon()
        for _ in range(args.repeat):
            quiet, _ = port_rate(site, args, QUIET)
            flood_write(flood, names, csb_id, site_mark(site))
            flooded, bad = port_rate(site, args, f"net_pcap0,rx_pcap={flood},infinite_rx=1")
            ratios.append(flooded / quiet)
            checked += bad
    results["push_flooded_over_quiet"] = round(statistics.median(ratios), 3)
    results["flood_bad_mac"] = checked


def site_mark(site):
    """Where the counter begins at the next start: the newer of the two sectors of the mark file."""
    with open(os.path.join(site.dir, "store", "counter.mark"), "rb") as file:
        data = file.read()
    return max(int.from_bytes(data[at + 12:at + 16], "little") for at in (0, 512))
