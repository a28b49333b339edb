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


# The lines of a failed test that are said again at the end.
WHY = ("FAILED", "Expectation", "expected", "Error", "ERROR", "error: Failure")
LINES_MAX, LINE_MAX = 8, 300


def run_suite(build, suites, label, failures):
    """Returns (passed, failed, skipped) of one meson test run; adds what failed to `failures`."""
    log = os.path.join(build, "meson-logs", "testlog.json")
    if os.path.exists(log):
        os.unlink(log)
    command = ["meson", "test", "-C", build, "--no-rebuild", "--print-errorlogs", "--no-suite", "long"]
    for suite in suites:
        command += ["--suite", suite]
    if "functional" in suites:
        # Stories bind their pollers to the first CPUs, however many there are.
        command += ["--num-processes", "2"]
    status = subprocess.run(command, check=False).returncode
    counts = [0, 0, 0]
    if not os.path.exists(log):
        failures.append(f"{label}: no test ran")
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
                failures.append(failure(label, test))
    if status != 0 and counts[1] == 0:
        failures.append(f"{label}: meson test ended with status {status}")
        counts[1] = 1
    return tuple(counts)


def failure(label, test):
    """What is said again at the end: the test and the lines that tell why."""
    why = [line[:LINE_MAX] for line in (test.get("stdout", "") + test.get("stderr", "")).splitlines()
           if any(word in line for word in WHY)]
    return "\n  ".join([f"{label}: FAILED {test['name']} ({test['result']})"] + why[-LINES_MAX:])


def asan_directory(build):
    """Beside the ordinary build."""
    return build.rstrip("/") + "-asan"


def asan_setup(top, build):
    """Sets the build with sanitizers up."""
    directory = asan_directory(build)
    if not os.path.exists(os.path.join(directory, "build.ninja")):
        subprocess.run(["meson", "setup", directory, top, "-Db_sanitize=address,undefined",
                        "-Dwerror=true", "-Dbuildtype=debugoptimized"],
                       check=True, stdout=subprocess.DEVNULL)
    return directory


def asan_begin(top, build):
    """Stories mostly wait: meanwhile one job of a low priority builds with sanitizers. What it
    cannot build asan_build() reports."""
    try:
        directory = asan_setup(top, build)
    except subprocess.CalledProcessError:
        return None
    return subprocess.Popen(["nice", "-n", "19", "ninja", "-j1", "-C", directory],
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def asan_build(top, build, begun):
    """Builds the tree with sanitizers, or what is left of that; returns the directory."""
    if begun is not None:
        begun.terminate()
        begun.wait()
    directory = asan_setup(top, build)
    subprocess.run(["ninja", "-C", directory], check=True, stdout=subprocess.DEVNULL)
    return directory


def main():
    top, build, wanted = sys.argv[1], sys.argv[2], sys.argv[3:]
    total, begun, failures = [0, 0, 0], None, []
    wanted = wanted or SUITES + ["asan"]
    for at, suite in enumerate(wanted):
        if suite == "functional" and "asan" in wanted[at:]:
            begun = asan_begin(top, build)
        if suite == "asan":
            try:
                counts = run_suite(asan_build(top, build, begun), ASAN_SUITES, "asan",
                                   failures)
            except subprocess.CalledProcessError as error:
                failures.append(f"asan: the build failed: {error}")
                counts = (0, 1, 0)
        else:
            counts = run_suite(build, [suite], suite, failures)
        total = [a + b for a, b in zip(total, counts)]
    skipped = f", {total[2]} skipped" if total[2] else ""
    print(*failures, sep="\n", end="\n" if failures else "")
    print(f"{total[0]} passed, {total[1]} failed{skipped}", flush=True)
    sys.exit(1 if total[1] else 0)


if __name__ == "__main__":
    main()
