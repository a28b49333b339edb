#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the mskpush authors

"""Crafted frames: each moves exactly the counter that it should, and ARP and ping are answered.

    in.pcap --net_pcap--> mskpushd --net_pcap--> out.pcap

The drops that need a campaign (unknown-idr, not-a-member, stale-counter, bad-mac, duplicate) are
forgery_test.py's.
"""

import ipaddress
import json
import os
import random
import struct
from collections import Counter

from forgery_test import checksum, write_pcap
from story import TOP, Stage, expect, expect_that, tell, wait_until

OURS, GATEWAY, PHONE = "192.168.26.1", "192.168.26.2", "10.0.0.7"
MAC = bytes.fromhex("020000002609")
GATEWAY_MAC, BROADCAST = bytes.fromhex("0200000026aa"), b"\xff" * 6
ECHO_REQUEST, ECHO_REPLY = 8, 0

with open(os.path.join(TOP, "tests/vectors/mikey-vectors.json"), encoding="utf-8") as _file:
    VECTORS = json.load(_file)
PUSH = bytes.fromhex(VECTORS["F.msg"])
VERIFICATION = bytes.fromhex(VECTORS["G.msg"])
# HDR of type Error, T and the payload ERR (RFC 3830, 6.12).
ERROR = bytes.fromhex("010605000000000900010c020000000700010000")


def packed(address):
    return ipaddress.ip_address(address).packed


def ether(kind, payload, to=MAC, source=GATEWAY_MAC):
    return to + source + struct.pack(">H", kind) + payload


def ipv4(protocol, payload, to=OURS, *, head=b"", fragment=0, version=4, ihl=None, total=None,
         break_checksum=False, source=PHONE):
    """An IPv4 packet, right but for what is asked for; head: options."""
    size = 20 + len(head)
    first = version << 4 | (size // 4 if ihl is None else ihl)
    length = size + len(payload) if total is None else total
    start = struct.pack(">BBHHHBB", first, 0, length, 7, fragment, 64, protocol)
    rest = packed(source) + packed(to) + head
    value = checksum(start + b"\0\0" + rest) ^ (1 if break_checksum else 0)
    return start + struct.pack(">H", value) + rest + payload


def udp(payload, port=2269, *, to=OURS, length=None, change_checksum=None):
    size = 8 + len(payload)
    start = struct.pack(">HHH", 40000, port, size if length is None else length)
    pseudo = packed(PHONE) + packed(to) + struct.pack(">BBH", 0, 17, size)
    value = checksum(pseudo + start + b"\0\0" + payload) or 0xffff
    if change_checksum is not None:
        value = change_checksum(value)
    return start + struct.pack(">H", value) + payload


def mikey(payload):
    return ether(0x0800, ipv4(17, udp(payload)))


def arp(opcode=1, *, target=OURS, sender=GATEWAY, hardware=1, protocol=0x0800, lengths=(6, 4),
        to=BROADCAST):
    return ether(0x0806, struct.pack(">HHBBH", hardware, protocol, *lengths, opcode)
                 + GATEWAY_MAC + packed(sender) + b"\0" * 6 + packed(target), to)


def icmp(kind=ECHO_REQUEST, code=0, data=b"abcdefgh" * 4, *, flaw=0):
    start = struct.pack(">BB", kind, code)
    rest = struct.pack(">HH", 77, 1) + data
    return start + struct.pack(">H", checksum(start + b"\0\0" + rest) ^ flaw) + rest


def dropped_frames():
    """(counter, frame) of all frames that are not taken."""
    right = mikey(VERIFICATION)
    randomness = random.Random(11)
    yield from (("runt", frame) for frame in (right[:13], right[:14], right[:33], b"\0" * 6))
    yield "oversized", mikey(VERIFICATION + b"\0" * 600)
    yield from (("ethertype", ether(kind, right[14:])) for kind in (0x86dd, 0x88cc, 60))
    yield from (("vlan", ether(kind, right[14:])) for kind in (0x8100, 0x88a8, 0x9100))
    yield "not-our-mac", ether(0x0800, right[14:], GATEWAY_MAC)
    yield "not-our-mac", ether(0x0800, right[14:], bytes.fromhex("01005e000001"))
    yield from (("source", ether(0x0800, right[14:], MAC, sender)) for sender in (
        BROADCAST, bytes.fromhex("01005e000001")))
    yield "source", ether(0x0806, arp()[14:], BROADCAST, BROADCAST)
    yield from (("source", ether(0x0800, ipv4(1, icmp(), source=source))) for source in (
        "0.0.0.0", "127.0.0.1", "224.0.0.1", "255.255.255.255"))
    yield from (("arp-malformed", frame) for frame in (
        arp()[:41], arp(hardware=6), arp(protocol=0x86dd), arp(lengths=(8, 4)),
        arp(lengths=(6, 16)), arp(opcode=3), arp(opcode=0)))
    yield "arp-not-ours", arp(target=GATEWAY)
    yield "arp-not-ours", arp(opcode=2, target="192.168.26.77")
    sound = udp(VERIFICATION)
    yield from (("ip-header", ether(0x0800, packet)) for packet in (
        ipv4(17, sound, version=6), ipv4(17, sound, ihl=4), ipv4(17, sound, ihl=0),
        ipv4(17, sound, total=20 + len(sound) + 1), ipv4(17, sound, total=19),
        ipv4(17, b"", ihl=15)))
    yield "ip-checksum", ether(0x0800, ipv4(17, sound, break_checksum=True))
    yield from (("ip-fragment", ether(0x0800, ipv4(17, sound, fragment=bits)))
                for bits in (0x2000, 0x0001, 0x1fff, 0x8000))
    yield from (("ip-not-ours", ether(0x0800, ipv4(17, udp(VERIFICATION, to=to), to)))
                for to in (GATEWAY, "192.168.26.255", "255.255.255.255", "224.0.0.1"))
    yield from (("ip-protocol", ether(0x0800, ipv4(number, sound))) for number in (6, 132, 0, 255))
    yield from (("icmp", ether(0x0800, ipv4(1, data))) for data in (
        icmp(ECHO_REPLY), icmp(3, 3), icmp(code=1), icmp(flaw=1), icmp()[:7], b""))
    yield "icmp", ether(0x0800, ipv4(1, icmp()), BROADCAST)
    yield from (("udp-length", ether(0x0800, ipv4(17, packet))) for packet in (
        sound[:7], b"", udp(VERIFICATION, length=7), udp(VERIFICATION, length=0),
        udp(VERIFICATION, length=len(sound) + 1), udp(VERIFICATION, length=len(sound) - 1)))
    yield from (("udp-port", ether(0x0800, ipv4(17, udp(VERIFICATION, port))))
                for port in (2268, 2270, 0, 65535))
    for flaw in (1, 0x8000):
        yield "udp-checksum", ether(0x0800, ipv4(17, udp(
            VERIFICATION, change_checksum=lambda right, by=flaw: right ^ by)))
    # Every truncation of a verification and of a push, and noise.
    yield from (("mikey-malformed", mikey(message[:length]))
                for message in (VERIFICATION, PUSH) for length in range(len(message)))
    yield "mikey-malformed", mikey(VERIFICATION + b"\0")
    for _ in range(200):
        noise = randomness.randbytes(randomness.randrange(1, 300))
        yield "mikey-malformed", mikey(b"\2" + noise)
    yield from (("mikey-kind", mikey(bytes.fromhex(VECTORS[name])))
                for name in ("F.msg", "H.msg", "F6.msg", "H6.msg", "I1.msg", "K.msg"))
    yield "mikey-error", mikey(ERROR)
    # Sound verification messages, but no campaign runs.
    yield "unknown-csb", mikey(VERIFICATION)
    yield "unknown-csb", right + b"\0" * 20  # Ethernet's padding is none of the packet's
    yield "unknown-csb", ether(0x0800, ipv4(17, sound, head=b"\1" * 8))
    yield "unknown-csb", ether(0x0800, ipv4(17, sound, fragment=0x4000))
    yield "unknown-csb", ether(0x0800, ipv4(17, udp(VERIFICATION, change_checksum=lambda _: 0)))


def read_frames(path):
    """Frames of a classic pcap file, with micro- or nanoseconds."""
    frames = []
    with open(path, "rb") as file:
        expect_that(struct.unpack("<I", file.read(24)[:4])[0] in (0xa1b2c3d4, 0xa1b23c4d),
                    "a pcap file", path)
        while record := file.read(16):
            frames.append(file.read(struct.unpack("<IIII", record)[2]))
    return frames


def run_frames(site, frames, port_yaml=""):
    """Feeds them to a daemon of their own; returns its counters and what it sent."""
    write_pcap(site.path("in.pcap"), frames)
    site.port = f"net_pcap0,rx_pcap={site.path('in.pcap')},tx_pcap={site.path('out.pcap')}"
    site.port_yaml = f'  mac: "{MAC.hex(":")}"\n{port_yaml}'
    site.start_daemon()
    wait_until("all frames received",
               lambda: site.cli("stats")["counters"]["rx_frames"] == len(frames),
               show=lambda: (len(frames), site.cli("stats")["counters"]))
    # Counters of a burst are complete when the worker has turned once more.
    turns = site.cli("stats")["counters"]["turns"]
    wait_until("another turn", lambda: site.cli("stats")["counters"]["turns"] > turns + 2)
    stats, status = site.cli("stats"), site.cli("status")
    site.stop_daemon()
    expect("exit status", site.daemon.returncode, 0)
    return stats, status, read_frames(site.path("out.pcap"))


def every_drop_has_its_name():
    with Stage() as site:
        wanted = Counter(name for name, _ in dropped_frames())
        stats, status, sent = run_frames(site, [frame for _, frame in dropped_frames()])
        seen = {name: n for name, n in stats["drops"].items() if n}
        expect("drop counters", seen, dict(wanted))
        expect("verdicts of MIKEY", sum(stats["mikey"].values()), wanted["mikey-malformed"])
        expect_that(len(stats["mikey"]) >= 8, "several verdicts", stats["mikey"])
        expect("verified", stats["counters"]["verified"], 0)
        expect("the gateway", status["port"]["gateway_mac"], GATEWAY_MAC.hex(":"))
        # Nobody gets an answer: all that is sent is the question for the gateway.
        expect_that(all(frame[:6] in (BROADCAST, GATEWAY_MAC)
                        and frame[12:22] == arp()[12:22] for frame in sent),
                    "nothing but ARP requests sent", [frame.hex() for frame in sent])
    left = {"unknown-idr", "not-a-member", "stale-counter", "bad-mac", "duplicate",
            "no-room-to-answer", "nd-malformed", "nd-not-ours"}
    expect("drops that this story does not move", set(stats["drops"]) - set(wanted), left)


def arp_and_ping_are_answered():
    pings = [icmp(), icmp(data=b""), icmp(data=b"x" * 333), icmp(data=b"odd")]
    frames = [arp(), arp(to=MAC), arp(sender=PHONE), arp() + b"\0" * 18, arp(opcode=2, to=MAC)]
    frames += [ether(0x0800, ipv4(1, ping)) for ping in pings]
    frames += [ether(0x0800, ipv4(1, pings[3])) + b"\0" * 20,
               ether(0x0800, ipv4(1, pings[0], head=b"\1" * 4))]
    with Stage() as site:
        stats, status, sent = run_frames(site, frames)
        expect("drops", {name: n for name, n in stats["drops"].items() if n}, {})
        expect("ARP answers, replies heard, echo answers",
               tuple(stats["counters"][name] for name in (
                   "arp_answers", "arp_replies", "echo_answers")), (4, 1, 6))
        first = sent[:stats["counters"]["tx_frames"]]
        expect("octets sent", stats["counters"]["tx_bytes"], sum(map(len, first)))
        expect("the gateway", status["port"]["gateway_mac"], GATEWAY_MAC.hex(":"))
        answers = [frame for frame in sent if frame[:6] != BROADCAST and
                   not (frame[12:14] == b"\x08\x06" and frame[20:22] == b"\0\1")]
        check_arp_answers([frame for frame in answers if frame[12:14] == b"\x08\x06"])
        check_echoes([frame for frame in answers if frame[12:14] == b"\x08\x00"], pings)
        expect("frames that are neither", len(answers), 10)


def answers_have_the_tags_of_the_port():
    """Whatever types those of the question had: old switches and kernels use their own."""
    def tagged(frame, outer):
        return frame[:12] + struct.pack(">HHHH", outer, 0x6000 | 2000, 0x8100, 7) + frame[12:]
    asked = [tagged(frame, outer) for outer in (0x88a8, 0x8100, 0x9100)
             for frame in (arp(), ether(0x0800, ipv4(1, icmp())))]
    with Stage() as site:
        stats, _, sent = run_frames(site, asked, "  vlan: [2000, 7]\n")
        expect("drops", {name: n for name, n in stats["drops"].items() if n}, {})
        head = GATEWAY_MAC + MAC + struct.pack(">HHHH", 0x88a8, 2000, 0x8100, 7)
        answers = Counter(frame[:22] for frame in sent if frame[:6] != BROADCAST
                          and frame[28:30] != b"\0\1")
        expect("heads of the answers", answers, Counter({head + b"\x08\x06": 3,
                                                        head + b"\x08\0": 3}))


def check_arp_answers(answers):
    expect("who is told", Counter(answers), Counter({
        ether(0x0806, struct.pack(">HHBBH", 1, 0x0800, 6, 4, 2) + MAC + packed(OURS) + GATEWAY_MAC
              + packed(asker), GATEWAY_MAC, MAC): n for asker, n in ((GATEWAY, 3), (PHONE, 1))}))


def check_echoes(echoes, pings):
    """Each field of the answers; the data came back as it was sent."""
    bodies = []
    for frame in echoes:
        size = (frame[14] & 15) * 4
        packet, body = frame[14:14 + size], frame[14 + size:]
        expect("MAC addresses", frame[:12], GATEWAY_MAC + MAC)
        expect("checksum of IP", checksum(packet), 0)
        expect("total length", struct.unpack(">H", packet[2:4])[0], len(packet) + len(body))
        expect("addresses", packet[12:20], packed(OURS) + packed(PHONE))
        expect("type and code", body[:2], bytes([ECHO_REPLY, 0]))
        expect("checksum of ICMP", checksum(body), 0)
        bodies.append(body[4:])
    expect("data that came back", sorted(bodies),
           sorted(ping[4:] for ping in [*pings, pings[3], pings[0]]))


if __name__ == "__main__":
    tell(every_drop_has_its_name, arp_and_ping_are_answered, answers_have_the_tags_of_the_port)
