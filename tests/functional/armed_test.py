#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the mskpush authors

"""Armed campaigns: prepared, looked at, fired, aborted, and armed again after a restart.

    mskpush push --arm, fire --> mskpushd ==MIKEY==> mskpush-ue --pcap wire.pcap
"""

from story import DONE, GROUP, Stage, expect, expect_in, expect_that, tell, wait_until, write_csv
from wire import check_counters, read_wire, sends_per_btid

PHONES = 400
BYTES = {"keys": 72, "frames": 256}


def arm(site, what="keys"):
    """Arms the next MSK and waits until all are ready; returns the campaign's number."""
    number = site.cli("push", GROUP, "--new", f"--arm={what}")["id"]
    wait_until(f"all {what}", lambda: site.campaign(number)["armed"]["members"] == PHONES,
               show=lambda: site.campaign(number))
    return number


def an_armed_campaign_waits_for_its_moment():
    waits_for_its_moment("keys", 6000)


def frames_wait_for_their_moment():
    waits_for_its_moment("frames", 20)


def waits_for_its_moment(what, more):
    """Armed, looked at, joined by others, also by many times as many, fired; the wire tells that no value went back."""
    with Stage() as site:
        rows = site.make_phones(PHONES + more)
        site.start_daemon()
        site.start_phones(site.csv, "--pcap", site.pcap)
        site.provision(write_csv(site.path("first.csv"), rows[:PHONES]))
        site.push()
        number = arm(site, what)
        seen = site.campaign(number)
        expect("what", seen["armed"]["what"], what)
        expect("state", (seen["state"], seen["stall"], seen["pushes"]), ("armed", None, 0))
        expect("memory", seen["armed"]["bytes"], PHONES * BYTES[what])
        expect("status shows it", [c["armed"]["members"] for c in site.cli("status")["campaigns"]],
               [PHONES])
        expect("released", [m["is_released"] for m in site.cli("msk", "list", GROUP)["msks"]
                            if m["state"] == "next"], [False])
        for verb in ("pause", "resume"):
            status, _, errors = site.run("campaign", verb, str(number), is_json=False)
            expect(f"exit status of {verb}", status, 1)
            expect_in("armed", errors)
        # Who comes now belongs to it.
        site.cli("ue", "import", write_csv(site.path("more.csv"), rows[PHONES:]))
        status, campaign, _ = site.run("fire", str(number))
        expect("exit status of fire", status, DONE)
        expect("verified", campaign["verified"], PHONES + more)
        expect("pushes", campaign["pushes"], PHONES + more)
        expect_that(site.cli("stats")["counters"]["staged_used"] >= PHONES, "keys used",
                    site.cli("stats")["counters"])
        status, _, errors = site.run("fire", str(number), is_json=False)
        expect("exit status of a second fire", status, 1)
        site.stop_phones()
        pushes, _ = read_wire(site.pcap)
        expect("sends of each", set(sends_per_btid(pushes).values()), {1, 2})
        check_counters(pushes)


def an_abort_frees_what_was_armed():
    with Stage() as site:
        site.raise_all(PHONES)
        number = arm(site)
        seen = site.cli("campaign", "abort", str(number))
        expect("state", (seen["state"], seen["armed"], seen["pushes"]), ("aborted", None, 0))
        expect("nothing left", site.cli("status")["campaigns"], [])
        site.push()


def a_restart_arms_again():
    with Stage() as site:
        site.raise_all(PHONES)
        number = arm(site)
        site.kill(site.daemon)
        site.start_daemon()
        wait_until("all keys, again",
                   lambda: (site.campaign(number)["armed"] or {}).get("members") == PHONES)
        status, campaign, _ = site.run("fire", str(number))
        expect("exit status of fire", status, DONE)
        expect("verified", campaign["verified"], PHONES)


def a_flood_does_not_keep_a_campaign_from_being_armed():
    # This port always has something that came in.
    with Stage(port="net_null0") as site:
        site.make_phones(PHONES)
        site.start_daemon()
        site.provision(site.csv)
        arm(site, "frames")


tell(a_flood_does_not_keep_a_campaign_from_being_armed, an_armed_campaign_waits_for_its_moment,
     frames_wait_for_their_moment, an_abort_frees_what_was_armed, a_restart_arms_again)
