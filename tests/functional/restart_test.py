#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the mskpush authors

"""The daemon ends in the middle of a campaign, and is started again on its store.

    mskpushd (SIGTERM or SIGKILL, then a new one) ==MIKEY==> mskpush-ue, which lives through all
        store/                                                 wire.pcap of all runs
"""

import json
import time

from story import GROUP, Stage, expect, expect_in, expect_that, tell
from wire import check_counters, read_wire, sends_per_btid

PHONES = 900
RATE = 600


def end_in_the_middle(site, end):
    """Pushes until a third has verified and lets `end` end the daemon; returns the campaign's
    number and its last report."""
    site.raise_all(PHONES)
    number = site.push_begin("--rate", str(RATE), "--waits", "1")
    report = site.campaign_when(number, "a third verified", lambda c: c["verified"] > PHONES / 3)
    end()
    return number, report


def goes_on_by_itself(site, number):
    site.start_daemon()
    campaigns = site.cli("status")["campaigns"]
    expect("open campaigns after the start", [c["id"] for c in campaigns], [number])
    first = site.campaign(number)
    end = site.campaign_end(number)
    expect("verified in the end", (end["verified"], end["state"]), (PHONES, "done"))
    phones = site.phones(do="status")
    expect("phones with the MSK", phones["with_msk"], PHONES)
    expect("what a BM-SC must never do", phones["findings"], {})
    site.stop_phones()
    pushes, _ = read_wire(site.pcap)
    check_counters(pushes)
    expect("phones on the wire", len(sends_per_btid(pushes)), PHONES)
    return first, end, pushes


def sigterm_in_a_campaign_loses_nothing():
    with Stage() as site:
        def end():
            begin = time.monotonic()
            site.stop_daemon()
            expect("exit status", site.daemon.returncode, 0)
            expect_that(time.monotonic() - begin < 5, "a fast end", time.monotonic() - begin)
        number, before = end_in_the_middle(site, end)
        first, report, pushes = goes_on_by_itself(site, number)
        expect_that(first["verified"] >= before["verified"], "verified stay verified",
                    (before, first))
        expect("pushes of both runs in the report", report["pushes"], len(pushes))
        # Only answers that were under way may make a phone get one more.
        expect_that(len(pushes) <= PHONES + RATE // 5, "no new beginning", len(pushes))


def kill_in_a_campaign_loses_nobody():
    """A crash costs the states of the last moments: those phones get one message more. A fifth of a
    second is twice what is promised."""
    with Stage() as site:
        number, before = end_in_the_middle(site, lambda: site.kill(site.daemon))
        first, _, pushes = goes_on_by_itself(site, number)
        expect_that(first["verified"] >= before["verified"] - RATE // 5, "verified stay verified",
                    (before, first))
        expect_that(len(pushes) <= PHONES + RATE // 5, "no new beginning", len(pushes))


def pause_outlives_a_restart():
    with Stage() as site:
        number, _ = end_in_the_middle(site, lambda: None)
        paused = site.cli("campaign", "pause", str(number))
        site.stop_daemon()
        site.start_daemon()
        seen = site.campaign(number)
        expect("state", (seen["state"], seen["stall"]), ("paused", "paused"))
        expect_that(seen["verified"] >= paused["verified"], "verified stay verified", seen)
        site.cli("campaign", "resume", str(number))
        expect("verified", site.campaign_end(number)["verified"], PHONES)


def report_outlives_a_crash():
    """What was reported at the end is the same after kill -9, byte for byte."""
    with Stage() as site:
        site.raise_all(PHONES)
        site.push()
        shown = [site.campaign(1), site.undelivered(1), site.cli("msk", "list", GROUP),
                 site.cli("ue", "show", site.rows[7]["impi"])]
        # That answers came under the current B-TID is noted within the moments after the end.
        shown[3]["is_verified"] = True
        site.kill(site.daemon)
        site.start_daemon()
        again = [site.campaign(1), site.undelivered(1), site.cli("msk", "list", GROUP),
                 site.cli("ue", "show", site.rows[7]["impi"])]
        again[3]["is_verified"] = True
        expect("reports after the crash", json.dumps(again), json.dumps(shown))
        expect("open campaigns", site.cli("status")["campaigns"], [])
        expect_in("event=counter-start", site.log("mskpushd"))


if __name__ == "__main__":
    tell(sigterm_in_a_campaign_loses_nothing, kill_in_a_campaign_loses_nobody,
         pause_outlives_a_restart, report_outlives_a_crash)
