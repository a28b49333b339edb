#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the mskpush authors

"""Stores without a daemon: backups and what is made of them, damage found, subscribers taken out.
The first story is the restore drill of docs/operations.md.

    mskpushd ==backup==> backup.mdb ==mskpush-store restore==> another store ==> mskpushd
"""

import base64
import csv
import gzip
import hashlib
import os
import shutil
import stat
import subprocess

from store_test import start_fails
from story import (GROUP, SERVICE, TOP, Stage, expect, expect_in, expect_that, tell, wait_until,
                   write_csv)
from wire import check_counters, read_wire
from wrapping_test import flip_expiry, keys_in_the_clear, reconfigure, secrets

PHONES = 100
SKIPPED = 16


def offline(site, *args):
    """Runs mskpush-store with the site's wrapping key."""
    return site.run(*args, "--wrapping-key", site.wrapping_key, program="mskpush-store")


def check(site, path, status=0):
    """What mskpush-store finds in a store."""
    seen, found, errors = offline(site, "check", path)
    expect(f"exit status of the check ({found} {errors})", seen, status)
    return found


def wrapped_site(site, *phone_flags):
    """Phones that hold the first MSK, and a store that is wrapped."""
    reconfigure(site, site.key_file("wrapping.key", 1))
    site.raise_all(PHONES, *phone_flags)
    expect("verified", site.push()["verified"], PHONES)


def restored_backup_repeats_nothing():
    """A backup, more MSKs after it, then the whole store is lost and the backup restored."""
    with Stage() as site:
        wrapped_site(site, "--report", site.path("ue.json"))
        backup = site.path("backup.mdb")
        written = site.cli("backup", backup)
        expect("octets", written["bytes"], os.stat(backup).st_size)
        expect("mode", stat.S_IMODE(os.stat(backup).st_mode), 0o600)
        site.cli("msk", "new", GROUP)
        expect("verified", site.push()["verified"], PHONES)
        used = site.cli("msk", "list", GROUP)["msks"]
        site.stop_daemon()
        shutil.rmtree(site.path("store"))
        found = check(site, backup)
        expect("of the backup", (found["findings"], found["subscribers"], found["is_copy"]),
               (0, PHONES, True))
        status, done, errors = site.run("restore", backup, site.path("store"),
                                        program="mskpush-store")
        expect(f"restored ({errors})", (status, done), (0, {"kept": ""}))
        site.start_daemon()
        expect_in("event=store-is-a-copy", site.log("mskpushd"))
        made = site.cli("msk", "new", GROUP)
        expect("Key Number", int(made["number"], 16), 1 + SKIPPED + 1)
        expect_that(made["number"] not in [msk["number"] for msk in used], "a new number", made)
        expect("verified", site.push()["verified"], PHONES)
        expect("what a BM-SC must never do", site.phones(do="status")["findings"], {})
        site.stop_daemon()
        # The second start of the copy skips no more.
        site.start_daemon()
        site.cli("msk", "activate", GROUP, made["number"])
        expect("the next Key Number", int(site.cli("msk", "new", GROUP)["number"], 16),
               1 + SKIPPED + 2)
        site.stop_phones()
        check_counters(read_wire(site.pcap)[0])


def backup_shows_no_key_and_takes_no_place_of_another():
    with Stage() as site:
        wrapped_site(site, "--report", site.path("ue.json"))
        keys = secrets(site)
        backup = site.path("backup.mdb")
        site.cli("backup", backup)
        with open(backup, "rb") as file:
            content = file.read()
        expect("keys in the backup", sum(key in content for key in keys), 0)
        expect("keys in the store", keys_in_the_clear(site, keys), 0)
        for path in (site.path("nowhere/backup.mdb"), site.path("store"), backup, site.csv):
            status, answer, _ = site.run("backup", path)
            expect("status", (status, answer["error"]), (2, "no-backup"))
        with open(site.csv, encoding="utf-8") as file:
            expect_in("impi", file.readline())
        site.stop_daemon()
        # Into a directory that has a store: it is kept.
        status, done, errors = site.run("restore", backup, site.path("store"),
                                        program="mskpush-store")
        expect(f"restored ({errors})", (status, done), (0, {"kept": "data.mdb.before"}))
        expect("of the store before", check(site, site.path("store/data.mdb.before"))["findings"],
               0)


def store_in_use_and_wrong_keys_are_refused():
    with Stage() as site:
        wrapped_site(site)
        status, answer, _ = offline(site, "check", site.path("store"))
        expect("status", status, 1)
        expect_in(f"in use by the process with pid {site.daemon.pid}", answer["error"])
        for args in (("upgrade", site.path("store")),
                     ("restore", site.path("ues.csv"), site.path("store"))):
            status, answer, _ = offline(site, *args)
            expect(f"status of {args[0]}", status, 1)
            expect_in("in use by the process", answer["error"])
        site.stop_daemon()
        site.wrapping_key = site.key_file("other.key", 2)
        status, answer, _ = offline(site, "check", site.path("store"))
        expect("status", status, 1)
        expect_in("is not the one that the store is wrapped under", answer["error"])
        status, answer, _ = offline(site, "check", site.csv)
        expect("status", status, 1)
        expect("usage", site.run("mend", site.path("store"), is_json=False,
                                 program="mskpush-store")[0], 2)


def core_limits(pid):
    """(soft, hard) limit of a process's core dumps."""
    with open(f"/proc/{pid}/limits", encoding="ascii") as file:
        return next(tuple(line.split()[4:6]) for line in file if line.startswith("Max core"))


def nothing_of_the_offline_tool_is_dumped():
    """While it waits for somebody to write the store that it is to read."""
    with Stage() as site:
        os.mkfifo(site.path("fifo"))
        tool = subprocess.Popen([site.program("mskpush-store"), "check", site.path("fifo")])
        try:
            wait_until("no core dump", lambda: core_limits(tool.pid) == ("0", "0"))
        finally:
            tool.kill()
            tool.wait()


def damaged_subscribers_are_listed():
    with Stage() as site:
        wrapped_site(site)
        site.stop_daemon()
        expect("findings", check(site, site.path("store"))["findings"], 0)
        expect_that(flip_expiry(site, site.rows[50]) > 0, "the record", 0)
        found = check(site, site.path("store"), status=1)
        listed = [sub["impi"] for entry in found["list"] for sub in entry["subscribers"]
                  if entry["table"] == "hot"]
        expect("listed", sorted(listed), sorted(row["impi"] for row in site.rows[45:90]))
        status, _, errors = offline(site, "export", site.path("store"), "--out",
                                    site.path("out.csv"))
        expect("status of the export", status, 1)
        expect("left out", errors.count("damaged and left out"), 45)


def exported_subscribers_are_imported_again():
    """The store is lost but for what was exported; the mark goes on."""
    with Stage() as site:
        wrapped_site(site)
        site.stop_daemon()
        out = site.path("out.csv")
        status, _, errors = offline(site, "export", site.path("store"), "--out", out)
        expect(f"status ({errors})", status, 0)
        expect("mode", stat.S_IMODE(os.stat(out).st_mode), 0o600)
        # Written anew, without free pages, it is the same store.
        before = os.stat(site.path("store/data.mdb")).st_size
        status, done, errors = offline(site, "upgrade", site.path("store"))
        expect(f"status of the upgrade ({errors})", (status, done), (0, {"kept": "data.mdb.before"}))
        expect("findings", check(site, site.path("store"))["findings"], 0)
        expect_that(os.stat(site.path("store/data.mdb")).st_size <= before, "no larger", before)
        again = site.path("again.csv")
        offline(site, "export", site.path("store"), "--out", again)
        with open(out, "rb") as one, open(again, "rb") as other:
            expect("exported again", other.read(), one.read())
        os.unlink(site.path("store/data.mdb"))
        site.start_daemon()
        site.cli("group", "add", GROUP)
        site.cli("service", "add", SERVICE, "--group", GROUP)
        expect("imported", site.cli("ue", "import", out)["added"], PHONES)
        expect("Key Number", site.cli("msk", "new", GROUP)["number"], "0002")
        expect("verified", site.push()["verified"], PHONES)
        expect("what a BM-SC must never do", site.phones(do="status")["findings"], {})
        site.stop_phones()
        check_counters(read_wire(site.pcap)[0])


def digest(what, number):
    """Octets as tests/vectors/store-format-1/make.c has them."""
    return hashlib.sha256(f"{what} {number}".encode()).digest()


def format_1_rows():
    """The subscribers of that store."""
    rows = []
    for i in range(PHONES):
        key = 1007 if i == 7 else i
        btid = base64.b64encode(digest("btid", key)[:16]).decode() + "@bsf.example"
        has_muk = i != 50
        rows.append({
            "impi": f"phone-{i}" if i % 10 == 9 else f"00101{i:010}@ims.example",
            "btid": btid if has_muk else "", "muk": digest("muk", key).hex() if has_muk else "",
            "mrk": digest("mrk", key).hex() if has_muk else "",
            "expires": "3786912000" if has_muk else "", "address": f"10.0.0.{i}", "port": "2269",
            "keys_in": ("me", "uicc")[i % 2], "services": SERVICE, "registered": SERVICE})
    return rows


def raise_upgraded(site):
    """A daemon refuses the store of format 1, and works on what is made of it."""
    os.mkdir(site.path("store"), 0o700)
    with gzip.open(os.path.join(TOP, "tests/vectors/store-format-1/data.mdb.gz")) as packed, \
            open(site.path("store/data.mdb"), "wb") as file:
        shutil.copyfileobj(packed, file)
    site.write_config()
    expect_in("a format that this program does not know", start_fails(site))
    status, done, errors = offline(site, "upgrade", site.path("store"))
    expect(f"upgraded ({errors})", (status, done), (0, {"kept": "data.mdb.before"}))
    found = check(site, site.path("store"))
    expect("of the upgraded one", (found["findings"], found["subscribers"]), (0, PHONES))
    site.start_daemon()


def store_of_format_1_is_upgraded():
    """It was written by the program of then; what is in it is worked out here."""
    with Stage() as site:
        site.rows = format_1_rows()
        raise_upgraded(site)
        msks = site.cli("msk", "list", GROUP)["msks"]
        for msk, state in zip(msks, ("retired", "current", "next"), strict=True):
            number = int(msk["number"], 16)
            octets = digest("msk", 1 << 16 | number)
            expect(f"MSK {number}", (msk["state"], msk["csb_id"], msk["rand"], msk["check"]),
                   (state, f"{0x10000 + number:08x}", octets[16:].hex(),
                    hashlib.sha256(octets[:16]).hexdigest()[:6]))
        old = site.campaign(1)
        expect("the campaign of then", (old["state"], old["verified"], old["given_up"],
                                        old["refused"], old["pushes"]), ("done", 20, 79, 1, 300))
        expect("who did not answer", len(site.undelivered(1)), 80)
        shown = site.cli("ue", "show", site.rows[7]["impi"])
        expect("its B-TID before", shown["prev_btid"],
               base64.b64encode(digest("btid", 7)[:16]).decode() + "@bsf.example")
        write_csv(site.csv, site.rows)
        site.start_phones(site.csv, "--pcap", site.pcap)
        end = site.push(status=1)
        expect("verified", (end["verified"], end["refused_by"]), (PHONES - 1, {"no-muk": 1}))
        expect("the next Key Number",
               [site.cli("msk", "activate", GROUP, "0003")["number"],
                site.cli("msk", "new", GROUP)["number"]], ["0003", "0004"])
        site.stop_daemon()
        out = site.path("out.csv")
        status, _, errors = offline(site, "export", site.path("store"), "--out", out)
        expect(f"exported ({errors})", status, 0)
        with open(out, newline="", encoding="utf-8") as file:
            seen = list(csv.DictReader(file))
        expect("subscribers that are others",
               [pair for pair in zip(seen, site.rows, strict=True) if pair[0] != pair[1]], [])


if __name__ == "__main__":
    tell(restored_backup_repeats_nothing, backup_shows_no_key_and_takes_no_place_of_another,
         store_in_use_and_wrong_keys_are_refused, nothing_of_the_offline_tool_is_dumped,
         damaged_subscribers_are_listed,
         exported_subscribers_are_imported_again,
         store_of_format_1_is_upgraded)
