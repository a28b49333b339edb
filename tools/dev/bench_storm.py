# SPDX-License-Identifier: Apache-2.0
# Copyright the mskpush authors

"""What comes of a site whose phones all have to fetch at once: 200,000 are solicited, over as many
keep-alive connections as there may be open files, with and without the governor.
"""

import os
import resource
import time

from bench_admin import Admin
from mskpush_site import GROUP, SERVICE, Site
from svg_plot import plot_steps

PHONES = 200000
TARGET = 70  # percent of the time that the threads of Ua work
FILES_KEPT = 500  # for other things than connections
PATIENCE_S = 150
SOURCES = "127.0.0.0/24"  # one address has 28,000 ports, or so
AWAY = ("shed", "overloaded")  # outcomes of those that were turned away
CHALLENGED = "no-credentials"  # a pull's first request, which the phone repeats
COLOURS = {"arrivals": "#d62728", "served": "#2ca02c", "turned away": "#ff7f0e",
           "capacity": "#7f7f7f"}


def connections():
    """Keep-alive connections that both sides can have."""
    return min(resource.getrlimit(resource.RLIMIT_NOFILE)[1] - FILES_KEPT, PHONES)


def make_site(site, target):
    """Phones that all have to be solicited, and a campaign that could take all day."""
    site.ua_yaml = f"  address: imported\n  connections: {connections()}\n"
    site.map_size = "256M"
    site.extra_yaml = (f"governor:\n  target: {target}\n"
                       "campaign:\n  solicits: 6\n  solicit_waits: [20]\n")
    csv = os.path.join(site.dir, "ues.csv")
    site.make_csv(csv, PHONES)
    site.start_daemon()
    site.start_phones(csv, "--ua", "http://%s:%d" % site.ua_address(), "--ua-groups", GROUP,
                      "--ua-connections", str(connections()), "--ua-source", SOURCES)
    site.cli("group", "add", GROUP)
    site.cli("service", "add", SERVICE, "--group", GROUP)
    site.cli("ue", "import", csv)
    site.cli("msk", "new", GROUP)


def look(admin):
    """(when, pulls that came, those served, those turned away, seconds that Ua has worked)."""
    stats, at, _ = admin.get("/v1/stats")
    ua = stats["ua"]
    results = ua["requests"]["msk-request"]
    away = sum(n for name, n in results.items() if name in AWAY)
    came = sum(n for name, n in results.items() if name != CHALLENGED)
    return at, came, results.get("ok", 0), away, ua["busy_s"]


def watch(site, campaign):
    """A look each second until the campaign has ended."""
    admin, looks, end = Admin(site.socket), [], time.monotonic() + PATIENCE_S
    looks.append(look(admin))
    while time.monotonic() < end:
        time.sleep(1)
        looks.append(look(admin))
        state = admin.get(f"/v1/campaigns/{campaign}")[0]["state"]
        if state != "running":
            break
    admin.close()
    return looks


def curve(looks):
    """Per second: (seconds since the start, arrivals, served, turned away)."""
    return [(round(b[0] - looks[0][0], 1),
             *(round((b[k] - a[k]) / (b[0] - a[0])) for k in (1, 2, 3)))
            for a, b in zip(looks, looks[1:])]


def storm(build, target):
    """Solicits everybody; returns what became of it."""
    with Site(build) as site:
        make_site(site, target)
        campaign = site.cli("solicit", GROUP, "--yes", "--no-wait")["id"]
        looks = watch(site, campaign)
        seen = site.cli("campaign", "show", str(campaign))
        ua = site.phones(do="status")["ua"]["msk-request"]
        capacity = (looks[-1][2] - looks[0][2]) / max(looks[-1][4] - looks[0][4], 0.001)
        over_capacity = round(seen["seconds"] * capacity / max(seen["verified"], 1), 2)
        return {"seconds": round(seen["seconds"], 1), "verified": seen["verified"],
                "lost": PHONES - seen["verified"], "solicits": seen["solicits"],
                "turned_away": looks[-1][3] - looks[0][3], "capacity": round(capacity),
                "seconds_over_capacity": over_capacity,
                "seconds_over_target": round(over_capacity * TARGET / 100, 2),
                "p99_ms": round(ua["latency_us"]["p99"] / 1000, 1),
                "load": round(os.getloadavg()[0], 1), "curve": curve(looks)}


def plot(path, name, result):
    """Arrivals against capacity, second by second."""
    rows = result["storm_" + name + "_curve"]
    capacity = result["storm_" + name + "_capacity"]
    series = {"arrivals": [(at, a) for at, a, _, _ in rows],
              "served": [(at, s) for at, _, s, _ in rows],
              "turned away": [(at, w) for at, _, _, w in rows],
              "capacity": [(at, capacity) for at, *_ in rows]}
    plot_steps(path, [f"set title '{PHONES:,} phones at once, {name}'",
                      "set xlabel 'seconds since the campaign began'",
                      "set ylabel 'pulls per second'", "set yrange [0:*]"], series, COLOURS)


def measure_storms(args, results):
    """Pull arrivals against capacity over time, with and without the governor."""
    for name, target in (("governed", TARGET), ("ungoverned", 0)):
        for key, value in storm(args.build, target).items():
            results[f"storm_{name}_{key}"] = value
    for name in ("governed", "ungoverned"):
        plot(os.path.join(args.build, f"bench-storm-{name}.svg"), name, results)


def print_storms(results):
    """The curves as a table."""
    for name in ("governed", "ungoverned"):
        rows = results.get(f"storm_{name}_curve")
        if rows:
            print(f"\n{PHONES:,} phones at once, {name}: a second")
            print(f"{'second':>8} {'arrivals':>10} {'served':>10} {'turned away':>12}")
            for row in rows:
                print("{:>8} {:>10,} {:>10,} {:>12,}".format(*row))
