#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the mskpush authors

"""Orders to a campaign that runs: pause, resume, abort, rate; and its pace on the wire.

    operator --mskpush--> mskpushd ==MIKEY==> mskpush-ue, pcap with time stamps
"""

import signal
import statistics
import subprocess
import time

from story import DONE, GROUP, NOT_ALL, Stage, expect, expect_in, expect_that, tell, wait_until
from wire import check_counters, read_wire, sends_per_btid

PHONES = 1500
RATE = 500


def check_pace(pushes, rate):
    """Pushes in each second from the first on, the last second left out."""
    first = pushes[0].micros
    seconds = [0] * ((pushes[-1].micros - first) // 1000000 + 1)
    for push in pushes:
        seconds[(push.micros - first) // 1000000] += 1
    whole = seconds[:-1]
    expect_that(len(whole) >= 2, "two whole seconds", seconds)
    # A machine that is busy elsewhere may send less, a pacer must never send more.
    expect_that(statistics.median(whole) >= rate * 0.6, f"about {rate} pushes a second", seconds)
    expect_that(max(whole) <= rate * 1.1, f"no second with over {rate} by 10 %", seconds)


def rate_is_kept_on_the_wire():
    with Stage() as site:
        site.raise_all(PHONES)
        campaign = site.push("--rate", str(RATE))
        expect("verified", campaign["verified"], PHONES)
        expect("pushes", campaign["pushes"], PHONES)
        expect("rate", campaign["rate"], RATE)
        site.stop_phones()
        pushes, _ = read_wire(site.pcap)
        check_pace(pushes, RATE)
        check_counters(pushes)


def rate_can_be_changed():
    """50 a second would take half a minute."""
    with Stage() as site:
        site.raise_all(PHONES)
        number = site.push_begin("--rate", "50")
        site.campaign_when(number, "the first verified", lambda c: c["verified"] > 0)
        expect("rate", site.cli("campaign", "set", str(number), "--rate", "700")["rate"], 700)
        begin = time.monotonic()
        site.campaign_when(number, "half verified", lambda c: c["verified"] >= PHONES // 2)
        expect_that(time.monotonic() - begin > 0.5, "no jump at the change",
                    time.monotonic() - begin)
        site.cli("campaign", "set", str(number), "--rate", "1000000")
        expect("verified", site.campaign_end(number, 10)["verified"], PHONES)


def pause_sends_nothing_and_resume_loses_nobody():
    with Stage() as site:
        site.raise_all(PHONES)
        number = site.push_begin("--rate", str(RATE))
        site.campaign_when(number, "some verified", lambda c: c["verified"] > 100)
        seen = site.cli("campaign", "pause", str(number))
        expect("state", seen["state"], "paused")
        quiet = wait_until("all that was sent is verified", lambda: all_answered(site, number))
        pushes_before = site.cli("stats")["counters"]["pushes"]
        # Long enough for 250 more at this rate.
        time.sleep(0.5)
        expect("campaign in its pause", {**site.campaign(number), "seconds": 0, "pushes_per_s": 0},
               {**quiet, "seconds": 0, "pushes_per_s": 0})
        expect("pushes of the pause", site.cli("stats")["counters"]["pushes"], pushes_before)
        expect("stall", quiet["stall"], "paused")
        expect("state after resume", site.cli("campaign", "resume", str(number))["state"],
               "running")
        site.cli("campaign", "set", str(number), "--rate", "1000000")
        end = site.campaign_end(number)
        expect("verified", end["verified"], PHONES)
        expect("pushes", end["pushes"], PHONES)
        site.stop_phones()
        pushes, _ = read_wire(site.pcap)
        expect("sends of each", set(sends_per_btid(pushes).values()), {1})
        pause = max(b.micros - a.micros for a, b in zip(pushes, pushes[1:]))
        expect_that(pause >= 500000, "a pause on the wire", pause)


def all_answered(site, number):
    """The campaign when it has settled what the workers did."""
    pushes, seen = site.cli("stats")["counters"]["pushes"], site.campaign(number)
    return seen if seen["pushes"] == seen["verified"] == pushes else None


def abort_gives_up_those_without_the_key():
    with Stage() as site:
        site.raise_all(PHONES)
        number = site.push_begin("--rate", "200")
        watcher = subprocess.Popen([site.program("mskpush"), "campaign", "watch", str(number)],
                                   env=site.environment(), stdout=subprocess.PIPE, text=True)
        site.campaign_when(number, "some verified", lambda c: c["verified"] > 50)
        site.cli("campaign", "abort", str(number))
        end = site.campaign(number)
        expect("state", end["state"], "aborted")
        expect("verified and given up", end["verified"] + end["given_up"], PHONES)
        expect_that(50 < end["verified"] < PHONES // 2, "some verified before the abort", end)
        text, _ = watcher.communicate(timeout=20)
        expect("exit status of the watcher", watcher.returncode, NOT_ALL)
        expect_in("aborted", text)
        members = site.undelivered(number).values()
        expect("why", {(m["state"], m["why"]) for m in members}, {("given-up", "aborted")})
        expect("how many", len(members), end["given_up"])
        for order in ("pause", "resume", "abort"):
            status, answer, _ = site.run("campaign", order, str(number))
            expect_that(status != DONE and "error" in answer, f"{order} refused at the end", answer)
        expect("verified by the next push", site.push()["verified"], PHONES)
        site.stop_phones()
        check_counters(read_wire(site.pcap)[0])


def second_campaign_on_a_group_is_refused():
    """Ctrl-C leaves the first one running."""
    with Stage() as site:
        site.raise_all(PHONES)
        first = subprocess.Popen([site.program("mskpush"), "push", GROUP, "--rate", str(RATE)],
                                 env=site.environment(), stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, text=True)
        wait_until("a campaign", lambda: site.cli("campaign", "list")["campaigns"])
        status, answer, _ = site.run("push", GROUP)
        expect("exit status", status, NOT_ALL)
        expect("campaign in the way", answer.get("campaign"), 1)
        for words in (("push", GROUP, "--new"), ("push", GROUP)):
            status, _, errors = site.run(*words, is_json=False)
            expect("exit status", status, NOT_ALL)
            expect_in("campaign 1", errors.lower())
        first.send_signal(signal.SIGINT)
        _, errors = first.communicate(timeout=20)
        expect("exit status after Ctrl-C", first.returncode, NOT_ALL)
        expect_in("campaign 1 goes on", errors)
        expect("state after Ctrl-C", site.campaign(1)["state"], "running")
        expect("verified", site.campaign_end(1)["verified"], PHONES)
        expect("key numbers", [m["number"] for m in site.cli("msk", "list", GROUP)["msks"]],
               ["0001"])


if __name__ == "__main__":
    tell(rate_is_kept_on_the_wire, rate_can_be_changed,
         pause_sends_nothing_and_resume_loses_nobody, abort_gives_up_those_without_the_key,
         second_campaign_on_a_group_is_refused)
