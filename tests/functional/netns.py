# SPDX-License-Identifier: Apache-2.0
# Copyright the mskpush authors

"""A network of the tests' own: namespaces and pairs of interfaces with names of this process, gone
when it ends.

    daemon's namespace                router's namespace            phones' namespace
    mskpushd == d0 ----------------- r0  (Linux forwards)  rp ----------- pr == mskpush-ue, sockets
             == d1 ----------------- r1
"""

import json
import os
import subprocess
import sys

from story import GROUP, Stage, expect_that  # noqa: F401

DAEMON = ("192.168.26.1", "fd00:26::1")
GATEWAY = ("192.168.26.2", "fd00:26::2")
DAEMON_1 = ("192.168.27.1", "fd00:27::1")
GATEWAY_1 = ("192.168.27.2", "fd00:27::2")
PHONES = ("10.0.0.0/8", "2001:db8::/32")
SKIPPED = 77


def must_be_root():
    """Ends the script as skipped when no namespaces can be made."""
    if os.geteuid() != 0:
        print("needs root for network namespaces")
        sys.exit(SKIPPED)


def run(*argv, check=True):
    """Runs a program; returns its output."""
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False)
    if check and done.returncode != 0:
        raise RuntimeError(f"{' '.join(argv)}: {done.stdout.strip()}")
    return done.stdout


class Network:
    """The three namespaces."""

    def __init__(self, has_second=False):
        self.name = f"msk{os.getpid()}"
        self.made = []
        self.has_second = has_second
        try:
            self._make()
        except BaseException:
            self.close()
            raise

    def namespace(self, role):
        """Name of one: d, r or p."""
        return self.name + role

    def inside(self, role, *argv):
        """How a program is run in a namespace. ip itself would mount /sys anew, and cannot where
        / is no mount point (chroot)."""
        return ["nsenter", f"--net=/run/netns/{self.namespace(role)}", *argv]

    def at(self, role, *argv, check=True):
        """Runs a program in a namespace."""
        return run(*self.inside(role, *argv), check=check)

    def sh(self, role, script):
        """Runs lines of a shell there."""
        return self.at(role, "sh", "-ec", script)

    def wire(self, role, name, other, other_name):
        """A pair of interfaces, each in its namespace and up."""
        self.at(role, "ip", "link", "add", name, "type", "veth", "peer", "name", other_name,
                "netns", self.namespace(other))
        self.at(role, "ip", "link", "set", name, "up")
        self.at(other, "ip", "link", "set", other_name, "up")

    def _make(self):
        for role in "drp":
            run("ip", "netns", "add", self.namespace(role))
            self.made.append(role)
            self.at(role, "ip", "link", "set", "lo", "up")
            # Link-local addresses, without which nothing is forwarded, would be looked for
            # duplicates of for up to two seconds.
            self.at(role, "sysctl", "-qw", "net.ipv6.conf.all.accept_dad=0",
                    "net.ipv6.conf.default.accept_dad=0")
        self.wire("d", "d0", "r", "r0")
        self.wire("r", "rp", "p", "pr")
        self.router_addresses()
        if self.has_second:
            self.wire("d", "d1", "r", "r1")
            self.router_addresses("r1", GATEWAY_1)
        self.sh("r", """
            sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
            sysctl -qw net.ipv4.icmp_ratelimit=0 net.ipv4.icmp_msgs_per_sec=1000000
            sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0
            sysctl -qw net.ipv6.icmp.ratelimit=0
            ip addr add 172.16.0.1/24 dev rp
            ip addr add fd00:99::1/64 dev rp nodad
            ip route add 10.0.0.0/8 via 172.16.0.2
            ip route add 2001:db8::/32 via fd00:99::2""")
        self.sh("p", """
            ip addr add 172.16.0.2/24 dev pr
            ip addr add fd00:99::2/64 dev pr nodad
            ip route add default via 172.16.0.1
            ip route add default via fd00:99::1
            ip route add local 10.0.0.0/8 dev lo
            ip route add local 2001:db8::/32 dev lo""")

    def router_addresses(self, device="r0", addresses=GATEWAY):
        """Gives the router's end its addresses (a link that goes down takes IPv6 ones along)."""
        self.at("r", "ip", "addr", "replace", addresses[0] + "/24", "dev", device)
        self.at("r", "ip", "addr", "replace", addresses[1] + "/64", "dev", device, "nodad")

    def mac(self, role, device):
        """MAC address of an interface."""
        return json.loads(self.at(role, "ip", "-j", "link", "show", device))[0]["address"]

    def close(self):
        """Namespaces take their interfaces with them."""
        for role in self.made:
            run("ip", "netns", "del", self.namespace(role), check=False)
        self.made = []


class KernelStage(Stage):
    """A site whose daemon and phones live in namespaces, joined by Linux."""

    def __init__(self, driver="net_af_packet", has_second=False, workers=1):
        super().__init__(workers=workers)
        self.network = Network(has_second)
        self.driver = driver
        self.port = self.device(0)
        self.ip = "both"

    def device(self, number):
        """DPDK's name of a daemon's interface."""
        queues = f",qpairs={self.workers}" if self.workers > 1 else ""
        return f"{self.driver}{number},iface=d{number}{queues}"

    def spawn(self, seat, argv, log):
        role = "d" if seat == "daemon" else "p"
        super().spawn(seat, self.network.inside(role, *argv), log)

    def port_lines(self):
        if not self.network.has_second:
            return super().port_lines()
        ports = [(self.device(0), DAEMON, GATEWAY), (self.device(1), DAEMON_1, GATEWAY_1)]
        return "ports:\n" + "".join(
            f'  - device: "{device}"\n'
            f'    address: ["{ours[0]}/24", "{ours[1]}/64"]\n'
            f"    gateway: {json.dumps(theirs)}\n" for device, ours, theirs in ports)

    def start_phones(self, csv, *flags, timeout_s=120):
        self.ue_port = "kernel"
        super().start_phones(csv, *flags, timeout_s=timeout_s)

    def make_phones(self, count, *flags):
        return super().make_phones(count, *self.phone_flags(), *flags)

    def close(self):
        super().close()
        self.network.close()

    def hop(self, via=GATEWAY[0]):
        """One next hop of the status."""
        return next(h for h in self.cli("status")["next_hops"] if h["via"] == via)

    def port_state(self, number=0):
        """How a port is."""
        return self.cli("status")["ports"][number]["state"]

    def all_hold(self, campaign):
        """Every phone has the MSK of the campaign, both sides say."""
        phones = self.phones(do="status")
        check = campaign["msk"]["check"]
        holders = sum(m["phones"] for m in phones["msks"] if m["check"] == check)
        expect_that(holders == phones["phones"] == campaign["verified"], "every phone holds the MSK",
                    (holders, phones["phones"], campaign["verified"]))
