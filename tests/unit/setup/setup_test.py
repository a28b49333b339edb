#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the mskpush authors

"""mskpush-setup on machines made of files.

usage: setup_test.py MSKPUSH-SETUP MSKPUSHD
"""

import json
import os
import subprocess
import sys
import tempfile
import unittest

SETUP, DAEMON = sys.argv[1:3]
NIC, ADDRESS = "0000:3b:00.0", ["--address", "10.20.0.2/24", "--gateway", "10.20.0.1",
                                "--fqdn", "bmsc.operator.example"]


class Machine:
    """A tree with the files of sysfs and procfs that are looked at."""

    def __init__(self, root):
        self.root = root
        self.file("proc/cpuinfo", "processor : 0\nvendor_id : GenuineIntel\n")
        self.file("proc/net/route", "Iface\tDestination\n")
        self.file("sys/devices/system/cpu/online", "0-7\n")
        self.file("sys/devices/system/cpu/isolated", "\n")
        os.makedirs(self.path("sys/bus/pci/devices"))

    def path(self, name):
        return os.path.join(self.root, name)

    def file(self, name, text):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)

    def link(self, name, target):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        os.symlink(target, self.path(name))

    def device(self, address, driver="ixgbe", kind="0x020000", group=None, node=0,
               ids=("0x8086", "0x10fb")):
        base = f"sys/bus/pci/devices/{address}"
        self.file(f"{base}/class", kind + "\n")
        self.file(f"{base}/vendor", ids[0] + "\n")
        self.file(f"{base}/device", ids[1] + "\n")
        self.file(f"{base}/numa_node", f"{node}\n")
        if driver:
            self.link(f"{base}/driver", f"../../../bus/pci/drivers/{driver}")
        if group is not None:
            self.link(f"{base}/iommu_group", f"../../../kernel/iommu_groups/{group}")
            os.makedirs(self.path(f"sys/kernel/iommu_groups/{group}/devices/{address}"))
        return base

    def interface(self, base, name, carrier=1, flags="0x1003", below="net"):
        os.makedirs(self.path(f"{base}/{below}/{name}"))
        self.file(f"sys/class/net/{name}/carrier", f"{carrier}\n")
        self.file(f"sys/class/net/{name}/flags", flags + "\n")
        self.file(f"sys/class/net/{name}/speed", "10000\n")
        self.file(f"sys/class/net/{name}/address", "02:00:00:00:00:01\n")

    def is_ready(self):
        """All that a machine needs."""
        self.file("run/systemd/timesync/synchronized", "")
        os.makedirs(self.path("sys/class/iommu/dmar0"))
        os.makedirs(self.path("sys/bus/pci/drivers/vfio-pci"))
        self.file("sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", "512\n")
        self.file("sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages", "512\n")
        self.file("usr/sbin/driverctl", "")
        os.makedirs(self.path("dev/hugepages"))
        os.chmod(self.path("dev/hugepages"), 0o775)


class Setup(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.machine = Machine(os.path.join(directory.name, "root"))
        self.out = os.path.join(directory.name, "mskpushd.yaml")

    def run_setup(self, *flags, status=None):
        done = subprocess.run([SETUP, "--root", self.machine.root, *flags], check=False, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if status is not None:
            self.assertEqual(done.returncode, status, done.stderr + done.stdout)
        return done

    def look(self, *flags, status=None):
        return json.loads(self.run_setup("--json", *flags, status=status).stdout)

    def commands(self, *flags, status=1):
        return {finding["text"]: finding["command"]
                for finding in self.look(*flags, status=status)["findings"]}

    def test_port_is_listed_with_driver_link_node_and_name(self):
        self.machine.is_ready()
        base = self.machine.device(NIC, group=12, node=1)
        self.machine.interface(base, "ens1f0")
        self.machine.device("0000:00:1f.2", kind="0x010601", driver="ahci")
        self.machine.file("usr/share/misc/pci.ids",
                          "8086  Intel Corporation\n\t10fb  82599ES 10-Gigabit\n\t\t8086 0002  X520\n"
                          "8087  Other\n\t10fb  Wrong\n")
        ports = self.look()["ports"]
        self.assertEqual(ports, [{
            "address": NIC, "name": "Intel Corporation 82599ES 10-Gigabit", "driver": "ixgbe",
            "interface": "ens1f0", "mac": "02:00:00:00:00:01", "numa_node": 1, "iommu_group": 12,
            "link": "up", "is_switched_on": True, "is_routed": False, "speed_mbps": 10000}])
        text = self.run_setup().stdout
        for part in (NIC, "ixgbe", "ens1f0", "up", "82599ES"):
            self.assertIn(part, text)

    def test_machine_that_has_all_lacks_nothing(self):
        self.machine.is_ready()
        self.machine.device(NIC, driver="vfio-pci", group=12)
        self.assertEqual(self.look(status=0)["findings"], [])
        self.assertIn("Nothing is missing", self.run_setup(status=0).stdout)

    def test_everything_missing_is_named_with_its_command(self):
        base = self.machine.device(NIC)
        self.machine.interface(base, "ens1f0", carrier=0, flags="0x1002")
        seen = self.commands()
        for word, command in {
                "clock": "apt-get install -y chrony && chronyc waitsync 30",
                "no IOMMU": "intel_iommu=on iommu=pt",
                "vfio-pci is not loaded": "modprobe vfio-pci",
                "huge pages": "sysctl -w vm.nr_hugepages=512",
                "the kernel has it": f"driverctl set-override {NIC} vfio-pci",
                "switched off": "ip link set dev ens1f0 up"}.items():
            found = [(text, line) for text, line in seen.items() if word in text]
            self.assertEqual(len(found), 1, (word, seen))
            self.assertIn(command, found[0][1])

    def test_amd_gets_its_own_iommu_command(self):
        self.machine.device(NIC)
        self.machine.file("proc/cpuinfo", "processor : 0\nvendor_id : AuthenticAMD\n")
        self.assertTrue(any("amd_iommu=on" in line for line in self.commands().values()))

    def test_link_without_a_cable_is_advice(self):
        self.machine.is_ready()
        self.machine.interface(self.machine.device(NIC, driver="mlx5_core"), "ens1f0", carrier=0)
        findings = self.look(status=0)["findings"]
        self.assertEqual([(f["is_missing"], f["port"], f["command"]) for f in findings],
                         [(False, NIC, "ethtool ens1f0")])

    def test_mellanox_stays_with_the_kernel(self):
        self.machine.file("run/systemd/timesync/synchronized", "")
        self.machine.interface(self.machine.device(NIC, driver="mlx5_core", group=3), "ens1f0")
        texts = self.commands("--port", NIC, status=0)
        self.assertFalse([text for text in texts if "vfio" in text or "IOMMU" in text], texts)

    def test_port_that_carries_the_machine_itself_is_warned_of(self):
        self.machine.is_ready()
        self.machine.interface(self.machine.device(NIC), "ens1f0")
        self.machine.file("proc/net/route", "Iface\tDestination\nens1f0\t00000000\n")
        self.assertTrue(any("THIS MACHINE'S OWN TRAFFIC" in text for text in self.commands()))

    def test_port_below_a_bond_and_its_vlan_carries_what_they_carry(self):
        self.machine.is_ready()
        self.machine.interface(self.machine.device(NIC), "ens1f0")
        self.machine.link("sys/class/net/ens1f0/upper_bond0", "../bond0")
        self.machine.link("sys/class/net/bond0/upper_bond0.7", "../bond0.7")
        self.machine.file("proc/net/route", "Iface\tDestination\nbond0.70\t00000000\n")
        self.assertFalse(self.look()["ports"][0]["is_routed"])
        self.machine.file("proc/net/route", "Iface\tDestination\nbond0.7\t00000000\n")
        self.assertTrue(self.look()["ports"][0]["is_routed"])

    def test_default_route_of_ipv6_is_traffic_and_its_link_local_one_is_not(self):
        self.machine.is_ready()
        self.machine.interface(self.machine.device(NIC), "ens1f0")
        row = "{} {} 00000000000000000000000000000000 00 {} 00000400 00000001 00000000 00000001   ens1f0\n"
        self.machine.file("proc/net/ipv6_route", row.format("fe80" + "0" * 28, "40", "0" * 32))
        self.assertFalse(self.look()["ports"][0]["is_routed"])
        self.machine.file("proc/net/ipv6_route", row.format("0" * 32, "00", "fe80" + "0" * 28))
        self.assertTrue(self.look()["ports"][0]["is_routed"])

    def test_port_under_uio_lacks_neither_iommu_nor_vfio(self):
        self.machine.file("run/systemd/timesync/synchronized", "")
        self.machine.device(NIC, driver="uio_pci_generic")
        findings = self.look(status=0)["findings"]
        self.assertEqual([f["is_missing"] for f in findings], [False, False])
        self.assertTrue(any("daemon of root's" in f["text"] for f in findings), findings)

    def test_interface_of_virtio_is_found(self):
        base = self.machine.device("0000:00:03.0", driver="virtio-pci", node=-1)
        self.machine.interface(base, "eth0", below="virtio7/net")
        port = self.look()["ports"][0]
        self.assertEqual((port["interface"], port["numa_node"]), ("eth0", None))

    def test_others_of_the_iommu_group_stand_in_the_way(self):
        self.machine.is_ready()
        self.machine.device(NIC, driver="vfio-pci", group=12)
        self.machine.device("0000:3b:00.1", driver="ixgbe", group=12)
        self.machine.device("0000:3a:00.0", driver="pcieport", kind="0x060400", group=12)
        seen = self.commands("--port", NIC)
        self.assertEqual(list(seen.values()),
                         ["for d in 0000:3b:00.1; do driverctl set-override $d vfio-pci; done"])

    def test_vfio_file_of_root_alone_is_missing_to_the_daemon(self):
        self.machine.is_ready()
        self.machine.device(NIC, driver="vfio-pci", group=12)
        self.machine.file("dev/vfio/12", "")
        os.chmod(self.machine.path("dev/vfio/12"), 0o600)
        self.assertTrue(any("70-mskpush.rules" in line for line in self.commands().values()))
        os.chmod(self.machine.path("dev/vfio/12"), 0o660)
        self.look(status=0)

    def test_huge_pages_of_root_alone_are_missing_to_the_daemon(self):
        self.machine.is_ready()
        self.machine.device(NIC, driver="vfio-pci", group=12)
        os.chmod(self.machine.path("dev/hugepages"), 0o755)
        self.assertEqual(["gid=mskpush" in line for line in self.commands().values()], [True])
        # Where the configuration does without them they are in nobody's way.
        self.machine.file("sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages", "100\n")
        self.look(status=0)

    def test_machine_without_ports_is_shown_another_way(self):
        self.machine.is_ready()
        self.assertTrue(any("net_af_packet" in text for text in self.commands(status=0)))

    def test_only_the_port_that_is_asked_for_counts(self):
        self.machine.is_ready()
        self.machine.device(NIC, driver="vfio-pci", group=1)
        self.machine.device("0000:3c:00.0", driver="ixgbe", group=2)
        self.look(status=1)
        self.look("--port", NIC, status=0)
        self.look("--port", "3b:00.0", status=0)
        self.run_setup("--port", "0000:99:00.0", status=2)

    def written(self):
        """The file, after mskpushd has found it right."""
        subprocess.run([DAEMON, "--check-config", self.out], check=True, stdout=subprocess.DEVNULL)
        with open(self.out, encoding="utf-8") as file:
            return file.read()

    def test_configuration_names_the_port_and_cpus_beside_it(self):
        self.machine.is_ready()
        self.machine.device(NIC, driver="vfio-pci", group=1, node=1)
        self.machine.file("sys/devices/system/node/node1/cpulist", "4-7\n")
        self.run_setup("--write", self.out, "--port", NIC, "--workers", "2", *ADDRESS, status=0)
        text = self.written()
        for part in (f"device: '{NIC}'", "cpus: [4, 5]", "hugepages: true", "fqdn: 'bmsc.operator"):
            self.assertIn(part, text)
        self.assertEqual(os.stat(self.out).st_mode & 0o777, 0o644)

    def test_isolated_cpus_are_preferred_and_the_first_is_spared(self):
        self.machine.device(NIC, node=-1)
        self.run_setup("--write", self.out, "--port", NIC, *ADDRESS, status=1)
        self.assertIn("cpus: [1]", self.written())
        self.assertIn("hugepages: false", self.written())
        self.machine.file("sys/devices/system/cpu/isolated", "5-6\n")
        self.run_setup("--write", self.out, "--port", NIC, "--force", *ADDRESS, status=1)
        self.assertIn("cpus: [5]", self.written())

    def test_interface_of_the_kernel_goes_through_a_packet_socket(self):
        self.machine.device(NIC)
        self.machine.file("run/systemd/timesync/synchronized", "")
        done = self.run_setup("--write", self.out, "--interface", "eth1", *ADDRESS, status=1)
        self.assertIn("there is no interface eth1", done.stdout)
        self.assertIn("device: 'net_af_packet0,iface=eth1'", self.written())

    def test_interface_of_the_kernel_needs_nothing_of_a_pci_port(self):
        self.machine.file("run/systemd/timesync/synchronized", "")
        self.machine.interface(self.machine.device(NIC), "eth1", flags="0x1002", carrier=0)
        write = ["--json", "--write", self.out, "--interface", "eth1", *ADDRESS]
        self.assertEqual([f["command"][:7] for f in self.look(*write, status=0)["findings"]],
                         ["ip link"])

    def test_file_that_is_there_is_kept_unless_forced(self):
        with open(self.out, "w", encoding="utf-8") as file:
            file.write("mine")
        done = self.run_setup("--write", self.out, "--interface", "eth1", *ADDRESS, status=1)
        self.assertIn("--force", done.stderr)
        with open(self.out, encoding="utf-8") as file:
            self.assertEqual(file.read(), "mine")
        self.assertEqual(os.listdir(os.path.dirname(self.out)).count("mskpushd.yaml"), 1)
        self.run_setup("--write", self.out, "--interface", "eth1", "--force", *ADDRESS)
        self.written()
        self.assertEqual(len(os.listdir(os.path.dirname(self.out))), 2)

    def test_bad_usage_is_refused_and_writes_nothing(self):
        write = ["--write", self.out]
        for flags in (["--frob"], ["word"], ["--workers", "0"], ["--workers", "x"], ADDRESS, write,
                      [*write, "--interface", "eth1"], [*write, *ADDRESS],
                      [*write, "--interface", "eth1'\nx: y", *ADDRESS],
                      [*write, "--interface", "e" * 40, *ADDRESS],
                      [*write, "--interface", "../x", *ADDRESS],
                      [*write, "--interface", "eth1,blocksz=1", *ADDRESS],
                      [*write, "--interface", "eth1", *ADDRESS[:-1], "a'b"]):
            done = self.run_setup(*flags, status=2)
            self.assertTrue(done.stderr, flags)
            self.assertFalse(os.path.exists(self.out), flags)

    def test_write_to_nowhere_says_so(self):
        done = self.run_setup("--write", "/nonexistent/x.yaml", "--interface", "eth1", *ADDRESS)
        self.assertEqual(done.returncode, 1)
        self.assertIn("/nonexistent/x.yaml: No such file", done.stderr)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
