#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the mskpush authors

"""What has to be refused is refused, by name, on both sides.

    mskpushd ==MIKEY==> mskpush-ue: wrong MUK, old counter, every bit of a message flipped
    mskpushd <==MIKEY== inject: forged, stale, foreign and doubled verification messages
"""

import struct

from dossier import parse_udp, read_pcap
from story import NOT_ALL, Stage, expect, expect_that, tell, wait_until, write_csv

PHONES = 20
PCAP_HEAD = struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1)


def phones_refuse_wrong_muk_and_old_counter():
    with Stage() as site:
        site.raise_all(PHONES)
        wrong, ahead = site.rows[3], site.rows[5]
        site.phones(do="set", id=wrong["btid"], muk="11" * 32)
        site.phones(do="set", id=ahead["btid"], counter=(1 << 31) - 2)
        campaign = site.push("--sends", "2", "--waits", "1", status=NOT_ALL)
        expect("verified", campaign["verified"], PHONES - 2)
        expect("given up", campaign["given_up"], 2)
        expect("who was given up", set(site.undelivered(campaign["id"])),
               {wrong["impi"], ahead["impi"]})
        expect("refused by the emulator", site.phones(do="status")["refused"],
               {"bad-mac": 2, "stale-counter": 2})
        for row, why in ((wrong, "bad-mac"), (ahead, "stale-counter")):
            phone = site.phones(do="phone", id=row["btid"])
            expect(f"what {row['impi']} refused", (phone["refused"], phone["last_refusal"]),
                   (2, why))
            expect("its MSKs", phone["msks"], [])


def checksum(data):
    """Internet checksum of data without one."""
    total = sum(struct.unpack(f">{len(data) // 2}H", data[:len(data) & ~1]))
    total += data[-1] << 8 if len(data) % 2 else 0
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return total ^ 0xffff


def with_payload(frame, payload):
    """The frame around another payload of the same length, with a right UDP checksum."""
    ip, udp = frame[14:34], frame[34:42]
    pseudo = ip[12:20] + struct.pack(">BBH", 0, 17, 8 + len(payload))
    total = checksum(pseudo + udp[:6] + b"\0\0" + payload) or 0xffff
    return frame[:40] + struct.pack(">H", total) + payload


def write_pcap(path, frames):
    with open(path, "wb") as file:
        file.write(PCAP_HEAD)
        for i, frame in enumerate(frames):
            file.write(struct.pack("<IIII", 1 + i, 0, len(frame), len(frame)) + frame)


def one_push_frame(site):
    """The frame of a push that its phone accepted, as the wire had it."""
    site.raise_all(1)
    site.push()
    site.stop_phones()
    return next(frame for _, frame in read_pcap(site.pcap)
                if (parse_udp(frame) or (None, None, b"\0\xff"))[2][1] == 0)


def phones_refuse_every_flipped_bit():
    """A second emulator reads the push from a file: each bit flipped once, and then as it was."""
    with Stage() as site:
        frame = one_push_frame(site)
        payload = frame[42:]
        flipped = []
        for bit in range(8 * len(payload)):
            changed = bytearray(payload)
            changed[bit // 8] ^= 0x80 >> bit % 8
            flipped.append(with_payload(frame, bytes(changed)))
        write_pcap(site.path("in.pcap"), flipped)
        write_pcap(site.path("good.pcap"), [frame])
        for name, refused, accepted in (("in.pcap", len(flipped), 0), ("good.pcap", 0, 1)):
            site.ue_port = f"net_pcap0,rx_pcap={site.path(name)},tx_pcap={site.path('out.pcap')}"
            site.start_phones(site.csv)
            wait_until("all frames", lambda: site.phones(do="status")["received"] ==
                       refused + accepted, show=lambda: site.phones(do="status"))
            seen = site.phones(do="status")
            expect(f"refused of {name} ({seen['refused']})", sum(seen["refused"].values()), refused)
            expect("accepted", (seen["msk"], seen["with_msk"]), (accepted, accepted))
            if refused:
                # CSB ID, RAND, key data and MAC have no rule but the MAC.
                expect_that(seen["refused"]["bad-mac"] >= 8 * (4 + 16 + 26 + 20),
                            "bad-mac for octets that only the MAC protects", seen["refused"])
            site.stop_phones()


class Forger:
    """Sends verification messages of its own making while a campaign runs; counts what becomes
    of them at the daemon."""

    def __init__(self, site, number):
        self.site, self.number = site, number
        self.before = site.drops()
        self.verified = site.campaign(number)["verified"]

    def sends(self, row, wanted, **flaw):
        """Injects one message and expects that counter, and no other, to move by one."""
        sent = self.site.phones(do="inject", id=row["btid"], **flaw)
        expect(f"injected {flaw}", sent, {"sent": 1})
        self.before[wanted] = self.before.get(wanted, 0) + 1
        wait_until(f"one more {wanted} for {flaw}", lambda: self.site.drops() == self.before,
                   show=lambda: (self.site.drops(), "wanted", self.before))

    def flips(self, row, counter):
        """Each bit of a good answer."""
        octets = 10 + 6 + 4 + len(row["btid"]) + 22
        for bit in range(8 * octets):
            self.site.phones(do="inject", id=row["btid"], flaw="bit", bit=bit, counter=counter)
        total = sum(self.before.values()) + 8 * octets
        wait_until("every flipped answer dropped",
                   lambda: sum(self.site.drops().values()) == total, show=self.site.drops)
        seen = self.site.drops()
        for name in ("bad-mac", "mikey-malformed", "unknown-csb", "unknown-idr", "stale-counter"):
            expect_that(seen.get(name, 0) > self.before.get(name, 0), f"{name} moves", seen)
        self.before = seen
        self.verifies(0)

    def verifies(self, more):
        self.verified += more
        self.site.campaign_when(self.number, f"{self.verified} verified",
                                lambda c: c["verified"] == self.verified)


def second_campaign(site):
    """All phones hold the MSK; of the campaign that runs now they refuse every push, so that only
    what is injected answers it. Returns (campaign, the counter of the pushes)."""
    gone, left = site.rows[0], site.rows[1]
    site.cli("ue", "remove", gone["impi"])
    site.cli("ue", "import", write_csv(site.path("left.csv"), [{**left, "registered": "-"}]))
    for row in site.rows[2:]:
        site.phones(do="set", id=row["btid"], counter=(1 << 31) - 2)
    number = site.push_begin("--sends", "1", "--waits", "60")
    site.campaign_when(number, "all sent", lambda c: c["pushes"] == PHONES - 2)
    counter = site.cli("status")["clock"]["counter_highest"]
    return number, counter


def daemon_drops_every_forged_answer_by_name():
    with Stage() as site:
        site.raise_all(PHONES)
        site.push()
        old = site.cli("status")["clock"]["counter_highest"]
        number, counter = second_campaign(site)
        forger = Forger(site, number)
        gone, left, honest, victim, other = site.rows[:5]
        forger.sends(victim, "bad-mac", flaw="bad-mac", counter=counter)
        forger.sends(victim, "bad-mac", flaw="wrong-idr", other=other["btid"], counter=counter)
        forger.sends(victim, "stale-counter", flaw="stale-counter")
        forger.sends(victim, "stale-counter", counter=old)
        forger.sends(victim, "stale-counter", counter=counter + 1)
        forger.sends(gone, "unknown-idr", counter=counter)
        forger.sends(left, "not-a-member", counter=counter)
        forger.flips(victim, counter)
        site.phones(do="inject", id=honest["btid"], flaw="none", counter=counter)
        forger.verifies(1)
        forger.sends(honest, "duplicate", counter=counter)
        site.cli("campaign", "abort", str(number))
        report = site.campaign(number)
        expect("verified of all", (report["verified"], report["members"]), (1, PHONES - 2))
        forger.sends(victim, "unknown-csb", counter=counter)
        expect("the report afterwards", site.campaign(number), report)


if __name__ == "__main__":
    tell(phones_refuse_wrong_muk_and_old_counter, phones_refuse_every_flipped_bit,
         daemon_drops_every_forged_answer_by_name)
