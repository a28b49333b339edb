#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the mskpush authors

"""The other end of the port goes away in a campaign, and comes back.

    mskpushd, net_vhost ==MIKEY==> mskpush-ue, net_virtio_user: killed, started, stopped, started
"""

import time

from story import Stage, expect, expect_that, tell, wait_until

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


if __name__ == "__main__":
    tell(peer_is_killed_and_comes_back, peer_is_stopped_before_the_campaign)
