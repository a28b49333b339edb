#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the mskpush authors

"""The disk of the store is full: what would change the store is refused, what runs goes on.

    store/ on a small tmpfs that the story makes       mskpushd ==MIKEY==> mskpush-ue
"""

import base64
import os
import random
import subprocess
import sys

from story import GROUP, Stage, expect, expect_in, expect_that, tell, wait_until, write_csv
from wire import check_counters, read_wire

PHONES = 200
DISK_MB = 40
ROWS = 20000
SERVICE_2 = "urn:more"
SKIP = 77


class SmallDisk:
    """A tmpfs in the place of the store's directory."""

    def __init__(self, path):
        self.path = path

    def __enter__(self):
        os.mkdir(self.path, 0o700)
        self.mount(f"size={DISK_MB}m,mode=700")
        return self

    def __exit__(self, *_):
        subprocess.run(["umount", "-l", self.path], check=True)

    def mount(self, options):
        """Mounts it, or changes it."""
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "mskpush-story", self.path],
                       check=True)

    def resize(self, megabytes):
        """Another size while it is used."""
        self.mount(f"remount,size={megabytes}m")


def more_phones(path, start, count):
    """Subscribers that nobody has seen."""
    randomness = random.Random(start)
    rows = [{"impi": f"99901{start + i:010}@ims.mnc001.mcc999.3gppnetwork.org",
             "btid": base64.b64encode(randomness.randbytes(16)).decode() + "@bsf.home1.net",
             "muk": randomness.randbytes(32).hex(), "expires": "2035-01-01T00:00:00Z",
             "address": f"10.9.{i >> 8 & 255}.{i & 255}", "port": 2269, "keys_in": "me",
             "services": SERVICE_2} for i in range(count)]
    return write_csv(path, rows)


def grow_until_refused(site):
    """Imports file after file until one is refused; returns (subscribers, the refusal)."""
    for turn in range(20):
        known = PHONES + turn * ROWS
        path = more_phones(site.path("more.csv"), turn * ROWS, ROWS)
        status, answer, errors = site.run("ue", "import", path)
        if status != 0:
            return known, (status, answer, errors)
    raise AssertionError("the disk never filled")


def full_disk_refuses_changes_and_nothing_else():
    with Stage() as site, SmallDisk(site.path("store")) as disk:
        site.map_size = "16M"
        site.raise_all(PHONES)
        site.cli("group", "add", "001-01/0002")
        site.cli("service", "add", SERVICE_2, "--group", "001-01/0002")
        campaign = site.push_begin("--rate", "20")
        known, refusal = grow_until_refused(site)
        expect_in("store-full", str(refusal))
        store = site.cli("status")["store"]
        expect("subscribers", store["subscribers"], known)
        expect_that(store["map_bytes"] > 16 << 20, "it has grown before", store)
        expect_that(store["map_bytes"] <= DISK_MB << 20, "no more than there is", store)
        expect("verified", site.campaign_end(campaign)["verified"], PHONES)
        # What a campaign has to note finds the pages that are kept for it.
        expect("show", site.cli("ue", "show", site.rows[3]["impi"])["impi"], site.rows[3]["impi"])
        expect("verified again", site.push(group=GROUP)["verified"], PHONES)
        # Nothing torn, also for the next start.
        site.kill(site.daemon)
        site.start_daemon()
        expect("subscribers after a start", site.cli("status")["store"]["subscribers"], known)
        disk.resize(4 * DISK_MB)
        wait_until("an import after the disk has room again",
                   lambda: site.run("ue", "import", site.path("more.csv"))[0] == 0)
        expect_that(site.cli("status")["store"]["subscribers"] > known, "more subscribers", known)
        expect("verified", site.push()["verified"], PHONES)
        site.stop_daemon()
        site.stop_phones()
        check_counters(read_wire(site.pcap)[0])
        status, found, _ = site.run("check", site.path("store"), program="mskpush-store")
        expect("findings", (status, found["findings"]), (0, 0))


if __name__ == "__main__":
    if os.geteuid() != 0:
        print("only root can mount a disk")
        sys.exit(SKIP)
    tell(full_disk_refuses_changes_and_nothing_else)
