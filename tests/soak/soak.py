#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the mskpush authors

"""A site that works for hours, and does not grow.

    CSV, HTTP --> mskpushd, net_vhost ==MIKEY==> mskpush-ue, net_virtio_user
                  all subscribers                 some phones; nobody answers for the others

A turn: MUKs of some subscribers expire, those of the turn before are renewed, some leave and others
come; a campaign with a new MSK goes to everybody, while phones register, deregister and
fetch. Each turn the report adds up and all phones hold the MSK; from the tenth turn on the daemon's
memory (but for pages of the store's map, which are the kernel's) and the store are as large as
before, within --growth percent. A line of JSON a turn.

usage: soak.py [--ues N] [--phones N] [--hours H | --turns N] [--growth PERCENT] [--json FILE]
"""

import argparse
import csv
import itertools
import json
import os
import random
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "functional")]
from story import COLUMNS, GROUP, Stage, expect, expect_that, wait_until  # noqa: E402

SETTLED = 10  # turns: the states of eight campaigns are kept, what they leave is used again
CHURN, CHURN_MAX = 1000, 1000  # one in so many, and at most so many, comes or goes each turn
STORE_BYTES = 400  # room per subscriber


class Soak(Stage):
    """A site of which a few subscribers have phones."""

    def __init__(self, options):
        super().__init__()
        self.options = options
        self.random = random.Random(options.seed)
        self.map_size = str(max(64 << 20, options.ues * STORE_BYTES))
        self.wrapping_key = self.key_file("wrapping.key", 1)
        # Full after some turns.
        self.extra_yaml = "history:\n  size: 16M\n"
        # All phones speak HTTP from one address, which is not where they take MIKEY.
        self.ua_yaml = "  address: imported\n"
        self.churn = min(max(1, options.ues // CHURN), CHURN_MAX)
        # Who comes back takes the place of one who left, but for two turns' worth at most.
        self.store_yaml = f"  max_subscribers: {options.ues + 2 * self.churn}\n"
        self.renewed = itertools.count()
        self.others, self.expired, self.gone = [], [], []

    def begin(self):
        """Everybody is imported; the first of them get a phone."""
        everybody = self.path("everybody.csv")
        self.make_csv(everybody, self.options.ues)
        with open(everybody, encoding="utf-8") as lines, \
                open(self.csv, "w", encoding="utf-8") as out:
            out.writelines(itertools.islice(lines, self.options.phones + 1))
        self.start_daemon(timeout_s=300)
        host, port = self.ua_address()
        self.start_phones(self.csv, "--ua", f"http://{host}:{port}", "--ua-groups", GROUP)
        self.provision(everybody)
        self.others = self.sample(everybody)
        os.unlink(everybody)

    def sample(self, path):
        """Subscribers without a phone who come and go or have new MUKs, in turn."""
        wanted = min(10 * self.churn, self.options.ues - self.options.phones)
        with open(path, newline="", encoding="utf-8") as file:
            rows = itertools.islice(csv.DictReader(file), self.options.phones, None)
            return list(itertools.islice(rows, wanted))

    def draw(self):
        """The next subscribers to do something with."""
        drawn, self.others = self.others[:self.churn], self.others[self.churn:]
        return drawn

    def with_muk(self, row, expires):
        """The subscriber has bootstrapped again."""
        return dict(row, btid=f"soak{next(self.renewed)}@bsf.example",
                    muk=self.random.randbytes(32).hex(), expires=str(int(expires)))

    def change_people(self):
        """Who had expired is renewed, who had gone comes back, and others take their places."""
        later = time.time() + 365 * 86400
        back = [self.with_muk(row, later) for row in self.expired] + self.gone
        self.others += back
        self.expired = [self.with_muk(row, time.time() - 60) for row in self.draw()]
        self.gone = self.draw()
        path = self.path("changes.csv")
        with open(path, "w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, COLUMNS, extrasaction="ignore", lineterminator="\n")
            writer.writeheader()
            writer.writerows(back + self.expired)
        self.cli("ue", "import", path)
        for row in self.gone:
            self.cli("ue", "remove", row["impi"])

    def campaign_to_all(self):
        """A new MSK for everybody; meanwhile phones come, ask and go. Returns how it ended."""
        number = self.push_begin("--new", "--sends", str(self.options.sends), "--waits", "0,1")
        some = max(1, self.options.phones // 20)
        rate = max(20, some)
        first = self.random.randrange(self.options.phones - some + 1)
        for procedure in ("deregister", "join"):
            self.phones(do=procedure, first=first, count=some, rate=rate)
            wait_until(procedure, lambda: self.asking() == 0, 120, lambda: self.phones(do="status"))
        self.phones(do="fetch", rate=max(20, self.options.phones // 10))
        return self.campaign_end(number, 3600)

    def asking(self):
        """Phones that are at it."""
        ua = self.phones(do="status")["ua"]
        return ua["due"] + ua["asking"]

    def turn(self):
        """One turn; its figures."""
        begin = time.monotonic()
        self.change_people()
        campaign = self.campaign_to_all()
        wait_until("phones are done asking", lambda: self.asking() == 0, 120)
        number = campaign["msk"]["number"]
        self.msk_reaches_all_phones(number)
        expect("refused as expired", campaign["refused_by"].get("muk-expired", 0),
               len(self.expired))
        self.cli("msk", "activate", GROUP, number)
        status = self.cli("status")
        return {"seconds": round(time.monotonic() - begin, 1), "members": campaign["members"],
                "verified": campaign["verified"], "pushes": campaign["pushes"],
                "resident_bytes": status["memory"]["resident_bytes"],
                "anonymous_bytes": self.anonymous_bytes(),
                "used_bytes": status["store"]["used_bytes"],
                "map_bytes": status["store"]["map_bytes"],
                "disk_bytes": sum(os.stat(self.path("store/" + name)).st_blocks * 512
                                  for name in os.listdir(self.path("store")))}

    def anonymous_bytes(self):
        """The daemon's memory without the pages of the store's map, which the kernel may take."""
        with open(f"/proc/{self.daemon.pid}/status", encoding="ascii") as file:
            return 1024 * sum(int(line.split()[1]) for line in file
                              if line.startswith(("RssAnon:", "RssShmem:")))

    def msk_reaches_all_phones(self, number):
        """By a push, or because they asked."""
        def holders():
            return {m["number"]: m["phones"] for m in self.phones(do="status")["msks"]}.get(number)
        wait_until("phones with the MSK", lambda: holders() == self.options.phones, 120, holders)
        expect("what a BM-SC must never do", self.phones(do="status")["findings"], {})


def judge_growth(turns, percent):
    """Against the turn in which everything had reached its size."""
    for key in ("anonymous_bytes", "used_bytes", "map_bytes", "disk_bytes"):
        before, now = turns[min(SETTLED, len(turns)) - 1][key], turns[-1][key]
        expect_that(now <= before * (1 + percent / 100),
                    f"{key} grows by at most {percent} % from turn {SETTLED} on", (before, now))


def run(options, turns):
    """Adds the figures of each turn to `turns`."""
    end = time.monotonic() + options.hours * 3600
    with Soak(options) as site:
        site.begin()
        while len(turns) < options.turns if options.turns else time.monotonic() < end:
            turns.append(site.turn())
            print(json.dumps({"turn": len(turns), **turns[-1]}), flush=True)
            judge_growth(turns, options.growth)


def options_read():
    """Of the command line; ends the program when they cannot be."""
    parser = argparse.ArgumentParser(description="works for hours, and does not grow")
    parser.add_argument("--ues", type=int, default=10000000)
    parser.add_argument("--phones", type=int, default=20000, help="of them, how many have a phone")
    parser.add_argument("--sends", type=int, default=2, help="of a campaign")
    parser.add_argument("--hours", type=float, default=8)
    parser.add_argument("--turns", type=int, default=0, help="instead of hours")
    parser.add_argument("--growth", type=float, default=2, help="percent that is allowed")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", help="write all figures there")
    options = parser.parse_args()
    if not 1 <= options.phones <= options.ues:
        parser.error(f"--phones has to be 1 to --ues, which is {options.ues}")
    if options.turns < 0 or options.hours <= 0 or options.sends < 1 or options.growth < 0:
        parser.error("--turns, --hours, --sends and --growth cannot be that small")
    return options


def main():
    """Exit status 1, with a traceback, at the first promise that does not hold."""
    options, turns = options_read(), []
    try:
        run(options, turns)
    finally:
        if options.json:
            with open(options.json, "w", encoding="utf-8") as file:
                json.dump(turns, file, indent=2)
    if len(turns) < SETTLED + 2:
        print(f"{len(turns)} turns: growth is seen from turn {SETTLED + 2} on", file=sys.stderr)


if __name__ == "__main__":
    main()
