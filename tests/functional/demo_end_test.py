#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the mskpush authors

"""The demo ends cleanly, whenever and however it is ended.

    tools/dev/demo.py --+-- mskpushd, mskpush-ue, run directory under TMPDIR
      Ctrl-C, SIGTERM   +-- --hold DIR: site.json      --keep DIR: the dossier
"""

import contextlib
import json
import os
import signal
import subprocess
import tempfile

from dossier import Dossier
from story import (BUILD, DONE, GROUP, TOP, Site, expect, expect_in, expect_that, tell,
                   wait_until)
from wire import read_wire

UES = 5000


class Demo:
    """A demo of its own process group, as a shell would start it, in a TMPDIR of its own."""

    def __init__(self, *flags):
        self.tmp = tempfile.TemporaryDirectory(prefix="msk")
        self.run_in = os.path.join(self.tmp.name, "t")
        os.mkdir(self.run_in)
        self.out = os.path.join(self.tmp.name, "out")
        with open(self.out, "wb") as out:
            self.process = subprocess.Popen(
                [os.path.join(TOP, "tools/dev/demo.py"), "--ues", str(UES), *flags], stdout=out,
                stderr=out, stdin=subprocess.DEVNULL, start_new_session=True,
                env={**os.environ, "MSKPUSH_BUILD": BUILD, "TMPDIR": self.run_in})

    def path(self, name):
        return os.path.join(self.tmp.name, name)

    def text(self):
        with open(self.out, encoding="utf-8", errors="replace") as file:
            return file.read()

    def says(self, part):
        wait_until(f"the demo says {part!r}", lambda: part in self.text(), 60, self.text)

    def processes(self):
        """Command lines that name our directory, but for the demo's own."""
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/cmdline", "rb") as file:
                    line = file.read().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            if self.run_in in line and int(pid) != self.process.pid:
                found.append(line)
        return found

    def leaves_nothing(self, status):
        seen = self.process.wait(60)
        expect(f"exit status ({self.text()[-1500:]})", seen, status)
        expect("processes that are left", self.processes(), [])
        expect("what is left in TMPDIR", os.listdir(self.run_in), [])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self.tmp.cleanup()


def ctrl_c_at_every_step_cleans_up():
    """Ctrl-C goes to the whole process group, SIGTERM to the demo alone."""
    for step in ("mskpushd runs", "imported", f"mskpush push {GROUP}"):
        with Demo("--loss", "30", "--http", "0") as demo:
            demo.says(step)
            os.killpg(demo.process.pid, signal.SIGINT)
            demo.leaves_nothing(130)
            expect_in("cleaning up", demo.text())


def sigterm_in_the_push_cleans_up():
    with Demo("--loss", "40", "--http", "0") as demo:
        demo.says(f"mskpush push {GROUP}")
        wait_until("its programs", lambda: len(demo.processes()) >= 2, show=demo.processes)
        demo.process.terminate()
        demo.leaves_nothing(130)


def a_terminal_that_is_closed_cleans_up():
    with Demo("--loss", "40", "--http", "0") as demo:
        demo.says("imported")
        demo.process.send_signal(signal.SIGHUP)
        demo.leaves_nothing(130)


def closed_pipe():
    """The end to write to of a pipe that nobody reads."""
    read, write = os.pipe()
    os.close(read)
    return write


def output_that_takes_nothing_ends_it():
    with tempfile.TemporaryDirectory(prefix="msk") as tmp:
        for output in (os.open("/dev/full", os.O_WRONLY), closed_pipe()):
            done = subprocess.run(
                [os.path.join(TOP, "tools/dev/demo.py"), "--ues", "10", "--http", "0"],
                stdout=output, stderr=subprocess.PIPE, text=True, check=False,
                env={**os.environ, "MSKPUSH_BUILD": BUILD, "TMPDIR": tmp})
            os.close(output)
            expect(f"exit status ({done.stderr})", done.returncode, 2)
            expect_in("demo: standard output: ", done.stderr)
            expect_that("Traceback" not in done.stderr, "a sentence", done.stderr)
            expect("what is left in TMPDIR", os.listdir(tmp), [])


@contextlib.contextmanager
def site_under(tmp):
    """A site's directory while TMPDIR is that."""
    before = os.environ.get("TMPDIR")
    os.environ["TMPDIR"] = tmp
    try:
        with Site(BUILD) as site:
            yield site
    finally:
        os.environ.pop("TMPDIR")
        if before is not None:
            os.environ["TMPDIR"] = before


def odd_directories_are_passed_by():
    """A TMPDIR that sockets, DPDK or YAML cannot live with is not used; a relative one is."""
    with tempfile.TemporaryDirectory(prefix="msk") as outside:
        odd = ["a b", "a,b", "\u00e9", "x" * 80, "a#b"]
        for name in odd:
            os.mkdir(os.path.join(outside, name))
        for name in [os.path.join(outside, name) for name in odd] + ["/nowhere", __file__, ""]:
            with site_under(name) as site:
                expect(f"with TMPDIR {name!r} under", os.path.dirname(site.dir), "/tmp")
        with site_under(os.path.relpath(outside)) as site:
            expect("under", os.path.dirname(site.dir), outside)


def hold_tells_where_everything_is():
    with tempfile.TemporaryDirectory(prefix="msk") as outside:
        hold, keep = os.path.join(outside, "hold"), os.path.join(outside, "keep")
        with Demo("--hold", hold, "--keep", keep) as demo:
            site_json = os.path.join(hold, "site.json")
            wait_until("site.json", lambda: os.path.exists(site_json), 60, demo.text)
            with open(site_json, encoding="utf-8") as file:
                site = json.load(file)
            check_site(site)
            demo.process.terminate()
            demo.leaves_nothing(0)
            for pid in (site["daemon_pid"], site["ue_pid"]):
                expect_that(not os.path.exists(f"/proc/{pid}"), "both programs ended", pid)
            expect("modes", [os.stat(path).st_mode & 0o777 for path in (hold, keep)], [0o700] * 2)
            expect("the dossier", sorted(os.listdir(keep)), ["report.json", "ues.csv",
                                                             "wire.pcap"])
            dossier = Dossier(keep)
            dossier.check()
            expect("phones verified in the dossier", len(dossier.verified), UES)


def cli(site, *words):
    done = subprocess.run([os.path.join(BUILD, "tools/cli/mskpush"), "--json", "--socket",
                           site["admin_socket"], *words], stdout=subprocess.PIPE, check=False)
    expect(f"exit status of the CLI ({words})", done.returncode, DONE)
    return json.loads(done.stdout)


def check_site(site):
    keys = {"daemon_pid", "daemon_argv", "ue_pid", "ue_argv", "admin_socket", "ua_url", "fqdn",
            "ues_csv", "pcap", "group"}
    expect_that(keys <= set(site), "the keys other programs rely on", set(site))
    expect("group", site["group"], GROUP)
    for pid, argv in ((site["daemon_pid"], site["daemon_argv"]), (site["ue_pid"],
                                                                 site["ue_argv"])):
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            expect("command line", file.read().decode().split("\0")[:-1], argv)
    for path in (site["ues_csv"], site["pcap"]):
        expect_that(os.path.exists(path), "a file that is there", path)
    campaign = cli(site, "campaign", "list")["campaigns"][0]
    expect("verified", campaign["verified"], UES)
    # Who looks at the capture of a site that runs on finds all of the campaign in it.
    sent = campaign["pushes"] + cli(site, "stats")["counters"]["singles_sent"]
    wait_until("the capture", lambda: len(read_wire(site["pcap"])[0]) == sent,
               show=lambda: (os.path.getsize(site["pcap"]), sent))


def bad_options_are_named():
    cases = [["--ues", "0"], ["--ues", "x"], ["--loss", "100"], ["--http", "-1"],
             ["--profile", "v5"], ["--csv", "/nowhere"], ["--story", "none"], ["--nonsense"],
             ["--seed", "-1"], ["--seed", str(1 << 64)], ["--ue", "5"], ["--keep", ""],
             ["--keep", __file__], ["--hold", os.path.join(__file__, "x")]]
    for flags in cases:
        done = subprocess.run([os.path.join(TOP, "tools/dev/demo.py"), *flags], check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        expect(f"exit status of {flags}", done.returncode, 2)
        is_path = flags[0] in ("--keep", "--hold") and flags[1]
        expect_in(flags[1] if is_path else flags[0], done.stdout)
        expect_that("Traceback" not in done.stdout, "a sentence", done.stdout)


if __name__ == "__main__":
    tell(ctrl_c_at_every_step_cleans_up, sigterm_in_the_push_cleans_up,
         a_terminal_that_is_closed_cleans_up, output_that_takes_nothing_ends_it,
         odd_directories_are_passed_by, hold_tells_where_everything_is, bad_options_are_named)
