#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the mskpush authors

"""dpdk-testpmd, the rival and the sink of tools/dev/bench.py."""

import os
import re
import subprocess
import time

from mskpush_site import SiteError, allowed_cpus

PUSH_BYTES = 226  # Ethernet frame of a 184-byte push


class Testpmd:
    """One dpdk-testpmd on one CPU, steered by its prompt: without one its main thread spins."""

    def __init__(self, directory, name, vdev, mode, cpu):
        self.log = os.path.join(directory, name + ".log")
        argv = ["stdbuf", "-oL", "dpdk-testpmd", f"--lcores=0@({','.join(map(str, allowed_cpus()))}),1@{cpu}",
                "--main-lcore=0", "--no-huge", "--no-shconf", "--no-pci", "-m", "512",
                f"--file-prefix={os.path.basename(directory)}{name}", f"--vdev={vdev}", "--",
                "-i", "--burst=64", "--txd=1024", "--rxd=1024", "--total-num-mbufs=4096",
                f"--txpkts={PUSH_BYTES}", f"--forward-mode={mode}", "--no-lsc-interrupt"]
        with open(self.log, "wb") as file:
            self.process = subprocess.Popen(
                argv, stdin=subprocess.PIPE, stdout=file, stderr=file,
                env=dict(os.environ, RUNTIME_DIRECTORY=directory))
        self.say("start")

    def wait_ready(self, timeout_s=20):
        """Until its port is started: a peer that comes before is turned away for good."""
        end = time.monotonic() + timeout_s
        while not self.read(re.compile("Checking link statuses")):
            if self.process.poll() is not None or time.monotonic() > end:
                raise SiteError("dpdk-testpmd does not start: see " + self.log)
            time.sleep(0.05)

    def say(self, command):
        """Types a command at its prompt."""
        self.process.stdin.write(command.encode() + b"\n")
        self.process.stdin.flush()

    def packets(self, direction):
        """(packets so far, when it was asked)."""
        pattern = re.compile(direction + r"-packets: (\d+)")
        seen = len(self.read(pattern))
        self.say("show port stats 0")
        asked = time.monotonic()
        while len(self.read(pattern)) == seen:
            if self.process.poll() is not None or time.monotonic() > asked + 10:
                raise SiteError("dpdk-testpmd does not answer: see " + self.log)
            time.sleep(0.001)
        return int(self.read(pattern)[-1]), asked

    def read(self, pattern):
        """All that matches in what it wrote so far."""
        with open(self.log, encoding="utf-8", errors="replace") as file:
            return pattern.findall(file.read())

    def rate(self, direction, seconds):
        """Packets per second over some seconds."""
        before, begin = self.packets(direction)
        time.sleep(seconds)
        after, end = self.packets(direction)
        return (after - before) / (end - begin)

    def stop(self):
        """Ends it."""
        if self.process.poll() is None:
            try:
                self.say("quit")
                self.process.wait(10)
            except (subprocess.TimeoutExpired, BrokenPipeError):
                self.process.kill()
                self.process.wait()
        self.process.stdin.close()
