#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the mskpush authors

"""The daemon is killed -9 at random moments under load, again and again.

    admin, phones over HTTP --> mskpushd, net_virtio_user ==MIKEY==> mskpush-ue, net_vhost
        what it said yes to         killed                              record, in mapped memory

The phones are the side that survives; now and then they are killed too. What they ever saw of the
BM-SC is noted by them and judged here: no counter twice under a key, none lower than one before, no
Key Number or MTK ID that names two keys. What the daemon said yes to is there after each kill.

usage: kill_test.py [--kills N] [--seed N] [--phones N] [--json FILE] [--broken]
"""

import argparse
import glob
import json
import os
import random
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "functional")]
from kill_load import GROUP_PATH, MTK_PLACE, activated, admin, loads  # noqa: E402
from kill_record import Judge, head  # noqa: E402
from story import (  # noqa: E402
    BUILD, GROUP, Stage, expect, expect_that, free_port, wait_until)

REGISTERING, PULLING = 20, 60
LOSS = 30
# How old at a kill the oldest verification is that is asked for again, in half of the lives, in nine
# of ten, in all: the daemon promises 100 ms of a disk that writes in some. As long as one of its
# threads waited for a CPU in that life is allowed on top.
SETTLED_S = {50: 0.1, 90: 0.25, 100: 2}
UE_KILL_EVERY = 7


def starved(pid):
    """Thread -> seconds that it has waited for a CPU (Linux, sched-stats)."""
    seen = {}
    for path in glob.glob(f"/proc/{pid}/task/*/schedstat"):
        try:
            with open(path, encoding="ascii") as file:
                seen[path] = int(file.read().split()[1]) / 1e9
        except OSError:  # it has ended
            pass
    return seen


def share(values, percent):
    """What so many percent of the values are at most."""
    return sorted(values)[(len(values) - 1) * percent // 100] if values else 0


class Broken(Exception):
    """A promise was broken."""


class Killed(Stage):
    """A site whose phones survive its daemon."""

    def __init__(self, program=None):
        super().__init__()
        self.port = f"net_virtio_user0,path={self.vhost},queues=1,queue_size=1024"
        self.ue_port = f"net_vhost0,iface={self.vhost},queues=1"
        self.gateway_mac = "02:00:00:00:26:01"
        self.map_size = "16M"
        self.ua_fixed = ("127.0.0.1", free_port())
        self.ua_listen = f'["127.0.0.1:{self.ua_fixed[1]}"]'
        self.ua_yaml = "  address: imported\n"
        self.wrapping_key = self.key_file("wrapping.key", 1)
        self.record = self.path("record")
        self.mskpushd = program

    def program(self, name):
        if name == "mskpushd" and self.mskpushd:
            return self.mskpushd
        return super().program(name)

    def raise_phones(self):
        """Phones that keep their counters whatever happens, and note what they see."""
        if os.path.exists(self.vhost):
            os.unlink(self.vhost)
        self.start_phones(
            self.csv, "--record", self.record, "--state", self.path("uicc"), "--loss", str(LOSS),
            "--ua", "http://%s:%d" % self.ua_fixed, "--ua-groups", GROUP, "--ua-attempts", "200",
            "--ua-back-off", "0.1", "--ua-msk-wait", "1", "--mtk", MTK_PLACE)
        wait_until("the phones' end of the wire", lambda: os.path.exists(self.vhost))


class Harness:
    """A site, its loads and its judge."""

    def __init__(self, site, options):
        self.site, self.options = site, options
        self.random = random.Random(options.seed)
        self.judge = None
        self.loads = []
        self.moments = []  # of kills, in Unix microseconds
        self.starts = []  # seconds
        self.begun = 0  # this life of the daemon, in Unix microseconds
        self.held = set()
        self.starved = {}  # when this life began
        self.waits = []  # of the thread that waited longest for a CPU, in each life, in seconds

    def begin(self):
        """Provisions, and lets the first campaign begin."""
        site = self.site
        site.make_phones(self.options.phones)
        site.raise_phones()
        site.start_daemon()
        self.begun = time.time_ns() // 1000
        self.starved = starved(site.daemon.pid)
        site.provision()
        self.judge = Judge(site.record)
        self.loads = loads(site, self.options.seed, site.rows, REGISTERING, PULLING)
        # Those who ask over HTTP are answered with a push, verified or not.
        self.held = {head(row["btid"]) for row in site.rows[REGISTERING + PULLING:]}

    def start(self):
        """Starts the daemon; now and then it is killed on the way up."""
        while self.random.random() < 0.15:
            argv = [self.site.program("mskpushd"), "--config", self.site.path("mskpushd.yaml")]
            self.site.spawn("daemon", argv, "mskpushd.log")
            time.sleep(self.random.uniform(0, 0.8))
            self.kill()
        begin = time.monotonic()
        self.site.start_daemon()
        self.starts.append(time.monotonic() - begin)
        self.begun = time.time_ns() // 1000
        self.starved = starved(self.site.daemon.pid)

    def kill(self):
        """As a crash would end it; what it had ended by itself is a fault."""
        expect("the daemon, before it is killed", self.site.daemon.poll(), None)
        self.site.kill(self.site.daemon)
        self.moments.append(time.time_ns() // 1000)

    def cycle(self, number):
        """A life of the daemon."""
        for load in self.loads:
            load.begin()
        time.sleep(self.random.uniform(0.02, 1.2))
        waited = starved(self.site.daemon.pid)
        self.kill()
        self.waits.append(max((s - self.starved.get(thread, 0) for thread, s in waited.items()),
                              default=0))
        self.judge.lives.append([self.begun, self.moments[-1]])
        for load in self.loads:
            load.pause()
        if number % UE_KILL_EVERY == UE_KILL_EVERY - 1:
            self.site.kill(self.site.ue)
            self.judge.phones_fell()
            self.site.raise_phones()
        self.start()
        self.check()

    def check(self, **more):
        """Everything that was promised, and the rule."""
        self.judge.read()
        faults = list(self.judge.faults)
        for load in self.loads:
            if load.fault:
                raise load.fault
            faults += load.check(**(more if hasattr(load, "fresh") else {}))
        faults += self.judge.mtks_told(self.loads[-1].told)
        if faults:
            raise Broken(f"after kill {len(self.moments)}: {len(faults)} faults\n"
                         + "\n".join(faults[:10]))

    def ages(self):
        """Of verifications asked for again: who had verified is not, but for the last moments."""
        return sorted(age for _, age, key in self.judge.ages if key in self.held)

    def oldest(self):
        """Life -> the age of the oldest of them, in seconds."""
        oldest = {}
        for life, age, key in self.judge.ages:
            if key in self.held:
                oldest[life] = max(age / 1e6, oldest.get(life, 0))
        return oldest

    def check_settled(self):
        """What was verified is soon in the store."""
        oldest = self.oldest()
        expect_that(any(oldest.values()), "some are asked again", oldest)
        for percent, limit in SETTLED_S.items():
            over = share([age - self.waits[life] for life, age in oldest.items()], percent)
            expect_that(over <= limit, f"in {percent} % of the lives what is asked for again is at "
                        f"most {limit} s old", (over, oldest, self.waits))

    def check_worked(self):
        """All that was to be judged has happened."""
        acts = {load.name(): load.acts for load in self.loads}
        expect_that(all(acts.values()), "each load has acted", acts)
        counts = self.judge.counts
        expect_that(all(counts.get(kind) for kind in "PVMT"),
                    "pushes, verifications, MSKs and MTKs in the record", counts)
        expect_that(len(self.judge.msks) > 2, "several MSKs", len(self.judge.msks))
        expect_that(self.judge.compared, "MTKs held against the encryptor's",
                    (self.loads[-1].told, self.judge.numbers))

    def end(self):
        """All that is open comes to an end, and all phones get the last MSK."""
        site = self.site
        for load in self.loads:
            load.end()
        site.phones(do="set", loss=0)
        self.loads[2].register_all()
        wait_until("campaigns end", lambda: not site.cli("status")["campaigns"], 60,
                   lambda: site.cli("status")["campaigns"])
        wait_until("no next MSK is left", lambda: activated(site), 20,
                   lambda: admin(site, "GET", "/v1/mtks"))
        last = admin(site, "POST", GROUP_PATH + "/msks")
        report = site.push()
        expect(f"verified: {report}", (report["verified"], report["members"]),
               (self.options.phones,) * 2)
        self.check(everything=True)
        self.check_worked()
        self.check_settled()
        status = site.phones(do="status")
        holders = {msk["number"]: msk["phones"] for msk in status["msks"]}
        expect(f"phones with the last MSK: {status}", holders.get(last["number"]),
               self.options.phones)
        expect("what a BM-SC must never do", status["findings"], {})

    def summary(self):
        """Figures, flat."""
        ages = self.ages()
        return {
            "kills": len(self.moments), "seed": self.options.seed,
            "messages": self.judge.counts.get("P", 0) + self.judge.counts.get("S", 0),
            "mtks": self.judge.counts.get("T", 0),
            "verifications": self.judge.counts.get("V", 0),
            "msks": len(self.judge.msks),
            "acts": {load.name(): load.acts for load in self.loads},
            "asked_again": len(ages),
            "asked_again_ms_median": ages[len(ages) // 2] / 1000 if ages else 0,
            "asked_again_ms_max": ages[-1] / 1000 if ages else 0,
            "oldest_ms_median": round(1000 * share(list(self.oldest().values()), 50)),
            "oldest_ms_p90": round(1000 * share(list(self.oldest().values()), 90)),
            "waits_ms_median": round(1000 * share(self.waits, 50)),
            "waits_ms_max": round(1000 * share(self.waits, 100)),
            "mtks_compared": len(self.judge.compared),
            "start_s_median": round(sorted(self.starts)[len(self.starts) // 2], 3),
            "faults": len(self.judge.faults),
        }


def run(options, program=None):
    """The kills; returns the figures."""
    with Killed(program) as site:
        harness = Harness(site, options)
        harness.begin()
        number = 0
        while len(harness.moments) < options.kills:
            harness.cycle(number)
            number += 1
            if number % 50 == 0:
                print(json.dumps(harness.summary()), flush=True)
        harness.end()
        return harness.summary()


def broken_is_seen(options):
    """A daemon that ignores the mark at its start is found out."""
    program = os.path.join(BUILD, "tests", "kill", "mskpushd-forgetful")
    try:
        run(options, program)
    except Broken as seen:
        expect_that("counter" in str(seen), "faults of counters", str(seen))
        print(f"seen: {str(seen).splitlines()[1]}")
        return
    raise Broken(f"{options.kills} kills did not show that the mark is ignored")


def main():
    """Exit status 1 when a promise is broken."""
    parser = argparse.ArgumentParser(description="kills the daemon at random moments")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--phones", type=int, default=600)
    parser.add_argument("--json", help="write the figures there")
    parser.add_argument("--broken", action="store_true",
                        help="with a daemon that breaks the rule: expects to see it")
    options = parser.parse_args()
    if options.broken:
        broken_is_seen(options)
        return
    begin = time.monotonic()
    figures = run(options)
    figures["seconds"] = round(time.monotonic() - begin, 1)
    print(json.dumps(figures))
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(figures, file, indent=2)


if __name__ == "__main__":
    main()
