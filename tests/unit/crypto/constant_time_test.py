#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the mskpush authors

"""Nothing branches on a secret, and no address depends on one.

Run with ctgrind and ctgrind-leak, then the libraries of the lanes. The first two run under valgrind,
which knows AVX2 but not AVX-512. All of lanes.c and of the kernels' source is common to both
instruction sets; what AVX-512 alone has is looked at as machine code: a secret that is in vectors
can only reach a branch or an address through the instructions below, and there is one place that
may have them: the comparison of first blocks, which are on the wire.
"""

import re
import subprocess
import sys

SKIPPED = 77
FOUND = 9
# From vectors and masks to flags or general registers, and what takes addresses from vectors.
LEAKS = re.compile(r"\b(k(or)?test[bwdq]|vptest|vtestp[sd]|v?p?movmsk\w*|vpextr\w|vextractps|v?u?comis[sd]"
                   r"|vp?gather\w+|vp?scatter\w+"
                   r"|kmov[bwdq]\s+%k\d,%[er]|vmov[dq]\s+%xmm\d+,%[er])")
ALLOWED = {"is_same_block"}


def valgrind(program, path):
    """Runs it; returns its status."""
    done = subprocess.run(["valgrind", "-q", f"--error-exitcode={FOUND}", program, path],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode not in (0, SKIPPED):
        print(done.stdout[-3000:])
    return done.returncode


def leaks_of(library):
    """(function, instruction) of what may bring a secret out of a vector, and the function count."""
    done = subprocess.run(["objdump", "-d", "--no-show-raw-insn", library],
                          stdout=subprocess.PIPE, text=True, check=True)
    function, functions, found = "", 0, []
    for line in done.stdout.splitlines():
        head = re.match(r"[0-9a-f]+ <([^>]+)>:", line)
        if head:
            function, functions = head.group(1), functions + 1
        elif LEAKS.search(line):
            found.append((re.sub(r"\..*", "", function), line.split(":", 1)[1].strip()))
    return functions, found


def main():
    """Exit status 1 when something depends on a secret."""
    ctgrind, leaking, *libraries = sys.argv[1:]
    failed = False
    for path in ("avx2", "ipsec-mb"):
        status = valgrind(ctgrind, path)
        print(f"{path}: {({0: 'constant time', SKIPPED: 'not on this machine'}).get(status, 'FAILED')}")
        failed |= status not in (0, SKIPPED)
        status = valgrind(leaking, path)
        print(f"{path}, a branch on a key: {'found' if status == FOUND else 'NOT FOUND'}")
        failed |= status not in (FOUND, SKIPPED)
    for library in libraries:
        functions, found = leaks_of(library)
        bad = [leak for leak in found if leak[0] not in ALLOWED]
        # Were the comparison not seen, nothing else would be either.
        is_blind = functions < 5 or {leak[0] for leak in found} != ALLOWED
        print(f"{library}: {functions} functions, {bad or 'no way out of vectors'}")
        failed |= bool(bad) or is_blind
    sys.exit(1 if failed else 0)


main()
