# SPDX-License-Identifier: Apache-2.0
# Copyright the mskpush authors

"""Traces (trace.h) as the stories read them and write notes into them, and the checker."""

import os
import re
import struct
import subprocess
import time

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.environ.get("MSKPUSH_BUILD", os.path.join(HERE, "..", "..", "build"))
RECORD = struct.Struct("<IIQQQQ")
WRITTEN, SYNC_END, NOTE = 6, 10, 12


class Broken(Exception):
    """A promise was broken, or a test of the test did not see that one was."""


def program(name):
    """One of the harness's own programs."""
    return os.path.join(BUILD, "tests", "powercut", name)


def recorded(env, root, trace, sync_us=0):
    """The environment of a program whose doings below `root` go into a trace."""
    return dict(env, LD_PRELOAD=program("libpowercut.so"), POWERCUT_TRACE=trace,
                POWERCUT_ROOT=root, POWERCUT_SYNC_US=str(sync_us))


def records(trace):
    """(kind, time in ns, payload, octets of the record) of each record of a trace."""
    with open(trace, "rb") as file:
        data = file.read()
    at = 0
    while at < len(data):
        kind, _, _, _, time_ns, length = RECORD.unpack_from(data, at)
        end = at + RECORD.size + length
        yield kind, time_ns, data[at + RECORD.size:end], data[at:end]
        at = end


def note(text, time_ns):
    """A note as a record."""
    return RECORD.pack(NOTE, 0, 0, 0, time_ns, len(text)) + text.encode()


def note_now(trace, text):
    """Adds a note behind what has been recorded so far."""
    file = os.open(trace, os.O_WRONLY | os.O_APPEND)
    os.write(file, note(text, time.time_ns()))
    os.close(file)


def syncs(trace):
    """Numbers of the records that say that something is on the disk now; not those of
    transactions that leave the content as it was."""
    found, since, state = [], [], None
    for number, (kind, _, payload, _) in enumerate(records(trace)):
        if kind in (WRITTEN, SYNC_END):
            since.append(number)
        elif kind == NOTE and payload.startswith(b"state "):
            found += since if payload != state else []
            state, since = payload, []
        elif kind == NOTE and payload.startswith((b"mark ", b"opened")):
            found, since = found + since, []
    return found


def check(trace, *flags):
    """Looks at a trace; returns (pictures, cuts, broken, what it said)."""
    done = subprocess.run([program("powercut-check"), *flags, trace], check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    seen = re.search(r"(\d+) pictures at (\d+) cuts, (\d+) broken\n$", done.stdout)
    if seen is None:
        raise Broken(f"powercut-check ended with {done.returncode}: {done.stdout[-2000:]}")
    return (*map(int, seen.groups()), done.stdout)
