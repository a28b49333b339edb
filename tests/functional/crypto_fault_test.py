#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the mskpush authors

"""A CPU that computes wrong (faulty_daemon.c), and the path that the configuration forces.

    mskpushd with a mistake in every burst ==MIKEY==> mskpush-ue
"""

import os

from story import BUILD, GROUP, Stage, expect, expect_in, expect_that, tell, wait_until

PHONES = 1000


class FaultyStage(Stage):
    """The daemon that makes mistakes, in the place of the other."""

    def program(self, name):
        return (os.path.join(BUILD, "tests", "functional", "mskpushd-faulty")
                if name == "mskpushd" else super().program(name))


def a_daemon_that_computes_wrong_ends_loudly():
    with FaultyStage() as site:
        site.make_phones(PHONES)
        site.start_daemon()
        site.start_phones(site.csv)
        site.provision()
        site.run("push", GROUP, "--no-wait")
        wait_until("the end of the daemon", lambda: site.daemon.poll() is not None)
        expect("exit status", site.daemon.returncode, 1)
        site.killed.append(site.daemon)
        log = site.log("mskpushd")
        expect_in('event=crypto-fault what="a sealed message"', log)
        seen = site.phones(do="status")
        expect_that(seen["refused"].get("bad-mac", 0) <= 2, "few wrong messages on the wire", seen)


def the_configuration_names_the_path():
    for path, text in (("ipsec-mb", "ipsec-mb 1."), ("auto", "ipsec-mb 1.")):
        with Stage() as site:
            site.write_config()
            with open(site.path("mskpushd.yaml"), encoding="utf-8") as file:
                lines = file.read().replace("workers:\n", f"workers:\n  crypto: {path}\n")
            with open(site.path("mskpushd.yaml"), "w", encoding="utf-8") as file:
                file.write(lines)
            site.start_daemon()
            crypto = site.cli("status")["crypto"]
            expect_in(text, crypto)
            if path == "ipsec-mb":
                expect("the path that was forced", crypto.startswith("ipsec-mb"), True)


tell(a_daemon_that_computes_wrong_ends_loudly, the_configuration_names_the_path)
