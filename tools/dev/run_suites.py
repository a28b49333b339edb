#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the mskpush authors

"""Runs the Meson suites and the sanitizer build, and prints one count at the end.

usage: run_suites.py TOP BUILD [SUITE...]
"""

import json
import os
import subprocess
import sys

SUITES = ["lint", "unit", "vectors", "fuzz-replay", "scenario", "simulation", "powercut", "kill",
          "functional", "console"]
# Suites that the sanitizer build repeats: all that run without daemon and emulator.
ASAN_SUITES = ["unit", "vectors", "fuzz-replay", "scenario", "simulation"]


def run_suite(build, suites, label):
    """Returns (passed, failed, skipped) of one meson test run, printing what failed."""
    log = os.path.join(build, "meson-logs", "testlog.json")
    if os.path.exists(log):
        os.unlink(log)
    command = ["meson", "test", "-C", build, "--no-rebuild", "--print-errorlogs", "--no-suite", "long"]
    for suite in suites:
        command += ["--suite", suite]
    subprocess.run(command, check=False)
    counts = [0, 0, 0]
    if not os.path.exists(log):
        print(f"{label}: no test ran")
        return (0, 1, 0)
    with open(log, encoding="utf-8") as lines:
        for line in lines:
            test = json.loads(line)
            if test["result"] in ("OK", "EXPECTEDFAIL"):
                counts[0] += 1
            elif test["result"] == "SKIP":
                counts[2] += 1
                print(f"{label}: skipped {test['name']}: {test.get('stdout', '').strip()[-200:]}")
            else:
                counts[1] += 1
                print(f"{label}: FAILED {test['name']} ({test['result']})")
    return tuple(counts)


def build_asan(top, build):
    """Builds the tree with sanitizers beside the ordinary build; returns its directory."""
    directory = build.rstrip("/") + "-asan"
    if not os.path.exists(os.path.join(directory, "build.ninja")):
        subprocess.run(["meson", "setup", directory, top, "-Db_sanitize=address,undefined",
                        "-Dwerror=true", "-Dbuildtype=debugoptimized"],
                       check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["ninja", "-C", directory], check=True, stdout=subprocess.DEVNULL)
    return directory


def main():
    top, build, wanted = sys.argv[1], sys.argv[2], sys.argv[3:]
    total = [0, 0, 0]
    for suite in wanted or SUITES + ["asan"]:
        if suite == "asan":
            try:
                counts = run_suite(build_asan(top, build), ASAN_SUITES, "asan")
            except subprocess.CalledProcessError as error:
                print(f"asan: the build failed: {error}")
                counts = (0, 1, 0)
        else:
            counts = run_suite(build, [suite], suite)
        total = [a + b for a, b in zip(total, counts)]
    skipped = f", {total[2]} skipped" if total[2] else ""
    print(f"{total[0]} passed, {total[1]} failed{skipped}", flush=True)
    sys.exit(1 if total[1] else 0)


if __name__ == "__main__":
    main()
