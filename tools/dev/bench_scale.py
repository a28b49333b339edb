# SPDX-License-Identifier: Apache-2.0
# Copyright the mskpush authors

"""Ten million subscribers on this machine: import, start, memory, and pushes against those with a
hundred thousand."""

import statistics
import time
from argparse import Namespace

from bench_campaign import pushes_per_cpu_second
from bench_site import bench_site, provision

MANY, FEW = 10000000, 100000


def resident_beyond_map(site):
    """Resident memory that is not pages of files."""
    with open(f"/proc/{site.daemon.pid}/status", encoding="ascii") as lines:
        kinds = dict(line.split(":", 1) for line in lines)
    return sum(int(kinds[kind].split()[0]) << 10 for kind in ("RssAnon", "RssShmem"))


def scale_site(args, ues, results):
    """A daemon that sends into nothing, with so many subscribers."""
    site = bench_site(Namespace(build=args.build, ues=ues))
    # Two pollers at once would share the CPUs: what is measured needs no peer.
    site.port = "net_null0,no-rx=1"
    try:
        site.start_daemon()
        provision(site, Namespace(ues=ues), results)
    except BaseException:
        site.close()
        raise
    return site


def measure_start(site):
    """Seconds until the admin socket answers."""
    site.stop_daemon()
    begin = time.monotonic()
    site.start_daemon()
    return time.monotonic() - begin


def measure_scale(args, results):
    """Import, start, memory and pushes with 10 M subscribers."""
    of_many = {}
    with scale_site(args, MANY, of_many) as many, scale_site(args, FEW, {}) as few:
        results["import_10m"] = of_many["import"]
        results["import_10m_s"] = round(MANY / of_many["import"], 1)
        results["store_10m_bytes"] = many.cli("status")["store"]["used_bytes"]
        results["start_s_10m"] = round(statistics.median(
            measure_start(many) for _ in range(args.repeat)), 3)
        ratios = []
        for _ in range(args.repeat):
            rates = [pushes_per_cpu_second(site, args.seconds) for site in (many, few)]
            ratios.append(rates[0] / rates[1])
        results["push_10m_over_100k"] = round(statistics.median(ratios), 3)
        results["resident_10m_bytes"] = resident_beyond_map(many)
