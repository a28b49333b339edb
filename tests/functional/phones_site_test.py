#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the mskpush authors

"""Emulated phones and the daemon over HTTP and MIKEY.

    mskpush-ue --HTTP Digest--> mskpushd ==MIKEY==> mskpush-ue
        ^                          |
        +------ key source --------+
"""

import csv

from story import GROUP, Stage, expect, expect_that, tell, wait_until
from wire import check_counters, read_wire

PHONES = 200


class Whole(Stage):
    """Daemon, phones with HTTP, and their key source."""

    def __init__(self, *generate, profile="ts33246", count=PHONES, flags=()):
        super().__init__()
        self.ua_yaml = "  address: imported\n"
        keys = self.path("keys.sock")
        self.extra_yaml = f"key_source:\n  url: unix:{keys}\n"
        self.make_phones(count, *generate)
        self.start_daemon()
        self.out = self.path("out.csv")
        groups = GROUP + (":v600" if profile == "v600" else "")
        self.start_phones(self.csv, "--pcap", self.pcap, "--csv-out", self.out, "--key-source", keys,
                          "--ua", "http://%s:%d" % self.ua_address(), "--ua-groups", groups,
                          "--ua-back-off", "0.1", *flags)
        self.msk = self.provision(profile=profile)

    @property
    def ua(self):
        """The phones' side of HTTP."""
        return self.phones(do="status")["ua"]

    def wait_idle(self):
        """Waits until no phone asks or expects anything; returns the status of HTTP."""
        wait_until("all phones are done", lambda: self.ua["idle"] == len(self.rows), 20,
                   lambda: self.ua)
        return self.ua

    def holders(self, number):
        """How many phones hold an MSK."""
        return sum(msk["phones"] for msk in self.phones(do="status")["msks"]
                   if msk["number"] == number)

    def rows_at_end(self):
        """What the emulator writes when it ends; its counters hold on the wire."""
        self.stop_phones()
        check_counters(read_wire(self.pcap)[0])
        with open(self.out, newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))


def join_and_push(site):
    """All phones join; then a campaign reaches all of them."""
    expect("phones told to join", site.phones(do="join")["phones"], PHONES)
    ua = site.wait_idle()
    expect("MSKs that came", ua["events"]["msk-came"], PHONES)
    expect("refused by phones", (ua["refused"], ua["left"]), ({}, {}))
    expect("holders", site.holders("0001"), PHONES)
    expect("verified", site.push("--new")["verified"], PHONES)
    expect("holders", site.holders("0002"), PHONES)
    return ua


def phones_join_and_are_pushed():
    for profile in ("ts33246", "v600"):
        with Whole("--unregistered", str(PHONES), "--uicc", "30", profile=profile) as site:
            join_and_push(site)
            site.phones(do="deregister", count=50)
            site.wait_idle()
            expect("members", site.push()["members"], PHONES - 50)
            registered = [row["registered"] for row in site.rows_at_end()]
            expect("registered for nothing", registered.count("-"), 50)


def phones_without_a_good_key_bootstrap_first():
    with Whole("--expired", "40", "--no-muk", "20", "--uicc", "30") as site:
        ua = join_and_push(site)
        fresh = ua["events"]["bootstraps"]
        expect("bootstrappings", fresh, round(PHONES * (0.2 + 0.8 * 0.4)))
        expect("the key source's", site.phones(do="status")["key_source"]["answered"], fresh)
        expect("rows", len(site.rows_at_end()), round(PHONES * 0.8) + fresh)


def new_btid_is_learned_by_a_pull():
    with Whole("--uicc", "50", count=20) as site:
        site.push()
        expect("phones that bootstrap", site.phones(do="bootstrap", count=10)["phones"], 10)
        current = [site.phones(do="phone", id=row["impi"])["current"]["btid"] for row in site.rows]
        # The daemon knows nothing of it yet; the phones still hold their old MUKs.
        expect("verified under the old ones", site.push("--new")["verified"], 20)
        site.cli("msk", "activate", GROUP, "0002")
        site.phones(do="fetch")
        site.wait_idle()
        shown = [site.cli("ue", "show", row["impi"])["btid"] for row in site.rows]
        expect("B-TIDs", shown, current)
        expect("verified under the new ones", site.push("--new")["verified"], 20)
        previous = [site.phones(do="phone", id=row["impi"])["previous"] for row in site.rows]
        expect("old MUKs that are left", [p for p in previous if p], [])
        expect("rows", len(site.rows_at_end()), 30)


def busy_key_source_is_asked_again():
    with Whole("--no-muk", "100", count=20) as site:
        site.phones(do="key-source", answers="busy")
        site.phones(do="fetch")
        wait_until("all were put off", lambda: site.ua["msk-request"]["answers"].get("503", 0) >= 20)
        expect("bootstrapped again for it", site.ua["events"]["bootstraps"], 20)
        site.phones(do="key-source", answers="truthful")
        ua = site.wait_idle()
        expect("MSKs that came", ua["events"]["msk-came"], 20)
        expect_that(ua["events"]["retries"] >= 20, "they tried again", ua["events"])


if __name__ == "__main__":
    tell(phones_join_and_are_pushed, phones_without_a_good_key_bootstrap_first,
         new_btid_is_learned_by_a_pull, busy_key_source_is_asked_again)
