# SPDX-License-Identifier: Apache-2.0
# Copyright the mskpush authors

"""Measures solicited pulls: their rate, how exactly areas are paced, and what comes of a site whose
phones all have to fetch at once, with and without the governor.
"""

import os
import statistics
import subprocess
import time

from mskpush_site import FQDN, GROUP, SERVICE, Site

RATES = (1000, 100000, 1000000)  # UEs per second over all areas
AREAS = {"a": "10.0.0.0/15", "b": "10.2.0.0/15", "c": "10.4.0.0/15"}  # 131,072 phones each
SECONDS = 6
STORM_PHONES = 20000


def wait_closed(site, campaign, timeout_s=300):
    """Until a campaign has ended; returns it."""
    end = time.monotonic() + timeout_s
    while True:
        seen = site.cli("campaign", "show", str(campaign))
        if seen["state"] not in ("running", "paused") or time.monotonic() > end:
            return seen
        time.sleep(0.2)


def areas_sent(site):
    """Area -> messages so far, and when that was true, as near as can be told."""
    begin = time.monotonic()
    areas = site.cli("area", "list")["areas"]
    return ({a["name"]: a["sent"] for a in areas if a["name"] in AREAS},
            (begin + time.monotonic()) / 2)


def pace_errors(site, rate):
    """Largest error of an area over a second, in percent, and the median of all of them."""
    share = rate // len(AREAS)
    for area in AREAS:
        site.cli("area", "set", area, "--rate", str(share))
    campaign = site.cli("push", GROUP, "--yes", "--no-wait")["id"]
    time.sleep(1)
    errors, (before, begin) = [], areas_sent(site)
    for _ in range(SECONDS):
        time.sleep(1)
        after, end = areas_sent(site)
        errors += [abs((after[a] - before[a]) / (end - begin) / share - 1) * 100 for a in AREAS]
        before, begin = after, end
    site.cli("campaign", "abort", str(campaign), check=False)
    wait_closed(site, campaign)
    return round(max(errors), 2), round(statistics.median(errors), 2)


def measure_paces(build, results):
    """How exactly three areas are kept at a third of the rate each, second by second."""
    with Site(build) as site:
        site.port = "net_null0,no-rx=1"
        site.map_size = "192M"
        site.gateway_mac = "02:00:00:00:00:02"
        site.extra_yaml = "campaign:\n  sends: 31\n  waits: [0]\nareas:\n" + "".join(
            f"  - {{name: {name}, prefixes: {prefix}}}\n" for name, prefix in AREAS.items())
        site.start_daemon()
        csv = os.path.join(site.dir, "ues.csv")
        subprocess.run([site.program("mskpush-ue"), "--generate", "393216", "--fqdn", FQDN,
                        "--service", SERVICE, "--out", csv], check=True)
        site.cli("group", "add", GROUP)
        site.cli("service", "add", SERVICE, "--group", GROUP)
        site.cli("ue", "import", csv)
        site.cli("msk", "new", GROUP)
        for rate in RATES:
            most, median = pace_errors(site, rate)
            results[f"pace_error_percent_{rate}"] = most
            results[f"pace_error_percent_median_{rate}"] = median
        site.stop_daemon()


def storm(build, target):
    """All phones are solicited; returns what became of it."""
    with Site(build) as site:
        site.ua_yaml = "  address: imported\n"
        site.map_size = "64M"
        site.extra_yaml = (f"governor:\n  target: {target}\n"
                           "campaign:\n  solicits: 6\n  solicit_waits: [20]\n")
        csv = os.path.join(site.dir, "ues.csv")
        subprocess.run([site.program("mskpush-ue"), "--generate", str(STORM_PHONES), "--fqdn", FQDN,
                        "--service", SERVICE, "--out", csv], check=True)
        site.start_daemon()
        site.start_phones(csv, "--ua", "http://%s:%d" % site.ua_address(), "--ua-groups", GROUP,
                          "--ua-connections", "2000")
        site.cli("group", "add", GROUP)
        site.cli("service", "add", SERVICE, "--group", GROUP)
        site.cli("ue", "import", csv)
        site.cli("msk", "new", GROUP)
        campaign = site.cli("solicit", GROUP, "--yes", "--no-wait")["id"]
        curve, last, begin = [], 0, time.monotonic()
        while site.cli("campaign", "show", str(campaign))["state"] == "running":
            time.sleep(1)
            served = site.cli("stats")["ua"]["requests"]["msk-request"]
            curve.append(served.get("ok", 0) - last)
            last = served.get("ok", 0)
            if time.monotonic() - begin > 200:
                break
        seen = site.cli("campaign", "show", str(campaign))
        ua = site.phones(do="status")["ua"]["msk-request"]
        served = site.cli("stats")["ua"]["requests"]["msk-request"]
        return {"seconds": round(seen["seconds"], 1), "verified": seen["verified"],
                "solicits": seen["solicits"], "shed": served.get("shed", 0),
                "p99_ms": round(ua["latency_us"]["p99"] / 1000, 1), "served_each_second": curve}


def measure_storms(build, results):
    """Pull arrivals against capacity over time, with and without the governor."""
    for name, target in (("governed", 70), ("ungoverned", 0)):
        for key, value in storm(build, target).items():
            results[f"storm_{name}_{key}"] = value
