# SPDX-License-Identifier: Apache-2.0
# Copyright the mskpush authors

"""The demo's story `expired`: a mass re-key when a third of the MUKs have expired, a tenth of the
phones are offline at first and frames are lost. Ends with a table that says which way each phone
got the MSK, and a plot of messages per second.
"""

import os
import shutil
import threading
import time

from mskpush_site import GROUP, SiteError
from svg_plot import plot_steps

UES = 50000  # of the story, when nothing else is said
LOSS = 5.0
EXPIRED, OFFLINE, STAYING = 100 / 3, 10, 1  # percent; of those offline, that do not come back
LAZY, STRICT = 20, 1  # percent, of all phones
OFFLINE_S = 8
SENDS, WAITS = 6, "1,2,3,4,5,4"  # after each send, seconds
SOLICITS, SOLICIT_WAITS = 6, "1,2,3,4,4,3"
MISSED_BACK_OFF_S = 5
CONNECTIONS = 512  # of the phones to the BM-SC
MISSED_PATIENCE_S = 30
BEARERS = {"4": "232.26.1.1:5004", "6": "[ff3e::26:1]:5004"}  # where MTK messages go
TRAFFIC = ("--lead", "2s", "--interval", "2s", "--repeat", "2s")  # of them
LISTED = 10  # unreachable phones on the terminal
WAYS = (("pushed", "pushed"), ("solicited", "solicited and pulled"),
        ("missed", "missed update"), ("asked", "asked by itself"))
SENT = ("pushes", "solicits")
FLOOR = 0.5  # of the plot, for seconds without anything
COLOURS = {"pushes": "#1f77b4", "solicits": "#ff7f0e", "pulls": "#d62728",
           "verifications": "#2ca02c"}


class Sampler:
    """Asks the daemon how many messages a campaign has sent, several times a second."""

    def __init__(self, site):
        self.site = site
        self.samples = []  # (Unix time, pushes, solicits)
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def __enter__(self):
        self.take()
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join()
        self.take()

    def take(self):
        """One sample; pushes that followed a pull count as well."""
        singles = self.site.cli("stats")["counters"]["singles_sent"]
        campaigns = self.site.cli("campaign", "list")["campaigns"]
        pushes, solicits = (campaigns[0][name] for name in SENT) if campaigns else (0, 0)
        self.samples.append((time.time(), pushes + singles, solicits))

    def run(self):
        while not self.stop.wait(0.25):
            self.take()

    def per_second(self, start):
        """{name: {second since start: messages}}; what lies between two samples is spread evenly."""
        series = {name: {} for name in SENT}
        for before, after in zip(self.samples, self.samples[1:]):
            span = after[0] - before[0]
            for column, name in enumerate(SENT, 1):
                count = after[column] - before[column]
                at = before[0] - start
                while count > 0 and at < after[0] - start:
                    end = min(int(at) + 1 if at >= 0 else 0, after[0] - start)
                    second = max(0, int(at))
                    series[name][second] = (series[name].get(second, 0)
                                            + count * (end - at) / span)
                    at = end
        return series


def phones_per_second(report, start):
    """{name: {second since start: count}} of what the phones have seen."""
    series, since = report["series"], report["series"]["since"] / 1e6
    result = {name: {} for name in ("pulls", "verifications")}
    for row in series["rows"]:
        for name, counts in result.items():
            second = round(since + row[0] - start)
            count = row[1 + series["columns"].index(name)]
            if second >= 0 and count:
                counts[second] = counts.get(second, 0) + count
    return result


def plot(path, series, title):
    """Draws the SVG."""
    seconds = 1 + max((second for counts in series.values() for second in counts), default=1)
    points = {name: [(second, f"{max(counts.get(second, 0), FLOOR):.1f}")
                     for second in range(seconds + 1)] for name, counts in series.items()}
    plot_steps(path, [f"set title '{title}'", "set xlabel 'seconds since the campaign began'",
                      "set ylabel 'per second'", f"set xrange [0:{seconds}]", "set logscale y",
                      f"set yrange [{FLOOR}:*]", "set format y '%.0s%c'"], points, COLOURS)


def table(rows, total):
    """A table of (text, count), with shares."""
    width = max(len(text) for text, _ in rows)
    return "\n".join(f"  {text:<{width}}  {count:>11,}  {100 * count / max(total, 1):6.2f} %"
                     for text, count in rows)


class Expired:
    """What the story does where the demo would push."""

    def __init__(self, demo):
        self.demo = demo
        self.site = demo.site

    @staticmethod
    def phone_flags():
        """How phones are made up."""
        return ["--expired", f"{EXPIRED:.4f}"]

    def emulator_flags(self):
        """How phones behave. Those of a CSV take the MUK that they have there for expired."""
        return ["--ua-missed-back-off", str(MISSED_BACK_OFF_S), "--ua-connections", str(CONNECTIONS),
                "--mtk", self.bearer(),
                "--lazy", str(LAZY), "--strict", str(STRICT),
                *(["--expired", f"{EXPIRED:.4f}"] if self.demo.args.csv else [])]

    def bearer(self):
        """The multicast address of the service."""
        return BEARERS["6" if self.demo.args.ip == "6" else "4"]

    def campaign(self):
        """Pushes to those with a fresh MUK, solicits the others; returns the campaign."""
        order = ["push", GROUP, "--auto", "--yes", "--sends", str(SENDS), "--waits", WAITS,
                 "--solicits", str(SOLICITS), "--solicit-waits", SOLICIT_WAITS]
        offline = self.site.phones(do="offline", percent=OFFLINE, seconds=OFFLINE_S,
                                   staying=STAYING)["phones"]
        self.demo.say(f"{offline:,} phones are offline, most of them for {OFFLINE_S} s")
        self.demo.say("mskpush " + " ".join(order))
        self.start = time.time()
        with Sampler(self.site) as self.sampler:
            status = self.site.cli_live(*order)
        if status not in (0, 1):
            raise SiteError(f"mskpush push ended with status {status}")
        return self.site.cli("campaign", "list")["campaigns"][0]

    def missed(self, campaign):
        """The MSK comes into use: whoever lacks it meets MTK messages under it, and fetches it."""
        status = self.site.phones(do="status")
        lacking = status["phones"] - self.holders(status, campaign)
        self.demo.say(f"{lacking:,} phones lack the MSK when it comes into use")
        order = ["mtk", "start", GROUP, *TRAFFIC, "--to", self.bearer()]
        self.demo.say("mskpush " + " ".join(order))
        self.site.cli(*order)
        end = time.monotonic() + MISSED_PATIENCE_S
        while time.monotonic() < end:
            status = self.site.phones(do="status")
            if self.holders(status, campaign) + status["offline"] >= status["phones"]:
                break
            time.sleep(0.2)
        sent = self.site.cli("mtk", "show", GROUP)["sent"]
        self.site.cli("mtk", "stop", GROUP)
        self.demo.say(f"{sent} MTK messages to {self.bearer()}")

    @staticmethod
    def holders(status, campaign):
        """How many phones hold the campaign's MSK."""
        return sum(msk["phones"] for msk in status["msks"]
                   if (msk["number"], msk["check"]) ==
                   (campaign["msk"]["number"], campaign["msk"]["check"]))

    def unreachable(self, campaign):
        """IMPIs that the daemon could not give the MSK to and that are offline."""
        members = self.site.cli("campaign", "show", str(campaign["id"]), "--undelivered")["members"]
        impis = [member["impi"] for member in members]
        return [impi for impi in impis
                if "offline" in self.site.phones(do="phone", id=impi)["habits"]]

    def verdict(self, campaign):
        """Says which way each phone got it; True when every reachable one holds it."""
        report = self.site.phones(do="report")
        msk = next((msk for msk in report["msks"]
                    if msk["number"] == campaign["msk"]["number"]), None)
        ways = msk["ways"] if msk else {}
        total, offline = report["phones"], report["offline"]
        holders = self.holders(report, campaign)
        rows = [(text, ways.get(way, 0)) for way, text in WAYS if ways.get(way, 0) or way != "asked"]
        rows += [("unreachable", offline), ("without it", total - holders - offline)][
            :1 if total == holders + offline else 2]
        print(f"\nHow phones got MSK {campaign['msk']['check']}:\n{table(rows, total)}\n")
        listed = self.unreachable(campaign)
        for impi in listed[:LISTED]:
            print(f"  unreachable: {impi}")
        if len(listed) > LISTED:
            print(f"  and {len(listed) - LISTED:,} more")
        self.draw(report, campaign)
        self.demo.report.update(
            ways=ways, unreachable=len(listed), unreachable_impis=listed, offline=offline,
            solicits_sent=campaign["solicits"], solicit=campaign["solicit"],
            refused_by_phones=report["refused"], findings=report["findings"])
        return total == holders + offline and len(listed) == offline and not report["findings"]

    def draw(self, report, campaign):
        """The plot; a copy goes to where the dossier is kept."""
        build, keep = self.site.build, self.demo.args.keep
        path = os.path.join(build, "demo-expired.svg")
        series = {**self.sampler.per_second(self.start), **phones_per_second(report, self.start)}
        plot(path, series, f"{campaign['members']:,} phones, a third with an expired MUK, "
             f"a tenth offline, {self.demo.args.loss:g} % loss")
        if keep:
            for name in ("demo-expired.svg", "demo-expired.gnuplot"):
                shutil.copy(os.path.join(build, name), keep)
        self.demo.say(f"plot in {os.path.join(keep, 'demo-expired.svg') if keep else path}")

    def run(self):
        """Returns (campaign, whether all went well)."""
        campaign = self.campaign()
        self.missed(campaign)
        return campaign, self.verdict(campaign)
