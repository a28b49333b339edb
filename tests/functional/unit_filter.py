#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the mskpush authors

"""Runs a program under the filters of system calls that a unit of systemd asks for, where no
service manager is there to load them: SystemCallFilter, RestrictAddressFamilies,
MemoryDenyWriteExecute, RestrictRealtime.

    unit_filter.py UNIT PROGRAM [ARGUMENT]...
"""

import ctypes
import mmap
import os
import re
import socket
import subprocess
import sys

ALLOW, EPERM, EAFNOSUPPORT = 0x7fff0000, 0x50000 | 1, 0x50000 | 97
EQUAL, MASKED_EQUAL = 4, 7
# Which systemd lets through in any case, of those that matter here (systemd.exec(5)).
IMPLIED = ["execve", "exit", "exit_group", "getrlimit", "rt_sigreturn"]
FAMILIES = 46
REALTIME = [1, 2]  # SCHED_FIFO, SCHED_RR


class Comparison(ctypes.Structure):
    """struct scmp_arg_cmp."""

    _fields_ = [("arg", ctypes.c_uint), ("op", ctypes.c_int), ("a", ctypes.c_uint64),
                ("b", ctypes.c_uint64)]


class Filter:
    """One of libseccomp's."""

    def __init__(self, default):
        self.lib = ctypes.CDLL("libseccomp.so.2")
        self.lib.seccomp_init.restype = ctypes.c_void_p
        self.context = ctypes.c_void_p(self.lib.seccomp_init(default))

    def rule(self, action, name, *comparisons):
        """A call that is not of this machine is passed over."""
        number = self.lib.seccomp_syscall_resolve_name(name.encode())
        array = (Comparison * len(comparisons))(*comparisons)
        if number >= 0:
            failed = self.lib.seccomp_rule_add_array(self.context, action, number,
                                                     len(comparisons), array)
            assert failed == 0, (name, failed)

    def load(self):
        failed = self.lib.seccomp_load(self.context)
        assert failed == 0, failed


def words_of(text, key):
    """Of all lines of a key, taken together."""
    return " ".join(re.findall(rf"^{key}=(.*)$", text, re.M)).split()


def calls_of(group):
    """The calls of a group, as systemd knows them."""
    if not group.startswith("@"):
        yield group
        return
    told = subprocess.run(["systemd-analyze", "syscall-filter", group], check=True, text=True,
                          stdout=subprocess.PIPE).stdout
    for name in re.findall(r"^ +([@a-z0-9_-]+)$", told, re.M):
        yield from calls_of(name)


def load(text):
    """Loads what a unit asks for; nothing undoes it."""
    calls = {name for group in words_of(text, "SystemCallFilter") for name in calls_of(group)}
    denied = Filter(ALLOW)
    families = {getattr(socket, name) for name in words_of(text, "RestrictAddressFamilies")}
    for family in set(range(FAMILIES)) - families:
        denied.rule(EAFNOSUPPORT, "socket", Comparison(0, EQUAL, family))
    if words_of(text, "MemoryDenyWriteExecute") == ["yes"]:
        both = mmap.PROT_WRITE | mmap.PROT_EXEC
        denied.rule(EPERM, "mmap", Comparison(2, MASKED_EQUAL, both, both))
        denied.rule(EPERM, "mprotect", Comparison(2, MASKED_EQUAL, mmap.PROT_EXEC, mmap.PROT_EXEC))
    if words_of(text, "RestrictRealtime") == ["yes"]:
        for policy in REALTIME:
            denied.rule(EPERM, "sched_setscheduler", Comparison(1, EQUAL, policy))
    allowed = Filter(EPERM)
    for name in calls | set(IMPLIED):
        allowed.rule(ALLOW, name)
    # The second one is loaded under the first one, which lets seccomp(2) through.
    denied.load()
    allowed.load()


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        load(file.read())
    os.execvp(sys.argv[2], sys.argv[2:])


if __name__ == "__main__":
    main()
