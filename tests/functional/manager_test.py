#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the mskpush authors

"""What a service manager hears of the daemon, that a daemon that hangs is not fed, and that what the
unit forbids is nothing it needs.

    NOTIFY_SOCKET (this script) <-- READY, STATUS, WATCHDOG, STOPPING -- mskpushd
"""

import ctypes
import os
import re
import signal
import socket
import time

from story import BUILD, HERE, Stage, expect, expect_in, expect_that, tell, wait_until

WATCHDOG_S = 1
PTRACE_SEIZE, PTRACE_INTERRUPT, PTRACE_DETACH = 0x4206, 0x4207, 17


class Managed(Stage):
    """A site whose daemon has a service manager that watches it."""

    def __init__(self, watchdog_s=WATCHDOG_S, **options):
        super().__init__(**options)
        self.heard = []
        self.watchdog_s = watchdog_s
        self.line = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.line.bind(self.path("notify"))

    def environment(self):
        return {**super().environment(), "NOTIFY_SOCKET": self.path("notify"),
                "WATCHDOG_USEC": str(self.watchdog_s * 1000000)}

    def listen(self, seconds):
        """Keeps what is heard in that time; returns how often the watchdog was fed."""
        fed, end = 0, time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.line.settimeout(left)
            try:
                text = self.line.recv(4096).decode()
            except TimeoutError:
                break
            fed += text == "WATCHDOG=1"
            self.heard.append(text)
        return fed

    def hears(self, part):
        """Whether a part was heard, now or before."""
        self.listen(0.05)
        return any(part in text for text in self.heard)


def the_manager_hears_the_whole_life():
    with Managed() as site:
        site.make_phones(500)
        site.start_daemon()
        wait_until("READY=1 is heard", lambda: site.hears("READY=1"))
        expect_that("READY=1" in site.heard[0], "nothing is said before it is ready", site.heard)
        site.start_phones(site.csv)
        site.provision()
        site.push_begin("--rate", "100")
        wait_until("the campaign is told of",
                   lambda: site.hears("STATUS=1 campaign open: "), show=lambda: site.heard)
        expect_that(site.listen(3) >= 3, "a watchdog of a second is fed in each", site.heard)
        site.stop_daemon()
        expect("exit status", site.daemon.returncode, 0)
        wait_until("STOPPING=1 is heard", lambda: site.hears("STOPPING=1"))


def a_start_that_fails_is_told_with_its_reason():
    with Managed() as site:
        site.write_config()
        with open(site.path("store"), "w", encoding="utf-8") as file:
            file.write("not a directory")
        status, _, _ = site.run("--config", site.path("mskpushd.yaml"), is_json=False,
                                program="mskpushd")
        expect("exit status", status, 1)
        expect_that(site.hears("STATUS=Start failed at store: "), "the step is named", site.heard)
        expect_that(not site.hears("READY=1"), "it was never ready", site.heard)
        os.unlink(site.path("store"))


def a_worker_that_hangs_starves_the_watchdog():
    libc = ctypes.CDLL(None, use_errno=True)
    with Managed() as site:
        site.start_daemon()
        expect_that(site.listen(2) >= 2, "it is fed at first", site.heard)
        threads = {}
        for tid in os.listdir(f"/proc/{site.daemon.pid}/task"):
            with open(f"/proc/{site.daemon.pid}/task/{tid}/comm", encoding="utf-8") as file:
                threads[file.read().strip()] = int(tid)
        worker = next((tid for name, tid in threads.items() if "worker" in name), None)
        expect_that(worker is not None, "a worker among the threads", threads)
        if libc.ptrace(PTRACE_SEIZE, worker, None, None) != 0:
            print("a thread cannot be stopped here:", os.strerror(ctypes.get_errno()))
            return
        try:
            libc.ptrace(PTRACE_INTERRUPT, worker, None, None)
            os.waitpid(worker, 0x40000000)  # __WALL
            site.listen(0.5)
            expect("meals while the worker stands", site.listen(3), 0)
            expect_in("event=thread-stuck thread=worker-0", site.log("mskpushd"))
            # All else goes on: it is the worker that was missed.
            expect("state of the port", site.cli("status")["port"]["driver"], "net_vhost")
        finally:
            libc.ptrace(PTRACE_DETACH, worker, None, None)
        expect_that(site.listen(3) >= 2, "it is fed again", site.heard)


class Confined(Stage):
    """A site whose daemon runs under the filters of its unit."""

    def spawn(self, seat, argv, log):
        if seat == "daemon":
            unit = os.path.join(BUILD, "tools", "dist", "mskpushd.service")
            argv = [os.path.join(HERE, "unit_filter.py"), unit, *argv]
        super().spawn(seat, argv, log)


def filters(pid):
    """How many filters of system calls a process has."""
    with open(f"/proc/{pid}/status", encoding="utf-8") as file:
        return int(re.search(r"^Seccomp_filters:\t(\d+)$", file.read(), re.M)[1])


def the_unit_forbids_nothing_that_is_needed():
    with Confined() as site:
        site.wrapping_key = site.key_file("wrapping.key", 1)
        site.extra_yaml = 'metrics: {listen: "127.0.0.1:0"}\n'
        site.raise_all(200)
        expect("verified", site.push()["verified"], 200)
        site.cli("backup", site.path("copy.mdb"))
        site.cli("key", "rotate")
        site.daemon.send_signal(signal.SIGHUP)
        wait_until("the file is read again", lambda: "event=reloaded" in site.log("mskpushd"))
        expect("verified", site.push("--new")["verified"], 200)
        # Two of the unit's, and its own.
        expect("filters", filters(site.daemon.pid), filters("self") + 3)


if __name__ == "__main__":
    tell(the_manager_hears_the_whole_life, a_start_that_fails_is_told_with_its_reason,
         a_worker_that_hangs_starves_the_watchdog, the_unit_forbids_nothing_that_is_needed)
