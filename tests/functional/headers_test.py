#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the mskpush authors

"""What stands around the messages: every field of the IP headers, and the address they leave from.

    mskpushd, two IPv4 addresses and one of IPv6 ==MIKEY==> mskpush-ue --pcap wire.pcap
"""

import ipaddress
import json
from collections import Counter

from dossier import parse_udp, read_pcap
from story import Stage, expect, tell

from mskpush_site import DAEMON_IP, DAEMON_IP6, GATEWAY_IP, GATEWAY_IP6  # story knows where

PHONES = 400
SECOND = "192.168.26.77"
BY_ROUTE = ipaddress.ip_network("10.0.0.0/25")
DSCP = 46


def packets_sent(path):
    """(source, destination, IP header) of the messages that left from our port."""
    for _, frame in read_pcap(path):
        udp = parse_udp(frame)
        if udp and udp[2][1] == 0:
            yield (*(str(ipaddress.ip_address(end[0])) for end in udp[:2]), frame[14:54])


def headers_are_as_configured():
    with Stage() as site:
        site.ip = "both"
        site.address_lines = lambda: (
            f'  address: {json.dumps([DAEMON_IP + "/24", SECOND + "/24", DAEMON_IP6 + "/64"])}\n'
            f"  gateway: {json.dumps([GATEWAY_IP, GATEWAY_IP6])}\n")
        site.port_yaml = f"  dscp: {DSCP}\n"
        site.extra_yaml = f"routes:\n  - {{to: {BY_ROUTE}, via: {GATEWAY_IP}, source: {SECOND}}}\n"
        site.make_phones(PHONES, *site.phone_flags())
        site.start_daemon()
        site.start_phones(site.csv, "--pcap", site.pcap)
        site.provision()
        expect("verified", site.push()["verified"], PHONES)
        site.stop_phones()
        seen = Counter()
        for source, destination, head in packets_sent(site.pcap):
            to = ipaddress.ip_address(destination)
            if to.version == 6:
                wanted = DAEMON_IP6
                expect("version, class, flow", head[:4].hex(), f"6{DSCP << 2:02x}00000")
                expect("next header, hop limit", tuple(head[6:8]), (17, 64))
            else:
                wanted = SECOND if to in BY_ROUTE else DAEMON_IP
                expect("version, length, service", head[:2].hex(), f"45{DSCP << 2:02x}")
                expect("never a fragment", head[6:8].hex(), "4000")
                expect("time to live, protocol", tuple(head[8:10]), (64, 17))
            expect(f"source of what goes to {destination}", source, str(ipaddress.ip_address(wanted)))
            seen[source] += 1
        expect("messages", sum(seen.values()), PHONES)
        expect("sources", len(seen), 3)


if __name__ == "__main__":
    tell(headers_are_as_configured)
