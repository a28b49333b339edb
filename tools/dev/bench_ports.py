# SPDX-License-Identifier: Apache-2.0
# Copyright the mskpush authors

"""The same push over the kinds of port there are, and by one and two workers."""

import contextlib
import os
import subprocess

from bench_campaign import measure_push
from bench_site import provision, start_virtio_sink
from mskpush_site import Site, allowed_cpus


@contextlib.contextmanager
def kernel_port(driver):
    """A pair of interfaces whose other end drops what comes, for a while: the device of ours."""
    name = f"mskb{os.getpid() % 10000}"
    subprocess.run(["ip", "link", "add", name, "type", "veth", "peer", "name", name + "p"],
                   check=True)
    try:
        for end in (name, name + "p"):
            subprocess.run(["ip", "link", "set", end, "up"], check=True)
        yield f"{driver}0,iface={name}"
    finally:
        subprocess.run(["ip", "link", "del", name], check=False)


def measure_port(args, device, workers=1, sink_start=None):
    """Pushes per second into a port of some kind, over all workers."""
    with Site(args.build, workers=workers) as site:
        site.port = device or f"net_vhost0,iface={site.vhost},queues=1"
        site.map_size = f"{max(64, 48 + args.ues * 260 // 1000000)}M"
        site.extra_yaml = "campaign:\n  sends: 31\n  waits: [0]\n"
        site.gateway_mac = "02:00:00:00:00:02"
        sink = None
        try:
            site.start_daemon()
            sink = sink_start(site) if sink_start else None
            provision(site, args, {})
            return round(measure_push(site, args))
        finally:
            site.stop_daemon()
            if sink is not None:
                sink.stop()


def measure_ports(args, results):
    """The same push over the kinds of port there are, and by one and two workers."""
    results["push_vhost"] = measure_port(args, None, sink_start=start_virtio_sink)
    for driver in ("net_af_packet", "net_af_xdp"):
        if os.geteuid() != 0:
            print(f"{driver}: needs root, left out")
            continue
        with kernel_port(driver) as device:
            results["push_" + driver[4:]] = measure_port(args, device)
    if len(allowed_cpus()) >= 2:
        results["push_null_1"] = measure_port(args, "net_null0,no-rx=1")
        results["push_null_2"] = measure_port(args, "net_null0,no-rx=1", workers=2)
