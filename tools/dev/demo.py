#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the mskpush authors

"""The demo: a mass re-key end to end. Called by tools/demo after the set-up."""

import csv
import json
import math
import os
import shutil
import signal
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from demo_options import STORIES, parse_args  # noqa: E402
from mskpush_site import FQDN, GROUP, SERVICE, Site, SiteError, available_memory  # noqa: E402

# What one phone takes, measured: rows of the CSV, store, capture; daemon and emulator.
DISK_PER_UE, DISK_FIXED = 560, 120 << 20
KEEP_PER_UE = 300
MEMORY_PER_UE, MEMORY_FIXED = 980, 500 << 20
PCAP_ALL_UP_TO, PCAP_FRAMES = 50000, 1000000
# Phones whose MSK is still to come after so many seconds get it by the mass push at the latest.
MSK_PATIENCE_S = 10
KEY_LOOKUPS = 512  # the emulator answers them as they come
SINGLES_PATIENCE_S = 45  # a single push is repeated for 39 s
PCAP_FRAME, FRAMES_PER_UE = 260, 16  # bytes of a frame in the capture; eight sends, answered
SENDS, SENDS_MAX, CHANCE = 8, 31, 1e-3  # sends by default; chance that one phone misses all
ENDINGS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


def check_room(args, site):
    """A sentence and status 2 when memory or disk do not suffice, before anything is made."""
    disk = DISK_FIXED + args.ues * DISK_PER_UE
    memory = MEMORY_FIXED + args.ues * MEMORY_PER_UE
    free = shutil.disk_usage(site.dir).free
    if free < disk:
        raise SiteError(f"needs {disk >> 20} MB of disk in {os.path.dirname(site.dir)}, "
                        f"{free >> 20} MB are free: fewer --ues, or another TMPDIR")
    if available_memory() < memory:
        raise SiteError(f"needs {memory >> 20} MB of memory, {available_memory() >> 20} MB are "
                        "free: fewer --ues")
    for directory in filter(None, {args.keep, args.hold}):
        frames = min(PCAP_FRAMES, args.ues * FRAMES_PER_UE)
        keep = frames * PCAP_FRAME + args.ues * KEEP_PER_UE
        if shutil.disk_usage(directory).free < keep:
            raise SiteError(f"needs {keep >> 20} MB of disk in {directory} for what it leaves")


def make_directory(path):
    """A directory for key material: ours alone."""
    try:
        os.makedirs(path, mode=0o700, exist_ok=True)
        os.chmod(path, 0o700)
    except OSError as error:
        raise SiteError(f"cannot use {path}: {error.strerror}") from error
    if not os.access(path, os.W_OK):
        raise SiteError(f"cannot write to {path}")
    return os.path.abspath(path)


def count_rows(path):
    """Data rows of a CSV."""
    with open(path, "rb") as file:
        return max(0, sum(1 for line in file if line.strip()) - 1)


def services_of(path):
    """Service names a CSV uses, sorted; its header tells the column."""
    names = set()
    with open(path, encoding="utf-8-sig", newline="") as file:
        rows = csv.reader(file)
        header = next(rows, [])
        column = header.index("services") if "services" in header else len(header)
        for cells in rows:
            if len(cells) > column:
                names.update(cells[column].split())
    return sorted(names) or [SERVICE]


def sends_for(loss, ues):
    """How often a phone may be sent to, so that none is likely to be given up by chance."""
    miss = 1 - (1 - loss / 100) ** 2
    if miss <= 0:
        return SENDS
    return max(SENDS, min(SENDS_MAX, math.ceil(math.log(CHANCE / ues) / math.log(miss))))


class Demo:
    """One run of the demo."""

    def __init__(self, args, site):
        self.args = args
        self.site = site
        site.ip = args.ip
        self.csv = args.csv or os.path.join(site.dir, "ues.csv")
        self.begin = time.monotonic()
        self.report = {}
        self.http_ues = min(args.ues, args.http)
        self.has_left = False  # a phone gave up over HTTP
        self.story = STORIES[args.story].Expired(self) if args.story else None

    def say(self, text):
        """One line of what is going on, with the time since the start."""
        print(f"[{time.monotonic() - self.begin:6.1f} s] {text}", flush=True)

    def make_phones(self):
        """The CSV of the phones, unless one was given."""
        if self.args.csv:
            return
        self.site.make_csv(self.csv, self.args.ues, "--seed", str(self.args.seed),
                           "--unregistered", str(self.http_ues), *self.site.phone_flags(),
                           *(self.story.phone_flags() if self.story else []))
        self.say(f"made {self.args.ues:,} phones ({os.path.getsize(self.csv) >> 20} MB of CSV)")

    def start(self):
        """Starts daemon and phones."""
        site, args = self.site, self.args
        site.map_size = f"{max(64, 48 + args.ues * 260 // 1000000)}M"
        site.ua_yaml = "  address: imported\n"  # HTTP comes from loopback, the phones are elsewhere
        keys = os.path.join(site.dir, "keys.sock")
        site.extra_yaml = f"key_source:\n  url: unix:{keys}\n  lookups: {KEY_LOOKUPS}\n"
        site.start_daemon()
        self.say(f"mskpushd runs (pid {site.daemon.pid})")
        flags = ["--loss", str(args.loss), "--seed", str(args.seed),
                 "--report", os.path.join(site.dir, "ue.json"), "--key-source", keys,
                 "--ua", self.ua_url(), "--ua-groups", self.key_group(),
                 *(self.story.emulator_flags() if self.story else [])]
        pcap = args.keep or args.hold
        if pcap:
            flags += ["--pcap", os.path.join(pcap, "wire.pcap")]
            if args.ues > PCAP_ALL_UP_TO:
                flags += ["--pcap-frames", str(PCAP_FRAMES)]
        if args.keep:
            flags += ["--csv-out", os.path.join(args.keep, "ues.csv")]
        # They are read at 150,000 a second or more.
        site.start_phones(self.csv, *flags, timeout_s=120 + args.ues // 50000)
        self.say(f"mskpush-ue runs with {args.ues:,} phones (pid {site.ue.pid})")

    def key_group(self):
        """The key group as the emulator names it."""
        return GROUP + (":v600" if self.args.profile == "v600" else "")

    def provision(self):
        """Service, key group, subscribers, MSK."""
        site = self.site
        site.cli("group", "add", GROUP, "--profile", self.args.profile)
        for service in services_of(self.csv) if self.args.csv else [SERVICE]:
            site.cli("service", "add", service, "--group", GROUP)
        done = site.cli("ue", "import", self.csv)
        self.say(f"imported {done['added']:,} subscribers "
                 f"({done['added'] / max(done['seconds'], 1e-3):,.0f}/s)")
        if not self.args.csv and not self.args.hold:
            os.unlink(self.csv)  # both sides have read it
        msk = site.cli("msk", "new", GROUP)
        self.say(f"made MSK {msk['msk_id']} (check value {msk['check']})")

    def ua_url(self):
        """Where the daemon serves phones over HTTP."""
        host, port = self.site.ua_address()
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    def pull(self):
        """The first phones register and fetch over HTTP; the MSK comes to them by MIKEY."""
        if self.http_ues == 0:
            return
        site, begin = self.site, time.monotonic()
        ordered = site.phones(do="join", count=self.http_ues)["phones"]
        ua = site.phones(do="status")["ua"]
        asked = begin
        while (ua["due"] + ua["asking"] > 0
               or ua["expecting"] > 0 and time.monotonic() - asked < MSK_PATIENCE_S):
            asked = time.monotonic() if ua["due"] + ua["asking"] > 0 else asked
            time.sleep(0.1)
            ua = site.phones(do="status")["ua"]
        seconds = time.monotonic() - begin
        self.has_left = ua["gone"] > 0
        served = sum(ua[name]["answers"].get("200", 0) for name in ("register", "msk-request"))
        latency, msk = ua["msk-request"]["latency_us"], ua["msk_latency_us"]
        self.say(f"{ordered:,} phones registered and fetched over HTTP in {seconds:.1f} s: "
                 f"{served:,} requests served, p99 {latency['p99'] / 1000:.1f} ms; the MSK came "
                 f"{msk['p50'] / 1000:.1f} ms after the 200 (median), {msk['p99'] / 1000:.1f} ms (p99)")
        troubles = {**ua["refused"], **ua["left"]}
        if ua["expecting"]:
            troubles["MSK still to come"] = ua["expecting"]
        if troubles:
            print("over HTTP: " + ", ".join(f"{why} {n:,}" for why, n in troubles.items()))
        self.report.update(http_ues=ordered, http_requests=served, http_seconds=round(seconds, 3))

    def singles_wait(self):
        """Waits until no push that followed a request is under way; returns messages they took."""
        end = time.monotonic() + SINGLES_PATIENCE_S
        ends = ("merged", "full", "verified", "given_up", "refused", "ended")
        while True:
            counts = self.site.cli("stats")["counters"]
            if (counts["singles"] <= sum(counts["singles_" + name] for name in ends)
                    or time.monotonic() > end):
                return counts["singles_sent"]
            time.sleep(0.1)

    def push(self):
        """The re-key itself, with the command an operator uses."""
        sends = sends_for(self.args.loss, self.args.ues)
        order = ["push", GROUP, "--yes", *(["--sends", str(sends)] if sends > SENDS else [])]
        self.say("mskpush " + " ".join(order))
        status = self.site.cli_live(*order)
        if status not in (0, 1):
            raise SiteError(f"mskpush push ended with status {status}")
        campaigns = self.site.cli("campaign", "list")["campaigns"]
        return self.site.cli("campaign", "show", str(campaigns[0]["id"]))

    def compare(self, campaign):
        """Whether every phone holds the MSK the daemon says; returns (ok, emulator's view)."""
        phones = self.site.phones(do="status")
        check = campaign["msk"]["check"]
        holders = sum(msk["phones"] for msk in phones["msks"]
                      if msk["check"] == check and msk["number"] == campaign["msk"]["number"])
        is_good = (holders == phones["phones"] == campaign["members"] == campaign["verified"]
                   and campaign["given_up"] == campaign["refused"] == campaign["pending"] == 0
                   and not self.has_left)
        print(f"phones that hold MSK {check}: {holders:,} of {phones['phones']:,}; "
              f"the daemon says verified: {campaign['verified']:,} of {campaign['members']:,}")
        refused = {why: n for why, n in phones.get("refused", {}).items() if n}
        if refused:
            print("phones refused: " + ", ".join(f"{why} {n:,}" for why, n in refused.items()))
        return is_good

    def keep(self, campaign, stop):
        """Writes report.json; the emulator writes ues.csv and the capture when it ends."""
        site, args = self.site, self.args
        pulled = self.singles_wait()
        if stop:
            site.stop_phones()
        with open(os.path.join(site.dir, "ue.json"), encoding="utf-8") as file:
            phones = json.load(file)
        held = next((group for group in phones["groups"]
                     if group["number"] == campaign["msk"]["number"]), {})
        report = {key: campaign[key] for key in
                  ("members", "verified", "given_up", "refused", "rounds", "seconds",
                   "pushes_per_s")}
        report.update(
            pushes_sent=campaign["pushes"] + pulled, pushes_after_pulls=pulled, key_group=GROUP,
            csb_id=campaign["msk"]["csb_id"],
            rand=campaign["msk"]["rand"], msk=held.get("msk", ""), profile=args.profile,
            key_number=campaign["msk"]["number"], msk_check=campaign["msk"]["check"],
            fqdn=FQDN, loss_percent=args.loss, seed=args.seed, **self.report)
        path = os.path.join(args.keep, "report.json")
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w",
                  encoding="utf-8") as file:
            json.dump(report, file, indent=2)
            file.write("\n")
        print(f"dossier in {args.keep}: " + ", ".join(
            f"{name} {os.path.getsize(os.path.join(args.keep, name)) / 1e6:,.1f} MB"
            for name in ("ues.csv", "wire.pcap", "report.json")))

    def hold(self):
        """Leaves the site running; DIR/site.json says where everything is."""
        site, directory = self.site, self.args.hold
        info = {
            "daemon_pid": site.daemon.pid, "daemon_argv": site.daemon_argv,
            "ue_pid": site.ue.pid, "ue_argv": site.ue_argv, "admin_socket": site.socket,
            "ue_socket": site.ue_socket, "ua_url": self.ua_url(), "fqdn": FQDN,
            "ues_csv": os.path.abspath(self.csv),
            "pcap": os.path.join(self.args.keep or directory, "wire.pcap"), "group": GROUP,
            "environment": {"RUNTIME_DIRECTORY": site.dir},
        }
        path = os.path.join(directory, "site.json")
        with open(path + ".new", "w", encoding="utf-8") as file:
            json.dump(info, file, indent=2)
        os.rename(path + ".new", path)
        print(f"the site runs until SIGTERM or Ctrl-C; {path} tells where", flush=True)
        try:
            while True:
                signal.pause()
        except KeyboardInterrupt:
            self.say("told to end")

    def run(self):
        """Returns the exit status."""
        self.make_phones()
        self.start()
        self.provision()
        self.pull()
        if self.story:
            campaign, is_good = self.story.run()
            self.say("every phone that can be reached holds the MSK" if is_good else
                     "NOT every phone that can be reached holds the MSK")
        else:
            campaign = self.push()
            is_good = self.compare(campaign)
            self.say("every phone holds the same MSK, and the daemon says the same" if is_good
                     else "NOT every phone holds the MSK")
        if self.args.hold:
            self.hold()
        if self.args.keep:
            self.keep(campaign, stop=True)
        return 0 if is_good else 1


def interrupted(*_):
    """SIGTERM and SIGHUP end like Ctrl-C: through the clean-up."""
    raise KeyboardInterrupt


def run(args):
    """The site and the demo on it; returns the exit status."""
    usual = STORIES[args.story].UES if args.story else 1000000
    args.ues = args.ues or (count_rows(args.csv) if args.csv else usual)
    if args.ues == 0:
        raise SiteError(f"{args.csv} has no phones")
    site = Site(os.environ.get("MSKPUSH_BUILD", "build"), workers=args.workers)
    try:
        if args.hold:
            args.hold = make_directory(args.hold)
        if args.keep:
            args.keep = make_directory(args.keep)
        check_room(args, site)
        return Demo(args, site).run()
    except KeyboardInterrupt:
        print("demo: interrupted, cleaning up", file=sys.stderr)
        raise
    finally:
        for number in ENDINGS:
            signal.signal(number, signal.SIG_IGN)
        site.close()


def main():
    args = parse_args(sys.argv[1:])
    if args.check:
        return 0
    for number in ENDINGS:
        if signal.getsignal(number) != signal.SIG_IGN:  # as under nohup
            signal.signal(number, interrupted)
    try:
        return run(args)
    except SiteError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        # Standard output is among what may be full or gone: nobody is to write to it at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        print(f"demo: {error.filename or 'standard output'}: {error.strerror}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
