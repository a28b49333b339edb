# SPDX-License-Identifier: Apache-2.0
# Copyright the mskpush authors

"""How fast campaigns of every kind go that nobody answers."""

import os
import statistics
import time

from bench_admin import Admin
from mskpush_site import GROUP, SiteError

READY_S = 300  # for keys or frames of an armed campaign
FRAMES_LEAST = 500000  # fewer have gone before anybody can look


def wait_closed(site, campaign, timeout_s=300):
    """Until a campaign has ended; returns it."""
    end = time.monotonic() + timeout_s
    while True:
        seen = site.cli("campaign", "show", str(campaign))
        if seen["state"] not in ("running", "paused") or time.monotonic() > end:
            return seen
        time.sleep(0.2)


def sent(site, campaign):
    """Messages of a campaign so far, and when: at the moment they were counted."""
    def count():
        seen = site.cli("campaign", "show", str(campaign))
        return seen["pushes"] + seen["solicits"]
    before = now = count()
    end = time.monotonic() + 1
    while now == before and time.monotonic() < end:
        time.sleep(0.002)
        now = count()
    return now, time.monotonic()


def pushes(admin):
    """Messages that the workers have sent since they began, and when."""
    answer, at, _ = admin.get("/v1/stats")
    return answer["counters"]["pushes"], at


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


def campaign_cold(site):
    """A push like any other."""
    return site.cli("push", GROUP, "--no-wait", "--yes")["id"]


def wait_armed(site, number):
    """Until everything of an armed campaign is ready."""
    end = time.monotonic() + READY_S
    while True:
        seen = site.cli("campaign", "show", str(number))
        if seen["armed"]["members"] == seen["members"]:
            return number
        if time.monotonic() > end:
            raise SiteError(f"campaign {number} is not ready within {READY_S} s")
        time.sleep(0.05)


def fire(site, number):
    """Sends an armed campaign once everything is ready."""
    site.cli("fire", str(wait_armed(site, number)), "--no-wait")
    return number


def campaign_armed(site):
    """A push whose keys were derived before."""
    return fire(site, site.cli("push", GROUP, "--arm", "--yes")["id"])


def campaign_solicit_armed(site):
    """Solicited pulls whose keys were derived before."""
    return fire(site, site.cli("solicit", GROUP, "--arm", "--solicits", "30", "--solicit-waits",
                               "0", "--yes")["id"])


def campaign_solicit(site):
    """Solicited pulls."""
    return site.cli("solicit", GROUP, "--solicits", "30", "--solicit-waits", "0", "--no-wait",
                    "--yes")["id"]


def frames_rate(admin, number, members):
    """Fires a campaign whose frames are ready; messages per second of the eight tenths in the middle.
    Looks far apart: each takes time of a CPU that the sink needs."""
    before, looks = pushes(admin)[0], []
    admin.ask("POST", f"/v1/campaigns/{number}/fire")
    end = time.monotonic() + 60
    while (not looks or looks[-1][0] < 0.9 * members) and time.monotonic() < end:
        seen, at = pushes(admin)
        looks.append((seen - before, at))
        time.sleep(0.01)
    inside = [look for look in looks if look[0] >= 0.1 * members]
    if not inside or inside[-1][0] - inside[0][0] < 0.3 * members:
        raise SiteError("frames were gone before anybody could look: more --ues")
    return (inside[-1][0] - inside[0][0]) / (inside[-1][1] - inside[0][1])


def measure_frames(site, args, results):
    """Pushes per second while frames that were built before are sent, once each."""
    if args.ues < FRAMES_LEAST:
        print(f"armed_push_frames: needs --ues of {FRAMES_LEAST:,} at least, left out")
        return
    rates, admin = [], Admin(site.socket)
    for _ in range(args.repeat):
        number = wait_armed(site, site.cli("push", GROUP, "--arm=frames", "--sends", "1",
                                           "--waits", "5", "--yes")["id"])
        rates.append(frames_rate(admin, number, args.ues))
        site.cli("campaign", "abort", str(number), check=False)
        wait_closed(site, number)
    admin.close()
    results["armed_push_frames"] = round(statistics.median(rates))


def is_running(site, campaign):
    """Whether a campaign still sends."""
    return site.cli("campaign", "show", str(campaign))["state"] == "running"


def rate_while_running(site, campaign, seconds):
    """Messages per second over some seconds, or until shortly before the campaign's end."""
    before, begin = after, end = sent(site, campaign)
    while end < begin + seconds:
        time.sleep(min(seconds, 0.5))
        seen = sent(site, campaign)
        if not is_running(site, campaign):
            break
        after, end = seen
    if end == begin:
        raise SiteError("a campaign ended before it could be measured: more --ues")
    return (after - before) / (end - begin)


def measure_campaign(site, start, seconds):
    """Messages per second while a campaign runs at full speed, without answers."""
    campaign = start(site)
    time.sleep(0.3)
    rate = rate_while_running(site, campaign, seconds)
    # It may end by itself just now.
    site.cli("campaign", "abort", str(campaign), check=False)
    wait_closed(site, campaign)
    return rate


def pushes_per_cpu_second(site, seconds):
    """Messages per second of the worker's CPU time, of campaigns at full speed one after the other:
    a small one is soon over."""
    admin, messages, spent = Admin(site.socket), 0, 0.0
    while spent < seconds:
        campaign = campaign_cold(site)
        first = last = pushes(admin)[0], worker_seconds(site)
        while spent + last[1] - first[1] < seconds:
            time.sleep(0.02)
            now = pushes(admin)[0], worker_seconds(site)
            if admin.get(f"/v1/campaigns/{campaign}")[0]["state"] != "running":
                break
            last = now
        if last[0] == first[0]:
            raise SiteError("a campaign ended before it could be measured")
        messages, spent = messages + last[0] - first[0], spent + last[1] - first[1]
        site.cli("campaign", "abort", str(campaign), check=False)
        wait_closed(site, campaign)
    admin.close()
    return messages / spent


def push_rate(site, args):
    """Of a push like any other."""
    return measure_campaign(site, campaign_cold, args.seconds)


def measure_push(site, args):
    """The median of some."""
    return statistics.median(push_rate(site, args) for _ in range(args.repeat))


def measure_kinds(site, args, kinds, results):
    """The medians of several kinds, which take turns: what disturbs one disturbs the others."""
    rates = {name: [] for name in kinds}
    for _ in range(args.repeat):
        for name, start in kinds.items():
            rates[name].append(measure_campaign(site, start, args.seconds))
    for name, values in rates.items():
        results[name] = round(statistics.median(values))


def measure_stages(site, results):
    """Cycles per message of each stage, over a second of a campaign at full speed."""
    campaign = site.cli("push", GROUP, "--yes", "--no-wait")["id"]
    for stage in site.cli("stats", "--stages")["stages"]:
        if stage["items"]:
            results["cycles_" + stage["name"]] = round(stage["cycles_per_item"], 1)
    site.cli("campaign", "abort", str(campaign), check=False)
    wait_closed(site, campaign)
