#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the mskpush authors

"""Solicited pulls: mskpush asks phones to come, also under MUKs that have expired.

    mskpushd ==solicited pull==> mskpush-ue --HTTP Digest--> mskpushd ==MSK==> mskpush-ue
                                     ^                          |
                                     +------ key source --------+
"""

import calendar
import csv
import time

from dossier import AUTH, derive, parse_mikey, parse_udp, read_pcap, sha1_mac
from phones_site_test import PHONES, Whole
from story import GROUP, NOT_ALL, expect, expect_that, tell
from wire import check_counters, push_of

EXPIRED = 40  # percent


def messages_of(pcap):
    """(MSK messages, solicited pulls) of a capture, as parsed."""
    pushes, solicits = [], []
    for micros, frame in read_pcap(pcap):
        udp = parse_udp(frame)
        if udp is None:
            continue
        _, destination, payload = udp
        message = parse_mikey(payload)
        if message["type"] != 0:
            continue
        push = push_of(micros, destination, message)
        (pushes if push.number else solicits).append((push, message))
    return pushes, solicits


def keys_of(path):
    """B-TID -> (MUK, expiry) of all that the emulator ever had."""
    with open(path, newline="", encoding="utf-8") as file:
        return {row["btid"]: (bytes.fromhex(row["muk"]), row["expires"])
                for row in csv.DictReader(file) if row["btid"]}


def unix_of(text):
    """A time of the CSV."""
    if text.isdigit():
        return int(text)
    return calendar.timegm(time.strptime(text, "%Y-%m-%dT%H:%M:%SZ"))


def check_wire(site, campaign):
    """Every solicited pull is one, under the MUK it names; no MSK went under a MUK of those who
    had to be solicited."""
    before = {row["btid"]: unix_of(row["expires"]) for row in site.rows if row["btid"]}
    site.stop_phones()
    keys = keys_of(site.out)
    pushes, solicits = messages_of(site.pcap)
    check_counters(sorted((push for push, _ in pushes + solicits), key=lambda push: push.micros))
    for push, message in solicits:
        expect("V of a solicited pull", message["v"], False)
        expect("encrypted octets", message["encr"], b"")
        expect("CSB ID", f"{message['csb_id']:08x}", campaign["solicit"]["csb_id"])
        expect("RAND", message["rand"].hex(), campaign["solicit"]["rand"])
        key = derive(keys[push.btid][0], AUTH, message["csb_id"], message["rand"], 20)
        expect("MAC", sha1_mac(key, message["raw"][:message["mac_at"]]), message["mac"])
    stale = {btid for btid, expires in before.items() if expires < time.time()}
    expect("MSKs under expired MUKs", [p.btid for p, _ in pushes if p.btid in stale], [])
    return pushes, solicits, stale


def who_has_expired_is_asked_and_fetches():
    for profile in ("ts33246", "v600"):
        with Whole("--expired", str(EXPIRED), "--uicc", "20", profile=profile) as site:
            refused = site.push("--sends", "1", "--waits", "2", status=NOT_ALL)["refused_by"]
            expect("refused by a push", refused, {"muk-expired": PHONES * EXPIRED // 100})
            seen, campaign, errors = site.run("solicit", GROUP)
            expect(f"exit status ({campaign} {errors})", seen, 0)
            expect("kind", campaign["kind"], "solicit")
            expect("verified", campaign["verified"], PHONES)
            expect("MSKs that the campaign sent", campaign["pushes"], 0)
            expect("holders", site.holders("0001"), PHONES)
            expect("solicited pulls that came", site.ua["events"]["solicited"], PHONES)
            counters = site.cli("stats")["counters"]
            expect("solicited pulls", counters["solicits"], campaign["solicits"])
            expect("under expired MUKs", counters["solicits_expired"] >= refused["muk-expired"],
                   True)
            _, solicits, _ = check_wire(site, campaign)
            expect("solicited pulls on the wire", len(solicits), campaign["solicits"])


def auto_pushes_to_the_fresh_and_solicits_the_rest():
    with Whole("--expired", str(EXPIRED), "--no-muk", "10") as site:
        status, plan, _ = site.run("push", GROUP, "--new", "--auto", "--dry-run")
        expect("exit status of the plan", status, 0)
        # Who is refused takes no time: 110 % of the others in ten seconds.
        deadline = site.run("push", GROUP, "--dry-run", "--within", "10s")[1]
        expect("the rate of a deadline", deadline["rate"], -(-deadline["pushes"] * 11 // 100))
        seen, campaign, errors = site.run("push", GROUP, "--new", "--auto")
        expect(f"exit status ({campaign} {errors})", seen, NOT_ALL)
        expect("members", campaign["members"], PHONES)
        without = PHONES // 10
        expect("refused", campaign["refused_by"], {"no-muk": without})
        expect("verified", campaign["verified"], PHONES - without)
        expect("the plan",
               (plan["members"], plan["pushes"] + plan["solicits"], plan["refused_by"]),
               (PHONES, PHONES - without, {"no-muk": without}))
        expect("solicited", campaign["solicits"] >= plan["solicits"], True)
        pushes, solicits, stale = check_wire(site, campaign)
        expect("who was solicited", {p.btid for p, _ in solicits} - stale, set())
        expect_that(len(pushes) >= PHONES - without, "all got the MSK", len(pushes))


def orders_that_cannot_be_are_refused():
    with Whole("--no-muk", "10", count=20) as site:
        site.cli("group", "add", "001-01/0002")
        nobody = next(row["impi"] for row in site.rows if not row["btid"])
        cases = (
            (("solicit", "001-01/0002"), "no MSK"),
            (("solicit", GROUP, "--rate", "0"), "from 1"),
            (("solicit", GROUP, "--area", "nowhere"), "no area"),
            (("solicit", GROUP, "--by", "2020-01-01T00:00:00Z"), "past"),
            (("push", GROUP, "--rate", "5", "--within", "5s"), "exclude"),
            (("push", GROUP, "--undelivered-of", "77"), "not known"),
            (("push", GROUP, "--solicits", "3"), "solicits nobody"),
            (("push", GROUP, "--solicit-previous"), "solicits nobody"),
            (("push", GROUP, "--msk", "00ff", "--dry-run"), "no MSK"),
        )
        for words, text in cases:
            status, answer, _ = site.run(*words)
            expect_that(status in (1, 2) and text in answer["message"], text, (status, answer))
        status, one, _ = site.run("solicit", GROUP, "--ue", nobody)
        expect("who has no MUK is refused", (status, one["refused_by"]), (NOT_ALL, {"no-muk": 1}))
        listed = site.cli("campaign", "show", str(one["id"]), "--undelivered")["members"]
        expect("and listed", [(m["impi"], m["why"]) for m in listed], [(nobody, "no-muk")])
        first = site.cli("solicit", GROUP, "--no-wait", "--rate", "1")
        status, second, _ = site.run("push", GROUP)
        expect("the one that runs is named", (status, second["campaign"]), (1, first["id"]))
        site.cli("campaign", "abort", str(first["id"]), check=False)


if __name__ == "__main__":
    tell(who_has_expired_is_asked_and_fetches, auto_pushes_to_the_fresh_and_solicits_the_rest,
         orders_that_cannot_be_are_refused)
