#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the mskpush authors

"""The store and the counter mark: lost, old, damaged, foreign, in use. Whatever happens to them,
no phone is sent a counter again.

    store/data.mdb        subscribers, keys, a copy of the mark
    store/counter.mark    the mark, two sectors        ==MIKEY==> mskpush-ue, wire.pcap of all runs
"""

import os
import random
import shutil
import subprocess
import time

from story import GROUP, Stage, expect, expect_in, expect_that, tell
from wire import check_counters, read_wire

PHONES = 100
HOUR_S, EPOCH = 3600, 1735689600
SECTOR = 512


def start_fails(site, *flags):
    """Starts the daemon and expects status 1; returns what it wrote in this start."""
    before = len(site.log("mskpushd"))
    site.spawn("daemon", [site.program("mskpushd"), "--config", site.path("mskpushd.yaml"),
                          *flags], "mskpushd.log")
    status = site.daemon.wait(20)
    text = site.log("mskpushd")[before:]
    expect(f"exit status ({text})", status, 1)
    expect_in("event=start-failed", text)
    return text


def pushed_twice(between, *, is_store_lost=False):
    """One push, then the daemon stops, `between` happens, it starts again and pushes again.
    Returns (highest T before, lowest T after, the second daemon's log)."""
    with Stage() as site:
        site.raise_all(PHONES)
        site.push()
        site.stop_daemon()
        between(site)
        seen = len(site.log("mskpushd"))
        site.start_daemon()
        if is_store_lost:
            expect("subscribers", site.cli("status")["store"]["subscribers"], 0)
            expect("Key Number, above what phones hold", site.provision()["number"], "0002")
        expect("verified", site.push()["verified"], PHONES)
        expect("what a BM-SC must never do", site.phones(do="status")["findings"], {})
        site.stop_phones()
        pushes, _ = read_wire(site.pcap)
        expect("pushes of both", len(pushes), 2 * PHONES)
        check_counters(pushes)
        before = max(push.t for push in pushes[:PHONES])
        after = min(push.t for push in pushes[PHONES:])
        expect_that(after > before, "counters of the second run above those of the first",
                    (before, after))
        return before, after, site.log("mskpushd")[seen:]


def remove(*names):
    def run(site):
        for name in names:
            os.unlink(site.path("store/" + name))
    return run


def store_lost_but_mark_kept():
    """The store is gone, imported again: new ids, the same MUKs."""
    _, _, log = pushed_twice(remove("data.mdb", "lock.mdb"), is_store_lost=True)
    expect_in("event=counter-start", log)


def mark_lost_begins_an_hour_ahead():
    before, after, log = pushed_twice(remove("counter.mark"))
    expect_in("the mark file was missing", log)
    expect_that(after >= int(time.time()) - EPOCH + HOUR_S - 60, "T an hour ahead",
                (before, after))


def store_and_mark_lost_begins_an_hour_ahead():
    """Nothing is left but the clock. The first start was an hour ahead already, so the phones
    refuse until the clock has passed what they know: the operator waits, nobody is harmed."""
    with Stage() as site:
        site.raise_all(PHONES)
        site.push()
        site.stop_daemon()
        shutil.rmtree(site.path("store"))
        site.start_daemon()
        expect_in("a new store", site.log("mskpushd"))
        clock = site.cli("status")["clock"]
        expect_that(clock["counter_highest"] >= clock["counter_now"] + HOUR_S - 60,
                    "counters an hour ahead", clock)


def old_mark_from_a_backup():
    """Somebody copies an old mark file back: the store's copy is newer."""
    with Stage() as site:
        site.raise_all(PHONES)
        site.stop_daemon()
        shutil.copy(site.path("store/counter.mark"), site.path("old.mark"))
        site.start_daemon()
        site.push()
        # The store's copy moves on with a later commit, the mark about every five seconds.
        mark = site.cli("status")["clock"]["counter_mark"]
        site.push()
        site.stop_daemon()
        shutil.copy(site.path("old.mark"), site.path("store/counter.mark"))
        site.start_daemon()
        expect_in("the mark file is older than the store", site.log("mskpushd"))
        expect_that(site.cli("status")["clock"]["counter_highest"] >= mark - 10,
                    "a start above the mark", site.cli("status")["clock"])
        site.push()
        site.stop_phones()
        check_counters(read_wire(site.pcap)[0])


def flip(path, offsets):
    with open(path, "r+b") as file:
        for at in offsets:
            file.seek(at)
            octet = file.read(1)[0]
            file.seek(at)
            file.write(bytes([octet ^ 0x5a]))


def one_sector_damaged_costs_nothing():
    for sector in (0, 1):
        pushed_twice(lambda site, at=sector: flip(site.path("store/counter.mark"),
                                                  [at * SECTOR + 12]))


def both_sectors_damaged_is_refused():
    with Stage() as site:
        site.raise_all(PHONES)
        site.push()
        site.stop_daemon()
        mark = site.path("store/counter.mark")
        flip(mark, [12, SECTOR + 12])
        with open(mark, "rb") as file:
            damaged = file.read()
        text = start_fails(site)
        for part in ("counter.mark", "both of its sectors are damaged", "an hour ahead"):
            expect_in(part, text)
        with open(mark, "rb") as file:
            expect("the file afterwards", file.read(), damaged)
        os.truncate(mark, 700)
        expect_in("both of its sectors are damaged", start_fails(site))
        # What the sentence advises works.
        os.unlink(mark)
        site.start_daemon()
        expect("verified", site.push()["verified"], PHONES)
        site.stop_phones()
        check_counters(read_wire(site.pcap)[0])


def second_daemon_on_a_store_is_refused():
    with Stage() as site:
        site.raise_all(PHONES)
        other = site.path("other.yaml")
        with open(site.write_config(), encoding="utf-8") as file:
            text = file.read()
        text = text.replace("admin.sock", "other.sock").replace("v.sock", "w.sock")
        with open(other, "w", encoding="utf-8") as file:
            file.write(text.replace("file_prefix: ", "file_prefix: o"))
        done = subprocess.run([site.program("mskpushd"), "--config", other], check=False,
                              env=site.environment(), stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=20)
        expect(f"exit status ({done.stdout})", done.returncode, 1)
        expect_in(f"in use by the process with pid {site.daemon.pid}", done.stdout)
        expect("verified by the first daemon", site.push()["verified"], PHONES)


def foreign_or_damaged_store_is_refused():
    """A sentence and status 1, never a crash; and with the file as it was, all goes on."""
    with Stage() as site:
        site.raise_all(PHONES)
        site.push()
        site.stop_daemon()
        path = site.path("store/data.mdb")
        os.truncate(path, os.stat(path).st_size)
        with open(path, "rb") as file:
            whole = file.read(4 << 20)
        randomness = random.Random(5)
        damages = {
            "a later version": (whole.replace(b"mskpush\0\2\0\0\0", b"mskpush\0\x63\0\0\0"),
                                "a format that this program does not know"),
            "another file": (randomness.randbytes(len(whole)), "damaged or is not a store"),
            "both meta pages": (randomness.randbytes(8192) + whole[8192:],
                                "damaged or is not a store"),
            "text": (b"to be or not to be\n" * 1000, "damaged or is not a store"),
            "cut short": (whole[:3 * 4096], "has been cut short"),
        }
        for name, (data, sentence) in damages.items():
            expect_that(data != whole, f"{name}: another content", len(data))
            with open(path, "wb") as file:
                file.write(data)
            text = start_fails(site)
            expect_that(sentence in text, f"{name}: {sentence!r} in the log", text)
        with open(path, "wb") as file:
            file.write(whole)
        site.start_daemon()
        expect("subscribers", site.cli("status")["store"]["subscribers"], PHONES)
        expect("verified", site.push(group=GROUP)["verified"], PHONES)


if __name__ == "__main__":
    tell(store_lost_but_mark_kept, mark_lost_begins_an_hour_ahead,
         store_and_mark_lost_begins_an_hour_ahead, old_mark_from_a_backup,
         one_sector_damaged_costs_nothing, both_sectors_damaged_is_refused,
         second_daemon_on_a_store_is_refused, foreign_or_damaged_store_is_refused)
