#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the mskpush authors

"""How much of the push rate a flood of forged verifications leaves. Called by tools/dev/bench.py."""

import os
import struct

from bench_campaign import measure_push
from mskpush_site import DAEMON_IP, GROUP, SERVICE, Site

FLOOD_PHONES = 1024


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


def measure_flood(args, results):
    """The push rate while forged verifications come as fast as they are taken, over that without: a
    port that replays a capture without end, and takes everything."""
    with Site(args.build) as site:
        flood, calm = (os.path.join(site.dir, name) for name in ("flood.pcap", "calm.pcap"))
        flood_write(calm, [], b"", 0)
        csv = os.path.join(site.dir, "ues.csv")
        site.extra_yaml = "campaign:\n  sends: 31\n  waits: [0]\n"
        site.gateway_mac = "02:00:00:00:00:02"
        site.port = f"net_pcap0,rx_pcap={calm}"
        site.start_daemon()
        site.make_csv(csv, args.ues, "--seed", "7")
        site.cli("group", "add", GROUP)
        site.cli("service", "add", SERVICE, "--group", GROUP)
        site.cli("ue", "import", csv)
        csb_id = bytes.fromhex(site.cli("msk", "new", GROUP)["csb_id"])
        quiet = measure_push(site, args)
        with open(csv, encoding="ascii") as file:
            names = [line.split(",")[1].encode() for line in list(file)[1:FLOOD_PHONES + 1]]
        site.stop_daemon()
        mark = site_mark(site)
        flood_write(flood, names, csb_id, mark)
        site.port = f"net_pcap0,rx_pcap={flood},infinite_rx=1"
        site.mac_yaml = '  mac: "02:00:00:00:00:01"\n'
        site.write_config()
        site.start_daemon()
        flooded = measure_push(site, args)
        drops = site.cli("stats")["drops"]
        site.stop_daemon()
    results["push_flooded_over_quiet"] = round(flooded / quiet, 3)
    results["flood_bad_mac"] = drops["bad-mac"]


def site_mark(site):
    """Where the counter begins at the next start: the newer of the two sectors of the mark file."""
    with open(os.path.join(site.dir, "store", "counter.mark"), "rb") as file:
        data = file.read()
    return max(int.from_bytes(data[at + 12:at + 16], "little") for at in (0, 512))
