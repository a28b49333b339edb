#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the mskpush authors

"""A wire that fails: links, gateways and devices go away in the middle of a campaign and come back.
Nobody is given up, no round is spent on a way that is not there, and the campaign goes on by
itself.

    mskpushd == veth == Linux router == veth == mskpush-ue --port kernel (netns.py)
"""

import time

import netns
from story import NOT_ALL, expect, expect_that, tell, wait_until

PHONES = 1200
PACE = ("--rate", "600", "--waits", "2")


def begun(site, phones=PHONES):
    """A campaign that has verified some; returns its number."""
    site.raise_all(phones)
    number = site.push_begin(*PACE)
    site.campaign_when(number, "some verified", lambda c: c["verified"] > phones // 10)
    return number


def stands_still(site, number, stall):
    """Stalls for that reason and sends nothing meanwhile."""
    site.campaign_when(number, "stalls by " + stall, lambda c: c["stall"] == stall)
    before = site.cli("stats")["counters"]["pushes"]
    # Twice the first wait: a round that was spent would show.
    time.sleep(4)
    expect("pushes meanwhile", site.cli("stats")["counters"]["pushes"], before)
    seen = site.campaign(number)
    expect("state", (seen["state"], seen["stall"], seen["given_up"]), ("running", stall, 0))


def goes_on(site, number):
    """Ends with everybody verified, most of them by one message."""
    end = site.campaign_end(number)
    expect("verdict", (end["state"], end["verified"], end["given_up"]), ("done", PHONES, 0))
    expect_that(end["pushes"] < PHONES * 2, "no new beginning", end["pushes"])
    site.all_hold(end)


def link_is_unplugged():
    with netns.KernelStage() as site:
        number = begun(site)
        site.network.at("r", "ip", "link", "set", "r0", "down")
        stands_still(site, number, "link-down")
        expect("the port", site.port_state(), "down")
        site.network.at("r", "ip", "link", "set", "r0", "up")
        site.network.router_addresses()
        goes_on(site, number)


def link_is_unplugged_under_af_xdp():
    with netns.KernelStage("net_af_xdp") as site:
        number = begun(site)
        site.network.at("r", "ip", "link", "set", "r0", "down")
        stands_still(site, number, "link-down")
        site.network.at("r", "ip", "link", "set", "r0", "up")
        site.network.router_addresses()
        goes_on(site, number)


def gateway_does_not_answer_any_more():
    """It keeps its link: only that nobody answers for it tells."""
    with netns.KernelStage() as site:
        site.make_phones(PHONES)
        site.network.at("r", "ip", "link", "set", "r0", "arp", "off")
        site.start_daemon()
        site.start_phones(site.csv)
        site.provision()
        number = site.push_begin(*PACE)
        stands_still(site, number, "no-gateway-mac")
        expect("its MAC", site.hop()["mac"], None)
        site.network.at("r", "ip", "link", "set", "r0", "arp", "on")
        site.network.router_addresses()
        goes_on(site, number)


def gateway_comes_back_with_a_new_mac():
    with netns.KernelStage() as site:
        number = begun(site)
        site.network.sh("r", """
            ip link set r0 down
            ip link set r0 address 02:00:00:00:99:99
            ip link set r0 up""")
        site.network.router_addresses()
        goes_on(site, number)
        expect("its MAC", site.hop()["mac"], "02:00:00:00:99:99")


def device_goes_and_comes_back(driver="net_af_packet"):
    """The interface is deleted under the running daemon, and made again."""
    with netns.KernelStage(driver) as site:
        number = begun(site)
        site.network.at("d", "ip", "link", "del", "d0")
        stands_still(site, number, "port-gone")
        expect("the port", site.port_state(), "gone")
        site.network.wire("d", "d0", "r", "r0")
        site.network.router_addresses()
        goes_on(site, number)
        expect("lives of the port", site.cli("status")["ports"][0]["lives"], 2)


def device_goes_and_comes_back_under_af_xdp():
    device_goes_and_comes_back("net_af_xdp")


def interface_gets_a_smaller_mtu():
    """What does not fit any more is refused by name, not handed to a kernel that refuses it."""
    with netns.KernelStage() as site:
        site.raise_all(20)
        expect("verified", site.push()["verified"], 20)
        site.network.at("d", "ip", "link", "set", "d0", "mtu", "150")
        wait_until("the MTU is seen", lambda: site.cli("status")["ports"][0]["mtu"] == 150)
        expect("refused by", site.push(status=NOT_ALL)["refused_by"], {"too-long-for-port": 20})
        site.network.at("d", "ip", "link", "set", "d0", "mtu", "1500")
        wait_until("the MTU is seen", lambda: site.cli("status")["ports"][0]["mtu"] == 1500)
        expect("verified", site.push()["verified"], 20)


def second_port_takes_over():
    """Two ports with a gateway each. The first link fails: the rest leaves by the second."""
    with netns.KernelStage(has_second=True) as site:
        number = begun(site)
        expect_that(site.cli("status")["ports"][1]["counters"]["tx_bytes"] < 2000,
                    "nothing but questions leaves by the second port",
                    site.cli("status")["ports"][1])
        site.network.at("r", "ip", "link", "set", "r0", "down")
        end = site.campaign_end(number)
        expect("verdict", (end["verified"], end["given_up"]), (PHONES, 0))
        expect_that(end["pushes"] < PHONES * 1.5, "no new beginning", end["pushes"])
        expect("the ports", (site.port_state(0), site.port_state(1)), ("down", "up"))
        site.network.at("r", "ip", "link", "set", "r0", "up")
        site.network.router_addresses()
        wait_until("the first port is up", lambda: site.port_state(0) == "up")


def lossy_slow_wire():
    """20 % loss and 100 ms each way. The kernel's netem where it has that, else its packet filter
    loses and the phones delay."""
    with netns.KernelStage() as site:
        net, flags = site.network, []
        if "Error" in net.at("r", "tc", "qdisc", "add", "dev", "rp", "root", "netem", "delay",
                             "100ms", "20ms", "loss", "20%", check=False):
            flags = ["--delay", "100:20"]
            for family in ("ip", "ip6"):
                net.sh("r", f"""
                    nft add table {family} t
                    nft 'add chain {family} t f {{ type filter hook forward priority 0; }}'
                    nft add rule {family} t f numgen random mod 100 '<' 20 drop""")
        else:
            net.at("r", "tc", "qdisc", "add", "dev", "r0", "root", "netem", "delay", "100ms",
                   "20ms", "loss", "20%")
        site.raise_all(PHONES, *flags)
        done = site.push("--sends", "16", "--waits", "1")
        expect("verified", done["verified"], PHONES)
        expect_that(done["rounds"] > 2, "some rounds", done["rounds"])
        site.all_hold(done)


if __name__ == "__main__":
    netns.must_be_root()
    tell(link_is_unplugged, link_is_unplugged_under_af_xdp, gateway_does_not_answer_any_more,
         gateway_comes_back_with_a_new_mac, device_goes_and_comes_back,
         device_goes_and_comes_back_under_af_xdp, interface_gets_a_smaller_mtu,
         second_port_takes_over, lossy_slow_wire)
