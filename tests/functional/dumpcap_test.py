#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the mskpush authors

"""With hugepages and shared configuration DPDK's own capture program sees the ports.

    mskpushd, hugepages ==MIKEY==> mskpush-ue
       \\--shared memory--> dpdk-dumpcap --> tshark
"""

import os
import shutil
import signal
import subprocess
import sys

from capture_test import tshark_counts
from story import Stage, expect, expect_that, tell, wait_until

PHONES = 300
PAGES = 96
POOL = "/sys/kernel/mm/hugepages/hugepages-2048kB"
SKIPPED = 77


def number(name):
    with open(os.path.join(POOL, name), encoding="ascii") as file:
        return int(file.read())


class HugePages:
    """Enough free huge pages, for as long as the story lasts, and a mount of them."""

    def __init__(self, directory):
        self.before = number("nr_hugepages")
        self.directory = directory

    def __enter__(self):
        self.set(self.before + max(0, PAGES - number("free_hugepages")))
        os.mkdir(self.directory)
        subprocess.run(["mount", "-t", "hugetlbfs", "none", self.directory], check=True)
        return self

    def __exit__(self, *_):
        subprocess.run(["umount", self.directory], check=True)
        self.set(self.before)

    @staticmethod
    def set(pages):
        with open(os.path.join(POOL, "nr_hugepages"), "w", encoding="ascii") as file:
            file.write(str(pages))


def must_have_what_it_takes():
    if os.geteuid() != 0 or not os.path.isdir(POOL):
        print("needs root and a kernel with huge pages of 2 MB")
        sys.exit(SKIPPED)
    if shutil.which("dpdk-dumpcap") is None:
        print("needs dpdk-dumpcap (package dpdk-dev)")
        sys.exit(SKIPPED)


def dumpcap_sees_the_pushes():
    with Stage() as site, HugePages(site.path("huge")):
        try:
            if number("free_hugepages") < PAGES:
                print("(the kernel has no memory left for huge pages)")
                return
            prefix = os.path.basename(site.dir) + "d"
            site.extra_yaml = "memory: {size_mb: 128, hugepages: true}\n"
            # The section about EAL stands in the configuration already.
            path = site.write_config()
            with open(path, encoding="utf-8") as file:
                text = file.read()
            with open(path, "w", encoding="utf-8") as file:
                file.write(text.replace("eal:\n", "eal:\n  args: "
                                        f"[--huge-dir={site.path('huge')}]\n"))
            site.raise_all(PHONES)
            file = site.path("dump.pcapng")
            dumpcap = subprocess.Popen(
                ["dpdk-dumpcap", f"--file-prefix={prefix}", "-i", "0", "-w", file],
                env=site.environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            wait_until("the head of the capture", lambda: os.path.exists(file)
                       and os.path.getsize(file) or dumpcap.poll() is not None)
            expect("dpdk-dumpcap", dumpcap.poll(), None)
            expect("verified", site.push()["verified"], PHONES)
            dumpcap.send_signal(signal.SIGINT)
            print(dumpcap.communicate(timeout=20)[0][-300:])
            both = tshark_counts(file, "udp.port == 2269")
            expect_that(both >= 2 * PHONES, "pushes and verifications in the capture", both)
        finally:
            site.stop_daemon()


if __name__ == "__main__":
    must_have_what_it_takes()
    tell(dumpcap_sees_the_pushes)
