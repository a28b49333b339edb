#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the mskpush authors

"""mikey-dump reads what was on the wire.

    mskpushd ==MIKEY==> mskpush-ue --pcap wire.pcap --> mikey-dump [--key MUK]
"""

import json

from capture_test import capture_begin
from story import (BAD_USAGE, DONE, FQDN, GROUP, NOT_ALL, Stage, expect, expect_in, expect_that,
                   tell)

PHONES = 50


def dump(site, *args):
    """(status, messages) of mikey-dump --json."""
    status, text, errors = site.run("--json", *args, is_json=False, program="mikey-dump")
    expect(f"what it complains about with {args[:2]}", errors, "")
    return status, [json.loads(line) for line in text.splitlines()]


def dump_reads_and_decrypts(profile):
    with Stage() as site:
        site.make_phones(PHONES)
        site.start_daemon()
        site.start_phones(site.csv, "--pcap", site.pcap)
        msk = site.provision(profile=profile)
        expect("verified", site.push()["verified"], PHONES)
        key = site.phones(do="report")["groups"][0]["msk"]
        one = site.rows[17]
        site.stop_phones()
        status, messages = dump(site, "--pcap", site.pcap)
        expect("exit status", status, DONE)
        expect("verdicts", {m["verdict"] for m in messages}, {"ok"})
        expect("kinds", [sum(m["kind"] == kind for m in messages)
                         for kind in ("msk", "verification")], [PHONES, PHONES])
        # One MUK opens the message to one phone; the MACs of the others do not hold.
        idi = "0x00f110" if profile == "v600" else FQDN
        status, messages = dump(site, "--pcap", site.pcap, "--key", one["muk"], "--rand",
                                msk["rand"], "--idi", idi)
        expect("exit status with a key of one of them", status, NOT_ALL)
        opened = [m for m in messages if m["mac_holds"]]
        expect("messages that hold", [m["kind"] for m in opened], ["msk", "verification"])
        expect("whose", {m["identities"][-1]["text"] for m in opened}, {one["btid"]})
        expect("the key", opened[0]["key"], key)
        expect("keys shown", sum("key" in m for m in messages), 1)
        status, text, _ = site.run("--pcap", site.pcap, is_json=False, program="mikey-dump")
        expect("exit status of the text", status, DONE)
        for part in (one["btid"], "msk message", "verification message", msk["rand"]):
            expect_in(part, text)
        expect_that(key not in text, "no key without a key", GROUP)


def dump_reads_a_push_of_the_final_encoding():
    dump_reads_and_decrypts("ts33246")


def dump_reads_a_push_of_the_v600_encoding():
    dump_reads_and_decrypts("v600")


def dump_reads_what_the_daemon_captured():
    """pcapng, while the emulator's captures are classic ones."""
    with Stage() as site:
        site.raise_all(PHONES)
        path = site.path("push.pcapng")
        client = capture_begin(site, path, "--count", "60")
        site.push()
        _, errors = client.communicate(timeout=20)
        expect(f"exit status of the capture ({errors})", client.returncode, DONE)
        status, messages = dump(site, "--pcap", path)
        expect("exit status", status, DONE)
        expect_that(len(messages) > 30, "most of the frames are MIKEY", len(messages))
        expect("verdicts", {m["verdict"] for m in messages}, {"ok"})


def bad_input_is_named():
    with Stage() as site:
        for words in (("--pcap", site.path("none.pcap")), ("--pcap", "/dev/null"), ("xyz",), (),
                      ("--key", "0", "00"), ("--pcap", "/proc/self/exe"), ("--port", "0", "00")):
            status, _, errors = site.run(*words, is_json=False, program="mikey-dump")
            expect(f"exit status of {words} ({errors})", status, BAD_USAGE)
            expect_in("mikey-dump: ", errors)
        status, _, _ = site.run("0101", is_json=False, program="mikey-dump")
        expect("exit status of a truncated message", status, NOT_ALL)


if __name__ == "__main__":
    tell(dump_reads_a_push_of_the_final_encoding, dump_reads_a_push_of_the_v600_encoding,
         dump_reads_what_the_daemon_captured, bad_input_is_named)
