# SPDX-License-Identifier: Apache-2.0
# Copyright the mskpush authors

"""How fast campaigns of every kind go that nobody answers."""

import statistics
import time

from mskpush_site import GROUP, SiteError


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


def campaign_cold(site):
    """A push like any other."""
    return site.cli("push", GROUP, "--no-wait", "--yes")["id"]


def fire(site, number):
    """Sends an armed campaign once everything is ready."""
    while True:
        seen = site.cli("campaign", "show", str(number))
        if seen["armed"]["members"] == seen["members"]:
            break
        time.sleep(0.05)
    site.cli("fire", str(number), "--no-wait")
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


def measure_frames(site, args, results):
    """Pushes per second while frames that were built before are sent, once each: from the order to
    the moment nine of ten have gone."""
    rates = []
    for _ in range(args.repeat):
        number = fire(site, site.cli("push", GROUP, "--arm=frames", "--sends", "1", "--waits", "5",
                                     "--yes")["id"])
        begin = end = time.monotonic()
        after = 0
        while after < args.ues * 0.9 and end < begin + 60:
            after, end = sent(site, number)
        site.cli("campaign", "abort", str(number), check=False)
        wait_closed(site, number)
        rates.append(after / (end - begin))
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
