#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the mskpush authors

"""What the daemon says it sent and received is what the wire had.

    mskpushd ==MIKEY==> mskpush-ue --pcap wire.pcap
       \\--pcapng--> mskpush capture FILE        tshark reads both
"""

import ipaddress
import os
import signal
import socket
import struct
import subprocess
import time
from collections import Counter

from dossier import parse_udp, read_pcap
from story import DONE, NOT_ALL, Stage, expect, expect_in, expect_that, tell, wait_until

PHONES = 400
RECEIVED, SENT = 1, 2  # epb_flags, bits 0 and 1


def options_of(block, at):
    """code -> value of the options of a pcapng block."""
    found = {}
    while at + 4 <= len(block):
        code, length = struct.unpack_from("<HH", block, at)
        if code == 0:
            break
        found[code] = block[at + 4:at + 4 + length]
        at += 4 + (length + 3) // 4 * 4
    return found


def read_pcapng(path):
    """(direction, frame) of the packets of a pcapng file; its last block has to be whole."""
    with open(path, "rb") as file:
        data = file.read()
    packets, at = [], 0
    while at < len(data):
        kind, length = struct.unpack_from("<II", data, at)
        expect_that(at + length <= len(data) and struct.unpack_from(
            "<I", data, at + length - 4)[0] == length, "a whole block", (at, length, len(data)))
        if kind == 6:
            body = data[at + 8:at + length - 4]
            kept, whole = struct.unpack_from("<II", body, 12)
            expect("octets kept", kept, whole)
            high, low = struct.unpack_from("<II", body, 4)
            seconds = (high << 32 | low) / 1e9
            expect_that(abs(seconds - time.time()) < 600, "the time of now", seconds)
            flags = options_of(body, 20 + (kept + 3) // 4 * 4).get(2)
            direction = struct.unpack("<I", flags)[0] & 3 if flags else 0
            packets.append((direction, body[20:20 + kept]))
        at += length
    return packets


def tshark_counts(path, display_filter):
    done = subprocess.run(["tshark", "-r", path, "-Y", display_filter, "-T", "fields", "-e",
                           "frame.number"], check=True, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True)
    return len(done.stdout.split())


def capture_begin(site, path, *flags):
    client = subprocess.Popen([site.program("mskpush"), "capture", path, *flags],
                              env=site.environment(), stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True)
    wait_until("the head of the capture", lambda: os.path.exists(path) and os.path.getsize(path))
    return client


def capture_is_what_was_on_the_wire():
    with Stage() as site:
        site.raise_all(PHONES)
        path = site.path("push.pcapng")
        client = capture_begin(site, path)
        expect("verified", site.push()["verified"], PHONES)
        wait_until("all frames in the file",
                   lambda: len(read_pcapng_so_far(path)) >= 2 * PHONES)
        status, answer, _ = site.run("capture", site.path("second.pcapng"))
        expect(f"exit status of a second capture ({answer})", status, NOT_ALL)
        expect("why", answer["error"], "capture-running")
        client.send_signal(signal.SIGINT)
        _, errors = client.communicate(timeout=20)
        expect(f"exit status after Ctrl-C ({errors})", client.returncode, DONE)
        expect("frames missed", site.cli("stats")["counters"]["capture_missed"], 0)
        site.stop_phones()
        packets = read_pcapng(path)
        mikey = Counter(frame for _, frame in packets if parse_udp(frame))
        wire = Counter(frame for _, frame in read_pcap(site.pcap) if parse_udp(frame))
        expect_that(mikey == wire, "the frames of the emulator's capture",
                    (len(mikey), len(wire), list((mikey - wire) + (wire - mikey))[:2]))
        kinds = Counter((direction, parse_udp(frame)[2][1]) for direction, frame in packets
                        if parse_udp(frame))
        expect("pushes sent and verifications received", kinds,
               {(SENT, 0): PHONES, (RECEIVED, 1): PHONES})
        expect("pushes by tshark", tshark_counts(path, "mikey.type == 0"), PHONES)
        expect("verifications by tshark", tshark_counts(path, "mikey.type == 1"), PHONES)
        expect("malformed by tshark", tshark_counts(path, "_ws.malformed"), 0)


def capture_of_one_phone():
    """Only the frames from and to it."""
    with Stage() as site:
        site.raise_all(PHONES)
        path = site.path("one.pcapng")
        phone = site.rows[7]
        client = capture_begin(site, path, "--ue", phone["impi"], "--count", "2")
        expect("verified", site.push()["verified"], PHONES)
        client.communicate(timeout=20)
        expect("exit status", client.returncode, DONE)
        ends = [parse_udp(frame)[:2] for _, frame in read_pcapng(path)]
        expect("frames", len(ends), 2)
        for source, destination in ends:
            expect_that(phone["address"] in (str(ipaddress.ip_address(source[0])),
                                             str(ipaddress.ip_address(destination[0]))),
                        "the phone at one end", (source, destination))
        status, answer, _ = site.run("capture", path, "--ue", "nobody@nowhere")
        expect("nobody", (status, answer["error"]), (NOT_ALL, "no-subscriber"))


def read_pcapng_so_far(path):
    """Packets of a file that is being written."""
    try:
        return read_pcapng(path)
    except (AssertionError, struct.error):
        return []


def capture_ends_by_its_count():
    with Stage() as site:
        site.raise_all(PHONES)
        for _ in range(3):
            # Nothing moves: only the client's going ends it, and the next one may begin at once.
            slow_client(site).close()
        for count in (1, 100):
            path = site.path(f"{count}.pcapng")
            client = capture_begin(site, path, "--count", str(count))
            expect("verified", site.push()["verified"], PHONES)
            _, errors = client.communicate(timeout=20)
            expect(f"exit status ({errors})", client.returncode, DONE)
            expect("packets", len(read_pcapng(path)), count)
        status, answer, _ = site.run("capture", "/nowhere/x.pcapng")
        expect_that(status == NOT_ALL, "a file that cannot be made", answer)
        status, answer, _ = site.run("capture", site.path("x"), "--count", "many")
        expect_that(status == 2, "a count that is none is bad input", answer)


def slow_client(site):
    """Asks for a capture and reads only the first line of the answer."""
    line = socket.socket(socket.AF_UNIX)
    line.connect(site.socket)
    line.sendall(b"POST /v1/capture HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
    expect_in(b"200", line.recv(64))
    return line


def client_that_does_not_read():
    """Its pipe is full, then it goes away: the push and the daemon do not care."""
    with Stage() as site:
        site.raise_all(3000)
        line = slow_client(site)
        expect("verified", site.push("--rate", "5000")["verified"], 3000)
        expect("verified", site.push("--rate", "5000")["verified"], 3000)
        missed = site.cli("stats")["counters"]["capture_missed"]
        expect_that(missed > 0, "frames that the capture missed", missed)
        line.close()
        wait_until("the end of the capture",
                   lambda: "event=capture-ended" in site.log("mskpushd"))
        # More than there are buffers for copies.
        client = capture_begin(site, site.path("after.pcapng"), "--count", "12000")
        for _ in range(2):
            expect("verified", site.push("--rate", "5000")["verified"], 3000)
        client.communicate(timeout=20)
        expect("exit status of the next capture", client.returncode, DONE)


def end_beside_a_client_that_does_not_read():
    with Stage() as site:
        site.raise_all(3000)
        line = slow_client(site)
        site.push()
        begin = time.monotonic()
        site.stop_daemon()
        expect("exit status", site.daemon.returncode, 0)
        expect_that(time.monotonic() - begin < 5, "a fast end", time.monotonic() - begin)
        line.close()


def daemon_ends_while_a_capture_runs():
    with Stage() as site:
        site.raise_all(PHONES)
        path = site.path("cut.pcapng")
        client = capture_begin(site, path)
        site.push()
        site.stop_daemon()
        expect("exit status of the daemon", site.daemon.returncode, 0)
        client.communicate(timeout=20)
        expect_that(client.returncode in (DONE, NOT_ALL, 3), "the client ends",
                    client.returncode)
        expect_that(len(read_pcapng(path)) >= 2 * PHONES, "a whole file",
                    os.path.getsize(path))


if __name__ == "__main__":
    tell(capture_is_what_was_on_the_wire, capture_of_one_phone, capture_ends_by_its_count, client_that_does_not_read,
         end_beside_a_client_that_does_not_read, daemon_ends_while_a_capture_runs)
