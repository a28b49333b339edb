# SPDX-License-Identifier: Apache-2.0
# Copyright the mskpush authors

"""How often the promises of docs/architecture.md were tried in one run: power cuts, kills, and what
tools/fuzz did last.
"""

import glob
import json
import os
import re
import signal
import subprocess
import tempfile

from mskpush_site import SiteError

TESTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tests")
KILLS = 20
EXECUTIONS = re.compile(r"^stat::number_of_executed_units: *(\d+)", re.MULTILINE)


def run_test(build, *argv):
    """A test to its end; what it printed. One that is interrupted cleans up before this returns."""
    test = subprocess.Popen([os.path.join(TESTS, argv[0]), *argv[1:]], text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                            start_new_session=True,
                            env=dict(os.environ, MSKPUSH_BUILD=os.path.abspath(build)))
    try:
        printed, _ = test.communicate()
    except BaseException:
        test.send_signal(signal.SIGINT)
        test.communicate()
        raise
    if test.returncode != 0:
        raise SiteError(f"{argv[0]} failed: {printed[-2000:]}")
    return printed


def measure_cuts(build, results):
    """Each cut is tried with several pictures of the disk as it may look then."""
    seen = re.findall(r"(\d+) pictures at (\d+) cuts", run_test(build, "powercut/powercut_test.py"))
    results["cuts_tried"], results["disks_after_cuts"] = int(seen[-1][1]), int(seen[-1][0])


def measure_kills(build, results):
    """Kills that no promise broke over."""
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        run_test(build, "kill/kill_test.py", "--kills", str(KILLS), "--json", file.name)
        figures = json.load(file)
    results["kills_survived"] = figures["kills"]
    results["kills_asked_again_ms_max"] = figures["asked_again_ms_max"]


def read_fuzz(top, results):
    """All executions of the last tools/fuzz, if there was one."""
    runs = []
    for path in glob.glob(os.path.join(top, "build-fuzz", "fuzz-*.log")):
        with open(path, encoding="utf-8", errors="replace") as file:
            runs += [int(count) for count in EXECUTIONS.findall(file.read())]
    if runs:
        results["fuzz_executions"] = sum(runs)


def measure_safety(args, results):
    """All three."""
    measure_cuts(args.build, results)
    measure_kills(args.build, results)
    read_fuzz(os.path.join(TESTS, ".."), results)
