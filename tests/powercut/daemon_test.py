#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the mskpush authors

"""The real daemon at work, and the power cut at every write of it.

    mskpushd with libpowercut.so ==MIKEY==> mskpush-ue, which loses most of it
        disk/store     ==trace==> powercut-check, and daemons on a few of its pictures

Syncs take 5 ms, so that whoever does not wait for one is seen. Answers of the daemon are noted in
the trace when they have arrived, and counters by the moment at which the emulator saw them.

usage: daemon_test.py [--long]
"""

import bisect
import os
import random
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "functional")]
from powercut_trace import (  # noqa: E402
    NOTE, Broken, check, note, note_now, program, recorded, records)
from story import GROUP, Stage, expect, expect_that, write_csv  # noqa: E402
from wire import check_counters, read_wire  # noqa: E402

PHONES, LATER = 300, 60
LOSS = 75
SYNC_US = 5000
SETTLED_S = 0.5  # what a report said is in the store after that long
CUTS, CUTS_LONG = 3000, 0  # 0: every picture
RESTARTS, RESTARTS_LONG = 2, 40


class Recorded(Stage):
    """A site whose store lies in a directory of its own, and is watched."""

    def __init__(self, trace=None):
        super().__init__()
        self.map_size = "16M"
        self.root = self.path("disk")
        self.trace = trace
        os.mkdir(self.root)

    def write_config(self, **more):
        path = super().write_config(**more)
        with open(path, encoding="utf-8") as file:
            text = file.read()
        with open(path, "w", encoding="utf-8") as file:
            file.write(text.replace(f"{self.dir}/store", f"{self.root}/store"))
        return path

    def spawn(self, seat, argv, log):
        if seat == "daemon" and self.trace:
            before = self.environment
            self.environment = lambda: recorded(before(), self.root, self.trace, SYNC_US)
            super().spawn(seat, argv, log)
            self.environment = before
        else:
            super().spawn(seat, argv, log)

    def promise(self, *lines):
        """Notes what the daemon has said yes to."""
        for line in lines:
            note_now(self.trace, f"line {line}")


def subscriber(number, row):
    """The promise to keep a subscriber with this MUK."""
    return (f"subscriber {row['impi']} id={number} btid={row['btid']} "
            f"expires={row['expires']} muk={row['muk']}")


def import_rows(site, first):
    """Imports the CSV and promises its rows."""
    for row in site.rows[:first]:
        note_now(site.trace, f"drop subscriber {row['impi']} ")
    site.cli("ue", "import", site.csv)
    site.promise(*(subscriber(number, row) for number, row in enumerate(site.rows)))


def campaign(site, *flags):
    """A campaign to its end, with promises on the way."""
    number = site.push_begin(*flags)
    site.promise(f"campaign {number} group=0001")
    seen = []
    while True:
        report = site.campaign(number)
        seen.append((time.monotonic(), report["verified"]))
        old = [n for at, n in seen if at < time.monotonic() - SETTLED_S]
        if old:
            note_now(site.trace, f"verified {number} {old[-1]}")
        if report["state"] == "done":
            note_now(site.trace, f"verified {number} {report['verified']}")
            return report
        time.sleep(0.03)


def msk_new(site):
    """A new MSK; its number and RAND are promised."""
    msk = site.cli("msk", "new", GROUP)
    site.promise(f"msk group=0001 number={msk['number']} csb={msk['csb_id']} rand={msk['rand']}")


def life(site):
    """What a site does in its first seconds."""
    site.make_phones(PHONES + LATER)
    site.start_daemon()
    note_now(site.trace, "opened")
    site.start_phones(site.csv, "--pcap", site.pcap, "--loss", str(LOSS))
    site.cli("group", "add", GROUP, "--profile", "ts33246")
    site.promise("group 0001 profile=0")
    site.cli("service", "add", "urn:3gpp:0010120798ac", "--group", GROUP)
    site.promise("service urn:3gpp:0010120798ac id=1 0001")
    import_rows(site, 0)
    msk_new(site)
    # Without waits the counters run ahead of the clock, into the mark.
    first = campaign(site, "--sends", "30", "--waits", "0")
    msk_new(site)
    second = campaign(site, "--sends", "6", "--waits", "0,0,1", "--rate", "600")
    expect_that(first["verified"] > PHONES / 2, "most verified", first)
    expect_that(second["given_up"] > 0, "some given up", second)


def note_counters(trace, pushes):
    """Notes each new highest T at the moment at which it was on the wire."""
    highest, notes = 0, []
    for push in sorted(pushes, key=lambda push: push.micros):
        if push.t > highest:
            highest = push.t
            notes.append((push.micros * 1000, note(f"mark {highest}", push.micros * 1000)))
    with open(trace + ".noted", "wb") as out:
        for _, time_ns, _, record in records(trace):
            while notes and notes[0][0] < time_ns:
                out.write(notes.pop(0)[1])
            out.write(record)
        for _, text in notes:
            out.write(text)
    os.rename(trace + ".noted", trace)


def restart(trace, number, luck, rows, pushes):
    """A daemon starts on a picture: it goes on with what it had begun, repeats no counter."""
    moments = [time_ns for _, time_ns, _, _ in records(trace)]
    before = [push for push in pushes if push.micros * 1000 < moments[number]]
    with Recorded() as site:
        subprocess.run([program("powercut-check"), "--one", f"{number}.{luck}", "--seed", "1",
                        "--draw", site.root, trace], check=True, stdout=subprocess.DEVNULL)
        write_csv(site.csv, rows)
        site.start_daemon()
        site.start_phones(site.csv, "--pcap", site.pcap)
        for open_campaign in site.cli("status")["campaigns"]:
            report = site.campaign_end(open_campaign["id"])
            expect("verified + refused", report["verified"] + report["refused"],
                   report["members"])
        groups = site.cli("group", "list")["groups"]
        if groups and site.cli("msk", "list", GROUP)["msks"] and \
                site.cli("status")["store"]["subscribers"]:
            site.push()
        site.stop_phones()
        after, _ = read_wire(site.pcap)
        check_counters(before + after)
        return len(site.log("mskpushd"))


def restarts(trace, rows, pushes, many):
    """Daemons on pictures that chance chooses, most of them in campaigns."""
    moments = [time_ns for _, time_ns, _, _ in records(trace)]
    from_ = bisect.bisect(moments, pushes[0].micros * 1000)
    randomness = random.Random(7)
    for _ in range(many):
        number = randomness.randrange(from_, len(moments))
        restart(trace, number, randomness.choice((0, 1, 4)), rows, pushes)


def main():
    """Exit status 1 when a promise is broken."""
    is_long = "--long" in sys.argv[1:]
    with Recorded() as site:
        trace = site.trace = site.path("trace")
        life(site)
        site.stop_phones()
        # As the cut would end it: what a clean end does is not in the trace.
        site.kill(site.daemon)
        pushes, _ = read_wire(site.pcap)
        note_counters(trace, pushes)
        ahead = max(push.t for push in pushes) - min(push.t for push in pushes)
        notes = [text for kind, _, text, _ in records(trace) if kind == NOTE]
        cuts = CUTS_LONG if is_long else CUTS
        pictures, tried, broken, text = check(trace, "--seed", "1",
                                              *(("--cuts", str(cuts)) if cuts else ()))
        print(f"{len(pushes)} pushes over {ahead} values, {len(notes)} notes, "
              f"{pictures} pictures at {tried} cuts", flush=True)
        if broken:
            raise Broken(text[-3000:])
        expect_that(pictures > 0 and tried > 0 and notes, "pictures of promises were looked at",
                    (pictures, tried, len(notes)))
        restarts(trace, site.rows, pushes, RESTARTS_LONG if is_long else RESTARTS)


if __name__ == "__main__":
    main()
