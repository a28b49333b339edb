#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the mskpush authors

"""A seed gives the same campaign to the last octet: in a process of its own, after others, and
whatever the clock of the machine says meanwhile.

usage: replay_test.py SIMULATION
"""

import subprocess
import sys

SEEDS = range(1, 9)


def digests(program, seed, campaigns):
    """The lines that tell a campaign's digest, by seed."""
    done = subprocess.run([program, "--seed", str(seed), "--campaigns", str(campaigns), "--digests"],
                          check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    return [line for line in done.stdout.splitlines() if "digest" in line]


def main():
    program = sys.argv[1]
    together = digests(program, SEEDS[0], len(SEEDS))
    alone = [line for seed in SEEDS for line in digests(program, seed, 1)]
    for one, other in zip(together, alone):
        if one != other:
            print(f"after others: {one}\nalone:        {other}")
    if together != alone or len(together) != len(SEEDS):
        sys.exit(1)
    if len({line.split("digest ")[1] for line in together}) != len(SEEDS):
        sys.exit("two seeds gave the same campaign")


main()
