#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the mskpush authors

"""Phones that do not answer, or answer late.

    mskpushd, 300 members ==MIKEY==> gateway of mskpush-ue ---> 280 phones, delayed at will
                                                           -x-> 20 that nobody knows
"""

from story import DONE, GROUP, NOT_ALL, Stage, expect, expect_that, tell, wait_until, write_csv
from wire import check_counters, read_wire, sends_per_btid

MEMBERS, SILENT = 300, 20
SENDS = 3


def silent_phones_are_given_up_by_name():
    with Stage() as site:
        rows = site.make_phones(MEMBERS)
        silent = {row["impi"]: row["btid"] for row in rows[:SILENT]}
        site.start_daemon()
        site.start_phones(write_csv(site.path("known.csv"), rows[SILENT:]), "--pcap", site.pcap)
        site.provision()
        campaign = site.push("--sends", str(SENDS), "--waits", "1", status=NOT_ALL)
        expect("verified", campaign["verified"], MEMBERS - SILENT)
        expect("given up", campaign["given_up"], SILENT)
        expect("rounds", campaign["rounds"], SENDS)
        expect("pushes", campaign["pushes"], MEMBERS - SILENT + SENDS * SILENT)
        members = site.undelivered(campaign["id"])
        expect("who is given up", set(members), set(silent))
        expect("why, and after how many sends",
               {(m["state"], m["why"], m["sends"]) for m in members.values()},
               {("given-up", "no-answer", SENDS)})
        expect("refused by the emulator", site.phones(do="status")["refused"],
               {"unknown-idr": SENDS * SILENT})
        site.stop_phones()
        pushes, _ = read_wire(site.pcap)
        expect("sends of each B-TID", sends_per_btid(pushes),
               {row["btid"]: SENDS if row["impi"] in silent else 1 for row in rows})
        check_counters(pushes)


def late_answers_count_until_the_end():
    """Answers take 1.6 s, the second round begins after one."""
    with Stage() as site:
        site.raise_all(MEMBERS)
        wait_until("the gateway's MAC", lambda: site.cli("stats")["counters"]["arp_replies"])
        site.phones(do="set", delay=800)
        campaign = site.push("--sends", "2", "--waits", "1,4")
        expect("verified", campaign["verified"], MEMBERS)
        expect("rounds", campaign["rounds"], 2)
        expect("pushes", campaign["pushes"], 2 * MEMBERS)
        expect_that(campaign["seconds"] < 4, "the end as soon as all are verified",
                    campaign["seconds"])
        site.stop_phones()
        pushes, answers = read_wire(site.pcap)
        expect("sends of each", set(sends_per_btid(pushes).values()), {2})
        check_counters(pushes)
        first = {push.btid: push.t for push in reversed(pushes)}
        expect("who answered the first push",
               sum(first[answer.btid] == answer.t for answer in answers), MEMBERS)


def closed_report_never_changes():
    """All answers come after the campaign has ended."""
    with Stage() as site:
        site.raise_all(MEMBERS)
        wait_until("the gateway's MAC", lambda: site.cli("stats")["counters"]["arp_replies"])
        site.phones(do="set", delay=800)
        report = site.push("--sends", "1", "--waits", "1", status=NOT_ALL)
        expect("given up", report["given_up"], MEMBERS)
        wait_until("answers without a campaign",
                   lambda: site.drops().get("unknown-csb", 0) == MEMBERS, show=site.drops)
        report.pop("drops")
        expect("the report afterwards", site.campaign(report["id"]), report)
        # The same MSK again, under higher counters: now it counts.
        site.phones(do="set", delay=0)
        expect("verified by the next campaign", site.push(status=DONE)["verified"], MEMBERS)
        expect("campaigns of the group", [c["group"] for c in site.cli("campaign", "list")[
            "campaigns"]], [GROUP, GROUP])


if __name__ == "__main__":
    tell(silent_phones_are_given_up_by_name, late_answers_count_until_the_end,
         closed_report_never_changes)
