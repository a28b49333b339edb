# SPDX-License-Identifier: Apache-2.0
# Copyright the mskpush authors

"""Daemons that send into a sink, and what they are given to send."""

import os
import time

from bench_testpmd import Testpmd
from mskpush_site import GROUP, SERVICE, Site, allowed_cpus


def memif(directory, role):
    """The memif of both rivals, one end of it."""
    return (f"net_memif0,role={role},socket={directory}/m.sock,socket-abstract=no,"
            "bsize=512,rsize=10")


def start_sink(site):
    """The side that takes everything, on the last CPU."""
    path = os.path.join(site.dir, "m.sock")
    if os.path.exists(path):
        os.unlink(path)
    sink = Testpmd(site.dir, "sink", memif(site.dir, "server"), "rxonly", allowed_cpus()[-1])
    sink.wait_ready()
    return sink


def start_virtio_sink(site):
    """dpdk-testpmd that takes everything from our net_vhost."""
    sink = Testpmd(site.dir, "vsink", f"net_virtio_user0,path={site.vhost},queues=1,"
                   "queue_size=1024", "rxonly", allowed_cpus()[-1])
    sink.wait_ready()
    return sink


def bench_site(args):
    """A site whose daemon sends into a memif, to a gateway that never answers."""
    site = Site(args.build)
    site.port = memif(site.dir, "client")
    site.map_size = f"{max(64, 48 + args.ues * 260 // 1000000)}M"
    site.extra_yaml = ("campaign:\n  sends: 31\n  waits: [0]\n  solicits: 29\n"
                       "  solicit_waits: [0]\ngovernor:\n  target: 0\n")
    site.gateway_mac = "02:00:00:00:00:02"
    return site


def wrapped_site(args):
    """The same as bench_site(), with keys wrapped at rest."""
    site = bench_site(args)
    path = os.path.join(site.dir, "wrapping.key")
    with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as file:
        file.write(os.urandom(32))
    site.wrapping_key = "file:" + path
    return site


def provision(site, args, results):
    """Subscribers and a group; import rate and size of the store."""
    csv = os.path.join(site.dir, "ues.csv")
    site.make_csv(csv, args.ues, "--seed", "7")
    site.cli("group", "add", GROUP)
    site.cli("service", "add", SERVICE, "--group", GROUP)
    done = site.cli("ue", "import", csv)
    results["import"] = round(done["added"] / done["seconds"])
    os.unlink(csv)
    status = site.cli("status")
    results["bytes_per_subscriber"] = round(status["store"]["used_bytes"] / done["added"], 1)
    site.cli("msk", "new", GROUP)


def turn(site, task, started=None):
    """One task for a daemon and its sink, which are there only that long: two would share the
    CPUs, and a sink does not always outlive its peer. `started` gets how long the start took."""
    sink = start_sink(site)
    try:
        begin = time.monotonic()
        site.start_daemon()
        if started is not None:
            started["seconds"] = round(time.monotonic() - begin, 3)
        return task()
    finally:
        site.stop_daemon()
        sink.stop()
