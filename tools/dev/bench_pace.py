# SPDX-License-Identifier: Apache-2.0
# Copyright the mskpush authors

"""How exactly areas are paced: each second of each area, and the longest burst."""

import os
import statistics
import struct
import subprocess
import time

from bench_admin import Admin
from bench_campaign import wait_closed
from mskpush_site import FQDN, GROUP, SERVICE, Site

RATES = (1000, 100000, 1000000)  # UEs per second over all areas
AREAS = {"a": "10.0.0.0/15", "b": "10.2.0.0/15", "c": "10.4.0.0/15"}  # 131,072 phones each
SECONDS = 6
BURST_NS = 10000000
CAPTURED = 700000  # frames at most
SURE_S = 0.002  # how soon an answer has to come
TRIES = 200  # until one did


def areas_sent(admin):
    """Area -> messages so far, and when. An answer that was long in coming is asked for again: on a
    busy machine the errors would be those of asking."""
    best = None
    for _ in range(TRIES):
        answer, at, doubt = admin.get("/v1/status")
        if best is None or doubt < best[2]:
            best = {a["name"]: a["sent"] for a in answer["areas"]}, at, doubt
        if doubt < SURE_S / 2:
            break
    return best[:2]


def pcapng_sent(path):
    """Area -> time stamps in ns of its frames, of a pcapng file of the daemon's (little endian, no
    VLAN, IPv4). The second octet of an address tells the area."""
    names, stamps = list(AREAS), {area: [] for area in AREAS}
    with open(path, "rb") as file:
        data = file.read()
    at = 0
    while at + 12 <= len(data):
        kind, length = struct.unpack_from("<II", data, at)
        if kind == 6:  # enhanced packet block; the frame begins at octet 28, its destination at 30
            high, low = struct.unpack_from("<II", data, at + 12)
            stamps[names[data[at + 28 + 31] // 2]].append(high << 32 | low)
        at += max(length, 12)
    return stamps


def captured(site, frames):
    """As pcapng_sent(), of as many frames of the campaign that runs."""
    path = os.path.join(site.dir, "pace.pcapng")
    site.cli("capture", path, "--count", str(frames))
    try:
        return pcapng_sent(path)
    finally:
        os.unlink(path)


def longest_burst(stamps):
    """Most frames within 10 ms."""
    most, first = 0, 0
    for last, stamp in enumerate(stamps):
        while stamp - stamps[first] >= BURST_NS:
            first += 1
        most = max(most, last - first + 1)
    return most


def errors_of(count, share):
    """In percent, of a number of frames that should be `share`."""
    return abs(count / share - 1) * 100


def errors_captured(stamps, share):
    """Of each whole second of an area."""
    seconds = [0] * SECONDS
    for stamp in stamps:
        second = (stamp - stamps[0]) // 1000000000
        if second < SECONDS:
            seconds[second] += 1
    return [errors_of(count, share) for count in seconds]


def errors_asked(admin, share):
    """The same by the figures of the daemon, where frames are too many to be captured."""
    errors, (before, begin) = [], areas_sent(admin)
    for _ in range(SECONDS):
        time.sleep(1)
        after, end = areas_sent(admin)
        errors += [errors_of((after[a] - before[a]) / (end - begin), share) for a in AREAS]
        before, begin = after, end
    return errors


def pace_errors(site, rate):
    """Largest error of an area over a second, in percent, the median of all of them, and the longest
    burst of an area in ms of its rate: 10 when the pace is even."""
    share = rate // len(AREAS)
    is_captured = rate * (SECONDS + 1) <= CAPTURED
    for area in AREAS:
        site.cli("area", "set", area, "--rate", str(share))
    admin = Admin(site.socket)
    campaign = site.cli("push", GROUP, "--yes", "--no-wait")["id"]
    time.sleep(0.5)
    # At first: when the campaign is over there are no frames to wait for.
    sent = captured(site, rate * (SECONDS + 1) if is_captured else rate // 5)
    burst = max(longest_burst(stamps) for stamps in sent.values())
    if is_captured:
        errors = [e for stamps in sent.values() for e in errors_captured(stamps, share)]
    else:
        errors = errors_asked(admin, share)
    site.cli("campaign", "abort", str(campaign), check=False)
    wait_closed(site, campaign)
    admin.close()
    return (round(max(errors), 2), round(statistics.median(errors), 2),
            round(burst / share * 1000, 2))


def measure_paces(args, results):
    """How exactly three areas are kept at a third of the rate each, second by second."""
    with Site(args.build) as site:
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
            most, median, burst = pace_errors(site, rate)
            results[f"pace_error_percent_{rate}"] = most
            results[f"pace_error_percent_median_{rate}"] = median
            results[f"pace_ms_in_10_ms_{rate}"] = burst
        site.stop_daemon()
