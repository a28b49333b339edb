#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the mskpush authors

"""A whole site on one machine: mskpushd and mskpush-ue, joined by net_vhost and net_virtio_user.

Needs no root, no hugepages, no NIC. Used by the demo, the functional tests and the benchmark.
"""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time

FQDN = "bmsc.home1.net"
DAEMON_IP, GATEWAY_IP = "192.168.26.1", "192.168.26.2"
DAEMON_IP6, GATEWAY_IP6 = "fd00:26::1", "fd00:26::2"
PHONES_IP6 = "2001:db8:26::"
GROUP = "001-01/0001"
SERVICE = "urn:3gpp:0010120798ac"
SUN_PATH_MAX = 107


class SiteError(Exception):
    """Something of the site did not start or did not do what it was asked; text for people."""


def allowed_cpus():
    """CPUs this process may run on, ascending."""
    return sorted(os.sched_getaffinity(0))


def available_memory():
    """MemAvailable in bytes."""
    with open("/proc/meminfo", encoding="ascii") as lines:
        for line in lines:
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) << 10
    return 1 << 62


def child_begins(mask):
    """In the child: die when the parent does (Linux prctl), and stay out of its Ctrl-C."""
    import ctypes
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)
    os.setpgid(0, 0)
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)


class Site:
    """Runs the programs of `build` in a fresh short directory that is removed at close()."""

    def __init__(self, build, workers=1, port=None, ue_port=None):
        self.build = os.path.abspath(build)
        self.dir = self._make_directory()
        self.socket = os.path.join(self.dir, "admin.sock")
        self.ue_socket = os.path.join(self.dir, "ue.sock")
        self.vhost = os.path.join(self.dir, "v.sock")
        self.workers = workers
        self.port = port or f"net_vhost0,iface={self.vhost},queues={workers}"
        self.ue_port = ue_port or (
            f"net_virtio_user0,path={self.vhost},queues={workers},queue_size=1024")
        self.daemon = None
        self.ue = None
        self.daemon_argv = []
        self.ue_argv = []
        self.map_size = "512M"
        self.store_yaml = ""  # more of the section about the store
        self.extra_yaml = ""
        self.wrapping_key = "none"
        self.ua_listen = '["127.0.0.1:0"]'
        self.ua_yaml = ""  # more of the section about Ua
        self.ua_served = (0, None)
        self.gateway_mac = None  # None: by ARP
        self.ip = "4"  # "4", "6" or "both"
        self.mac_yaml = ""
        self.crypto = None  # None: what the CPU can run

    @staticmethod
    def _make_directory():
        """Under TMPDIR, unless that is too long for a socket's path, or no word to DPDK and YAML."""
        tmp = os.path.abspath(os.environ.get("TMPDIR") or "/tmp")
        is_fit = len(tmp) < SUN_PATH_MAX - 40 and re.fullmatch(r"[\w/.+-]+", tmp, re.ASCII)
        if not is_fit or not os.path.isdir(tmp) or not os.access(tmp, os.W_OK | os.X_OK):
            tmp = "/tmp"
        try:
            return tempfile.mkdtemp(prefix="msk", dir=tmp)
        except OSError as error:
            raise SiteError(f"cannot make a directory in {tmp}: {error.strerror}") from error

    def program(self, name):
        """Path of one of our programs in the build directory."""
        folder = {"mskpushd": "control", "mskpush-ue": "tools/ue", "mskpush": "tools/cli",
                  "mikey-dump": "tools/dump", "mskpush-store": "tools/store"}[name]
        return os.path.join(self.build, folder, name)

    def environment(self):
        """DPDK's run-time directory goes into ours."""
        env = dict(os.environ)
        env.update(RUNTIME_DIRECTORY=self.dir, MSKPUSH_SOCKET=self.socket)
        return env

    def write_config(self, **more):
        """Writes the daemon's configuration; returns its path."""
        path = os.path.join(self.dir, "mskpushd.yaml")
        text = f"""fqdn: {more.get("fqdn", FQDN)}
socket: {self.socket}
store:
  dir: {self.dir}/store
  map_size: {self.map_size}
  wrapping_key: {self.wrapping_key}
{self.store_yaml}{self.port_lines()}workers:
{self.crypto_line()}  count: {self.workers}
  cpus: [{", ".join(str(self.daemon_cpu(i)) for i in range(self.workers))}]
eal:
  file_prefix: {os.path.basename(self.dir)}d
ua:
  listen: {self.ua_listen}
{self.ua_yaml}"""
        with open(path, "w", encoding="utf-8") as file:
            file.write(text + self.extra_yaml)
        return path

    def crypto_line(self):
        """The path of the crypto, when it is forced."""
        return f"  crypto: {self.crypto}\n" if self.crypto else ""

    def port_lines(self):
        """The configuration's section about the port."""
        return f'port:\n  device: "{self.port}"\n{self.address_lines()}{self.gateway_line()}' + self.mac_yaml

    def address_lines(self):
        """Addresses and gateways of the IP versions in use."""
        ours = {"4": [DAEMON_IP + "/24"], "6": [DAEMON_IP6 + "/64"]}
        theirs = {"4": [GATEWAY_IP], "6": [GATEWAY_IP6]}
        if self.ip != "both":
            return (f'  address: "{ours[self.ip][0]}"\n'
                    f'  gateway: "{theirs[self.ip][0]}"\n')
        return (f"  address: {json.dumps(ours['4'] + ours['6'])}\n"
                f"  gateway: {json.dumps(theirs['4'] + theirs['6'])}\n")

    def gateway_flags(self):
        """Where the emulator finds itself."""
        return ["--gateway", GATEWAY_IP] + (
            ["--gateway6", GATEWAY_IP6] if self.ip != "4" else [])

    def phone_flags(self):
        """Addresses of phones that are made up."""
        return {"4": [], "6": ["--first-address", PHONES_IP6],
                "both": ["--first-address6", PHONES_IP6]}[self.ip]

    def ua_address(self):
        """(host, port) that phones are served at by the daemon that runs."""
        if self.ua_served[0] != self.daemon.pid:
            host, port = self.cli("status")["ua"]["listen"][0].rsplit(":", 1)
            self.ua_served = (self.daemon.pid, (host.strip("[]"), int(port)))
        return self.ua_served[1]

    def gateway_line(self):
        """The gateway's MAC, when it is not to be asked for."""
        return f'  gateway_mac: "{self.gateway_mac}"\n' if self.gateway_mac else ""

    def daemon_cpu(self, worker):
        """Workers from the first CPU on, the phones on the last: two busy threads, two CPUs."""
        cpus = allowed_cpus()
        return cpus[worker % len(cpus)]

    def ue_cpu(self):
        """CPU of the emulator's port loop."""
        return allowed_cpus()[-1]

    def start_daemon(self, *flags, timeout_s=60):
        """Starts mskpushd and waits until its admin socket answers."""
        if len(self.vhost) > SUN_PATH_MAX:
            raise SiteError(f"the socket path {self.vhost} is over {SUN_PATH_MAX} bytes")
        config = os.path.join(self.dir, "mskpushd.yaml")
        if not os.path.exists(config):
            self.write_config()
        self.daemon_argv = [self.program("mskpushd"), "--config", config, *flags]
        self.spawn("daemon", self.daemon_argv, "mskpushd.log")
        self._wait_for(self.socket, self.daemon, "mskpushd", timeout_s)

    def start_phones(self, csv, *flags, timeout_s=120):
        """Starts mskpush-ue with the phones of a CSV and waits until it answers."""
        self.ue_argv = [
            self.program("mskpush-ue"), "--phones", csv, "--port", self.ue_port, "--fqdn", FQDN,
            *self.gateway_flags(), "--control", self.ue_socket, "--cpu", str(self.ue_cpu()),
            "--file-prefix", os.path.basename(self.dir) + "u", *flags]
        self.spawn("ue", self.ue_argv, "mskpush-ue.log")
        self._wait_for(self.ue_socket, self.ue, "mskpush-ue", timeout_s)

    def make_csv(self, path, count, *flags):
        """Phones that are made up, as a CSV."""
        done = subprocess.run(
            [self.program("mskpush-ue"), "--generate", str(count), "--fqdn", FQDN, "--service",
             SERVICE, "--out", path, *flags], stderr=subprocess.PIPE, text=True, check=False)
        if done.returncode != 0:
            raise SiteError(done.stderr.strip() or
                            f"mskpush-ue --generate ended with status {done.returncode}")

    def spawn(self, seat, argv, log):
        """Starts a program of ours; self.SEAT knows it from the first moment on."""
        # A signal in between would leave a child that nobody knows of.
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
        try:
            with open(os.path.join(self.dir, log), "ab") as file:
                setattr(self, seat, subprocess.Popen(
                    argv, stdin=subprocess.DEVNULL, stdout=file, stderr=file,
                    env=self.environment(), preexec_fn=lambda: child_begins(mask)))
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)

    def log(self, name):
        """What a program wrote so far."""
        try:
            with open(os.path.join(self.dir, name + ".log"), encoding="utf-8",
                      errors="replace") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def _wait_for(self, path, process, name, timeout_s):
        end = time.monotonic() + timeout_s
        while time.monotonic() < end:
            if process.poll() is not None:
                raise SiteError(f"{name} ended with status {process.returncode}:\n"
                                + self.log(name)[-2000:])
            with socket.socket(socket.AF_UNIX) as probe:
                try:
                    probe.connect(path)
                    return
                except OSError:
                    time.sleep(0.02)
        raise SiteError(f"{name} does not answer on {path}:\n" + self.log(name)[-2000:])

    def cli(self, *args, check=True):
        """Runs `mskpush --json ...`; returns its JSON."""
        done = subprocess.run([self.program("mskpush"), "--json", *args], env=self.environment(),
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              check=False)
        if check and done.returncode != 0:
            raise SiteError(f"mskpush {' '.join(args)}: status {done.returncode}: "
                            f"{done.stderr.strip()} {done.stdout.strip()}")
        return json.loads(done.stdout) if done.stdout.strip() else {}

    def cli_live(self, *args):
        """Runs `mskpush ...` on our terminal; returns its exit status."""
        return subprocess.run([self.program("mskpush"), *args], env=self.environment(),
                              check=False).returncode

    def phones(self, **request):
        """One request to the emulator's control socket."""
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(60)
            line.connect(self.ue_socket)
            line.sendall(json.dumps(request).encode() + b"\n")
            answer = b""
            while not answer.endswith(b"\n"):
                part = line.recv(65536)
                if not part:
                    break
                answer += part
        return json.loads(answer)

    @staticmethod
    def _stop(process, timeout_s=60):
        if process is None or process.poll() is not None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def stop_phones(self):
        """Ends the emulator cleanly: it writes its report and its CSV."""
        self._stop(self.ue)

    def stop_daemon(self):
        """Ends the daemon cleanly."""
        self._stop(self.daemon)

    def close(self):
        """Stops everything and removes the directory."""
        self.stop_daemon()
        self.stop_phones()
        shutil.rmtree(self.dir, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
