#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the mskpush authors

"""Keys at rest: wrapped under a key that the store does not have, changed while all goes on,
refused when they are not what was written.

    wrapping.key --> mskpushd ==MIKEY==> mskpush-ue
                        store/data.mdb, searched for keys and damaged here
"""

import base64
import json

from story import GROUP, Stage, expect, expect_in, expect_that, tell, wait_until
from store_test import start_fails

PHONES = 300
HEAD, HOT = 120, 48  # docs/store-format.md, hot block
EXPIRES = 32


def secrets(site):
    """Keys that the phones know, as octets: MUKs, MRKs and, from their report, the MSK."""
    site.stop_phones()
    with open(site.path("ue.json"), encoding="utf-8") as file:
        found = [json.load(file)["groups"][0]["msk"]]
    found += [row[name] for row in site.rows[:50] for name in ("muk", "mrk")]
    site.start_phones(site.csv, "--report", site.path("ue.json"))
    return [bytes.fromhex(key) for key in found]


def data(site):
    """The data file."""
    with open(site.path("store/data.mdb"), "rb") as file:
        return file.read()


def keys_in_the_clear(site, keys):
    """How many of the keys stand in the data file."""
    content = data(site)
    return sum(key in content for key in keys)


def reconfigure(site, source):
    """Another wrapping key for the next start."""
    site.wrapping_key = source
    site.write_config()


def sealed(site):
    """Waits until nothing is left to seal anew."""
    return wait_until("all records sealed",
                      lambda: not site.cli("key", "show")["is_sealing"] and site.cli("key", "show"),
                      show=lambda: site.cli("key", "show"))


def wrapped_store_shows_no_key():
    with Stage() as site:
        reconfigure(site, site.key_file("wrapping.key", 1))
        site.raise_all(PHONES, "--report", site.path("ue.json"))
        expect("verified", site.push()["verified"], PHONES)
        keys = secrets(site)
        expect("kind", site.cli("status")["store"]["wrapping"]["kind"], "key")
        expect_that(site.cli("status")["memory"]["keys_locked_bytes"] > 0, "locked memory",
                    site.cli("status")["memory"])
        site.stop_daemon()
        expect("keys in the file", keys_in_the_clear(site, keys), 0)
        reconfigure(site, "none")
        expect_in("store.wrapping_key has to name it", start_fails(site))
        reconfigure(site, site.key_file("other.key", 2))
        expect_in("is not the one that the store is wrapped under", start_fails(site))
        reconfigure(site, "file:" + site.path("wrapping.key"))
        site.start_daemon()
        expect("verified after a start", site.push()["verified"], PHONES)


def store_is_sealed_and_rotated_in_campaigns():
    """In the clear at first; sealed, and sealed again under another key, while phones are sent
    to."""
    with Stage() as site:
        site.raise_all(PHONES, "--report", site.path("ue.json"))
        site.push()
        keys = secrets(site)
        site.stop_daemon()
        expect_that(keys_in_the_clear(site, keys) == len(keys), "keys in the file", len(keys))
        reconfigure(site, site.key_file("wrapping.key", 1))
        site.start_daemon()
        site.cli("msk", "new", GROUP)
        first = site.push_begin("--rate", "400", "--waits", "1")
        before = sealed(site)
        expect("damaged", before["damaged"], 0)
        expect("verified", site.campaign_end(first)["verified"], PHONES)
        site.cli("msk", "activate", GROUP, "0002")
        site.cli("msk", "new", GROUP)
        second = site.push_begin("--rate", "400", "--waits", "1")
        source = site.key_file("second.key", 2)
        site.cli("key", "rotate", source, "--deep")
        expect("data keys after it", sealed(site)["data_keys"], 1)
        expect("verified", site.campaign_end(second)["verified"], PHONES)
        site.stop_daemon()
        expect_in("is not the one", start_fails(site))
        reconfigure(site, source)
        site.start_daemon()
        site.cli("msk", "activate", GROUP, "0003")
        expect("verified", site.push("--new")["verified"], PHONES)
        expect("what a BM-SC must never do", site.phones(do="status")["findings"], {})


def bad_source_changes_nothing():
    with Stage() as site:
        site.make_phones(20)
        site.start_daemon()
        status, answer, _ = site.run("key", "rotate", site.key_file("wrapping.key", 1))
        expect("status", (status, answer["error"]), (2, "bad-key"))
        expect_in("not wrapped", answer["message"])
        site.stop_daemon()
        reconfigure(site, "file:" + site.path("wrapping.key"))
        site.start_daemon()
        for source, sentence in (("file:/nonexistent", "cannot be read"),
                                 ("none", "no wrapping key"), ("x", "no source")):
            status, answer, _ = site.run("key", "rotate", source)
            expect("status", (status, answer["error"]), (2, "bad-key"))
            expect_in(sentence, answer["message"])
        site.stop_daemon()
        site.start_daemon()


def flip_expiry(site, row):
    """Somebody lets a MUK live longer: the first bit of its expiry, wherever its block stands."""
    btid = base64.b64decode(row["btid"].split("@")[0])
    content = bytearray(data(site))
    at, found = content.find(btid), 0
    while at >= 0:
        content[at + EXPIRES] ^= 1
        found += 1
        at = content.find(btid, at + 1)
    with open(site.path("store/data.mdb"), "r+b") as file:
        file.write(content)
    return found


def damaged_block_is_refused_alone():
    with Stage() as site:
        reconfigure(site, site.key_file("wrapping.key", 1))
        site.raise_all(PHONES)
        site.stop_daemon()
        expect_that(flip_expiry(site, site.rows[50]) > 0, "the record", 0)
        site.start_daemon()
        report = site.push(status=1)
        expect("verified", report["verified"], PHONES - 45)
        expect("refused", report["refused_by"], {"damaged": 45})
        refused = site.undelivered(report["id"])
        expect("those of its block", sorted(refused), sorted(row["impi"]
                                                             for row in site.rows[45:90]))
        status, answer, _ = site.run("ue", "show", site.rows[50]["impi"])
        expect("show", (status, answer["error"]), (1, "damaged"))
        expect("show of another", site.cli("ue", "show", site.rows[5]["impi"])["impi"],
               site.rows[5]["impi"])


if __name__ == "__main__":
    tell(wrapped_store_shows_no_key, store_is_sealed_and_rotated_in_campaigns,
         bad_source_changes_nothing, damaged_block_is_refused_alone)
