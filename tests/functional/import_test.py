#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the mskpush authors

"""Import: what is bad is named and nothing of it stays; what is good arrives whole or not at all.

    ues.csv --mskpush ue import--> admin socket --> mskpushd --> store/
"""

import json
import os
import signal
import socket
import subprocess
import time

from story import (BAD_USAGE, DONE, GROUP, NOT_ALL, SERVICE, Stage, expect, expect_in,
                   expect_that, tell, wait_until, write_csv)
from wire import check_counters, read_wire

ROWS = 50

# What is wrong with a row: column that is named, part of the sentence, change.
BAD = [
    ("muk", "64", {"muk": "00" * 31}),
    ("muk", "64", {"muk": "zz" * 32}),
    ("expires", "", {"expires": "tomorrow"}),
    ("expires", "", {"expires": "2026-13-01T00:00:00Z"}),
    ("address", "", {"address": "10.0.0.256"}),
    ("port", "", {"port": "65536"}),
    ("port", "", {"port": "0"}),
    ("keys_in", "me or uicc", {"keys_in": "sim"}),
    ("services", "urn:nobody", {"services": "urn:nobody", "registered": ""}),
    ("registered", "urn:nobody", {"registered": "urn:nobody"}),
    ("impi", "", {"impi": ""}),
    ("impi", "", {"impi": "two words@x"}),
    ("btid", "", {"btid": "no-at-sign"}),
    ("btid", "", {"btid": "", "expires": ""}),
    ("muk", "", {"muk": ""}),
]


def subscribers(site):
    return site.cli("status")["store"]["subscribers"]


def raise_empty(site):
    site.make_phones(ROWS)
    site.start_daemon()
    site.cli("group", "add", GROUP)
    site.cli("service", "add", SERVICE, "--group", GROUP)


def bad_lines_are_named_and_nothing_is_kept():
    with Stage() as site:
        raise_empty(site)
        for at, (column, part, change) in enumerate(BAD):
            line = 2 + at * 3
            rows = [dict(row) for row in site.rows]
            rows[line - 2].update(change)
            path = write_csv(site.path("bad.csv"), rows)
            status, answer, _ = site.run("ue", "import", path)
            expect(f"exit status for {change}", status, BAD_USAGE)
            expect(f"line and column for {change} ({answer})",
                   (answer.get("line"), answer.get("column")), (line, column))
            expect_in(part, answer["why"])
            _, _, errors = site.run("ue", "import", path, is_json=False)
            expect_in(f"bad.csv:{line}: {column}: ", errors)
            expect("subscribers", subscribers(site), 0)
        for header in ("impi,btid,nonsense", "btid,muk,expires", "impi,impi", ""):
            path = site.path("header.csv")
            with open(path, "w", encoding="utf-8") as file:
                file.write(header + "\n")
            status, answer, _ = site.run("ue", "import", path)
            expect(f"exit status for the header {header!r} ({answer})", status, BAD_USAGE)
        expect("subscribers", subscribers(site), 0)


def skip_bad_keeps_the_others():
    with Stage() as site:
        raise_empty(site)
        rows = [dict(row) for row in site.rows]
        for at, (_, _, change) in enumerate(BAD):
            rows[3 * at].update(change)
        path = write_csv(site.path("bad.csv"), rows)
        done = site.cli("ue", "import", path, "--skip-bad", "--dry-run")
        expect("subscribers after a dry run", subscribers(site), 0)
        again = site.cli("ue", "import", path, "--skip-bad")
        for seen in (done, again):
            expect("rows, added, skipped", (seen["rows"], seen["added"], seen["skipped"]),
                   (ROWS, ROWS - len(BAD), len(BAD)))
            expect("bad lines", [(bad["line"], bad["column"]) for bad in seen["bad"]],
                   [(2 + 3 * at, column) for at, (column, _, _) in enumerate(BAD)])
        expect("subscribers", subscribers(site), ROWS - len(BAD))


def duplicates_updates_and_what_stays():
    with Stage() as site:
        raise_empty(site)
        def counts(path, *flags):
            done = site.cli("ue", "import", path, *flags)
            return tuple(done[key] for key in ("added", "changed", "unchanged"))
        for column, other in (("impi", "btid"), ("btid", "impi")):
            twice = write_csv(site.path("twice.csv"),
                              [*site.rows, {**site.rows[4], other: "somebody@else.example"}])
            status, answer, _ = site.run("ue", "import", twice)
            expect(f"exit status of one {column} twice ({answer})", status, BAD_USAGE)
            expect("place", (answer["line"], answer["column"]), (ROWS + 2, column))
            expect_in("earlier line", answer["why"])
        expect("dry run", counts(site.csv, "--dry-run"), (ROWS, 0, 0))
        expect("subscribers after a dry run", subscribers(site), 0)
        expect("the first time", counts(site.csv), (ROWS, 0, 0))
        expect("again", counts(site.csv), (0, 0, ROWS))
        moved = [dict(row) for row in site.rows]
        for row in moved[:7]:
            row["address"] = row["address"].replace("10.0.", "10.9.")
        path = write_csv(site.path("moved.csv"), moved)
        expect("dry run of a change", counts(path, "--dry-run"), (0, 7, ROWS - 7))
        expect("address", site.cli("ue", "show", moved[0]["impi"])["address"], "10.0.0.0")
        expect("a change", counts(path), (0, 7, ROWS - 7))
        expect("address", site.cli("ue", "show", moved[0]["impi"])["address"], "10.9.0.0")
        theft = write_csv(site.path("theft.csv"), [{**moved[1], "btid": moved[2]["btid"]}])
        status, answer, _ = site.run("ue", "import", theft)
        expect(f"exit status of another's B-TID ({answer})", status, BAD_USAGE)
        expect("named", answer["column"], "btid")
        expect("B-TID afterwards", site.cli("ue", "show", moved[1]["impi"])["btid"],
               moved[1]["btid"])
        expect("subscribers", subscribers(site), ROWS)


def send_half(site, data):
    """A client that announces all of the data, sends half, and stays connected."""
    line = socket.socket(socket.AF_UNIX)
    line.connect(site.socket)
    head = ("POST /v1/import HTTP/1.1\r\nHost: x\r\nContent-Type: text/csv\r\n"
            f"Content-Length: {len(data)}\r\n\r\n")
    line.sendall(head.encode() + data[:len(data) // 2])
    return line


def import_interrupt(site, path, is_ready, stdin):
    """Ctrl-C at an import that is ready for it; returns exit status and answer."""
    with subprocess.Popen([site.program("mskpush"), "--json", "ue", "import", path],
                          env=site.environment(), stdin=stdin, stdout=subprocess.PIPE) as client:
        wait_until("ready", lambda: is_ready(client))
        client.send_signal(signal.SIGINT)
        return client.wait(timeout=20), json.loads(client.stdout.read())


def is_asleep(client):
    """It waits for something, and goes on waiting."""
    for _ in range(10):
        with open(f"/proc/{client.pid}/stat", encoding="ascii") as file:
            if file.read().rpartition(")")[2].split()[0] != "S":
                return False
        time.sleep(0.05)
    return True


def interrupt_says_what_becomes_of_the_file():
    with Stage() as site:
        raise_empty(site)
        out, into = os.pipe()
        with open(site.csv, "rb") as file:
            os.write(into, file.read(2000))
        status, answer = import_interrupt(site, "-", is_asleep, out)
        os.close(into)
        os.close(out)
        expect("before all is sent", (status, answer["error"]), (NOT_ALL, "interrupted"))
        expect_in("nothing was kept", answer["message"])
        site.daemon.send_signal(signal.SIGSTOP)
        status, answer = import_interrupt(site, site.csv, is_asleep, subprocess.DEVNULL)
        site.daemon.send_signal(signal.SIGCONT)
        expect("after all was sent", (status, answer["error"]), (NOT_ALL, "interrupted"))
        expect_in("again does no harm", answer["message"])
        expect("again", site.cli("ue", "import", site.csv)["rows"], ROWS)
        expect("subscribers", subscribers(site), ROWS)


def cut_connection_keeps_nothing():
    with Stage() as site:
        raise_empty(site)
        big = site.path("big.csv")
        subprocess.run([site.program("mskpush-ue"), "--generate", "20000", "--seed", "9",
                        "--service", SERVICE, "--imsi-prefix", "0010102", "--first-address",
                        "10.64.0.0", "--out", big], check=True)
        with open(big, "rb") as file:
            data = file.read()
        send_half(site, data).close()
        # A client that is killed while it reads from a pipe.
        client = subprocess.Popen([site.program("mskpush"), "ue", "import", "-"],
                                  env=site.environment(), stdin=subprocess.PIPE)
        client.stdin.write(data[:len(data) // 2])
        client.stdin.flush()
        client.send_signal(signal.SIGKILL)
        client.wait()
        client.stdin.close()
        def imports_alone():
            done = site.run("ue", "import", site.csv)
            return done if done[0] == DONE else None
        status, answer, _ = wait_until("an import after those", imports_alone)
        expect("added", (status, answer["added"]), (DONE, ROWS))
        expect("subscribers", subscribers(site), ROWS)
        # And when the daemon is killed in the middle of one.
        line = send_half(site, data)
        site.kill(site.daemon)
        line.close()
        site.start_daemon()
        expect("subscribers after the crash", subscribers(site), ROWS)
        done = site.cli("ue", "import", big)
        expect("added after the crash", done["added"], 20000)
        expect("subscribers", subscribers(site), ROWS + 20000)


def import_beside_a_campaign():
    phones, rate, others = 2000, 100, 50000
    with Stage() as site:
        site.map_size = "128M"
        big = site.path("big.csv")
        subprocess.run([site.program("mskpush-ue"), "--generate", str(others), "--seed", "9",
                        "--service", SERVICE, "--imsi-prefix", "0010102", "--first-address",
                        "10.64.0.0", "--out", big], check=True)
        site.raise_all(phones)
        number = site.push_begin("--rate", str(rate))
        site.campaign_when(number, "the first verified", lambda c: c["verified"] > 0)
        done = site.cli("ue", "import", big)
        seen = site.campaign(number)
        expect("added", done["added"], others)
        expect_that(seen["state"] == "running", "an import within the campaign", seen)
        site.cli("campaign", "set", str(number), "--rate", str(20 * rate))
        end = site.campaign_end(number)
        expect("members, verified, pushes", (end["members"], end["verified"], end["pushes"]),
               (phones, phones, phones))
        site.stop_phones()
        pushes, _ = read_wire(site.pcap)
        check_counters(pushes)
        gap = max(b.micros - a.micros for a, b in zip(pushes, pushes[1:]))
        expect_that(gap < 500000, "no pause on the wire", gap)
        # Who came later is a member of the next campaign, and has no phone here.
        number = site.push_begin("--sends", "1")
        expect("members of the next", site.campaign(number)["members"], phones + others)


def who_comes_takes_the_place_of_who_left():
    with Stage() as site:
        site.store_yaml = f"  max_subscribers: {ROWS - 10}\n"
        site.make_phones(ROWS)
        site.start_daemon()
        site.start_phones(site.csv, "--pcap", site.pcap)
        site.provision(write_csv(site.path("first.csv"), site.rows[:-10]))
        site.push()
        last = write_csv(site.path("last.csv"), site.rows[-10:])
        status, answer, _ = site.run("ue", "import", last)
        expect("no room", (status, answer["error"]), (NOT_ALL, "too-many-subscribers"))
        for row in site.rows[5:15]:
            site.cli("ue", "remove", row["impi"])
        number = site.push_begin("--new", "--rate", "1")
        status, answer, _ = site.run("ue", "import", last)
        expect("while a campaign is open", (status, answer["error"]),
               (NOT_ALL, "too-many-subscribers"))
        site.cli("campaign", "abort", str(number))
        wait_until("there is room", lambda: site.run("ue", "import", last)[0] == DONE)
        expect("subscribers", subscribers(site), ROWS - 10)
        campaign = site.push()
        expect("all have the next MSK", (campaign["members"], campaign["verified"]),
               (ROWS - 10, ROWS - 10))
        for row in site.rows[-10:]:
            expect_that(site.cli("ue", "show", row["impi"])["is_verified"], "verified", row["impi"])
        check_counters(read_wire(site.pcap)[0])


def files_that_are_none():
    with Stage() as site:
        raise_empty(site)
        os.mkdir(site.path("directory"))
        for name in ("missing.csv", "directory"):
            status, answer, _ = site.run("ue", "import", site.path(name))
            expect(f"exit status for {name}", (status, answer["error"]), (BAD_USAGE, "bad-file"))
        with open(site.path("noise.csv"), "wb") as file:
            file.write(os.urandom(200000))
        status, answer, _ = site.run("ue", "import", site.path("noise.csv"))
        expect(f"exit status for noise ({answer})", status, BAD_USAGE)
        expect_that("line" in answer, "the line is named", json.dumps(answer))
        expect("subscribers", subscribers(site), 0)


if __name__ == "__main__":
    tell(bad_lines_are_named_and_nothing_is_kept, skip_bad_keeps_the_others,
         duplicates_updates_and_what_stays, interrupt_says_what_becomes_of_the_file,
         cut_connection_keeps_nothing, import_beside_a_campaign,
         who_comes_takes_the_place_of_who_left, files_that_are_none)
