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
from story import expect, free_port, tell, wait_until

GROUP_ADDRESS = "232.26.1.1"


class Bearer:
    """Where MTK messages go."""

    def __init__(self, port):
        self.to = (GROUP_ADDRESS, port)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF,
                               socket.inet_aton("127.0.0.1"))

    def send(self, msk, mtk_id, mtk=None, **more):
        """An MTK message with the next counter under its MSK."""
        msk.t += 1
        self.socket.sendto(mtk_message(msk, mtk_id, mtk or secrets.token_bytes(16), msk.t, **more),
                           self.to)


def listening(*flags, **more):
    """(phones that listen, their bearer)."""
    port = free_port(socket.SOCK_DGRAM, "0.0.0.0")
    site = Solicited("--mtk", f"{GROUP_ADDRESS}%lo:{port}", "--ua-missed-back-off", "1", *flags, **more)
    return site, Bearer(port)


def missed_update_is_fetched_at_a_random_moment():
    for profile in ("ts33246", "v600"):
        site, bearer = listening(profile=profile)
        with site:
            for btid in site.btids()[:30]:
                site.sender.push(btid, site.msk)
            site.verified_by(30)
            for mtk_id in (1, 2, 3):
                bearer.send(site.msk, mtk_id, salt=bytes(14))
            seen = wait_until("MTKs", lambda: site.status() if site.status()["mtk-taken"] == 90
                              else None, show=site.status)
            expect("without the MSK", seen["refused"], {"unknown-msk": 90})
            expect("missed updates", (seen["ua"]["events"]["missed"],
                                      seen["ua"]["events"]["merged"]), (30, 60))
            site.verified_by(60)
            expect("pulls", (len(site.pulls()), len(set(site.pulls()))), (30, 30))
            bearer.send(site.msk, 4)
            seen = wait_until("MTKs", lambda: site.status() if site.status()["mtk-taken"] == 150
                              else None, show=site.status)
            expect("ways", seen["msks"][0]["ways"],
                   {"pushed": 30, "solicited": 0, "missed": 30, "asked": 0})
            expect("MTKs", [(m["mtk_id"], m["salt_bytes"], m["phones"]) for m in seen["mtks"]],
                   [(1, 14, 30), (2, 14, 30), (3, 14, 30), (4, 0, 60)])


def each_phone_loses_frames_of_its_own():
    site, bearer = listening("--loss", "40", "--ua-groups", "001-01/0099",
                             count=400)
    with site:
        for mtk_id in range(1, 6):
            bearer.send(site.msk, mtk_id)
        wait_until("about 800 of 2000 lost", lambda: 600 < site.status()["mtk-lost"] < 1000,
                   show=site.status)
        expect("messages", site.status()["mtk"], 5)


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
