#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the mskpush authors

"""The daemon's flags and its configuration file, and how it ends.

    mskpushd.yaml --> mskpushd --check-config | --print-config | (runs) --SIGTERM--> status 0
"""

import os
import re
import signal
import socket
import subprocess
import time

from story import BAD_USAGE, DONE, NOT_ALL, Stage, expect, expect_in, expect_that, tell

RIGHT = """fqdn: bmsc.home1.net
store:
  dir: /tmp/nowhere
  map_size: 64M
port:
  device: "net_null0"
  address: 192.168.26.1/24
  gateway: 192.168.26.2
workers:
  count: 1
"""

# text that is replaced, by what, line of the error, key, part of what is allowed
ERRORS = [
    ("count: 1", "count: 0", 10, "workers.count", "1 to"),
    ("count: 1", "count: many", 10, "workers.count", "decimal digits"),
    ("count: 1", "count: -1", 10, "workers.count", "decimal digits"),
    ("count: 1", "count: [1]", 10, "workers.count", ""),
    ("count: 1", "number: 1", 10, "workers.number", "count"),
    ("workers:", "worker:", 9, "worker", "workers"),
    ("map_size: 64M", "map_size: 1K", 4, "store.map_size", "16777216"),
    ("map_size: 64M", "map_size: 64X", 4, "store.map_size", "K"),
    ("map_size: 64M", "map_size: 99999999999999999999", 4, "store.map_size", ""),
    ("address: 192.168.26.1/24", "address: 192.168.26.256", 7, "port.address", ""),
    ("address: 192.168.26.1/24", "address: fe80::1", 7, "port.address", ""),
    ("gateway: 192.168.26.2", "gateway: ''", 8, "port.gateway", ""),
    ("gateway: 192.168.26.2", "gateway: 192.168.26.2\n  gateway_mac: 02:00", 9,
     "port.gateway_mac", ""),
    ("gateway: 192.168.26.2", "gateway: 192.168.26.2\n  mtu: 100", 9, "port.mtu", "576 to 9000"),
    ("fqdn: bmsc.home1.net", "fqdn: bmsc.home1.net\nlog:\n  level: loud", 3, "log.level",
     "error warning info debug"),
    ("fqdn: bmsc.home1.net", "fqdn: bmsc.home1.net\nmuk_margin: soon", 2, "muk_margin", ""),
    ("fqdn: bmsc.home1.net", "fqdn: bmsc.home1.net\nfqdn: bmsc.home2.net", 2, "fqdn", ""),
    ("fqdn: bmsc.home1.net", "fqdn: bmsc.home1.net\ncampaign:\n  waits: [1s, x]", 3,
     "campaign.waits", ""),
    ("fqdn: bmsc.home1.net", "fqdn: bmsc.home1.net\ncampaign:\n  sends: 99", 3,
     "campaign.sends", "1 to 31"),
    ("fqdn: bmsc.home1.net", "fqdn: bmsc.home1.net\nsocket: /" + "s" * 120, 2, "socket", "107"),
]
BROKEN = ["[", "a: b: c", "\tx: 1", "- a\n- b\n", "just text", "&a [*a]", "\x00", "{" * 2000]


def check(site, text, name="check.yaml"):
    """mskpushd --check-config of that text; returns (status, all that it wrote)."""
    path = site.path(name)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    status, output, errors = site.run("--check-config", path, is_json=False, program="mskpushd")
    return status, output + errors


def check_config_names_file_line_key_and_what_is_allowed():
    with Stage() as site:
        status, text = check(site, RIGHT)
        expect(f"exit status of a right one ({text})", status, DONE)
        wrong = []
        for old, new, line, key, allowed in ERRORS:
            expect_in(old, RIGHT)
            status, text = check(site, RIGHT.replace(old, new, 1))
            where = f"check.yaml:{line}: {key}: "
            if status != BAD_USAGE or where not in text or allowed not in text:
                wrong.append((new, where, allowed, status, text))
        expect_that(not wrong, "each error named by file, line, key and what is allowed", wrong)
        for text in BROKEN:
            status, said = check(site, text)
            expect(f"exit status of {text[:20]!r} ({said})", status, BAD_USAGE)
            expect_in("check.yaml", said)


def an_empty_file_is_right_and_a_missing_one_is_not():
    """All keys have defaults; those that a site has to set are said at the start."""
    with Stage() as site:
        status, text = check(site, "")
        expect(f"exit status of an empty file ({text})", status, DONE)
        for words in (("--check-config", site.path("none.yaml")),
                      ("--config", site.path("none.yaml")), ("--config", site.dir),
                      ("--nonsense",), ("extra",), ("--log-level", "loud", "--print-config")):
            status, _, errors = site.run(*words, is_json=False, program="mskpushd")
            expect(f"exit status of {words} ({errors})", status, BAD_USAGE)
            expect_in("mskpushd: ", errors)
        for words in (("--help",), ("--version",)):
            status, output, _ = site.run(*words, is_json=False, program="mskpushd")
            expect(f"exit status of {words}", status, DONE)
            expect_in("mskpushd", output)
        for words in (("--help",), ("--print-config",), ("--check-config", "/dev/null")):
            with open("/dev/full", "w", encoding="utf-8") as full:
                done = subprocess.run([site.program("mskpushd"), *words], stdout=full, check=False,
                                      env=site.environment(), stderr=subprocess.PIPE, text=True)
            expect(f"exit status of {words} to a full disk", done.returncode, NOT_ALL)
            expect_in("takes no more", done.stderr)


def print_config_is_accepted_again():
    """Every key is printed with its value, and the print is a file of the same meaning."""
    with Stage() as site:
        config = site.write_config()
        with open(config, "a", encoding="utf-8") as file:
            file.write("campaign:\n  sends: 3\n  waits: [1s, 2m]\nmuk_margin: 2h\n")
        status, printed, errors = site.run("--config", config, "--print-config", is_json=False,
                                           program="mskpushd")
        expect(f"exit status of --print-config ({errors})", status, DONE)
        status, said = check(site, printed, "printed.yaml")
        expect(f"exit status of --check-config of it ({said})", status, DONE)
        status, again, _ = site.run("--config", site.path("printed.yaml"), "--print-config",
                                    is_json=False, program="mskpushd")
        expect("the print of the print", again, printed)
        for key in ("sends", "waits", "muk_margin", "map_size", "gateway", "max_subscribers",
                    "udp_port", "poll", "verification_timestamp_bytes"):
            expect_that(re.search(rf"^\s*{key}:", printed, re.M), f"{key} is printed", printed)
        status, printed, _ = site.run("--config", config, "--print-config", "--log-level",
                                      "error", "--socket", "/tmp/x.sock", is_json=False,
                                      program="mskpushd")
        expect_in("/tmp/x.sock", printed)
        expect_that(re.search(r"level: \"?error", printed), "the flag wins", printed)
        expect_that(not os.path.exists(site.path("store")), "nothing is made", os.listdir(site.dir))


def start_that_fails_says_why_and_leaves_nothing():
    cases = {
        "port:\n  device: net_nonsense0": "net_nonsense0",
        "port:\n  device: net_null0,bad=1": "port.device",
        "workers:\n  count: 1\n  cpus: [1000]": "CPU 1000",
    }
    with Stage() as site:
        for more, part in cases.items():
            with open(site.path("mskpushd.yaml"), "w", encoding="utf-8") as file:
                file.write(f"socket: {site.socket}\nstore:\n  dir: {site.dir}/store\n"
                           f"  map_size: 16M\n{more}\n")
            status, output, errors = site.run("--config", site.path("mskpushd.yaml"),
                                              is_json=False, program="mskpushd")
            expect(f"exit status ({errors})", status, 1)
            expect_in(part, output + errors)
            expect_in("event=start-failed", output + errors)
            expect_that(not os.path.exists(site.socket), "no socket left", os.listdir(site.dir))


def a_campaign_does_not_delay_the_end():
    for number in (signal.SIGTERM, signal.SIGINT):
        with Stage() as site:
            site.raise_all(1000)
            campaign = site.push_begin("--rate", "200", "--waits", "30")
            site.campaign_when(campaign, "some verified", lambda c: c["verified"] > 20)
            idle = socket.socket(socket.AF_UNIX)
            idle.connect(site.socket)
            begin = time.monotonic()
            site.daemon.send_signal(number)
            expect("exit status", site.daemon.wait(20), 0)
            took = time.monotonic() - begin
            expect_that(took < 3, "an end within three seconds", took)
            idle.close()
            text = site.log("mskpushd")
            expect_in("event=stopping", text)
            expect_in("event=stopped", text)
            expect_that(not os.path.exists(site.socket), "no socket left", os.listdir(site.dir))


if __name__ == "__main__":
    tell(check_config_names_file_line_key_and_what_is_allowed,
         an_empty_file_is_right_and_a_missing_one_is_not, print_config_is_accepted_again,
         start_that_fails_says_why_and_leaves_nothing, a_campaign_does_not_delay_the_end)
