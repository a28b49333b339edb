#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the mskpush authors

"""Which members an order is about, when it begins, and what stops it: as an operator types it.

    operator --mskpush--> mskpushd ==MIKEY==> mskpush-ue, pcap
"""

import os
import pty
import subprocess
import time

from story import BAD_USAGE, DONE, GROUP, NOT_ALL, Stage, expect, expect_in, expect_that, tell
from wire import read_wire, sends_per_btid

PHONES = 64
MANY = 10001


def choose(site, count, *flags):
    """Pushes to those chosen; the plan says how many that will be, and the campaign had them."""
    _, plan, _ = site.run("push", GROUP, "--dry-run", *flags)
    campaign = site.push(*flags)
    expect(f"members with {flags}", (plan["members"], campaign["members"], campaign["verified"]),
           (count, count, count))


def chosen_members_are_sent_to_and_nobody_else():
    with Stage() as site:
        site.extra_yaml = 'areas:\n  - {name: north, prefixes: "10.0.0.0/28"}\n'
        site.raise_all(PHONES)
        rows = {row["address"]: row for row in site.rows}
        north = {row["btid"] for address, row in rows.items()
                 if address.startswith("10.0.0.") and int(address.split(".")[3]) < 16}
        listed = site.rows[40:43]
        names = [listed[0]["impi"], listed[1]["btid"], "# not this one", "", listed[2]["impi"]]
        with open(site.path("only"), "w", encoding="utf-8") as file:
            file.write("\n".join(names) + "\n")
        choose(site, 3, "--only", site.path("only"))
        choose(site, len(north), "--area", "north")
        choose(site, 7, "--sample", "10%")  # of 64, rounded up
        # Nobody answers while the phones are away; then those, and no others, are sent to again.
        site.phones(do="offline", percent=100, seconds=600)
        campaign = site.push("--area", "north", "--sends", "1", "--waits", "1", status=NOT_ALL)
        expect("given up", campaign["given_up"], len(north))
        site.phones(do="offline", percent=0, seconds=600)
        choose(site, len(north), "--undelivered-of", str(campaign["id"]))
        expect("two choices at once", site.push("--undelivered-of", str(campaign["id"]), "--sample",
                                                "25%")["members"], (len(north) + 3) // 4)
        change_the_pace_of_an_area(site)
        bad = site.path("bad")
        with open(bad, "w", encoding="utf-8") as file:
            file.write(listed[0]["impi"] + "\nnobody@nowhere\n")
        status, answer, _ = site.run("push", GROUP, "--only", bad)
        expect("exit status", status, NOT_ALL)
        expect_in('number 2, "nobody@nowhere"', answer["message"])
        site.stop_phones()
        pushed = sends_per_btid(read_wire(site.pcap)[0])
        alone = {btid: n for btid, n in pushed.items() if btid not in north}
        expect_that({row["btid"] for row in listed} <= set(alone), "those listed", alone)
        expect_that(len(alone) <= 3 + 7, "nobody else but the sample", alone)


def change_the_pace_of_an_area(site):
    """While a campaign runs: sixteen phones would take fifteen seconds at one a second."""
    expect("limit", site.cli("area", "set", "north", "--rate", "1")["rate"], 1)
    for words in (("north", "--rate", "0"), ("nowhere", "--rate", "5")):
        expect_that(site.run("area", "set", *words)[0] != DONE, "refused", words)
    number = site.push_begin("--area", "north")
    slow = site.campaign_when(number, "two verified", lambda c: c["verified"] >= 2)
    expect_that(slow["seconds"] > 0.9, "one a second", slow["seconds"])
    expect("stall", slow["stall"], None)
    site.cli("area", "set", "north", "--rate", "none")
    end = site.campaign_end(number)
    # Half of the time that the others would have taken.
    expect_that(end["seconds"] - slow["seconds"] < (PHONES // 4 - slow["verified"]) / 2,
                "as fast as it goes after that", (slow, end))


def push_by_hand(site, typed):
    """`mskpush push` on a terminal at which somebody types; returns (status, what was shown)."""
    ours, theirs = pty.openpty()
    with subprocess.Popen([site.program("mskpush"), "push", GROUP, "--no-wait"], stdin=theirs,
                          env=site.environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True) as process:
        os.close(theirs)
        os.write(ours, typed.encode())
        text, _ = process.communicate(timeout=30)
    os.close(ours)
    return process.returncode, text


def many_are_sent_to_only_when_their_number_is_typed():
    with Stage(port="net_null0,no-rx=1") as site:
        site.gateway_mac = "02:00:00:00:00:02"
        site.make_phones(MANY)
        site.start_daemon()
        site.provision()
        status, text = push_by_hand(site, "yes\n")
        expect("exit status without the number", status, BAD_USAGE)
        expect_in("10,001", text)
        expect_in("nothing was sent", text)
        expect("campaigns", site.cli("campaign", "list")["campaigns"], [])
        status, _, errors = site.run("push", GROUP, is_json=False)
        expect("exit status with nobody to ask", status, BAD_USAGE)
        expect_in("10,001 UEs", errors)
        one = site.cli("push", GROUP, "--no-wait", "--ue", site.rows[0]["impi"])
        expect("members of a push to one", one["members"], 1)
        status, text = push_by_hand(site, f"{MANY}\n")
        expect(f"exit status with the number ({text})", status, DONE)
        campaigns = site.cli("campaign", "list")["campaigns"]
        expect("members", campaigns[0]["members"], MANY)
        for campaign in campaigns:
            site.cli("campaign", "abort", str(campaign["id"]), check=False)


def undelivered_report(site, number):
    """(given up, what became of those on the list, how long it is)."""
    listed = site.undelivered(number).values()
    return (site.campaign(number)["given_up"],
            {(m["state"], m["why"], m["sends"]) for m in listed}, len(listed))


def aborted(count):
    """The report of a campaign that so many were chosen for, and nobody was sent."""
    return (count, {("given-up", "aborted", None)}, count)


def campaign_begins_at_its_time_also_after_a_restart():
    with Stage() as site:
        site.raise_all(PHONES)
        at = int(time.time()) + 12  # all that comes before the wait is done by then
        number = site.push_begin("--at", str(at))
        expect("state", site.campaign(number)["state"], "scheduled")
        taken_back = [site.push_begin("--at", str(at), *who) for who in
                      ((), ("--sample", "50%"), ("--ue", site.rows[0]["impi"]))]
        for other in taken_back:
            site.cli("campaign", "abort", str(other))
        expect("reports of those that were taken back", [undelivered_report(site, other)
               for other in taken_back], [(0, set(), 0), aborted(PHONES // 2), aborted(1)])
        # These phones do not fetch.
        lost = site.run("solicit", GROUP, "--ue", site.rows[0]["impi"], "--solicits", "2",
                        "--solicit-waits", "0")[1]
        expect("who did not come", undelivered_report(site, lost["id"]),
               (1, {("given-up", "no-answer", 2)}, 1))
        site.stop_daemon()
        site.start_daemon()
        end = site.campaign_end(number)
        expect("verified", end["verified"], PHONES)
        expect("states of those that were taken back",
               {site.campaign(other)["state"] for other in taken_back}, {"aborted"})
        site.stop_phones()
        pushes = [push for push in read_wire(site.pcap)[0] if push.number]
        expect("sends of each", set(sends_per_btid(pushes).values()), {1})
        expect_that(pushes[0].micros >= at * 1000000, "nothing before its time",
                    (pushes[0].micros, at))


def campaign_halts_when_too_few_of_the_first_verify():
    with Stage() as site:
        site.raise_all(PHONES)
        site.phones(do="offline", percent=100, seconds=600)
        number = site.push_begin("--stop-if-unverified", "20%", "--stop-after", "10", "--waits", "1")
        seen = site.campaign_when(number, "halted", lambda c: c["state"] == "paused")
        expect("verified", seen["verified"], 0)
        expect("halted", (seen["is_halted"], seen["stall"]), (True, "paused"))
        site.phones(do="offline", percent=0, seconds=600)
        site.cli("campaign", "resume", str(number))
        expect("verified in the end", site.campaign_end(number)["verified"], PHONES)
        site.stop_phones()
        pushes, _ = read_wire(site.pcap)
        first = next(p.micros for p in pushes if p.btid not in {q.btid for q in pushes[:10]})
        expect_that(first - pushes[0].micros >= 2000000, "only ten before it was halted",
                    first - pushes[0].micros)


if __name__ == "__main__":
    tell(chosen_members_are_sent_to_and_nobody_else,
         many_are_sent_to_only_when_their_number_is_typed,
         campaign_begins_at_its_time_also_after_a_restart,
         campaign_halts_when_too_few_of_the_first_verify)
