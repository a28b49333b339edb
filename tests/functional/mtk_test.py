#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the mskpush authors

"""MTKs: sent by the daemon to a multicast address, ahead of their use and again; the encryptor's
schedule; the change from one MSK to the next; phones that miss it; restarts.

    mskpushd ==MTK messages, multicast==> mskpush-ue (all phones)
        |  `--schedule with keys--> encryptor (this script)
        `<-- HTTP, from phones that miss an MSK
"""

import json
import re
import struct

from bmsc_mikey import KDI, Msk, header, key_id
from dossier import (AES, AUTH, ENCR, SALT, derive, parse_mikey, parse_udp, read_pcap,
                     sha1_mac)
from phones_site_test import Whole
from story import GROUP, NOT_ALL, expect, expect_that, tell, wait_until
from unix_http import unix_call

PHONES = 30
TO = "232.26.1.1:5004"
TO6 = "[ff3e::26:1]:5006"
FAST = ("--lead", "2", "--interval", "2", "--repeat", "2")
PATH = f"/v1/groups/{GROUP}/mtk"


class Air(Whole):
    """A site whose phones listen to MTK messages."""

    def __init__(self, *generate, to=TO, ip="4", **more):
        self.listens = ["--mtk", to, "--ua-missed-back-off", "1"]
        self.chosen_ip = ip
        super().__init__(*generate, count=PHONES, **more)

    def start_phones(self, *args):
        self.phone_args = args
        return super().start_phones(*args, *self.listens)

    def restart_phones(self):
        """With what the story wants of them."""
        self.stop_phones()
        self.start_phones(*self.phone_args)

    def schedule(self, **query):
        """What the encryptor is told."""
        text = "&".join(f"{name}={value}" for name, value in query.items())
        status, _, answer = unix_call(self.socket, "GET", PATH + ("?" + text if text else ""))
        return status, json.loads(answer)

    def gauge(self, name):
        """A metric of MTKs that has no labels."""
        status, _, text = unix_call(self.socket, "GET", "/metrics")
        expect("status", status, 200)
        return float(re.search(rf"^mskpush_mtk_{name} (\S+)$", text.decode(), re.MULTILINE)[1])

    def mtk(self):
        """How the MTKs of the group stand."""
        return self.cli("mtk", "show", GROUP)

    def heard(self, n):
        """Waits until all phones took n MTKs, each from another ID."""
        wait_until(f"{n} MTKs taken by all", lambda: len(
            [m for m in self.phones(do="status")["mtks"] if m["phones"] == PHONES]) >= n,
            30, lambda: (self.phones(do="status"), self.mtk()))


def messages_of(pcap):
    """(destination MAC, address, Key Number, MTK ID, message) of all MTK messages."""
    for _, frame in read_pcap(pcap):
        udp = parse_udp(frame)
        if udp is None or not frame[0] & 1:
            continue
        message = parse_mikey(udp[2])
        ids, at, data = {}, 0, message["ext"][1]
        while at < len(data):
            ids[data[at]] = data[at + 2:at + 2 + data[at + 1]]
            at += 2 + data[at + 1]
        yield (frame[:6], udp[1], int.from_bytes(ids[1][-2:], "big"),
               int.from_bytes(ids[2], "big"), message)


def mac_of(address):
    """RFC 1112 6.4, RFC 2464 7."""
    return bytes([1, 0, 0x5e, address[1] & 0x7f, *address[2:]]) if len(address) == 4 \
        else b"\x33\x33" + address[12:]


def opened(msk, message, rand):
    """The key data of an MTK message whose MAC holds."""
    covered = message["raw"][:message["mac_at"]]
    expect("MAC", message["mac"], sha1_mac(derive(msk.key, AUTH, msk.csb_id, rand, 20), covered))
    salt = derive(msk.key, SALT, msk.csb_id, rand, 14)
    iv = bytes(a ^ b for a, b in zip(
        salt, b"\0\0" + struct.pack(">IQ", msk.csb_id, message["t"])))
    key = derive(msk.key, ENCR, msk.csb_id, rand, 16)
    return AES.counter_mode(key, iv + b"\0\0", message["encr"])


def check_air(pcap, msks, keys, rand=None):
    """Every message is what it has to be: MAC addresses, lay-out, counter, MTK ID, MAC, and the MTK
    that the encryptor has, if it has any. Returns (messages, {(MSK, MTK ID)}, destinations)."""
    last, mtks, places, n = {}, {}, set(), 0
    for mac, place, number, mtk_id, message in messages_of(pcap):
        msk = msks[number]
        expect("MAC address", mac, mac_of(place[0]))
        head = header(msk) + key_id(msk, number, 5, mtk_id)
        expect("head", message["raw"][:len(head)], head)
        expect("other payloads", (message["v"], "rand" in message, message["ids"]),
               (0, False, [KDI] if msk.profile == "v600" else []))
        expect_that(message["t"] > last.get(number, 0), "the counter rises", (message["t"], last))
        last[number] = message["t"]
        plain = opened(msk, message, msk.rand if rand is None else rand)
        mtk = (plain[4:20].hex(), plain[22:].hex() or None)
        if (number, mtk_id) not in mtks:
            expect_that(all(known[1] < mtk_id for known in mtks if known[0] == number),
                        "MTK IDs ascend", (mtk_id, mtks))
        expect("one MTK for an MTK ID", mtks.setdefault((number, mtk_id), mtk), mtk)
        expect("MTK of the encryptor", mtk, keys.get((number, mtk_id), mtk))
        places.add(place)
        n += 1
    compared = set(mtks) & set(keys)
    expect_that(len(compared) >= 3 or not keys, "MTKs of the encryptor on the air", (mtks, keys))
    return n, set(mtks), places


def msk_of(site, profile="ts33246"):
    """The newest MSK, with the octets that the phones were given."""
    told = site.phones(do="report")["groups"][0]
    msk = Msk(int(told["number"], 16), profile)
    msk.key, msk.rand = bytes.fromhex(told["msk"]), bytes.fromhex(told["rand"])
    msk.csb_id = int(told["csb_id"], 16)
    return msk


def keys_in(schedule, keys):
    """(MSK, MTK ID) -> (MTK, salt) of a schedule, into keys."""
    for entry in schedule["mtks"]:
        keys[int(entry["msk"], 16), entry["mtk_id"]] = (entry["key"], entry["salt"])


def mtks_are_sent_ahead_and_again():
    with Air() as site:
        expect("verified", site.push()["verified"], PHONES)
        started = site.cli("mtk", "start", GROUP, *FAST, "--salt", "--to", TO)
        expect("state", (started["is_on"], started["msk"]["number"], started["to"]),
               (True, "0001", [TO]))
        site.heard(3)
        status, schedule = site.schedule()
        expect("status", status, 200)
        keys = {}
        keys_in(schedule, keys)
        uses = [(entry["from"], entry["to"]) for entry in schedule["mtks"]]
        expect("no gap", [end for _, end in uses[:-1]], [begin for begin, _ in uses[1:]])
        expect_that(all(e["salt"] and len(e["key"]) == 32 for e in schedule["mtks"]), "keys",
                    schedule)
        # All goes on as announced, over a death of the daemon.
        site.kill(site.daemon)
        site.start_daemon()
        status, schedule = site.schedule(**{"from": 0})
        expect("status", status, 200)
        before, both = dict(keys), {}
        keys_in(schedule, both)
        kept = {name: both[name] for name in before if name in both}
        expect("MTKs that were announced", kept, {name: before[name] for name in kept})
        expect_that(len(kept) >= 3, "most are still there", (before, both))
        keys_in(schedule, keys)
        taken = site.phones(do="status")["mtk-taken"]
        wait_until("more are taken", lambda: site.phones(do="status")["mtk-taken"]
                   >= taken + 2 * PHONES, 20, site.mtk)
        site.cli("mtk", "stop", GROUP)
        seen = site.phones(do="report")
        expect("findings", seen["findings"], {})
        msk = msk_of(site)
        site.stop_phones()
        n, mtks, places = check_air(site.pcap, {1: msk}, keys)
        expect_that(n > len(mtks), "repeats", (n, mtks))
        expect("destinations", places, {(bytes([232, 26, 1, 1]), 5004)})


def next_msk_waits_for_enough_and_the_others_miss_it():
    with Air("--uicc", "30", profile="v600") as site:
        site.listens += ["--mtk-rand", "none"]
        site.restart_phones()
        expect("verified", site.push()["verified"], PHONES)
        first = msk_of(site, "v600")
        site.cli("mtk", "start", GROUP, *FAST, "--mtk-rand", "none", "--dummy", "2", "--to", TO)
        site.cli("msk", "new", GROUP)
        some = site.path("some.txt")
        with open(some, "w", encoding="utf-8") as file:
            file.writelines(row["impi"] + "\n" for row in site.rows[:20])
        expect("verified", site.push("--only", some)["verified"], 20)
        waiting = site.cli("msk", "activate", GROUP, "0002")
        expect("state", (waiting["state"], waiting["have"], waiting["would_pull"]), ("next", 20, 10))
        wait_until("it waits", lambda: site.mtk()["switch"]["have"] == 20, show=site.mtk)
        expect("switch", {name: site.mtk()["switch"][name] for name in ("state", "to", "percent")},
               {"state": "waits", "to": "0002", "percent": 98})
        expect("groups that switch, and that wait for an MSK",
               (site.gauge("groups_switching"), site.gauge("groups_waiting")), (1, 0))
        expect("a third one", site.run("msk", "new", GROUP)[0], NOT_ALL)
        site.cli("msk", "activate", GROUP, "0002", "--percent", "60")
        wait_until("all hold it", lambda: site.holders("0002") == PHONES, 30,
                   lambda: (site.mtk(), site.phones(do="status")))
        events = site.ua["events"]
        # Who has asked may miss another one before the MSK comes.
        expect_that(10 <= events["missed"] <= 20, "missed updates of ten", events)
        wait_until("the old one is retired", lambda: site.mtk()["msk"]["number"] == "0002", 30,
                   site.mtk)
        states = {m["number"]: m["state"] for m in site.cli("msk", "list", GROUP)["msks"]}
        expect("MSKs", states, {"0001": "retired", "0002": "current"})
        expect("groups that switch", site.gauge("groups_switching"), 0)
        site.heard(2)
        second = msk_of(site, "v600")
        # Phones delete it when they are told so; nothing goes under it from then on.
        revoked = site.cli("msk", "revoke", GROUP, "0002")
        expect_that(revoked["seq_l"] > revoked["seq_u"], "an empty interval", revoked)
        status, answer, _ = site.run("solicit", GROUP)
        expect("a solicit", (status, answer["error"]), (NOT_ALL, "msk-revoked"))
        expect("verified", site.push("--msk", "0002")["verified"], PHONES)
        expect("holders", site.holders("0002"), 0)
        wait_until("no MTKs", lambda: site.mtk()["waits_for"] == "msk-revoked", show=site.mtk)
        expect("findings", site.phones(do="status")["findings"], {})
        site.stop_phones()
        check_air(site.pcap, {1: first, 2: second}, {}, rand=b"")


def wrong_orders_and_restored_stores_are_refused():
    with Air(to=TO + "," + TO6) as site:
        for words, (status, error) in {
                ("mtk", "start", GROUP, "--to", "10.0.0.1:5004"): (2, "not-multicast"),
                ("mtk", "start", GROUP, "--to", "232.1.1.1"): (2, "bad-address"),
                ("mtk", "start", GROUP, "--to", TO, "--to", TO): (2, "bad-address"),
                ("mtk", "start", GROUP, "--to", TO6): (NOT_ALL, "no-route"),
                ("mtk", "start", GROUP, "--to", TO, "--lead", "1d"): (2, "lead-too-long"),
                ("mtk", "start", GROUP, "--to", TO, "--repeat", "1"): (2, "too-often"),
                ("mtk", "start", "001-01/0099", "--to", TO): (NOT_ALL, "not-found"),
                ("mtk", "stop", GROUP): (NOT_ALL, "no-mtks"),
                ("mtk", "show", GROUP): (NOT_ALL, "no-mtks"),
                ("mtk", "start", GROUP): (2, "bad-usage")}.items():
            seen, answer, _ = site.run(*words)
            expect(f"{words}: {answer}", (seen, answer["error"]), (status, error))
        site.cli("mtk", "start", GROUP, "--to", TO)
        seen, answer, _ = site.run("mtk", "start", GROUP, "--to", TO)
        expect("again", (seen, answer["error"]), (NOT_ALL, "mtk-running"))
        wait_until("messages", lambda: site.mtk()["sent"] > 0, show=site.mtk)
        backup = site.path("backup.mdb")
        site.cli("backup", backup)
        site.stop_daemon()
        seen, answer, errors = site.run("restore", backup, site.path("store"),
                                        program="mskpush-store", is_json=False)
        expect(f"restored ({answer} {errors})", seen, 0)
        site.start_daemon()
        wait_until("it waits for a new MSK", lambda: site.mtk()["waits_for"] == "msk-restored",
                   show=site.mtk)
        expect("groups that wait for an MSK", (site.gauge("groups"), site.gauge("groups_waiting")),
               (1, 1))
        sent = site.mtk()["sent"]
        expect("of the schedule", site.schedule()[1]["mtks"], [])
        made = site.cli("msk", "new", GROUP)
        expect("verified", site.push()["verified"], PHONES)
        site.cli("msk", "activate", GROUP, made["number"])
        wait_until("it goes on", lambda: site.mtk()["sent"] > sent, 30, site.mtk)
        expect("MSK", site.mtk()["msk"]["number"], made["number"])
        expect("groups that wait for an MSK", site.gauge("groups_waiting"), 0)


if __name__ == "__main__":
    tell(mtks_are_sent_ahead_and_again, next_msk_waits_for_enough_and_the_others_miss_it,
         wrong_orders_and_restored_stores_are_refused)
