#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the mskpush authors
"""Runs mikey-dump on messages and captures made here: dump_tool_test.py MIKEY_DUMP VECTORS"""

import json
import os
import struct
import subprocess
import sys
import tempfile
import unittest

TOOL, VECTORS = None, {}
RAND = "000102030405060708090a0b0c0d0e0f"


def run(*args, stdin=None):
    done = subprocess.run([TOOL, *args], input=stdin, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def objects(*args, stdin=None):
    code, out, _ = run("--json", *args, stdin=stdin)
    return code, [json.loads(line) for line in out.splitlines()]


def udp(data, source=2269, destination=2269):
    return struct.pack(">HHHH", source, destination, 8 + len(data), 0) + data


def ipv4(data, options=b"", fragment=0, protocol=17):
    head = struct.pack(">BBHHHBBH4B4B", 0x45 + len(options) // 4, 0,
                       20 + len(options) + len(data), 0, fragment, 64, protocol, 0,
                       10, 0, 0, 1, 10, 0, 0, 2)
    return head + options + data


def ipv6(data, protocol=17):
    return (struct.pack(">IHBB", 6 << 28, len(data), protocol, 64)
            + bytes(15) + b"\1" + bytes(15) + b"\2" + data)


def ethernet(data, *types):
    """An Ethernet frame; types before the last one are VLAN tags."""
    out = bytes(12)
    for kind in types:
        out += struct.pack(">H", kind) + (b"\0\5" if kind in (0x8100, 0x88A8) else b"")
    return out + data


def pcap(link, frames, snap=65535):
    out = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, link)
    for frame in frames:
        kept = frame[:snap]
        out += struct.pack("<IIII", 1700000000, 123456, len(kept), len(frame)) + kept
    return out


def pcapng(link, frames):
    def block(kind, body):
        body += bytes(-len(body) % 4)
        return struct.pack("<II", kind, 12 + len(body)) + body + struct.pack("<I", 12 + len(body))

    out = block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1))
    out += block(1, struct.pack("<HHI", link, 0, 65535))
    for frame in frames:
        out += block(6, struct.pack("<IIIII", 0, 0, 0, len(frame), len(frame)) + frame)
    return out


def capture_objects(data, *args):
    with tempfile.NamedTemporaryFile(suffix=".pcap") as file:
        file.write(data)
        file.flush()
        return objects("--pcap", file.name, *args)


class Messages(unittest.TestCase):
    def test_every_vector_is_well_formed(self):
        names = [name for name in VECTORS if name.endswith(".msg")]
        code, found = objects(*(VECTORS[name] for name in names))
        self.assertEqual(code, 0)
        self.assertEqual([m["verdict"] for m in found], ["ok"] * len(names))
        self.assertNotIn("other", [m["kind"] for m in found])

    def test_fields_of_vector_f(self):
        message = objects(VECTORS["F.msg"])[1][0]
        want = {"kind": "msk", "csb_id": "12345678", "key_domain": "001-01", "key_group": "0001",
                "key_number": "0001", "counter": 1, "rand": RAND, "v": True,
                "encr": VECTORS["F.encdata"], "mac": VECTORS["F.mac"]}
        self.assertEqual({key: message[key] for key in want}, want)
        self.assertEqual([i["text"] for i in message["identities"]],
                         ["bmsc.home1.net", VECTORS["E.btid"]])

    def test_standard_input_holds_a_message_a_line(self):
        lines = f"# a comment\n\n{VECTORS['F.msg'].upper()}\n{VECTORS['H.msg']}\n"
        code, found = objects("-", stdin=lines)
        self.assertEqual((code, [m["kind"] for m in found]), (0, ["msk", "solicit"]))

    def test_a_malformed_message_exits_1_and_the_rest_is_shown(self):
        code, found = objects(VECTORS["F.msg"][:-2], VECTORS["H.msg"])
        self.assertEqual(code, 1)
        self.assertEqual([m["verdict"] for m in found], ["kemac-mac-truncated", "ok"])

    def test_bad_usage_and_input_exit_2(self):
        for args in (["zz"], ["0"], [], ["--port", "0", "00"], ["--port", "65536", "00"],
                     ["--key", "", "00"], ["--rand", "00", "00"], ["--pcap", "/nonexistent"],
                     ["--pcap", "/dev/null"], ["--bogus"], ["--pcap", "x", "00"]):
            code, out, err = run(*args)
            self.assertEqual((code, out), (2, ""), args)
            self.assertNotEqual(err, "")
        self.assertEqual(run("-", stdin="0101\nxx\n")[0], 2)

    def test_captures_that_cannot_be_read_are_named(self):
        for path in ("/nonexistent", "/dev/null", __file__):
            self.assertIn(path, run("--pcap", path)[2])

    def test_help_has_an_example(self):
        code, out, _ = run("--help")
        self.assertEqual(code, 0)
        self.assertIn("mikey-dump --pcap wire.pcap", out)


class Keys(unittest.TestCase):
    def unseal(self, name, key, *args):
        code, found = objects("--key", key, *args, VECTORS[name])
        return code, found[0]

    def test_msk_message_opens_under_its_muk(self):
        for name in ("F.msg", "K.msg", "F6.msg"):
            code, message = self.unseal(name, VECTORS["E.Ks_NAF"])
            self.assertEqual((code, message["mac_holds"]), (0, True))
            self.assertEqual(message["key"], "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf")
            self.assertEqual((message["valid_from"], message["valid_to"]), ("0001", "00ff"))

    def test_solicit_holds_and_has_no_key(self):
        for name in ("H.msg", "H6.msg"):
            code, message = self.unseal(name, VECTORS["E.Ks_NAF"])
            self.assertEqual((code, message["mac_holds"]), (0, True))
            self.assertNotIn("key", message)

    def test_third_party_mtk_message_opens_without_rand(self):
        code, message = self.unseal("T2.msg", VECTORS["T2.msk"])
        self.assertEqual((code, message["key"]), (0, "00aa00bb00cc00dd00ee00ff00aa00bb"))

    def test_mtk_messages_open_under_the_rand_of_the_msk_message(self):
        msk = "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf"
        self.assertEqual(self.unseal("I1.msg", msk, "--rand", RAND)[0], 0)
        self.assertEqual(self.unseal("I6.msg", msk, "--rand", RAND)[0], 0)
        self.assertEqual(self.unseal("I1.msg", msk)[0], 1)
        self.assertEqual(self.unseal("I2.msg", msk)[0], 0)
        message = self.unseal("I3.msg", msk, "--rand", RAND)[1]
        self.assertEqual(message["salt"], "101112131415161718191a1b1c1d")

    def test_verifications_need_idi(self):
        muk = VECTORS["E.Ks_NAF"]
        for name, idi in (("G.msg", "bmsc.home1.net"), ("G6.msg", "0x00f110")):
            code, message = self.unseal(name, muk, "--rand", RAND, "--idi", idi)
            self.assertEqual((code, message["mac_holds"]), (0, True))
            self.assertEqual(message["timestamp_bytes"], 4)
            self.assertNotIn("mac_holds", self.unseal(name, muk, "--rand", RAND)[1])
        self.assertEqual(self.unseal("G.msg", muk, "--rand", RAND, "--idi", "x")[0], 1)

    def test_verification_over_eight_octets_of_timestamp_is_told(self):
        message = VECTORS["G.prefix"] + VECTORS["G.mac_ts64"]
        code, found = objects("--key", VECTORS["E.Ks_NAF"], "--rand", RAND, "--idi",
                              "bmsc.home1.net", message)
        self.assertEqual((code, found[0]["timestamp_bytes"]), (0, 8))

    def test_a_flipped_bit_or_another_key_does_not_hold(self):
        key, message = VECTORS["E.Ks_NAF"], bytearray.fromhex(VECTORS["F.msg"])
        message[140] ^= 1
        code, found = objects("--key", key, message.hex())
        self.assertEqual((code, found[0]["mac_holds"]), (1, False))
        self.assertNotIn("key", found[0])
        self.assertEqual(self.unseal("F.msg", "00" + key[2:])[0], 1)


class Captures(unittest.TestCase):
    def setUp(self):
        self.message = bytes.fromhex(VECTORS["F.msg"])
        self.datagram = udp(self.message)

    def assert_found(self, capture, n):
        code, found = capture_objects(capture)
        self.assertEqual((code, [m["kind"] for m in found]), (0, ["msk"] * n))
        return found

    def test_ethernet_with_tags_and_options(self):
        frames = [ethernet(ipv4(self.datagram), 0x800),
                  ethernet(ipv4(self.datagram, options=bytes(4)), 0x800),
                  ethernet(ipv4(self.datagram), 0x8100, 0x800),
                  ethernet(ipv6(self.datagram), 0x88A8, 0x8100, 0x86DD),
                  ethernet(ipv6(b"\x11\0" + bytes(6) + self.datagram, 0), 0x86DD),
                  ethernet(ipv4(self.datagram) + bytes(9), 0x800)]
        found = self.assert_found(pcap(1, frames), len(frames))
        self.assertEqual(found[0]["path"], "10.0.0.1:2269 > 10.0.0.2:2269")
        self.assertEqual(found[3]["path"], "[::1]:2269 > [::2]:2269")
        self.assertEqual(found[0]["time"], "2023-11-14T22:13:20.123456Z")
        self.assert_found(pcapng(1, frames), len(frames))

    def test_raw_ip_and_linux_cooked(self):
        self.assert_found(pcap(101, [ipv4(self.datagram), ipv6(self.datagram), b""]), 2)
        self.assert_found(pcap(113, [bytes(14) + b"\x08\0" + ipv4(self.datagram)]), 1)
        self.assert_found(pcap(276, [b"\x86\xdd" + bytes(18) + ipv6(self.datagram)]), 1)

    def test_what_is_no_datagram_for_the_port_is_passed_over(self):
        frames = [b"", bytes(13), ethernet(b"", 0x806), ethernet(b"\x45", 0x800),
                  ethernet(ipv4(udp(self.message, 1, 2)), 0x800),
                  ethernet(ipv4(self.datagram, fragment=0x2000), 0x800),
                  ethernet(ipv4(self.datagram, fragment=3), 0x800),
                  ethernet(ipv4(self.datagram, protocol=6), 0x800),
                  ethernet(ipv4(struct.pack(">HHHH", 2269, 2269, 3, 0)), 0x800),
                  ethernet(ipv6(b"\0\xff" + bytes(6), 0), 0x86DD),
                  ethernet(b"", 0x8100)]
        self.assert_found(pcap(1, frames), 0)
        self.assertEqual(len(capture_objects(pcap(1, frames), "--port", "2")[1]), 1)

    def test_a_frame_cut_by_the_capture_is_malformed(self):
        frame = ethernet(ipv4(self.datagram), 0x800)
        code, found = capture_objects(pcap(1, [frame], snap=100))
        self.assertEqual((code, found[0]["verdict"]), (1, "id-length"))

    def test_a_damaged_capture_or_an_unknown_link_exits_2(self):
        whole = pcap(101, [ipv4(self.datagram)])
        self.assertEqual(capture_objects(whole[:-1])[0], 2)
        self.assertEqual(capture_objects(pcap(147, [self.message]))[0], 2)


if __name__ == "__main__":
    TOOL = os.path.abspath(sys.argv[1])
    with open(sys.argv[2], encoding="ascii") as vectors_file:
        VECTORS = json.load(vectors_file)
    unittest.main(argv=sys.argv[:1])
