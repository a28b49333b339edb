#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the mskpush authors

"""Solicited pulls, from the message to the verification of the MSK that follows.

    BM-SC in Python --MIKEY over the loopback--> mskpush-ue --port kernel
        ^------------------HTTP Digest-----------------'
"""

import csv
import socket

from bmsc_mikey import Msk, Sender, check_against_vectors, solicit_message
from bmsc_server import Bmsc, muk_of
from forgery_test import write_pcap
from frames_test import ether, ipv4, udp
from story import (COLUMNS, FQDN, GROUP, Stage, expect, expect_that, free_port, tell, wait_until,
                   write_csv)

UE_MAC = bytes.fromhex("020000002601")


class Solicited(Stage):
    """Phones with addresses of the loopback, and the BM-SC."""

    def __init__(self, *flags, count=60, generate=(), profile="ts33246", first="127.26.0.1"):
        super().__init__(ue_port="kernel")
        self.make_phones(count, "--first-address", first, *generate)
        port = str(free_port(socket.SOCK_DGRAM, "0.0.0.0"))
        write_csv(self.csv, [row | {"port": port} for row in self.rows], COLUMNS)
        with open(self.csv, newline="", encoding="utf-8") as file:
            self.rows = list(csv.DictReader(file))
        self.keys = self.path("keys.sock")
        self.bmsc = Bmsc(FQDN, self.rows, self.keys)
        self.sender = Sender(self.rows)
        self.msk = Msk(1, profile)
        self.old_place = {row["btid"]: (row["address"],) for row in self.rows}
        self.expired = set()  # B-TIDs that are to be bootstrapped anew
        self.bmsc.fault = self.grant
        self.flags = ["--ua", self.bmsc.url, "--key-source", self.keys, "--csv-out",
                      self.path("out.csv"), "--ua-groups",
                      GROUP + (":v600" if profile == "v600" else ""), *flags]
        self.begin()

    def begin(self, *more):
        """Starts the phones and waits until they listen."""
        self.flags = [self.path("state") if flag == "STATE" else flag for flag in self.flags]
        self.start_phones(self.csv, *self.flags, *more)
        wait_until("the port is up", lambda: self.phones(do="status")["port"] == "up")

    def __exit__(self, *rest):
        self.bmsc.close()
        super().__exit__(*rest)
        self.sender.close()

    def grant(self, request, answer):
        """A granted MSK request is followed by the MSK, under the MUK of the B-TID that asked."""
        if answer[0] != 200 or request.procedure != "msk-request":
            return answer
        if request.user not in self.sender.muk:
            self.learn(request.user)
        impi = self.sender.impi[request.user]
        if "phone" in self.flags:
            self.sender.place[impi] = (request.source, self.sender.place[impi][1])
        self.sender.push(request.user, self.msk)
        return answer

    def learn(self, btid):
        """What the key source said about a B-TID that is new."""
        answer = self.bmsc.known[btid]
        self.sender.muk[btid] = muk_of(answer)
        self.sender.impi[btid] = answer["impi"]

    def btids(self, is_expired=None):
        """B-TIDs of the CSV."""
        import time
        return [row["btid"] for row in self.rows if row["btid"]
                and is_expired in (None, int(row["expires"]) < time.time())]

    def solicit_all(self, **more):
        """Solicits every phone under the MUK of the CSV."""
        for btid in self.btids():
            self.sender.solicit(btid, self.msk, **more)

    def verified_by(self, count):
        """Waits until so many phones have verified, and no more."""
        wait_until(f"{count} verifications", lambda: self.sender.receive() >= count,
                   show=lambda: (len(self.sender.verified), self.phones(do="status")))
        expect("phones that verified", self.sender.receive(), count)

    def moved(self):
        """B-TID -> where it was, of phones that asked from another address."""
        return {btid: self.old_place[btid] for btid in self.sender.impi
                if self.place_of(btid) != self.old_place.get(btid, ("",))[0]}

    def place_of(self, btid):
        """The address that a phone is known to have."""
        return self.sender.place[self.sender.impi[btid]][0]

    def status(self):
        """The emulator's; what must never be is not there."""
        seen = self.phones(do="status")
        expect("findings", seen["findings"], {})
        return seen

    def pulls(self):
        """B-TIDs of the MSK requests that were granted."""
        return [r.user for r in self.bmsc.requests
                if r.status == 200 and r.procedure == "msk-request"]


def messages_made_here_are_the_known_answers():
    check_against_vectors()


def solicited_phones_pull_once_and_verify():
    for profile in ("ts33246", "v600"):
        with Solicited(profile=profile, generate=("--expired", "40", "--uicc", "30")) as site:
            site.solicit_all()
            site.solicit_all()
            site.verified_by(60)
            seen = site.status()
            # A push under the new MUK may overtake the second one under the old, which is refused then.
            expect("solicited pulls", seen["solicit"] + seen["solicit-refused"], 120)
            expect_that(seen["solicit-refused"] <= 24, "only those under old MUKs are refused", seen)
            expect("why", seen["refused"], {"forgotten-idr": seen["solicit-refused"]}
                   if seen["solicit-refused"] else {})
            pulls = site.pulls()
            expect("pulls", (len(pulls), len(set(pulls))), (60, 60))
            fresh = set(site.btids(is_expired=False))
            # Those with an expired MUK have bootstrapped before they asked.
            expect("pulls under old B-TIDs", len(fresh & set(pulls)), len(fresh))
            expect("bootstrappings", seen["ua"]["events"]["bootstraps"], 24)
            expect("renegotiations", seen["ua"]["events"].get("renegotiated", 0), 0)
            expect("ways", seen["msks"][0]["ways"],
                   {"pushed": 0, "solicited": 60, "missed": 0, "asked": 0})
            expect("what the BM-SC found wrong", site.bmsc.errors, [])
            series = site.phones(do="report")["series"]
            at = series["columns"].index("pulls") + 1
            expect("pulls in the series", sum(row[at] for row in series["rows"]), 60)
            late_solicits_under_old_muks_are_refused(site, seen)


def late_solicits_under_old_muks_are_refused(site, before):
    """They are for B-TIDs that the phones have left."""
    left = site.btids(is_expired=True)
    for btid in left:
        site.sender.solicit(btid, site.msk)
    refused = before["solicit-refused"] + len(left)
    wait_until("all refused", lambda: site.status()["solicit-refused"] >= refused, show=site.status)
    expect("why", site.status()["refused"], {"forgotten-idr": refused})
    expect("pulls", len(site.pulls()), 60)


def forged_and_replayed_solicits_make_nobody_ask():
    with Solicited(count=20) as site:
        site.solicit_all(muk=bytes(32))
        site.solicit_all(fqdn="bmsc.home2.net")
        wait_until("all refused", lambda: site.status()["solicit-refused"] == 40, show=site.status)
        site.sender.t.clear()
        site.solicit_all()
        site.verified_by(20)
        site.sender.t.clear()
        # The same again, and others under counters that were used.
        site.solicit_all()
        site.msk = Msk(1)
        site.sender.t.clear()
        for btid in site.btids():
            site.sender.next_t(btid)
            site.sender.t[btid] -= 1
            site.sender.send(btid, solicit_message(site.msk, site.sender.muk[btid], btid, 1))
        seen = wait_until("all refused", lambda: site.phones(do="status")
                          if site.phones(do="status")["solicit-refused"] == 80 else None)
        expect("refusals", seen["refused"], {"wrong-idi": 20, "bad-mac": 20, "stale-counter": 40})
        expect("pulls", len(site.pulls()), 20)


def solicits_reach_phones_through_the_dataplane():
    with Stage(ue_port="") as site:
        site.make_phones(50, "--expired", "50")
        msk = Msk(1)
        frames = []
        for row in site.rows:
            message = solicit_message(msk, bytes.fromhex(row["muk"]), row["btid"], 5)
            packet = udp(message, int(row["port"]), to=row["address"])
            frames.append(ether(0x0800, ipv4(17, packet, row["address"]), UE_MAC))
        write_pcap(site.path("in.pcap"), frames)
        site.ue_port = f"net_pcap0,rx_pcap={site.path('in.pcap')},tx_pcap={site.path('tx.pcap')}"
        keys = site.path("keys.sock")
        with Bmsc(FQDN, site.rows, keys) as bmsc:
            site.start_phones(site.csv, "--ua", bmsc.url, "--key-source", keys)
            ua = wait_until("all have asked", lambda: site.phones(do="status")["ua"]
                            if site.phones(do="status")["ua"]["expecting"] == 50 else None,
                            show=lambda: site.phones(do="status"))
            expect("bootstrappings", ua["events"]["bootstraps"], 25)
            expect_that(all(b"<MSKID>AAEAAA==</MSKID>" in r.body for r in bmsc.requests),
                        "they ask for the current MSK of the group", bmsc.requests[0].body)
            site.stop_phones()


def lazy_phones_are_told_to_bootstrap():
    with Solicited("--lazy", "50", generate=("--expired", "100")) as site:
        site.bmsc.refused_btids = set(site.btids())
        site.solicit_all()
        site.verified_by(60)
        events = site.status()["ua"]["events"]
        expect("renegotiations", events["renegotiated"], 30)
        expect("bootstrappings", events["bootstraps"], 60)
        expect("pulls under old B-TIDs", len(set(site.btids()) & set(site.pulls())), 0)


def strict_phones_do_not_come():
    with Solicited("--strict", "25", generate=("--expired", "100")) as site:
        site.solicit_all()
        site.verified_by(45)
        seen = site.status()
        expect("refused", seen["refused"], {"solicit-too-old": 15})
        expect("pulls", len(site.pulls()), 45)


def phones_of_other_clocks_refuse_pushes_and_follow_solicits():
    with Solicited("--expired", "50") as site:
        for btid in site.btids():
            site.sender.push(btid, site.msk)
        site.verified_by(30)
        expect("refused", site.status()["refused"], {"muk-expired": 30})
        site.solicit_all()
        site.verified_by(60)
        expect("bootstrappings", site.status()["ua"]["events"]["bootstraps"], 30)


def phones_come_back_and_some_have_moved():
    with Solicited("--offline", "50:1.5", "--new-address", "40", "--ua-source", "phone") as site:
        site.solicit_all()
        site.verified_by(30)
        expect("frames that nobody saw", site.status()["refused"], {"offline": 30})
        wait_until("all are back", lambda: site.status()["offline"] == 0)
        # Those that have moved ask by themselves, from where they are now.
        moved = wait_until("twelve have asked", lambda: site.moved() if len(site.moved()) == 12
                           else None, show=site.status)
        site.verified_by(42)
        expect("addresses", {site.place_of(btid) != before[0] for btid, before in moved.items()},
               {True})
        site.solicit_all()
        site.verified_by(60)
        seen = site.status()
        expect("back, and moved", (seen["came-back"], seen["moved"]), (30, 12))
        expect("ways", seen["msks"][0]["ways"],
               {"pushed": 0, "solicited": 48, "missed": 0, "asked": 12})


def last_muk_is_there_after_a_kill():
    with Solicited("--state", "STATE", generate=("--expired", "100"), count=20) as site:
        site.solicit_all()
        site.verified_by(20)
        fresh = dict(site.bmsc.known)
        site.kill(site.ue)
        site.begin()
        expect("phones found their last MUK", "20 phones found their last MUK"
               in site.log("mskpush-ue"), True)
        # What was sent before the kill is refused; the next one under the new MUK is not.
        for btid in fresh:
            site.sender.send(btid, site.sender.last[btid])
        wait_until("all refused", lambda: site.status()["refused"].get("replayed") == 20,
                   show=site.status)
        expect("pulls", len(site.pulls()), 20)
        for btid in fresh:
            site.sender.solicit(btid, site.msk)
        wait_until("twenty more pulls", lambda: len(site.pulls()) == 40, show=site.status)
        # Nothing but the MUK is left: they had to bootstrap again.
        expect("pulls under the MUK that was kept", len(set(site.pulls()[20:]) & set(fresh)), 0)
        expect("another UICC", replace_uicc(site), "0 phones found their last MUK, 20 another UICC")


def replace_uicc(site):
    """Other IMPIs in the same places; what the emulator says about it."""
    site.stop_phones()
    write_csv(site.csv, [row | {"impi": "9" + row["impi"][1:]} for row in site.rows], COLUMNS)
    site.begin()
    return site.log("mskpush-ue").splitlines()[-2].partition(": ")[2].partition(";")[0]


if __name__ == "__main__":
    tell(messages_made_here_are_the_known_answers, solicited_phones_pull_once_and_verify,
         forged_and_replayed_solicits_make_nobody_ask,
         solicits_reach_phones_through_the_dataplane, lazy_phones_are_told_to_bootstrap,
         strict_phones_do_not_come, phones_of_other_clocks_refuse_pushes_and_follow_solicits,
         phones_come_back_and_some_have_moved, last_muk_is_there_after_a_kill)
