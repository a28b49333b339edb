#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the mskpush authors

"""MTK messages on a multicast address, and phones that miss an update because of one.

    BM-SC in Python --MIKEY, multicast on the loopback--> mskpush-ue --port kernel
        ^--------------------HTTP Digest----------------------'
"""

import secrets
import socket

from bmsc_mikey import Msk, mtk_message
from solicited_phones_test import Solicited
from story import expect, expect_that, free_port, tell, wait_until

GROUP_ADDRESS = "232.26.1.1"
# Who misses an update asks within a second, but none before all messages are there.
HASTY = ("--ua-missed-wait", "1.5", "--ua-missed-back-off", "1")


class Bearer:
    """Where MTK messages go."""

    def __init__(self, port):
        self.to = (GROUP_ADDRESS, port)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF,
                               socket.inet_aton("127.0.0.1"))

    def send(self, msk, *mtk_ids, **more):
        """MTK messages with the next counters under their MSK, made before the first one leaves."""
        messages = []
        for mtk_id in mtk_ids:
            msk.t += 1
            messages.append(mtk_message(msk, mtk_id, secrets.token_bytes(16), msk.t, **more))
        for message in messages:
            self.socket.sendto(message, self.to)


def listening(*flags, **more):
    """(phones that listen, their bearer)."""
    port = free_port(socket.SOCK_DGRAM, "0.0.0.0")
    site = Solicited("--mtk", f"{GROUP_ADDRESS}%lo:{port}", *HASTY, *flags, **more)
    return site, Bearer(port)


def missed_update_is_fetched_at_a_random_moment():
    for profile in ("ts33246", "v600"):
        site, bearer = listening(profile=profile)
        with site:
            for btid in site.btids()[:30]:
                site.sender.push(btid, site.msk)
            site.verified_by(30)
            bearer.send(site.msk, 1, 2, 3, salt=bytes(14))
            wait_until("MTKs", lambda: site.status()["mtk-taken"] >= 90, show=site.status)
            seen = site.status()
            expect("MTKs taken", seen["mtk-taken"], 90)
            expect("without the MSK", seen["refused"], {"unknown-msk": 90})
            expect("missed updates", (seen["ua"]["events"]["missed"],
                                      seen["ua"]["events"]["merged"]), (30, 60))
            site.verified_by(60)
            expect("pulls", (len(site.pulls()), len(set(site.pulls()))), (30, 30))
            bearer.send(site.msk, 4)
            wait_until("MTKs", lambda: site.status()["mtk-taken"] >= 150, show=site.status)
            seen = site.status()
            expect("MTKs taken", seen["mtk-taken"], 150)
            expect("ways", seen["msks"][0]["ways"],
                   {"pushed": 30, "solicited": 0, "missed": 30, "asked": 0})
            expect("MTKs", [(m["mtk_id"], m["salt_bytes"], m["phones"]) for m in seen["mtks"]],
                   [(1, 14, 30), (2, 14, 30), (3, 14, 30), (4, 0, 60)])


def each_phone_loses_frames_of_its_own():
    site, bearer = listening("--loss", "30", "--ua-groups", "001-01/0099", count=400)
    with site:
        bearer.send(site.msk, *range(1, 6))
        wait_until("all messages", lambda: site.status()["mtk"] == 5, show=site.status)
        wait_until("standstill", lambda: site.status()["mtk-lost"] == site.status()["mtk-lost"])
        seen = site.status()
        # Ten deviations; 400 or 800 would be whole messages.
        expect_that(500 < seen["mtk-lost"] < 700, "about 600 of 2000 lost", seen)
        expect_that(seen["mtk-lost"] % 400 != 0, "not all phones lost the same", seen)


def msk_is_over_above_sequ_and_revoked_by_seql():
    site, bearer = listening(count=20)
    with site:
        site.msk = Msk(1, seq=(0, 10))
        for btid in site.btids():
            site.sender.push(btid, site.msk)
        site.verified_by(20)
        bearer.send(site.msk, 10)
        wait_until("taken", lambda: site.status()["mtk-taken"] == 20)
        old, site.msk = site.msk, Msk(2)
        bearer.send(old, 11)
        # It is over for all of them: they fetch the current one.
        site.verified_by(40)
        seen = site.status()
        expect("refused", seen["refused"], {"mtk-exhausted": 20})
        expect("holders", {m["number"]: m["phones"] for m in seen["msks"]}, {"0002": 20})
        revoked = Msk(2, seq=(5, 4))
        revoked.key, revoked.rand, revoked.csb_id = site.msk.key, site.msk.rand, site.msk.csb_id
        for btid in site.btids():
            site.sender.push(btid, revoked)
        site.verified_by(60)
        expect("with an MSK", site.status()["with_msk"], 0)


if __name__ == "__main__":
    tell(missed_update_is_fetched_at_a_random_moment, each_phone_loses_frames_of_its_own,
         msk_is_over_above_sequ_and_revoked_by_seql)
