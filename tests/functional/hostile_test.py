#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the mskpush authors

"""Hostile frames on the daemon's link while a campaign runs: noise, mutations of every kind of frame,
storms of questions, stations that claim to be the gateway, floods of verifications. The campaign
ends as if nothing had been; every frame is accounted for.

    mskpushd == veth == Linux router == veth == mskpush-ue --port kernel (netns.py)
                          \\ an attacker on the same link
"""

import os
import random
import struct
import subprocess
import sys
import time

import netns
from capture_test import RECEIVED, read_pcapng
from story import TOP, expect, expect_that, tell, wait_until

sys.path.insert(0, os.path.join(TOP, "tests", "fuzz"))
import seed_receive as seeds  # noqa: E402

PHONES = 2000
EVIL = bytes.fromhex("02bad0bad0ba")
FRAME_MAX = 1514


def frames_send(interface, path, seconds):
    """The attacker: sends the frames of a file over and over for some seconds."""
    import socket
    with open(path, "rb") as file:
        data = file.read()
    frames, at = [], 0
    while at < len(data):
        length = struct.unpack_from(">H", data, at)[0]
        frames.append(data[at + 2:at + 2 + length])
        at += 2 + length
    line = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    line.bind((interface, 0))
    end, sent = time.monotonic() + seconds, 0
    while time.monotonic() < end and sent < 400000:
        for frame in frames[:5000]:
            try:
                sent += line.send(frame) > 0
            except OSError:  # no room, or longer than the interface takes
                pass
        frames = frames[5000:] + frames[:5000]
    print(sent)


def attack(site, name, frames, seconds=3):
    """Starts the attacker; returns its process."""
    path = site.path(name)
    with open(path, "wb") as file:
        for frame in frames:
            file.write(struct.pack(">H", len(frame)) + frame)
    return subprocess.Popen(site.network.inside("r", sys.executable, os.path.abspath(__file__),
                                                "--send", "r0", path, str(seconds)),
                            stdout=subprocess.PIPE, text=True)


def known_frames(site):
    """One of every kind, to the daemon's MAC."""
    ours = bytes.fromhex(site.network.mac("d", "d0").replace(":", ""))
    return [(name, ours + frame[6:] if frame[:6] == seeds.MAC else frame)
            for name, frame in seeds.frames()]


def mutations(site, count, seed):
    """Frames cut, lengthened, overwritten and joined; and noise to our MAC."""
    dice, known = random.Random(seed), [frame for _, frame in known_frames(site)]
    for _ in range(count):
        frame = bytearray(dice.choice(known))
        kind = dice.randrange(5)
        if kind == 0:
            frame = frame[:dice.randrange(14, len(frame) + 1)]
        elif kind == 1:
            frame += dice.randbytes(dice.randrange(FRAME_MAX - len(frame)))
        elif kind == 2:
            frame[14:] = dice.randbytes(dice.randrange(0, 400))
        elif kind == 3:
            frame[14:] = dice.choice(known)[14:]
        for _ in range(dice.randrange(4)):
            frame[dice.randrange(12, len(frame))] = dice.randrange(256)
        # The attacker's own MAC, so that Linux does not take its frames for its own.
        yield bytes(frame[:6]) + EVIL + bytes(frame[12:])


def campaign_under(site, frames):
    """A campaign while the frames arrive."""
    attacker = attack(site, "frames", frames)
    done = site.push("--rate", "1000", "--waits", "1")
    sent = int(attacker.communicate(timeout=30)[0])
    expect_that(sent > 1000, "an attack", sent)
    expect("verdict", (done["verified"], done["given_up"]), (PHONES, 0))
    site.all_hold(done)
    expect("the daemon", site.daemon.poll(), None)
    expect("MACs of the next hops", macs(site), {site.network.mac("r", "r0")})
    return sent


def macs(site):
    """Those of all next hops."""
    return {hop["mac"] for hop in site.cli("status")["next_hops"]}


def noise_and_mutations():
    with netns.KernelStage() as site:
        site.raise_all(PHONES)
        campaign_under(site, mutations(site, 20000, 5))
        stats = site.cli("stats")
        counters, drops = stats["counters"], stats["drops"]
        taken = sum(counters[name] for name in (
            "verified", "arp_answers", "arp_replies", "nd_answers", "nd_replies", "echo_answers",
            "icmp_unreachable"))
        expect("frames received", counters["rx_frames"], taken + sum(
            n for name, n in drops.items() if name != "no-room-to-answer"))
        for name in ("runt", "ip-header", "ip-checksum", "udp-checksum", "udp-length", "icmp",
                     "nd-malformed", "arp-malformed", "ethertype"):
            expect_that(drops[name] > 0, f"some dropped as {name}", drops)


def storms_and_poison():
    """Questions without end, and answers that nobody asked for, for the gateway's addresses."""
    with netns.KernelStage() as site:
        site.raise_all(PHONES)
        # Whom nobody has found yet anybody may claim to be.
        wait_until("the gateway is known", lambda: macs(site) == {site.network.mac("r", "r0")})
        known = dict(known_frames(site))
        arp, nd = known["arp-reply"], known["advertisement"]
        claims = [arp[:6] + EVIL + arp[12:22] + EVIL + arp[28:],
                  known["arp-announcement"][:22] + EVIL + known["arp-announcement"][28:]]
        body = b"\xe0\0\0\0" + seeds.packed(seeds.GATEWAY6) + b"\2\1" + EVIL
        claims.append(nd[:6] + EVIL + nd[12:14] + seeds.ipv6(58, seeds.icmp6(
            136, 0, body, seeds.GATEWAY6), seeds.GATEWAY6, limit=255))
        questions = [known["arp-request"][:6] + EVIL + known["arp-request"][12:22] + EVIL
                     + seeds.packed("192.168.26.77") + known["arp-request"][32:]] * 20
        campaign_under(site, (claims + questions) * 200)


def flood_of_verifications():
    """Sound messages in every way but for their MAC, from addresses that are not theirs."""
    with netns.KernelStage() as site:
        site.raise_all(PHONES)
        done = site.push()
        # A verification as phones send them: the attacker does not know the keys.
        path = site.path("one.pcapng")
        capture = subprocess.Popen([site.program("mskpush"), "capture", path, "--count", "400"],
                                   env=site.environment(), stdout=subprocess.DEVNULL)
        time.sleep(0.5)
        site.cli("msk", "new", netns.GROUP, check=False)
        site.push("--rate", "1000")
        capture.wait(20)
        ours = bytes.fromhex(site.network.mac("d", "d0").replace(":", ""))
        frames = []
        for direction, frame in read_pcapng(path):
            if direction == RECEIVED and frame[12:14] == b"\x08\x00" and frame[23] == 17:
                payload = bytearray(frame[42:])
                payload[-1] ^= 1
                frames.append(ours + EVIL + b"\x08\x00" + seeds.ipv4(17, seeds.udp(
                    bytes(payload), "10.200.0.1", seeds.OURS), "10.200.0.1"))
        expect_that(len(frames) > 50, "verifications to forge", len(frames))
        sent = campaign_under(site, frames)
        drops = site.cli("stats")["drops"]
        forged = drops["bad-mac"] + drops["stale-counter"] + drops["unknown-csb"]
        expect_that(forged > sent // 4, "forged ones dropped by name", (sent, drops))
        expect_that(done["verified"] == PHONES, "verified", done)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--send"]:
        frames_send(sys.argv[2], sys.argv[3], float(sys.argv[4]))
        sys.exit(0)
    netns.must_be_root()
    tell(noise_and_mutations, storms_and_poison, flood_of_verifications)
