# SPDX-License-Identifier: Apache-2.0
# Copyright the mskpush authors

"""What the stories share: a site with provisioning and waiting, and expectations that say what was
seen. A story is a function that takes no argument; tell() runs those of a script.
"""

import csv
import json
import os
import random
import socket
import subprocess
import sys
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(TOP, "tools", "dev"))
from mskpush_site import FQDN, GROUP, SERVICE, Site  # noqa: E402

BUILD = os.environ.get("MSKPUSH_BUILD", os.path.join(TOP, "build"))
DONE, NOT_ALL, BAD_USAGE, NOT_REACHED = 0, 1, 2, 3
COLUMNS = ["impi", "btid", "muk", "mrk", "expires", "address", "port", "keys_in", "services",
           "registered"]
LOG_TAIL = 3000


class Expectation(AssertionError):
    """What was seen is not what the story expects."""


class Skipped(Exception):
    """The story cannot be told here."""


def expect(what, seen, wanted):
    """Equality."""
    if seen != wanted:
        raise Expectation(f"{what}: expected {wanted!r}, saw {seen!r}")


def expect_that(is_so, what, seen):
    """A condition; `seen` is what it was judged by."""
    if not is_so:
        raise Expectation(f"expected: {what}; saw {seen!r}")


def expect_in(part, text):
    """A text holds a part."""
    expect_that(part in text, f"the text has {part!r}", text)


def wait_until(what, probe, timeout_s=20, show=None):
    """Asks `probe` again and again until it gives something true, and returns that."""
    end = time.monotonic() + timeout_s
    while True:
        seen = probe()
        if seen:
            return seen
        if time.monotonic() > end:
            seen = show() if show else seen
            raise Expectation(f"{what}: not within {timeout_s} s; saw {seen!r}")
        time.sleep(0.02)


def free_port(kind=socket.SOCK_STREAM, host="127.0.0.1"):
    """A port that nobody has; whoever is started again gets the same one."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind((host, 0))
        return probe.getsockname()[1]


def certificate_make(path, key, name, alternative=None):
    """A certificate of its own making, and its key."""
    more = ["-addext", "subjectAltName=" + alternative] if alternative else []
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", f"/CN={name}", *more,
                    "-keyout", key, "-out", path], check=True, stderr=subprocess.DEVNULL)


def key_make(path, seed):
    """A wrapping key; returns its source."""
    with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as file:
        file.write(random.Random(seed).randbytes(32))
    return "file:" + path


def write_csv(path, rows, columns=tuple(COLUMNS)):
    """Rows as dictionaries; returns the path."""
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return path


class Stage(Site):
    """A site that stories act on; when one fails, what its programs wrote is shown."""

    def __init__(self, **options):
        super().__init__(BUILD, **options)
        self.map_size = "64M"
        self.csv = self.path("ues.csv")
        self.pcap = self.path("wire.pcap")
        self.rows = []
        self.killed = []
        self.port_yaml = ""

    def gateway_line(self):
        """More of the configuration's section about the port."""
        return super().gateway_line() + self.port_yaml

    def path(self, name):
        """A file in the site's directory."""
        return os.path.join(self.dir, name)

    def key_file(self, name, seed):
        """A new wrapping key in the site's directory; returns its source."""
        return key_make(self.path(name), seed)

    def __exit__(self, kind, *rest):
        try:
            if kind is None:
                self.ends_well()
        except Expectation:
            kind = Expectation
            raise
        finally:
            if kind is not None:
                for name in ("mskpushd", "mskpush-ue"):
                    print(f"--- {name}, the end of its log:\n{self.log(name)[-LOG_TAIL:]}")
            super().__exit__(kind, *rest)

    def ends_well(self):
        """Both programs end with status 0, unless the story killed them."""
        self.stop_daemon()
        self.stop_phones()
        for name, process in (("mskpushd", self.daemon), ("mskpush-ue", self.ue)):
            if process not in (None, *self.killed):
                expect(f"exit status of {name}", process.returncode, 0)

    def make_phones(self, count, *flags):
        """Makes phones up; returns their rows, which are also in self.rows and self.csv."""
        self.make_csv(self.csv, count, *flags)
        with open(self.csv, newline="", encoding="utf-8") as file:
            self.rows = list(csv.DictReader(file))
        return self.rows

    def provision(self, path=None, profile="ts33246"):
        """Key group, service, subscribers of the CSV, MSK; returns the MSK."""
        self.cli("group", "add", GROUP, "--profile", profile)
        self.cli("service", "add", SERVICE, "--group", GROUP)
        self.cli("ue", "import", path or self.csv)
        return self.cli("msk", "new", GROUP)

    def raise_all(self, count, *phone_flags):
        """The usual start: phones, daemon, emulator with a capture, provisioning."""
        self.make_phones(count)
        self.start_daemon()
        self.start_phones(self.csv, "--pcap", self.pcap, *phone_flags)
        return self.provision()

    def run(self, *args, is_json=True, program="mskpush", stdin=subprocess.DEVNULL):
        """Runs a program to its end; returns (status, output, errors), output as JSON if asked."""
        argv = [self.program(program), *(["--json"] if is_json else []), *args]
        done = subprocess.run(argv, env=self.environment(), stdin=stdin, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, timeout=60, check=False)
        output = json.loads(done.stdout or "null") if is_json else done.stdout
        return done.returncode, output, done.stderr

    def push(self, *flags, group=GROUP, status=DONE):
        """Pushes, watches to the end, expects that exit status; returns the campaign."""
        seen, campaign, errors = self.run("push", group, "--yes", *flags)
        expect(f"exit status of the push ({campaign} {errors})", seen, status)
        return campaign

    def push_begin(self, *flags, group=GROUP):
        """Starts a campaign; returns its id."""
        return self.cli("push", group, "--yes", "--no-wait", *flags)["id"]

    def campaign(self, number):
        """How a campaign stands; its sum always holds."""
        seen = self.cli("campaign", "show", str(number))
        expect("verified + given up + refused + pending",
               seen["verified"] + seen["given_up"] + seen["refused"] + seen["pending"],
               seen["members"])
        return seen

    def campaign_when(self, number, what, is_so, timeout_s=20):
        """Waits until a campaign stands as wanted; returns it."""
        wait_until(f"campaign {number}: {what}", lambda: is_so(self.campaign(number)), timeout_s,
                   lambda: self.campaign(number))
        return self.campaign(number)

    def campaign_end(self, number, timeout_s=40):
        """Waits until a campaign has ended; returns it."""
        return self.campaign_when(number, "ended", lambda c: c["state"] in ("done", "aborted"),
                                  timeout_s)

    def undelivered(self, number):
        """IMPI -> member, of those that lack the key."""
        members = self.cli("campaign", "show", str(number), "--undelivered")["members"]
        return {member["impi"]: member for member in members}

    def drops(self):
        """The named drop counters of the daemon that are not zero."""
        return {name: n for name, n in self.cli("stats")["drops"].items() if n}

    def kill(self, process):
        """As the power cut would end it."""
        self.killed.append(process)
        process.kill()
        process.wait()


def tell(*stories):
    """Runs the stories of a script; exit status 1 when one fails, 77 when one could not be told."""
    failed, skipped = 0, 0
    wanted = sys.argv[1:]
    if not os.path.exists(os.path.join(BUILD, "build.ninja")):
        sys.exit(f"{BUILD} is no build directory: set MSKPUSH_BUILD")
    for story in stories:
        if wanted and story.__name__ not in wanted:
            continue
        begin = time.monotonic()
        try:
            story()
            verdict = "ok"
        except Skipped as why:
            skipped += 1
            verdict = f"skipped, {why}"
        except Exception:  # pylint: disable=broad-except
            traceback.print_exc(file=sys.stdout)
            failed += 1
            verdict = "FAILED"
        print(f"{story.__name__}: {verdict} ({time.monotonic() - begin:.1f} s)", flush=True)
    sys.exit(1 if failed else 77 if skipped else 0)
