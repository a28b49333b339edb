#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the mskpush authors

"""Writes the seeds of fuzz_receive.c: frames of every kind that the receive path knows, as that
target reads them. usage: seed_receive.py FOLDER"""

import ipaddress
import os
import struct
import sys

MAC, PEER, ALL = bytes.fromhex("020000000001"), bytes.fromhex("020000000009"), b"\xff" * 6
OURS, GATEWAY, PHONE = "192.168.26.1", "192.168.26.2", "10.0.0.7"
OURS6, GATEWAY6, PHONE6 = "fd00:26::1", "fd00:26::2", "2001:db8::7"


def packed(address):
    return ipaddress.ip_address(address).packed


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def ether(kind, payload, to=MAC, tags=()):
    head = b"".join(struct.pack(">HH", 0x88a8 if i == 0 and len(tags) == 2 else 0x8100, tag)
                    for i, tag in enumerate(tags))
    return to + PEER + head + struct.pack(">H", kind) + payload


def ipv4(protocol, payload, source=PHONE, to=OURS):
    start = struct.pack(">BBHHHBB", 0x45, 0, 20 + len(payload), 1, 0x4000, 64, protocol)
    rest = packed(source) + packed(to)
    return start + struct.pack(">H", checksum(start + b"\0\0" + rest)) + rest + payload


def ipv6(protocol, payload, source=PHONE6, to=OURS6, limit=64):
    return struct.pack(">IHBB", 6 << 28, len(payload), protocol, limit) \
        + packed(source) + packed(to) + payload


def above(protocol, payload, at, source, to):
    """The payload with its checksum at an offset."""
    pseudo = packed(source) + packed(to) + struct.pack(">II", len(payload), protocol)
    value = checksum(pseudo + payload) or 0xffff
    return payload[:at] + struct.pack(">H", value) + payload[at + 2:]


def udp(payload, source, to, port=2269):
    return above(17, struct.pack(">HHHH", 2269, port, 8 + len(payload), 0) + payload, 6, source, to)


def icmp(kind, code, rest):
    body = struct.pack(">BBH", kind, code, 0) + rest
    return body[:2] + struct.pack(">H", checksum(body)) + body[4:]


def icmp6(kind, code, rest, source=PHONE6, to=OURS6):
    return above(58, struct.pack(">BBH", kind, code, 0) + rest, 2, source, to)


def frames():
    arp = struct.pack(">HHBBH", 1, 0x0800, 6, 4, 1) + PEER + packed(GATEWAY) + bytes(6)
    yield "arp-request", ether(0x0806, arp + packed(OURS), ALL)
    yield "arp-announcement", ether(0x0806, arp + packed(GATEWAY), ALL)
    yield "arp-reply", ether(0x0806, arp[:7] + b"\2" + arp[8:] + packed(OURS))
    yield "udp", ether(0x0800, ipv4(17, udp(b"mikey", PHONE, OURS)))
    yield "udp6", ether(0x86dd, ipv6(17, udp(b"mikey", PHONE6, OURS6)))
    yield "echo", ether(0x0800, ipv4(1, icmp(8, 0, b"ping" * 8)))
    yield "echo6", ether(0x86dd, ipv6(58, icmp6(128, 0, b"ping" * 8)))
    sent = ipv4(17, udp(b"push", OURS, PHONE), OURS, PHONE)
    yield "unreachable", ether(0x0800, ipv4(1, icmp(3, 1, bytes(4) + sent), GATEWAY))
    sent6 = ipv6(17, udp(b"push", OURS6, PHONE6), OURS6, PHONE6)
    yield "unreachable6", ether(0x86dd, ipv6(58, icmp6(
        1, 0, bytes(4) + sent6, GATEWAY6), GATEWAY6))
    yield "too-big6", ether(0x86dd, ipv6(58, icmp6(
        2, 0, struct.pack(">I", 1280) + sent6, GATEWAY6), GATEWAY6))
    group = "ff02::1:ff00:1"
    solicit = bytes(4) + packed(OURS6)
    yield "solicitation", ether(0x86dd, ipv6(58, icmp6(
        135, 0, solicit + b"\1\1" + PEER, GATEWAY6, group), GATEWAY6, group, 255),
        bytes.fromhex("3333ff000001"))
    yield "detection", ether(0x86dd, ipv6(58, icmp6(
        135, 0, solicit, "::", group), "::", group, 255), bytes.fromhex("3333ff000001"))
    yield "advertisement", ether(0x86dd, ipv6(58, icmp6(
        136, 0, b"\xe0\0\0\0" + packed(GATEWAY6) + b"\2\1" + PEER, GATEWAY6), GATEWAY6,
        limit=255))
    yield "fragment", ether(0x86dd, ipv6(44, b"\x11\0\0\1" + bytes(4) + b"rest"))
    yield "tagged", ether(0x0806, (arp + packed(OURS)).replace(
        packed(GATEWAY), packed("192.168.27.2")).replace(packed(OURS), packed("192.168.27.1")),
        ALL, (5, 6))


def main():
    os.makedirs(sys.argv[1], exist_ok=True)
    for name, frame in frames():
        port = 0x8000 if name == "tagged" else 0
        with open(os.path.join(sys.argv[1], name), "wb") as file:
            file.write(struct.pack(">H", port + len(frame)) + frame)
    with open(os.path.join(sys.argv[1], "all"), "wb") as file:
        for name, frame in frames():
            file.write(struct.pack(">H", len(frame)) + frame)


if __name__ == "__main__":
    main()
