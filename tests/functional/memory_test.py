#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the mskpush authors

"""Keys in the memory of the daemon: no dump of it holds one, and what is left in memory after use
is searched for.

    mskpushd ==MIKEY==> mskpush-ue        /proc/PID/mem, read as gcore reads it
"""

import functools
import glob
import os
import resource
import signal
import struct
import subprocess

from story import SERVICE, Skipped, Stage, expect, expect_that, tell
from ua_client import register_body
from ua_stage import UaStage
from wrapping_test import reconfigure, secrets

PHONES = 300
SEARCHED = 5  # of them
LIMIT = 1 << 20
NOTHING = bytes(4 << 20)
# Kinds of memory in a dump by default (core(5)): anonymous, private and shared; ELF headers;
# private huge pages.
USUAL_FILTER = 0x33


def regions(pid):
    """(start, end, permissions, name, flags) of each mapping."""
    found = []
    with open(f"/proc/{pid}/smaps", encoding="utf-8") as file:
        for line in file:
            head = line.split(None, 5)
            if "-" in head[0] and not head[0].endswith(":"):
                start, end = (int(part, 16) for part in head[0].split("-"))
                found.append([start, end, head[1], head[5].strip() if len(head) > 5 else "", ""])
            elif line.startswith("VmFlags:"):
                found[-1][4] = line.split(":", 1)[1].split()
    return found


def is_dumped(region, core_filter):
    """Whether a dump takes a mapping."""
    _, _, permissions, name, flags = region
    if "dd" in flags or "io" in flags or not permissions.startswith("r"):
        return False
    is_shared = "s" in permissions
    is_file = name.startswith("/") and "(deleted)" not in name
    bit = (3 if is_shared else 2) if is_file else (1 if is_shared else 0)
    return bool(core_filter >> bit & 1)


def memory(pid, core_filter):
    """What a dump under that filter holds, piece by piece, with its name."""
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as file:
        for region in regions(pid):
            if not is_dumped(region, core_filter):
                continue
            at = region[0]
            while at < region[1]:
                size = min(region[1] - at, len(NOTHING))
                try:
                    file.seek(at)
                    data = file.read(size)
                    if data != NOTHING[:len(data)]:  # most of it was never used
                        yield region[3], data
                except OSError:
                    pass
                at += size


def found_in(pieces, keys):
    """Where which keys stand."""
    return sorted({(name, kind) for name, data in pieces for kind, key in keys if key in data})


def sha1_state(block):
    """SHA-1's state after its first block (FIPS 180-4), as words of this machine."""
    word = list(struct.unpack(">16I", block))
    for i in range(16, 80):
        word.append(rotate(word[i - 3] ^ word[i - 8] ^ word[i - 14] ^ word[i - 16], 1))
    begin = a, b, c, d, e = 0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0
    for i in range(80):
        f, k = ((b & c | ~b & d, 0x5a827999), (b ^ c ^ d, 0x6ed9eba1),
                (b & c | b & d | c & d, 0x8f1bbcdc), (b ^ c ^ d, 0xca62c1d6))[i // 20]
        a, b, c, d, e = rotate(a, 5) + f + e + k + word[i] & 0xffffffff, a, rotate(b, 30), c, d
    return struct.pack("=5I", *(x + y & 0xffffffff for x, y in zip(begin, (a, b, c, d, e))))


def rotate(word, n):
    """Of 32 bits, to the left."""
    return (word << n | word >> 32 - n) & 0xffffffff


def muk_states(muk):
    """What the packet path has of a MUK: the inner and outer state of HMAC-SHA-1 (RFC 2104)."""
    return [sha1_state(bytes(octet ^ pad for octet in muk.ljust(64, b"\0"))) for pad in (0x36, 0x5c)]


def site_keys(site):
    """(kind, octets) of keys that the phones know, and of the wrapping key."""
    keys = secrets(site)
    with open(site.path("wrapping.key"), "rb") as file:
        named = [("wrapping key", file.read()), ("MSK", keys[0])]
    for muk, mrk in list(zip(keys[1::2], keys[2::2]))[:SEARCHED]:
        named += [("MUK", muk), ("MRK", mrk)]
        named += [("HMAC state of a MUK", state) for state in muk_states(muk)]
    return named


def no_dump_holds_a_key():
    """The filter that the daemon has set is the one a dump would use: gcore's too."""
    with Stage() as site:
        reconfigure(site, site.key_file("wrapping.key", 1))
        site.raise_all(PHONES, "--report", site.path("ue.json"))
        expect("verified", site.push()["verified"], PHONES)
        pid = site.daemon.pid
        with open(f"/proc/{pid}/coredump_filter", encoding="utf-8") as file:
            core_filter = int(file.read(), 16)
        keys = site_keys(site)
        expect("keys in a dump", found_in(memory(pid, core_filter), keys), [])
        with open(f"/proc/{pid}/status", encoding="utf-8") as file:
            status = dict(line.split(":\t", 1) for line in file if ":\t" in line)
        expect("no new privileges", status["NoNewPrivs"].strip(), "1")
        expect("filtered calls", status["Seccomp"].strip(), "2")
        expect("the site's keys are wrapped in memory of their own",
               site.cli("status")["memory"]["keys_locked_bytes"] > 0, True)


def is_locked(region):
    """Whether a mapping stays in memory; True also for what has nothing to keep there."""
    _, _, permissions, name, flags = region
    return "lo" in flags or permissions.startswith("---") or "io" in flags or name == "[vvar]"


def all_memory_is_locked_where_no_limit_is():
    """But for the file of the store, which is there as long as the system likes."""
    with Stage() as site:
        reconfigure(site, site.key_file("wrapping.key", 1))
        site.raise_all(PHONES)
        found = regions(site.daemon.pid)
        stores = [region for region in found if region[3].endswith("store/data.mdb")]
        expect("maps of the store", [is_locked(region) for region in stores], [False])
        loose = [region for region in found if region[2].startswith("rw") and region not in stores
                 and not is_locked(region)]
        expect("memory that may be swapped out", loose, [])
        memory_now = site.cli("status")["memory"]
        expect("limit", memory_now["lock_limit_bytes"], None)
        expect_that(memory_now["keys_unlocked_bytes"] == 0 < memory_now["keys_locked_bytes"]
                    < memory_now["locked_bytes"] <= memory_now["resident_bytes"],
                    "keys are a part of what is locked", memory_now)
        expect("verified", site.push()["verified"], PHONES)


class Limited(Stage):
    """A daemon that may lock a megabyte."""

    def spawn(self, seat, argv, log):
        if seat == "daemon":
            argv = ["prlimit", f"--memlock={LIMIT}", "setpriv", "--bounding-set=-ipc_lock",
                    "--inh-caps=-ipc_lock", *argv]
        super().spawn(seat, argv, log)


def limit_is_used_for_keys():
    with Limited() as site:
        reconfigure(site, site.key_file("wrapping.key", 1))
        site.raise_all(PHONES)
        expect("verified", site.push()["verified"], PHONES)
        memory_now = site.cli("status")["memory"]
        expect("limit", memory_now["lock_limit_bytes"], LIMIT)
        expect("what is locked", memory_now["locked_bytes"], memory_now["keys_locked_bytes"])
        expect_that(0 < memory_now["locked_bytes"] <= LIMIT < memory_now["keys_unlocked_bytes"],
                    "as far as it goes", memory_now)


def http_keys(phone):
    """(kind, octets) of what a request is judged by (RFC 7616): H(A1), and what it is made of."""
    ha1 = phone.hash(f"{phone.btid}:{phone.realm}:{phone.password}")
    return [("HA1", bytes.fromhex(ha1)), ("HA1 in hex", ha1.encode()),
            ("MRK in base64", phone.password.rstrip("=").encode())]


def keys_are_wiped_after_use():
    """Also without that filter: of the subscribers' keys and the wrapping key nothing is left in
    what a dump usually holds, when they are not in use."""
    with UaStage() as site:
        reconfigure(site, site.key_file("wrapping.key", 1))
        site.raise_all(PHONES, "--report", site.path("ue.json"))
        expect("verified", site.push()["verified"], PHONES)
        keys = [entry for entry in site_keys(site) if entry[0] != "MSK"]
        for index in range(2):
            phone = site.phone(index)
            expect("registered", phone.ask("register", register_body(SERVICE)).status, 200)
            phone.close()
            keys += http_keys(phone)
        pid = site.daemon.pid
        expect("keys in memory", found_in(memory(pid, USUAL_FILTER), keys), [])
        # The same search finds what is there: a name that the daemon has just written.
        socket = [("path of its socket", site.socket.encode())]
        expect_that(found_in(memory(pid, USUAL_FILTER), socket) != [], "the search finds", socket)


def abort_leaves_no_core():
    """SIGABRT, with the limit of cores taken off before the start."""
    with Stage() as site:
        reconfigure(site, site.key_file("wrapping.key", 1))
        site.make_phones(20)
        before = resource.getrlimit(resource.RLIMIT_CORE)
        try:
            resource.setrlimit(resource.RLIMIT_CORE, (before[1], before[1]))
            site.start_daemon()
            # The control: what has not confined itself leaves one, where the system lets it.
            other = subprocess.Popen(["sleep", "60"], cwd=site.dir)
        finally:
            resource.setrlimit(resource.RLIMIT_CORE, before)
        site.provision()
        for process in (other, site.daemon):
            process.send_signal(signal.SIGABRT)
        _, status = os.waitpid(other.pid, 0)
        has_cores = os.WCOREDUMP(status)
        for path in glob.glob(site.path("core*")):
            os.unlink(path)
        _, status = os.waitpid(site.daemon.pid, 0)
        site.killed.append(site.daemon)
        site.daemon.returncode = -signal.SIGABRT
        other.returncode = -signal.SIGABRT
        expect("the daemon died of it", os.WTERMSIG(status), signal.SIGABRT)
        expect("dumped core", os.WCOREDUMP(status), False)
        expect("cores", glob.glob(site.path("core*")), [])
    if not has_cores:
        raise Skipped("nothing dumps core here")


def only_root(story):
    """A story that looks into a process that holds keys."""
    @functools.wraps(story)
    def told():
        if os.geteuid() != 0:
            raise Skipped("only root may look into a process that holds keys")
        story()
    return told


if __name__ == "__main__":
    tell(*map(only_root, (no_dump_holds_a_key, all_memory_is_locked_where_no_limit_is,
                          limit_is_used_for_keys, keys_are_wiped_after_use)), abort_leaves_no_core)
