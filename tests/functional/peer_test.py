#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the mskpush authors

"""The other end of the port goes away in a campaign, and comes back; or it is there and mute.

    mskpushd, net_vhost ==MIKEY==> mskpush-ue, net_virtio_user: killed, started, stopped, started
    (nobody, or mskpushd stopped by a signal) --- mskpush-ue
"""

import contextlib
import os
import signal
import socket
import time

from story import Stage, expect, expect_in, expect_that, tell, wait_until

PHONES = 1500


def campaign_pushes(site, number):
    """Pushes of the workers' counters since the campaigns before."""
    earlier = sum(c["pushes"] for c in site.cli("campaign", "list")["campaigns"]
                  if c["id"] < number)
    return site.cli("stats")["counters"]["pushes"] - earlier


def stalls(site, number):
    """The campaign says that the link is down, and nothing is counted as sent."""
    seen = site.campaign_when(number, "stalls at the port", lambda c: c["stall"] == "link-down")
    expect("state", seen["state"], "running")
    # What the port took before it went down is settled a moment later.
    pushes = site.campaign_when(number, "pushes settled", lambda c: c["pushes"] ==
                                campaign_pushes(site, number))["pushes"]
    # A second is the first wait: a round that was spent would show.
    time.sleep(1.2)
    seen = site.campaign(number)
    expect("pushes without a peer", seen["pushes"], pushes)
    return seen


def peer_is_killed_and_comes_back():
    with Stage() as site:
        site.raise_all(PHONES)
        number = site.push_begin("--rate", "400", "--waits", "1")
        for share in (5, 3):
            site.campaign_when(number, "some verified", lambda c, n=share:
                               c["verified"] > PHONES // n)
            site.kill(site.ue)
            seen = stalls(site, number)
            expect("exit status of the daemon", site.daemon.poll(), None)
            expect("rounds", seen["rounds"], 1)
            site.start_phones(site.csv)
        end = site.campaign_end(number)
        expect("verified", (end["verified"], end["state"]), (PHONES, "done"))
        # A frame that the dead one took with it is sent again, no more.
        expect_that(end["pushes"] < PHONES * 1.5, "no new beginning", end["pushes"])


def peer_is_stopped_before_the_campaign():
    """Nobody is there from the beginning to the middle: nobody is given up."""
    with Stage() as site:
        site.raise_all(PHONES)
        site.push()
        site.stop_phones()
        wait_until("the port down", lambda: not site.cli("status")["port"]["is_up"])
        number = site.push_begin("--sends", "2", "--waits", "1")
        stalls(site, number)
        site.start_phones(site.csv)
        end = site.campaign_end(number)
        expect("verified", end["verified"], PHONES)
        wait_until("the port up", lambda: site.cli("status")["port"]["is_up"])


@contextlib.contextmanager
def mute_peer(path):
    """A peer that lets others connect and never says a word."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen(64)
        yield
    os.unlink(path)


def emulator_says(site, text):
    wait_until(f"the emulator says {text!r}", lambda: text in site.log("mskpush-ue"),
               show=lambda: site.log("mskpush-ue"))


def mute_peer_is_named_and_given_up():
    with Stage() as site:
        site.make_phones(10)
        with mute_peer(site.vhost):
            site.start_phones(site.csv, "--wait", "1")
            expect("exit status", site.ue.wait(20), 1)
            expect_in("does not answer", site.log("mskpush-ue"))
        site.ue = None


def mute_peer_does_not_hold_the_emulator():
    """It answers its control socket and ends when told, and finds the daemon that comes later."""
    with Stage() as site:
        site.make_phones(10)
        with mute_peer(site.vhost):
            site.start_phones(site.csv)
            emulator_says(site, "does not answer, trying again")
            expect("port", site.phones(do="status")["port"], "waiting")
            site.ue.send_signal(signal.SIGINT)
            expect("exit status", site.ue.wait(10), 0)
            site.start_phones(site.csv)
        site.start_daemon()
        emulator_says(site, "is up")
        site.provision()
        expect("verified", site.push()["verified"], 10)


def daemon_that_hangs_does_not_hold_the_emulator():
    with Stage() as site:
        site.make_phones(10)
        site.start_daemon()
        site.start_phones(site.csv)
        emulator_says(site, "is up")
        site.daemon.send_signal(signal.SIGSTOP)
        site.ue.send_signal(signal.SIGTERM)
        try:
            expect("exit status", site.ue.wait(30), 0)
        finally:
            site.daemon.send_signal(signal.SIGCONT)


if __name__ == "__main__":
    tell(peer_is_killed_and_comes_back, peer_is_stopped_before_the_campaign,
         mute_peer_is_named_and_given_up, mute_peer_does_not_hold_the_emulator,
         daemon_that_hangs_does_not_hold_the_emulator)
