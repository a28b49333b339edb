# SPDX-License-Identifier: Apache-2.0
# Copyright the mskpush authors

"""Ten million subscribers on this machine: import, start, memory, and pushes against those with a
hundred thousand."""

import os
import statistics
import time
from argparse import Namespace

from bench_campaign import campaign_cold, rate_while_running, wait_closed
from bench_site import bench_site, provision
from mskpush_site import SiteError

MANY, FEW = 10000000, 100000


def worker_seconds(site):
    """CPU time of the worker's thread."""
    tasks = f"/proc/{site.daemon.pid}/task"
    for task in os.listdir(tasks):
        with open(f"{tasks}/{task}/comm", encoding="ascii") as name:
            if not name.read().startswith("rte-worker"):
                continue
        with open(f"{tasks}/{task}/schedstat", encoding="ascii") as stat:
            return int(stat.read().split()[0]) / 1e9
    raise SiteError("the daemon has no worker")


def resident_beyond_map(site):
    """Resident memory that is not pages of files."""
    with open(f"/proc/{site.daemon.pid}/status", encoding="ascii") as lines:
        kinds = dict(line.split(":", 1) for line in lines)
    return sum(int(kinds[kind].split()[0]) << 10 for kind in ("RssAnon", "RssShmem"))


def pushes_per_cpu_second(site, seconds):
    """Messages per second of the worker's CPU time, of a campaign at full speed."""
    def look():
        return site.cli("stats")["counters"]["pushes"], worker_seconds(site)
    campaign = campaign_cold(site)
    rate_while_running(site, campaign, 0.5)
    before, begin = look()
    time.sleep(seconds)
    after, end = look()
    site.cli("campaign", "abort", str(campaign), check=False)
    wait_closed(site, campaign)
    return (after - before) / (end - begin)


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
        results["start_10m_s"] = round(statistics.median(
            measure_start(many) for _ in range(args.repeat)), 3)
        ratios = []
        for _ in range(args.repeat):
            rates = [pushes_per_cpu_second(site, args.seconds) for site in (many, few)]
            ratios.append(rates[0] / rates[1])
        results["push_10m_over_100k"] = round(statistics.median(ratios), 3)
        results["resident_10m_bytes"] = resident_beyond_map(many)
