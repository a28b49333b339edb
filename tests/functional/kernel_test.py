#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the mskpush authors

"""Phones as ordinary UDP sockets behind a Linux router: every datagram goes through a kernel stack.

    mskpushd == veth == Linux router == veth == mskpush-ue --port kernel (netns.py)
"""

import netns
from story import expect, expect_that, tell, wait_until

PHONES = 3000
# Linux itself is on that wire and talks to groups of its own; on a slow machine pushes are
# repeated, and the second answer may come after the first, or after the end.
HARMLESS = ("not-our-mac", "duplicate", "unknown-csb")


def campaign_over(driver):
    """Both IP versions, from import to verdict; nothing is dropped, nobody refuses."""
    with netns.KernelStage(driver) as site:
        site.raise_all(PHONES)
        done = site.push()
        expect("verified", done["verified"], PHONES)
        site.all_hold(done)
        expect("drops", {k: n for k, n in site.drops().items() if k not in HARMLESS}, {})
        expect("refused by phones", {k: n for k, n in site.phones(do="status")["refused"].items()
                                     if n}, {})
        status = site.cli("status")
        expect("driver", status["ports"][0]["driver"], driver)
        for hop in status["next_hops"]:
            expect("the next hop's MAC", hop["mac"], site.network.mac("r", "r0"))


def phones_behind_a_router_over_af_packet():
    campaign_over("net_af_packet")


def phones_behind_a_router_over_af_xdp():
    campaign_over("net_af_xdp")


def two_workers_have_a_queue_each():
    """The kernel spreads what it receives over them."""
    with netns.KernelStage(workers=2) as site:
        site.raise_all(PHONES)
        expect("verified", site.push()["verified"], PHONES)
        workers = site.cli("stats")["workers"]
        expect_that(min(w["pushes"] for w in workers) > PHONES // 3, "both push", workers)
        expect_that(min(w["rx_frames"] for w in workers) > 0, "both receive", workers)


def linux_finds_and_pings_us():
    """ARP, ND and echo as Linux does them; and it gives up an address of ours (RFC 4862, 5.4)."""
    with netns.KernelStage() as site:
        net = site.network
        site.make_phones(2)
        site.start_daemon()
        for address in netns.DAEMON:
            net.at("r", "ping", "-c", "3", "-i", "0.2", "-w", "5", "-s", "400", address)
            neighbours = net.at("r", "ip", "neigh", "show", address)
            expect_that(net.mac("d", "d0") in neighbours, "our MAC at the router", neighbours)
        counters = site.cli("stats")["counters"]
        expect("pings answered", counters["echo_answers"], 6)
        net.at("r", "sysctl", "-qw", "net.ipv6.conf.r0.accept_dad=1")
        net.at("r", "ip", "addr", "add", netns.DAEMON[1] + "/64", "dev", "r0")
        wait_until("the duplicate is found", lambda: "dadfailed" in net.at(
            "r", "ip", "addr", "show", "dev", "r0"))


def unreachable_phones_are_counted_by_area():
    """A router that has no way to some phones says so; their area shows it."""
    with netns.KernelStage() as site:
        site.make_phones(200)
        site.extra_yaml = ('areas:\n  - {name: north, prefixes: ["10.0.0.0/26", "2001:db8::/32"]}\n'
                           "  - {name: south, prefixes: 10.0.0.128/25}\n")
        site.network.sh("r", """
            nft add table ip t
            nft 'add chain ip t f { type filter hook forward priority 0; }'
            nft add rule ip t f ip daddr 10.0.0.160/27 reject with icmp host-unreachable""")
        site.start_daemon()
        site.start_phones(site.csv)
        site.provision()
        done = site.push("--sends", "2", "--waits", "1", status=1)
        # Even ones of 0 .. 199 have IPv4 addresses.
        expect("given up", done["given_up"], 16)
        areas = {a["name"]: a for a in site.cli("status")["areas"]}
        expect("unreachable", {n: a["unreachable"] for n, a in areas.items()},
               {"north": 0, "south": 32, None: 0})
        expect("verified", {n: a["verified"] for n, a in areas.items()},
               {"north": 132, "south": 20, None: 32})
        expect("sent", areas["south"]["sent"], 20 + 32)


def tagged_frames_pass_a_kernel_that_knows_vlans():
    """VLAN and QinQ against Linux's own; left out where the kernel has none."""
    with netns.KernelStage() as site:
        net = site.network
        if "Unknown" in net.at("r", "ip", "link", "add", "link", "r0", "name", "r0.7", "type",
                               "vlan", "id", "7", check=False):
            print("(this kernel has no VLANs)")
            return
        net.sh("r", """
            ip addr flush dev r0
            ip link set r0.7 up""")
        net.router_addresses("r0.7")
        site.port_yaml = "  vlan: 7\n"
        site.raise_all(200)
        done = site.push()
        expect("verified", done["verified"], 200)


if __name__ == "__main__":
    netns.must_be_root()
    tell(phones_behind_a_router_over_af_packet, phones_behind_a_router_over_af_xdp,
         two_workers_have_a_queue_each,
         linux_finds_and_pings_us, unreachable_phones_are_counted_by_area,
         tagged_frames_pass_a_kernel_that_knows_vlans)
