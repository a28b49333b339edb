#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the mskpush authors

"""The benchmark: testpmd and mskpushd over the same kind of memif into the same kind of sink, in
one run on one worker core; crypto alone; import, store size, start. Called by tools/bench."""

import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from bench_flood import measure_flood  # noqa: E402
from bench_safety import measure_safety  # noqa: E402
from bench_solicit import measure_paces, measure_solicit, measure_storms  # noqa: E402
from bench_testpmd import Testpmd  # noqa: E402
from bench_ua import measure_pulls  # noqa: E402
from mskpush_site import GROUP, SERVICE, Site, SiteError, allowed_cpus, available_memory  # noqa: E402

DISK_NEEDED, MEMORY_NEEDED = 6 << 30, 4 << 30


def parse_args():
    """Options of the benchmark."""
    parser = argparse.ArgumentParser(prog="tools/bench", allow_abbrev=False, description=__doc__)
    parser.add_argument("--ues", type=int, default=1000000, help="subscribers (default 1,000,000)")
    parser.add_argument("--seconds", type=float, default=5, help="length of one measurement")
    parser.add_argument("--repeat", type=int, default=3, help="measurements; the median counts")
    parser.add_argument("--out", help="JSON file (default build/bench.json)")
    args = parser.parse_args()
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


def memif(directory, role):
    """The memif of both rivals, one end of it."""
    return (f"net_memif0,role={role},socket={directory}/m.sock,socket-abstract=no,"
            "bsize=512,rsize=10")


def start_sink(site):
    """The side that takes everything, on the last CPU."""
    path = os.path.join(site.dir, "m.sock")
    if os.path.exists(path):
        os.unlink(path)
    sink = Testpmd(site.dir, "sink", memif(site.dir, "server"), "rxonly", allowed_cpus()[-1])
    end = time.monotonic() + 20
    # A client that comes before the port is started is turned away for good.
    while not sink.read(re.compile("Checking link statuses")):
        if sink.process.poll() is not None or time.monotonic() > end:
            raise SiteError("the sink (dpdk-testpmd) does not start: see " + sink.log)
        time.sleep(0.05)
    return sink


def measure_testpmd(site, args):
    """What the wire carries: testpmd txonly into the sink."""
    sink = start_sink(site)
    source = Testpmd(site.dir, "source", memif(site.dir, "client"), "txonly", allowed_cpus()[0])
    try:
        while not source.read(re.compile("Checking link statuses")):
            time.sleep(0.1)
        time.sleep(1)
        rates = [source.rate("TX", args.seconds) for _ in range(args.repeat)]
        return round(statistics.median(rates))
    finally:
        source.stop()
        sink.stop()


def bench_site(args):
    """A site whose daemon sends into a memif, to a gateway that never answers."""
    site = Site(os.environ.get("MSKPUSH_BUILD", "build"))
    site.port = memif(site.dir, "client")
    site.map_size = f"{max(64, 48 + args.ues * 260 // 1000000)}M"
    site.extra_yaml = ("campaign:\n  sends: 31\n  waits: [0]\n  solicits: 29\n"
                       "  solicit_waits: [0]\ngovernor:\n  target: 0\n")
    site.gateway_mac = "02:00:00:00:00:02"
    return site


def provision(site, args, results):
    """Subscribers and a group; import rate and size of the store."""
    csv = os.path.join(site.dir, "ues.csv")
    site.make_csv(csv, args.ues, "--seed", "7")
    site.cli("group", "add", GROUP)
    site.cli("service", "add", SERVICE, "--group", GROUP)
    done = site.cli("ue", "import", csv)
    results["import"] = round(done["added"] / done["seconds"])
    os.unlink(csv)
    status = site.cli("status")
    results["bytes_per_subscriber"] = round(status["store"]["used_bytes"] / done["added"], 1)
    site.cli("msk", "new", GROUP)


def sent(site, campaign):
    """Messages of a campaign so far, and when: at the moment they were counted."""
    def count():
        seen = site.cli("campaign", "show", str(campaign))
        return seen["pushes"] + seen["solicits"]
    before = now = count()
    end = time.monotonic() + 1
    while now == before and time.monotonic() < end:
        time.sleep(0.002)
        now = count()
    return now, time.monotonic()


def campaign_cold(site):
    """A push like any other."""
    return site.cli("push", GROUP, "--no-wait", "--yes")["id"]


def campaign_armed(site):
    """A push whose keys were derived before."""
    number = site.cli("push", GROUP, "--arm", "--yes")["id"]
    while True:
        seen = site.cli("campaign", "show", str(number))
        if seen["armed"]["members"] == seen["members"]:
            break
        time.sleep(0.05)
    site.cli("fire", str(number), "--no-wait")
    return number


def campaign_solicit(site):
    """Solicited pulls."""
    return site.cli("solicit", GROUP, "--solicits", "30", "--solicit-waits", "0", "--no-wait",
                    "--yes")["id"]


def is_running(site, campaign):
    """Whether a campaign still sends."""
    return site.cli("campaign", "show", str(campaign))["state"] == "running"


def rate_while_running(site, campaign, seconds):
    """Messages per second over some seconds, or until shortly before the campaign's end."""
    before, begin = after, end = sent(site, campaign)
    while end < begin + seconds:
        time.sleep(min(seconds, 0.5))
        seen = sent(site, campaign)
        if not is_running(site, campaign):
            break
        after, end = seen
    if end == begin:
        raise SiteError("a campaign ended before it could be measured: more --ues")
    return (after - before) / (end - begin)


def measure_campaign(site, start, seconds):
    """Messages per second while a campaign runs at full speed, without answers."""
    campaign = start(site)
    time.sleep(0.3)
    rate = rate_while_running(site, campaign, seconds)
    # It may end by itself just now.
    site.cli("campaign", "abort", str(campaign), check=False)
    wait_closed(site, campaign)
    return rate


def push_rate(site, args):
    """Of a push like any other."""
    return measure_campaign(site, campaign_cold, args.seconds)


def measure_push(site, args):
    """The median of some."""
    return statistics.median(push_rate(site, args) for _ in range(args.repeat))


def measure_kinds(site, args, kinds, results):
    """The medians of several kinds, which take turns: what disturbs one disturbs the others."""
    rates = {name: [] for name in kinds}
    for _ in range(args.repeat):
        for name, start in kinds.items():
            rates[name].append(measure_campaign(site, start, args.seconds))
    for name, values in rates.items():
        results[name] = round(statistics.median(values))


def wait_closed(site, campaign):
    """Until a campaign has ended."""
    while site.cli("campaign", "show", str(campaign))["state"] in ("running", "paused"):
        time.sleep(0.1)


def kernel_port(driver):
    """A pair of interfaces whose other end drops what comes: device of ours, and its removal."""
    name = f"mskb{os.getpid() % 10000}"
    subprocess.run(["ip", "link", "add", name, "type", "veth", "peer", "name", name + "p"],
                   check=True)
    for end in (name, name + "p"):
        subprocess.run(["ip", "link", "set", end, "up"], check=True)
    return f"{driver}0,iface={name}", lambda: subprocess.run(
        ["ip", "link", "del", name], check=False)


def start_virtio_sink(site):
    """dpdk-testpmd that takes everything from our net_vhost."""
    sink = Testpmd(site.dir, "vsink", f"net_virtio_user0,path={site.vhost},queues=1,"
                   "queue_size=1024", "rxonly", allowed_cpus()[-1])
    while not sink.read(re.compile("Checking link statuses")):
        if sink.process.poll() is not None:
            raise SiteError("the sink does not start: see " + sink.log)
        time.sleep(0.05)
    return sink


def measure_port(args, device, workers=1, sink_start=None):
    """Pushes per second into a port of some kind, over all workers."""
    with Site(os.environ.get("MSKPUSH_BUILD", "build"), workers=workers) as site:
        site.port = device or f"net_vhost0,iface={site.vhost},queues=1"
        site.map_size = f"{max(64, 48 + args.ues * 260 // 1000000)}M"
        site.extra_yaml = "campaign:\n  sends: 31\n  waits: [0]\n"
        site.gateway_mac = "02:00:00:00:00:02"
        sink = None
        try:
            site.start_daemon()
            sink = sink_start(site) if sink_start else None
            provision(site, args, {})
            return round(measure_push(site, args))
        finally:
            site.stop_daemon()
            if sink is not None:
                sink.stop()


def measure_ports(args, results):
    """The same push over the kinds of port there are, and by one and two workers."""
    results["push_vhost"] = measure_port(args, None, sink_start=start_virtio_sink)
    for driver in ("net_af_packet", "net_af_xdp"):
        if os.geteuid() != 0:
            print(f"{driver}: needs root, left out")
            continue
        device, remove = kernel_port(driver)
        try:
            results["push_" + driver[4:]] = measure_port(args, device)
        finally:
            remove()
    if len(allowed_cpus()) >= 2:
        results["push_null_1"] = measure_port(args, "net_null0,no-rx=1")
        results["push_null_2"] = measure_port(args, "net_null0,no-rx=1", workers=2)


def measure_stages(site, results):
    """Cycles per message of each stage, over a second of a campaign at full speed."""
    campaign = site.cli("push", GROUP, "--yes", "--no-wait")["id"]
    for stage in site.cli("stats", "--stages")["stages"]:
        if stage["items"]:
            results["cycles_" + stage["name"]] = round(stage["cycles_per_item"], 1)
    site.cli("campaign", "abort", str(campaign), check=False)
    wait_closed(site, campaign)


def turn(site, task, started=None):
    """One task for a daemon and its sink, which are there only that long: two would share the
    CPUs, and a sink does not always outlive its peer. `started` gets how long the start took."""
    sink = start_sink(site)
    try:
        begin = time.monotonic()
        site.start_daemon()
        if started is not None:
            started["seconds"] = round(time.monotonic() - begin, 3)
        return task()
    finally:
        site.stop_daemon()
        sink.stop()


def measure_lanes(site, args, results):
    """A fresh store, and what the daemon sends on its best path."""
    provision(site, args, results)
    measure_kinds(site, args, {"push": campaign_cold, "armed_push": campaign_armed,
                               "solicit": campaign_solicit}, results)
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


def measure_verify(build, args, results):
    """The intake of verifications; frames are built ahead."""
    done = subprocess.run([os.path.join(build, "tests/bench/bench-verify"), "--subscribers",
                           str(args.ues), "--seconds", str(args.seconds)], check=True,
                          stdout=subprocess.PIPE, text=True)
    results.update(json.loads(done.stdout))


def measure_openssl(build, args, results):
    """The two ordinary daemons."""
    for key, mode in (("push_openssl_sendmmsg", "hmac"), ("push_openssl_evp", "evp")):
        done = subprocess.run([os.path.join(build, "tests/bench/openssl-push"), "--mode", mode,
                               str(args.seconds)], check=True, stdout=subprocess.PIPE, text=True)
        results[key] = json.loads(done.stdout)["pushes"]


def wrapped_site(args):
    """The same as bench_site(), with keys wrapped at rest."""
    site = bench_site(args)
    path = os.path.join(site.dir, "wrapping.key")
    with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as file:
        file.write(os.urandom(32))
    site.wrapping_key = "file:" + path
    return site


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


def pushes(site):
    """Messages that the daemon has sent since its start."""
    return site.cli("stats")["counters"]["pushes"]


def recovery_time(site):
    """Seconds from the start of a daemon to its first push, when the one before was killed in a
    campaign whose members were all in flight."""
    campaign = site.cli("push", GROUP, "--yes", "--no-wait")["id"]
    members = site.cli("campaign", "show", str(campaign))["members"]
    while pushes(site) < 2 * members:
        time.sleep(0.05)
    site.daemon.kill()
    site.daemon.wait()
    begin = time.monotonic()
    site.start_daemon()
    while pushes(site) == 0:
        time.sleep(0.005)
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


def measure_crypto(build, args, results):
    """Crypto alone, no wire, no store."""
    done = subprocess.run([os.path.join(build, "tests/bench/bench-crypto"), "--seconds",
                           str(max(1, int(args.seconds / 2)))], check=True,
                          stdout=subprocess.PIPE, text=True)
    for key, value in json.loads(done.stdout).items():
        results["crypto_" + key] = value
    # The fastest kernel in the tree.
    for floor in ("floor_push", "floor_solicit"):
        results[floor] = max(value for key, value in results.items() if key.endswith(floor))


def check_room():
    """A sentence when there is no room, before anything is made."""
    free = shutil.disk_usage("/tmp").free
    if free < DISK_NEEDED:
        raise SiteError(f"needs {DISK_NEEDED >> 30} GB of disk in /tmp, {free >> 30} GB are free")
    if available_memory() < MEMORY_NEEDED:
        raise SiteError(f"needs {MEMORY_NEEDED >> 30} GB of memory, "
                        f"{available_memory() >> 30} GB are available")


def bound(results, floor):
    """What is left of the floor when each message is also copied to the wire."""
    return 1 / (1 / results[floor] + 1 / results["testpmd_tx"])


def ratios(results):
    """(what, value, what it should be at least), of what there is."""
    wanted = [
        ("push / bound", lambda r: r["push"] / bound(r, "floor_push"), 0.85),
        ("solicit / bound", lambda r: r["solicit"] / bound(r, "floor_solicit"), 0.85),
        ("push / push_ipsecmb", lambda r: r["push"] / r["push_ipsecmb"], 3),
        ("push / push_openssl_evp", lambda r: r["push"] / r["push_openssl_evp"], 12),
        ("push / push_openssl_sendmmsg", lambda r: r["push"] / r["push_openssl_sendmmsg"], 40),
        ("armed_push / testpmd_tx", lambda r: r["armed_push"] / r["testpmd_tx"], 0.45),
        ("push / testpmd_tx", lambda r: r["push"] / r["testpmd_tx"], None),
    ]
    for name, ratio, target in wanted:
        try:
            yield name, ratio(results), target
        except (KeyError, ZeroDivisionError):
            pass


def table(results):
    """Prints the results for people."""
    print(f"{'CPU':32} {results['cpu']}")
    print(f"{'crypto path':32} {results['path']}")
    for key, value in results.items():
        if isinstance(value, (int, float)):
            print(f"{key:32} {value:>16,}")
    for name, value, target in ratios(results):
        print(f"{name:32} {value:>16.3f}" + (f"   (target {target})" if target else ""))


def main():
    args = parse_args()
    build = os.environ.get("MSKPUSH_BUILD", "build")
    results = {"cpu": cpu_model(), "path": "", "subscribers": args.ues}
    try:
        check_room()
        with Site(build) as site:
            results["testpmd_tx"] = measure_testpmd(site, args)
        measure_daemon(args, results)
        measure_openssl(build, args, results)
        measure_verify(build, args, results)
        measure_wrapped(args, results)
        measure_recovery(args, results)
        measure_ports(args, results)
        results.update(measure_flood(args, measure_push))
        measure_crypto(build, args, results)
        measure_pulls(build, args, results)
        measure_paces(build, results)
        measure_storms(build, results)
        measure_safety(build, results)
    except (SiteError, subprocess.CalledProcessError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    out = args.out or os.path.join(build, "bench.json")
    with open(out, "w", encoding="utf-8") as file:
        json.dump(results, file, indent=2)
        file.write("\n")
    table(results)
    print(f"written to {out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
