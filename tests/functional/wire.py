# SPDX-License-Identifier: Apache-2.0
# Copyright the mskpush authors

"""What went over the wire, from the emulator's capture, read by the dossier's own decoder; and the
counter rule, judged by that alone.
"""

import ipaddress
import struct
from collections import defaultdict, namedtuple

from dossier import MIKEY_PORT, Finding, parse_mikey, parse_udp, read_pcap
from story import expect_that

Push = namedtuple("Push", "micros address btid t csb_id rand number raw")
Answer = namedtuple("Answer", "micros address btid t csb_id")


def read_wire(path):
    """(pushes, answers) of a capture in wire order; checksums and structure are checked."""
    pushes, answers = [], []
    for micros, frame in read_pcap(path):
        udp = parse_udp(frame)
        if udp is None:
            continue
        source, destination, payload = udp
        message = parse_mikey(payload)
        if message["type"] == 0 and source[1] == MIKEY_PORT:
            pushes.append(push_of(micros, destination, message))
        elif message["type"] == 1:
            answers.append(Answer(micros, str(ipaddress.ip_address(source[0])),
                                  message["ids"][0].decode(), message["t"], message["csb_id"]))
        else:
            raise Finding("neither a push nor a verification")
    return pushes, answers


def push_of(micros, destination, message):
    """A push as the stories look at it; the key number is the end of EXT."""
    number = struct.unpack(">H", message["ext"][1][-2:])[0]
    return Push(micros, str(ipaddress.ip_address(destination[0])), message["ids"][1].decode(),
                message["t"], message["csb_id"], message["rand"], number, message["raw"])


def sends_per_btid(pushes):
    """B-TID -> messages it was sent."""
    count = defaultdict(int)
    for push in pushes:
        count[push.btid] += 1
    return dict(count)


def check_counters(pushes):
    """The rule: per B-TID, so per MUK, T strictly rises, and no message is sent twice."""
    last, seen = {}, set()
    for push in pushes:
        expect_that(0 < push.t < 1 << 31, "T without bit 31", push)
        expect_that(push.t > last.get(push.btid, 0),
                    f"T above {last.get(push.btid)} for {push.btid}", push.t)
        expect_that(push.raw not in seen, "a repeat is a new message", push)
        last[push.btid] = push.t
        seen.add(push.raw)
    return last
