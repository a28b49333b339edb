#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the mskpush authors

"""The power is cut at every write of a store's life, and what is found then keeps its promises.

    powercut-drive, libpowercut.so ==trace==> powercut-check ==pictures of the disk==> the store

usage: powercut_test.py [--long] [STORY...]
"""

import os
import random
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "functional")]
from powercut_trace import Broken, check, program, recorded, syncs  # noqa: E402
from story import key_make  # noqa: E402


def drive(story, seed, directory, trace=None, keys=()):
    """Lives through a story, recorded into `trace`."""
    env = recorded(os.environ, directory, trace) if trace else None
    done = subprocess.run([program("powercut-drive"), story, str(seed),
                           os.path.join(directory, "store"), *keys], env=env, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        raise Broken(f"{story} {seed} ended with {done.returncode}: {done.stdout}")


class Harness:
    """Counts what was tried."""

    def __init__(self, is_long):
        self.is_long = is_long
        self.pictures = self.cuts = 0

    def keeps_promises(self, trace, what, *flags):
        """No picture of the trace breaks a promise."""
        pictures, cuts, broken, text = check(trace, *flags)
        self.pictures += pictures
        self.cuts += cuts
        if broken or pictures == 0:
            raise Broken(f"{what}:\n{text[-3000:]}")

    def seeds(self, few, many):
        """Seeds of a story."""
        return range(1, 1 + (many if self.is_long else few))

    def life(self, story, few=1, many=20, keys=0):
        """Every cut of a story from the making of the store on."""
        for seed in self.seeds(few, many):
            with tempfile.TemporaryDirectory() as directory:
                sources = [key_make(os.path.join(directory, f"key{n}"), None) for n in range(keys)]
                root, trace = os.path.join(directory, "root"), os.path.join(directory, "trace")
                os.mkdir(root)
                drive(story, seed, root, trace, sources)
                self.keeps_promises(trace, f"{story}, seed {seed}", "--seed", str(seed))

    def repair(self):
        """An import dies, and the power goes while the next start cleans up or finishes."""
        for seed in self.seeds(6, 60):
            with tempfile.TemporaryDirectory() as directory:
                root, trace = os.path.join(directory, "root"), os.path.join(directory, "trace")
                base = os.path.join(directory, "base")
                os.mkdir(root)
                drive("die", seed, root)
                subprocess.run(["cp", "-r", root, base], check=True)
                drive("repair", seed, root, trace)
                self.keeps_promises(trace, f"repair, seed {seed}", "--base", base)

    def each_sync_is_needed(self):
        """Without any one of its syncs the program breaks a promise, and that is seen."""
        with tempfile.TemporaryDirectory() as directory:
            root, trace = os.path.join(directory, "root"), os.path.join(directory, "trace")
            os.mkdir(root)
            drive("life", 3, root, trace)
            tried = syncs(trace)
            if not self.is_long:
                # The first ones make the store, the others are much alike.
                tried = tried[:12] + random.Random(1).sample(tried[12:], 20)
            unseen = [n for n in tried if check(trace, "--forget", str(n))[2] == 0]
            if unseen:
                raise Broken(f"without the syncs at records {unseen} of {len(tried)} nothing "
                             "broke: they are not needed, or the check does not see them")


def main():
    """Runs the stories; exit status 1 when one breaks."""
    names = [name for name in sys.argv[1:] if name != "--long"]
    harness = Harness("--long" in sys.argv[1:])
    stories = {
        "life": lambda: harness.life("life", 3, 100),
        "import": lambda: harness.life("import", 3, 100),
        "import-undone": lambda: harness.life("import-undone", 2, 100),
        "mark": lambda: harness.life("mark"),
        "life-wrapped": lambda: harness.life("life", 2, 100, keys=1),
        "import-wrapped": lambda: harness.life("import", 2, 100, keys=1),
        "keys": lambda: harness.life("keys", 3, 100, keys=2),
        "restore": lambda: harness.life("restore", 2, 100),
        "restore-wrapped": lambda: harness.life("restore", 1, 50, keys=1),
        "repair": harness.repair,
        "each-sync-is-needed": harness.each_sync_is_needed,
    }
    status = 0
    for name in names or stories:
        try:
            stories[name]()
            print(f"{name}: ok, {harness.pictures} pictures at {harness.cuts} cuts so far",
                  flush=True)
        except Broken as broken:
            print(f"{name}: BROKEN: {broken}", flush=True)
            status = 1
    sys.exit(status)


if __name__ == "__main__":
    main()
