#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the mskpush authors

"""Reads a dossier (ues.csv, wire.pcap, report.json of tools/demo --keep) with nothing of mskpush:
checks every frame, MAC, counter and key in the capture with Python's hmac and OpenSSL's AES.

usage: dossier.py DIR
"""

import csv
import ctypes
import ctypes.util
import hashlib
import hmac
import ipaddress
import json
import os
import struct
import sys

MIKEY_PORT = 2269
ENCR, AUTH, SALT = 0x150533E1, 0x2D22AC75, 0x29B88916


class Finding(Exception):
    """Something in the dossier is wrong."""


class Aes:
    """AES-128 on single blocks, from OpenSSL's libcrypto."""

    def __init__(self):
        self.lib = ctypes.CDLL(ctypes.util.find_library("crypto") or "libcrypto.so.3")
        self.schedule = ctypes.create_string_buffer(512)

    def counter_mode(self, key, iv, data):
        """AES-CTR from the given first counter block."""
        self.lib.AES_set_encrypt_key(key, 128, self.schedule)
        out, block, counter = b"", ctypes.create_string_buffer(16), int.from_bytes(iv, "big")
        for at in range(0, len(data), 16):
            self.lib.AES_encrypt((counter + at // 16).to_bytes(16, "big"), block, self.schedule)
            out += bytes(a ^ b for a, b in zip(data[at:at + 16], block.raw))
        return out


AES = Aes()


def sha1_mac(key, data):
    """HMAC-SHA-1."""
    return hmac.digest(key, data, "sha1")


def derive(key, constant, csb_id, rand, length):
    """RFC 3830 4.1.2 for keys of at most 256 bits and one block of output."""
    label = struct.pack(">IBI", constant, 0xff, csb_id) + rand
    return sha1_mac(key, sha1_mac(key, label) + label)[:length]


def checksum_holds(data):
    """Internet checksum over data that contains it."""
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return total == 0xffff


def read_pcap(path):
    """Yields (microseconds, frame) of a classic pcap file."""
    with open(path, "rb") as file:
        head = file.read(24)
        magic, _, _, _, _, snap, link = struct.unpack("<IHHiIII", head)
        if magic != 0xa1b2c3d4 or link != 1:
            raise Finding(f"{path} is no classic little-endian Ethernet pcap")
        while record := file.read(16):
            seconds, micros, kept, length = struct.unpack("<IIII", record)
            if kept != length or kept > snap:
                raise Finding("a frame was cut")
            yield seconds * 1000000 + micros, file.read(kept)


def parse_ip(frame):
    """(source, destination, UDP) of an IP packet with UDP, None of others."""
    if frame[12:14] == b"\x86\xdd":
        ip = frame[14:54 + int.from_bytes(frame[18:20], "big")]
        if ip[0] >> 4 != 6:
            raise Finding("an IPv6 header is wrong")
        return (ip[8:24], ip[24:40], ip[40:]) if ip[6] == 17 else None
    if frame[12:14] != b"\x08\x00":
        return None
    ip = frame[14:14 + int.from_bytes(frame[16:18], "big")]
    header = (ip[0] & 15) * 4
    if ip[0] >> 4 != 4 or not checksum_holds(ip[:header]):
        raise Finding("an IPv4 header is wrong")
    return (ip[12:16], ip[16:20], ip[header:]) if ip[9] == 17 else None


def parse_udp(frame):
    """(source, destination, payload) of a UDP frame, None of others; checks checksums."""
    packet = parse_ip(frame)
    if packet is None:
        return None
    source, destination, udp = packet
    if int.from_bytes(udp[4:6], "big") != len(udp):
        raise Finding("a UDP length is wrong")
    pseudo = source + destination + struct.pack(">II", len(udp), 17)
    if udp[6:8] == b"\0\0" or not checksum_holds(pseudo + udp):
        raise Finding("a UDP checksum is wrong or missing")
    ports = struct.unpack(">HH", udp[:4])
    return ((source, ports[0]), (destination, ports[1]), udp[8:])


def parse_mikey(data):
    """Payloads of a MIKEY message as a dictionary; order checked by the caller's needs only."""
    version, kind, following, v_prf = data[:4]
    message = {"type": kind, "v": v_prf >> 7, "csb_id": int.from_bytes(data[4:8], "big"),
               "map": data[8:10], "ids": [], "raw": data}
    if version != 1 or v_prf & 0x7f:
        raise Finding("version or PRF of a message is wrong")
    at = 10
    while following:
        code, following = following, data[at]
        if code == 21:
            size = int.from_bytes(data[at + 2:at + 4], "big")
            message["ext"] = (data[at + 1], data[at + 4:at + 4 + size])
            at += 4 + size
        elif code == 5:
            if data[at + 1] != 2:
                raise Finding("T is no COUNTER")
            message["t"] = int.from_bytes(data[at + 2:at + 6], "big")
            at += 6
        elif code == 11:
            message["rand"] = data[at + 2:at + 2 + data[at + 1]]
            at += 2 + data[at + 1]
        elif code == 6:
            size = int.from_bytes(data[at + 2:at + 4], "big")
            message["ids"].append(data[at + 4:at + 4 + size])
            at += 4 + size
        elif code == 1:
            size = int.from_bytes(data[at + 2:at + 4], "big")
            message["encr"] = data[at + 4:at + 4 + size]
            at += 4 + size
            if data[at] != 1:
                raise Finding("the MAC is not HMAC-SHA-1-160")
            message["mac_at"] = at + 1
            message["mac"] = data[at + 1:at + 21]
            at += 21
        elif code == 9:
            message["mac_at"] = at + 2
            message["mac"] = data[at + 2:at + 22]
            at += 22
        else:
            raise Finding(f"payload {code} has no business here")
    if at != len(data):
        raise Finding("octets behind the last payload")
    return message


class Dossier:
    """A dossier and what was found in it."""

    def __init__(self, directory):
        self.directory = directory
        with open(os.path.join(directory, "report.json"), encoding="utf-8") as file:
            self.report = json.load(file)
        self.phones = {}
        with open(os.path.join(directory, "ues.csv"), newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                if row["btid"]:
                    self.phones[row["btid"].encode()] = row
        self.last = {}      # B-TID -> (T, whole message): the counter rule
        self.pushed = {}    # (B-TID, T) -> address it went to
        self.verified = set()
        self.counts = {"push": 0, "solicit": 0, "verification": 0, "mtk": 0, "other": 0}
        self.mtk_counter = 0
        self.solicited = set()
        mcc, group = self.report["key_group"].split("/")
        digits = mcc.replace("-", "")
        mnc3 = digits[5] if len(digits) == 6 else "f"
        self.domain = bytes.fromhex(digits[1] + digits[0] + mnc3 + digits[2] + digits[4] + digits[3])
        self.group = int(group, 16)

    def idi(self):
        """What IDi has to be."""
        return self.domain if self.report["profile"] == "v600" else self.report["fqdn"].encode()

    def key_id(self):
        """What names the MSK in EXT."""
        number = int(self.report["key_number"], 16)
        if self.report["profile"] == "v600":
            return struct.pack(">BBH", 1, 2, number)
        return b"\0\3" + self.domain + struct.pack(">BBHH", 1, 4, self.group, number)

    def check_names(self, message):
        """EXT, IDi, CSB ID, RAND of a push."""
        if message["ext"] != (3, self.key_id()):
            raise Finding("the key identity is wrong")
        if message["ids"][0] != self.idi():
            raise Finding("IDi is wrong")
        if (message["csb_id"] != int(self.report["csb_id"], 16)
                or message["rand"].hex() != self.report["rand"] or message["map"] != b"\0\1"):
            raise Finding("CSB ID, RAND or map differ from the report")

    def check_counter(self, destination, message):
        """Where a message goes, and the counter rule; returns the phone's row."""
        btid, t = message["ids"][1], message["t"]
        phone = self.phones.get(btid)
        if phone is None:
            raise Finding(f"a message to an unknown B-TID {btid}")
        address = (ipaddress.ip_address(phone["address"]).packed, int(phone["port"] or 2269))
        if destination != address:
            raise Finding(f"a message for {btid} went to {destination}")
        if t >= 1 << 31:
            raise Finding("T has bit 31")
        if t <= self.last.get(btid, 0):
            raise Finding(f"T {t} of {btid} is not above {self.last[btid]}")
        self.last[btid] = t
        return phone

    def push(self, destination, message, seconds):
        """One MSK message: names, counter rule, lifetime of the MUK, MAC, plaintext."""
        self.check_names(message)
        btid, t = message["ids"][1], message["t"]
        phone = self.check_counter(destination, message)
        if not message["v"]:
            raise Finding("V is not set")
        if seconds >= int(phone["expires"]):
            raise Finding(f"an MSK for {btid} went out under an expired MUK")
        muk, csb_id, rand = bytes.fromhex(phone["muk"]), message["csb_id"], message["rand"]
        mac = sha1_mac(derive(muk, AUTH, csb_id, rand, 20), message["raw"][:message["mac_at"]])
        if mac != message["mac"]:
            raise Finding(f"the MAC of a push to {btid} is wrong")
        salt = derive(muk, SALT, csb_id, rand, 14)
        operand = b"\0\0" + struct.pack(">IQ", csb_id, t)
        iv = bytes(a ^ b for a, b in zip(salt, operand)) + b"\0\0"
        plain = AES.counter_mode(derive(muk, ENCR, csb_id, rand, 16), iv, message["encr"])
        if (plain[:4] != b"\0\x22\0\x10" or plain[4:20].hex() != self.report["msk"]
                or len(plain) != 26 or plain[20] != 2 or plain[23] != 2):
            raise Finding(f"the key data for {btid} is wrong")
        self.pushed[btid, t] = destination

    def solicit(self, destination, message):
        """One solicited pull: no key, a CSB ID and RAND of its own, V = 0, MAC."""
        label, btid = self.report["solicit"], message["ids"][1]
        ext = b"\1\2\0\0" if self.report["profile"] == "v600" else \
            b"\0\3" + self.domain + struct.pack(">BBHH", 1, 4, self.group, 0)
        if (message["ext"] != (3, ext) or message["ids"][0] != self.idi() or message["v"]
                or message["encr"] or message["csb_id"] != int(label["csb_id"], 16)
                or message["rand"].hex() != label["rand"] or message["map"] != b"\0\1"):
            raise Finding(f"a solicited pull for {btid} is wrong")
        phone = self.check_counter(destination, message)
        key = derive(bytes.fromhex(phone["muk"]), AUTH, message["csb_id"], message["rand"], 20)
        if sha1_mac(key, message["raw"][:message["mac_at"]]) != message["mac"]:
            raise Finding(f"the MAC of a solicited pull for {btid} is wrong")
        self.solicited.add(btid)

    def mtk(self, destination, message):
        """One MTK message: key IDs, counter rule, MAC under the MSK."""
        msk, rand = (bytes.fromhex(self.report[name]) for name in ("msk", "rand"))
        data = message["ext"][1]
        ids = [self.domain] if self.report["profile"] == "v600" else []
        if (data[:-2] != self.key_id() + b"\2\2" or message["ids"] != ids or message["v"]
                or message["csb_id"] != int(self.report["csb_id"], 16)):
            raise Finding("an MTK message is laid out wrongly")
        if destination[0][0] not in (0xff, *range(224, 240)) or "rand" in message:
            raise Finding("an MTK message goes to no multicast address, or has a RAND")
        if message["t"] <= self.mtk_counter:
            raise Finding("the counter of MTK messages does not rise")
        self.mtk_counter = message["t"]
        key = derive(msk, AUTH, message["csb_id"], rand, 20)
        if sha1_mac(key, message["raw"][:message["mac_at"]]) != message["mac"]:
            raise Finding("the MAC of an MTK message is wrong")

    def verification(self, source, message):
        """One verification: answers a push that was sent, MAC holds."""
        btid, t = message["ids"][0], message["t"]
        if self.pushed.get((btid, t)) != source:
            raise Finding(f"a verification by {btid} answers nothing")
        muk = bytes.fromhex(self.phones[btid]["muk"])
        key = derive(muk, AUTH, message["csb_id"], bytes.fromhex(self.report["rand"]), 20)
        covered = message["raw"][:message["mac_at"]] + self.idi() + btid + struct.pack(">I", t)
        if sha1_mac(key, covered) != message["mac"]:
            raise Finding(f"the MAC of a verification by {btid} is wrong")
        self.verified.add(btid)

    def frame(self, frame, seconds):
        """One frame of the capture, of that Unix time."""
        udp = parse_udp(frame)
        if udp is None:
            self.counts["other"] += 1
            return
        source, destination, payload = udp
        message = parse_mikey(payload)
        if message["type"] == 0 and source[1] == MIKEY_PORT and "rand" not in message:
            self.mtk(destination, message)
            self.counts["mtk"] += 1
        elif message["type"] == 0 and source[1] == MIKEY_PORT and not message["encr"]:
            self.solicit(destination, message)
            self.counts["solicit"] += 1
        elif message["type"] == 0 and source[1] == MIKEY_PORT:
            self.push(destination, message, seconds)
            self.counts["push"] += 1
        elif message["type"] == 1 and destination[1] == MIKEY_PORT:
            self.verification(source, message)
            self.counts["verification"] += 1
        else:
            raise Finding("a MIKEY message of an unexpected kind")

    def check(self, is_whole=True):
        """Reads the capture; with is_whole it must hold all that the report speaks of."""
        before = 0
        for stamp, frame in read_pcap(os.path.join(self.directory, "wire.pcap")):
            if stamp < before - 1000000:
                raise Finding("time stamps run backwards")
            before = stamp
            self.frame(frame, stamp // 1000000)
        msk_check = hashlib.sha256(bytes.fromhex(self.report["msk"])).hexdigest()[:6]
        if msk_check != self.report["msk_check"]:
            raise Finding("emulator and daemon do not hold the same MSK")
        sums = sum(self.report[key] for key in ("verified", "given_up", "refused"))
        if sums != self.report["members"]:
            raise Finding("the report does not add up")
        if is_whole and self.counts["push"] != self.report["pushes_sent"]:
            raise Finding(f"{self.counts['push']} pushes in the capture, "
                          f"{self.report['pushes_sent']} in the report")
        if is_whole and self.counts["solicit"] != self.report.get("solicits_sent", 0):
            raise Finding(f"{self.counts['solicit']} solicited pulls in the capture, "
                          f"{self.report['solicits_sent']} in the report")
        if is_whole and len(self.verified) < self.report["verified"]:
            raise Finding("more verified than verifications seen")


def main():
    dossier = Dossier(sys.argv[1])
    try:
        dossier.check(is_whole=dossier.report["members"] <= 50000)
    except Finding as finding:
        sys.exit(f"dossier: {finding}")
    print(f"dossier: {dossier.counts['push']} pushes and {dossier.counts['verification']} "
          f"verifications hold, {len(dossier.verified)} phones answered")


if __name__ == "__main__":
    main()
