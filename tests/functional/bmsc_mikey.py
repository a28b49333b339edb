# SPDX-License-Identifier: Apache-2.0
# Copyright the mskpush authors

"""The MIKEY side of a small BM-SC for tests of the phones: MSK messages, solicited pulls and MTK
messages in both encodings, over an ordinary UDP socket. It shares nothing with mskpush but the texts
it was written from; what it sends are the octets of the known answers (check_against_vectors).
"""

import json
import os
import secrets
import socket
import struct
import threading

from dossier import AES, AUTH, ENCR, SALT, derive, parse_mikey, sha1_mac
from story import FQDN, GROUP, TOP, Expectation, expect

KDI = bytes.fromhex("00f110")  # 001-01
GROUP_NUMBER = int(GROUP.rpartition("/")[2], 16)


class Msk:
    """An MSK with everything that its messages need."""

    def __init__(self, number, profile="ts33246", group=GROUP_NUMBER, seq=(0, 0xffff)):
        self.number, self.profile, self.group, self.seq = number, profile, group, seq
        self.key, self.rand = secrets.token_bytes(16), secrets.token_bytes(16)
        self.csb_id = group if profile == "v600" else secrets.randbits(32)
        self.t = 0  # of its MTK messages


def header(msk, v=0):
    """HDR with the empty map; EXT follows."""
    return struct.pack(">BBBBIBB", 1, 0, 21, v << 7, msk.csb_id, 0, 1)


def key_id(msk, number, following, mtk_id=None):
    """EXT with the Key IDs."""
    ids = struct.pack(">BBH", 1, 2, number) if msk.profile == "v600" else \
        b"\0\3" + KDI + struct.pack(">BBHH", 1, 4, msk.group, number)
    if mtk_id is not None:
        ids += struct.pack(">BBH", 2, 2, mtk_id)
    return struct.pack(">BBH", following, 3, len(ids)) + ids


def identity(following, data):
    """An ID payload."""
    return struct.pack(">BBH", following, 0, len(data)) + data


def idi(msk, fqdn=FQDN):
    """What IDi is in this encoding."""
    return KDI if msk.profile == "v600" else fqdn.encode()


def seal(head, psk, msk, t, plain, rand):
    """KEMAC behind the other payloads: encrypted key data and the MAC over everything."""
    if plain:
        salt = derive(psk, SALT, msk.csb_id, rand, 14)
        iv = bytes(a ^ b for a, b in zip(salt, b"\0\0" + struct.pack(">IQ", msk.csb_id, t)))
        plain = AES.counter_mode(derive(psk, ENCR, msk.csb_id, rand, 16), iv + b"\0\0", plain)
    covered = head + struct.pack(">BBH", 0, 1, len(plain)) + plain + b"\1"
    return covered + sha1_mac(derive(psk, AUTH, msk.csb_id, rand, 20), covered)


def msk_message(msk, muk, btid, t, v=1, fqdn=FQDN):
    """An MSK message (spec 3.3)."""
    plain = b"\0\x22\0\x10" + msk.key + struct.pack(">BHBH", 2, msk.seq[0], 2, msk.seq[1])
    return to_one_phone(msk, muk, btid, t, msk.number, plain, v, fqdn)


def solicit_message(msk, muk, btid, t, v=0, fqdn=FQDN):
    """A solicited pull (spec 3.10): Key Number 0, no key data."""
    return to_one_phone(msk, muk, btid, t, 0, b"", v, fqdn)


def to_one_phone(msk, muk, btid, t, number, plain, v, fqdn):
    """What the two have in common."""
    head = header(msk, v) + key_id(msk, number, 5) + struct.pack(">BBI", 11, 2, t) + \
        b"\6\x10" + msk.rand + identity(6, idi(msk, fqdn)) + identity(1, btid.encode())
    return seal(head, muk, msk, t, plain, msk.rand)


def mtk_message(msk, mtk_id, mtk, t, salt=b"", rand=None):
    """An MTK message (spec 3.6); rand b"" is the other reading of 3.7."""
    plain = struct.pack(">BBH", 0, 0x30 if salt else 0x20, 16) + mtk
    if salt:
        plain += struct.pack(">H", len(salt)) + salt
    head = header(msk) + key_id(msk, msk.number, 5, mtk_id)
    if msk.profile == "v600":
        head += struct.pack(">BBI", 6, 2, t) + identity(1, idi(msk))
    else:
        head += struct.pack(">BBI", 1, 2, t)
    return seal(head, msk.key, msk, t, plain, msk.rand if rand is None else rand)


def check_against_vectors():
    """What is made here are the known answers."""
    with open(os.path.join(TOP, "tests/vectors/mikey-vectors.json"), encoding="utf-8") as file:
        vectors = {name: value for name, value in json.load(file).items()}
    muk = bytes.fromhex("f16197fcabf87299f60458efcf92cf1a9a4beb1429c111137258e2648a71a8bd")
    btid = "I1U8vpY3qJ0hiuZNrke/NQ==@bsf.mnc001.mcc001.pub.3gppnetwork.org"
    mtk = bytes.fromhex("00aa00bb00cc00dd00ee00ff00aa00bb")
    for profile, suffix in (("ts33246", ""), ("v600", "6")):
        msk = Msk(1, profile, seq=(1, 0xff))
        msk.key, msk.rand = bytes(range(0xa0, 0xb0)), bytes(range(16))
        msk.csb_id = 1 if suffix else 0x12345678
        expect("vector F" + suffix, msk_message(msk, muk, btid, 1).hex(), vectors[f"F{suffix}.msg"])
        expect("vector H" + suffix, solicit_message(msk, muk, btid, 2).hex(),
               vectors[f"H{suffix}.msg"])
        expect("vector I", mtk_message(msk, 1, mtk, 1).hex(), vectors[f"I{suffix or 1}.msg"])
        if not suffix:
            expect("vector I2", mtk_message(msk, 1, mtk, 1, rand=b"").hex(), vectors["I2.msg"])
            expect("vector I3", mtk_message(msk, 2, mtk, 2, bytes(range(16, 30))).hex(),
                   vectors["I3.msg"])


class Sender:
    """Sends to phones and takes their verifications. `muk` is B-TID -> MUK and may grow."""

    def __init__(self, rows, address="127.0.0.1"):
        self.muk = {row["btid"]: bytes.fromhex(row["muk"]) for row in rows if row["btid"]}
        self.impi = {row["btid"]: row["impi"] for row in rows if row["btid"]}
        self.place = {row["impi"]: (row["address"], int(row["port"])) for row in rows}
        self.t = {}
        self.verified = {}  # (impi, msk) -> how often
        self.sent = {}  # (B-TID, T) -> MSK
        self.last = {}  # B-TID -> the last message
        # HTTP answers push from their threads: what has the lower counter has to leave first.
        self.turn = threading.Lock()
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        self.socket.bind((address, 0))

    def next_t(self, btid):
        """The next counter under a MUK."""
        self.t[btid] = self.t.get(btid, 0) + 1
        return self.t[btid]

    def send(self, btid, message):
        """To where the phone of this B-TID is."""
        self.last[btid] = message
        self.socket.sendto(message, self.place[self.impi[btid]])

    def push(self, btid, msk):
        """An MSK message."""
        with self.turn:
            t = self.next_t(btid)
            self.sent[btid, t] = msk
            self.send(btid, msk_message(msk, self.muk[btid], btid, t))

    def solicit(self, btid, msk, muk=None, **more):
        """A solicited pull; another MUK makes a forged one."""
        with self.turn:
            t = self.next_t(btid)
            self.send(btid, solicit_message(msk, muk or self.muk[btid], btid, t, **more))

    def receive(self):
        """Takes the verifications that are there; each has to hold. Returns how many phones have
        verified so far."""
        while True:
            try:
                data, _ = self.socket.recvfrom(2048, socket.MSG_DONTWAIT)
            except BlockingIOError:
                return len(self.verified)
            self.take(parse_mikey(data))

    def take(self, message):
        """One verification (RFC 3830 5.2)."""
        btid, t = message["ids"][0].decode(), message["t"]
        msk = self.sent.get((btid, t))
        if message["type"] != 1 or msk is None:
            raise Expectation(f"a message that answers nothing: {message}")
        key = derive(self.muk[btid], AUTH, msk.csb_id, msk.rand, 20)
        covered = message["raw"][:message["mac_at"]] + idi(msk) + btid.encode() + struct.pack(">I", t)
        expect("MAC of a verification", message["mac"], sha1_mac(key, covered))
        self.verified[self.impi[btid], msk] = self.verified.get((self.impi[btid], msk), 0) + 1

    def close(self):
        """Ends it."""
        self.socket.close()
