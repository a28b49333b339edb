#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the mskpush authors

"""The load program of the benchmark tells good answers from others.

    ua-load --(HTTP Digest)--> bmsc_server
"""

import json
import os
import subprocess

from bmsc_server import Bmsc
from story import BUILD, FQDN, Stage, expect, expect_that, tell

PHONES = 20


def load(site, url, *flags):
    """(exit status, report) of a short run."""
    done = subprocess.run([os.path.join(BUILD, "tests/bench/ua-load"), "--url", url, "--csv",
                           site.csv, "--fqdn", FQDN, "--connections", "8", "--seconds", "0.5",
                           *flags], stdout=subprocess.PIPE, timeout=60, check=False)
    return done.returncode, json.loads(done.stdout)


def good_answers_are_counted():
    with Stage() as site:
        rows = site.make_phones(PHONES)
        with Bmsc(FQDN, rows) as bmsc:
            status, report = load(site, bmsc.url)
            expect("exit status", (status, report["errors"]), (0, 0))
            expect("by status", report["by_status"], {"200": report["requests"]})
            expect_that(0 < report["p50_us"] <= report["p99_us"] <= report["max_us"],
                        "percentiles are ordered", report)
            expect("users", len({r.user for r in bmsc.requests if r.user}), 8)
            expect("what the BM-SC found wrong", bmsc.errors, [])
        with Bmsc(FQDN, rows) as bmsc:
            status, report = load(site, bmsc.url, "--pipeline", "4", "--rotate", "3")
            expect("exit status", (status, report["errors"]), (0, 0))
            expect("users", len({r.user for r in bmsc.requests if r.user}), PHONES)


def nonces_are_followed():
    with Stage() as site:
        rows = site.make_phones(PHONES)
        for pipeline in ("1", "4"):
            with Bmsc(FQDN, rows) as bmsc:
                bmsc.nonce_uses = 5
                status, report = load(site, bmsc.url, "--pipeline", pipeline)
                expect("exit status", (status, report["errors"]), (0, 0))
                expect_that(report["by_status"]["401"] > 0, "stale answers", report["by_status"])
                bmsc.has_nextnonce = True
                status, report = load(site, bmsc.url, "--pipeline", pipeline)
                expect("exit status", (status, report["errors"]), (0, 0))
                expect("by status", report["by_status"], {"200": report["requests"]})
                expect("what the BM-SC found wrong", bmsc.errors, [])


def bad_answers_are_errors():
    def spoil(request, answer):
        return answer[0], answer[1], answer[2].replace(b"200", b"201")

    with Stage() as site:
        rows = site.make_phones(PHONES)
        with Bmsc(FQDN, rows) as bmsc:
            for kind, fault, code in (("proof", spoil, "200 OK"), ("proof", None, "403 No"),
                                      ("status", lambda r, a: (404, [], b""), "200 OK"),
                                      ("framing", lambda r, a: b"x\r\n\r\n", "200 OK"),
                                      ("closed", lambda r, a: None, "200 OK"),
                                      ("challenge", lambda r, a: (401, [], b""), "200 OK"),
                                      ("challenge", lambda r, a: bmsc.challenge(), "200 OK")):
                bmsc.fault = fault
                bmsc.item_code = code
                status, report = load(site, bmsc.url)
                expect(f"exit status, {kind}", (status, report["requests"]), (1, 0))
                expect_that(report["errors_by_kind"].get(kind, 0) > 0, f"errors: {kind}", report)


if __name__ == "__main__":
    tell(good_answers_are_counted, nonces_are_followed, bad_answers_are_errors)
