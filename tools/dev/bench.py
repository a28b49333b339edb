#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the mskpush authors

"""The benchmark: testpmd and mskpushd over the same kind of memif into the same kind of sink, in
one run on one worker core; rivals, crypto alone, import, store, HTTP, pace, promises. Called by
tools/bench."""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import signal
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from bench_campaign import (campaign_armed, campaign_cold, campaign_solicit,  # noqa: E402
                            campaign_solicit_armed, measure_frames, measure_kinds,
                            measure_stages, push_rate, wait_closed)
from bench_flood import measure_flood  # noqa: E402
from bench_pace import measure_paces  # noqa: E402
from bench_ports import measure_ports  # noqa: E402
from bench_safety import measure_safety  # noqa: E402
from bench_scale import measure_scale  # noqa: E402
from bench_site import bench_site, memif, provision, start_sink, turn, wrapped_site  # noqa: E402
from bench_storm import measure_storms  # noqa: E402
from bench_table import table  # noqa: E402
from bench_testpmd import Testpmd  # noqa: E402
from bench_ua import measure_pulls  # noqa: E402
from mskpush_site import GROUP, Site, SiteError, allowed_cpus, available_memory  # noqa: E402

DISK_NEEDED, DISK_NEEDED_SCALE, MEMORY_NEEDED = 2 << 30, 6 << 30, 4 << 30


def parts_parse(text):
    """Names of parts."""
    names = text.split(",")
    for name in names:
        if name not in PARTS:
            raise argparse.ArgumentTypeError(f"there is no part {name}")
    return names


def parse_args():
    """Options of the benchmark."""
    parser = argparse.ArgumentParser(prog="tools/bench", allow_abbrev=False, description=__doc__)
    parser.add_argument("--ues", type=int, default=1000000, help="subscribers (default 1,000,000)")
    parser.add_argument("--seconds", type=float, default=5, help="length of one measurement")
    parser.add_argument("--repeat", type=int, default=3, help="measurements; the median counts")
    parser.add_argument("--only", type=parts_parse, metavar="PART,...",
                        help="measure these parts: " + ", ".join(PARTS))
    parser.add_argument("--out", help="JSON file (default build/bench.json)")
    args = parser.parse_args()
    args.build = os.environ.get("MSKPUSH_BUILD", "build")
    if not 1 <= args.ues <= 10000000:
        parser.error("--ues is 1 to 10,000,000")
    if not 0 < args.seconds <= 60:
        parser.error("--seconds is above 0, to 60")
    if not 1 <= args.repeat <= 100:
        parser.error("--repeat is 1 to 100")
    return args


def cpu_model():
    """Name of the CPU."""
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as lines:
        for line in lines:
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return "unknown"


def testpmd_rate(site, args):
    """Frames per second of testpmd txonly into the sink."""
    sink = start_sink(site)
    source = Testpmd(site.dir, "source", memif(site.dir, "client"), "txonly", allowed_cpus()[0])
    try:
        source.wait_ready()
        time.sleep(1)
        rates = [source.rate("TX", args.seconds) for _ in range(args.repeat)]
        return round(statistics.median(rates))
    finally:
        source.stop()
        sink.stop()


def measure_wire(args, results):
    """What the wire carries."""
    with Site(args.build) as site:
        results["testpmd_tx"] = testpmd_rate(site, args)


def measure_lanes(site, args, results):
    """A fresh store, and what the daemon sends on its best path."""
    provision(site, args, results)
    measure_kinds(site, args, {"push": campaign_cold, "armed_push": campaign_armed,
                               "solicit": campaign_solicit,
                               "armed_solicit": campaign_solicit_armed}, results)
    measure_frames(site, args, results)
    measure_stages(site, results)
    status = site.cli("status")
    results["path"] = status["crypto"]
    results["resident_bytes"] = status["memory"]["resident_bytes"]


def measure_daemon(args, results):
    """Everything that needs the daemon and a sink."""
    started = {}
    with bench_site(args) as site:
        site.write_config()
        turn(site, lambda: measure_lanes(site, args, results))
        turn(site, lambda: None, started)
        results["start_s_1m" if args.ues == 1000000 else "start_s"] = started["seconds"]
        # The same store through ipsec-mb only.
        site.crypto = "ipsec-mb"
        site.write_config()
        turn(site, lambda: measure_kinds(site, args, {"push_ipsecmb": campaign_cold,
                                                      "solicit_ipsecmb": campaign_solicit}, results))


def measure_program(args, results, program):
    """One worker in a program of its own, with a store that it makes."""
    done = subprocess.run([os.path.join(args.build, "tests/bench", program), "--subscribers",
                           str(args.ues), "--seconds", str(args.seconds)], check=True,
                          stdout=subprocess.PIPE, text=True)
    results.update(json.loads(done.stdout))


def measure_verify(args, results):
    """The intake of verifications; frames are built ahead."""
    measure_program(args, results, "bench-verify")


def measure_push_stages(args, results):
    """Cycles of a push in each stage, without a wire."""
    measure_program(args, results, "bench-push")


def measure_openssl(args, results):
    """The two ordinary daemons."""
    for key, mode in (("push_openssl_sendmmsg", "hmac"), ("push_openssl_evp", "evp")):
        done = subprocess.run([os.path.join(args.build, "tests/bench/openssl-push"), "--mode", mode,
                               str(args.seconds)], check=True, stdout=subprocess.PIPE, text=True)
        results[key] = json.loads(done.stdout)["pushes"]


def measure_wrapped(args, results):
    """Push rate with keys wrapped at rest against keys in the clear, in turns. A sweep over all
    members opens every block again when there are more of them than the cache of a worker holds."""
    with bench_site(args) as plain, wrapped_site(args) as wrapped:
        for site in (plain, wrapped):
            site.write_config()
        turn(plain, lambda: provision(plain, args, {}))
        of_wrapped = {}
        turn(wrapped, lambda: provision(wrapped, args, of_wrapped))
        results["import_wrapped"] = of_wrapped["import"]
        results["bytes_per_subscriber_wrapped"] = of_wrapped["bytes_per_subscriber"]
        ratios = []
        for _ in range(args.repeat):
            rates = [turn(site, lambda site=site: push_rate(site, args))
                     for site in (plain, wrapped)]
            ratios.append(rates[1] / rates[0])
        results["push_wrapped_over_plain"] = round(statistics.median(ratios), 3)


def wait_pushes(site, count, timeout_s=120):
    """Until the daemon has sent so many messages since its start."""
    end = time.monotonic() + timeout_s
    while site.cli("stats")["counters"]["pushes"] < count:
        if time.monotonic() > end:
            raise SiteError(f"the daemon does not send {count} messages within {timeout_s} s")
        time.sleep(0.005)


def recovery_time(site):
    """Seconds from the start of a daemon to its first push, when the one before was killed in a
    campaign whose members were all in flight."""
    campaign = site.cli("push", GROUP, "--yes", "--no-wait")["id"]
    members = site.cli("campaign", "show", str(campaign))["members"]
    wait_pushes(site, 2 * members)
    site.daemon.kill()
    site.daemon.wait()
    begin = time.monotonic()
    site.start_daemon()
    wait_pushes(site, 1)
    seconds = time.monotonic() - begin
    if site.cli("campaign", "show", str(campaign))["state"] == "running":
        site.cli("campaign", "abort", str(campaign))
    wait_closed(site, campaign)
    site.stop_daemon()
    site.start_daemon()
    return seconds


def measure_recovery(args, results):
    """Kill -9 with all members in flight, until the campaign goes on: both with keys in the clear
    and wrapped."""
    for name, make in (("recovery_s", bench_site), ("recovery_wrapped_s", wrapped_site)):
        with make(args) as site:
            # Who is killed leaves no peer behind, and needs none.
            site.port = "net_null0,no-rx=1"
            site.start_daemon()
            provision(site, args, {})
            results[name] = round(statistics.median(
                recovery_time(site) for _ in range(args.repeat)), 3)
            site.stop_daemon()


def measure_crypto(args, results):
    """Crypto alone, no wire, no store."""
    done = subprocess.run([os.path.join(args.build, "tests/bench/bench-crypto"), "--seconds",
                           str(max(1, int(args.seconds / 2)))], check=True,
                          stdout=subprocess.PIPE, text=True)
    for key, value in json.loads(done.stdout).items():
        results["crypto_" + key] = value
    # The fastest kernel in the tree.
    for floor in ("floor_push", "floor_solicit"):
        results[floor] = max(value for key, value in results.items() if key.endswith(floor))


def check_room(args):
    """A sentence when there is no room, before anything is made."""
    where = tempfile.gettempdir()
    free = shutil.disk_usage(where).free
    needed = DISK_NEEDED_SCALE if "scale" in (args.only or PARTS) else DISK_NEEDED
    if free < needed:
        raise SiteError(f"needs {needed >> 30} GB of disk in {where}, {free >> 30} GB are free")
    if available_memory() < MEMORY_NEEDED:
        raise SiteError(f"needs {MEMORY_NEEDED >> 30} GB of memory, "
                        f"{available_memory() >> 30} GB are available")


PARTS = {
    "wire": measure_wire, "push": measure_daemon, "rivals": measure_openssl,
    "verify": measure_verify, "stages": measure_push_stages, "wrapped": measure_wrapped,
    "recovery": measure_recovery, "ports": measure_ports, "flood": measure_flood, "crypto": measure_crypto,
    "pulls": measure_pulls, "pace": measure_paces, "storm": measure_storms,
    "safety": measure_safety, "scale": measure_scale,
}


def measure(args, results):
    """All parts that are wanted; one that fails costs no other. Whether all were measured."""
    for part in args.only or PARTS:
        begin = time.monotonic()
        try:
            PARTS[part](args, results)
        except Exception as error:  # pylint: disable=broad-except
            print(f"bench: {part}: {type(error).__name__}: {error}", file=sys.stderr)
            results["failed"].append(part)
        print(f"bench: {part}: {time.monotonic() - begin:.0f} s", file=sys.stderr)
    return not results["failed"]


def main():
    args = parse_args()
    # What was begun is ended, whoever wants that.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    results = {"cpu": cpu_model(), "path": "", "subscribers": args.ues, "failed": []}
    try:
        check_room(args)
    except SiteError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    out = args.out or os.path.join(args.build, "bench.json")
    try:
        is_whole = measure(args, results)
    finally:
        with open(out, "w", encoding="utf-8") as file:
            json.dump(results, file, indent=2)
            file.write("\n")
    table(results)
    print(f"written to {out}")
    return 0 if is_whole else 2


if __name__ == "__main__":
    sys.exit(main())
