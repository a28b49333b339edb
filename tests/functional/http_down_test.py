#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the mskpush authors

"""Solicited pulls while phones cannot be served: they stop, nobody is given up, and it goes on.

    mskpushd ==solicited pull==> mskpush-ue --HTTP Digest--> mskpushd (down) ==MSK==> mskpush-ue
"""

from phones_site_test import Whole
from story import GROUP, expect, expect_that, tell, wait_until

COUNT = 200
OUTAGE_S = 8  # longer than all the waits of a campaign
# Phones that do not wait long for what does not come.
HASTY = ("--ua-missed-back-off", "1", "--ua-msk-wait", "1", "--ua-attempts", "100")
# Some that were solicited have not come yet when a kill takes a second or two.
LATE = ("--ua-missed-back-off", "4", *HASTY[2:])


def begin(site, wait_s):
    """A campaign that is through after three waits if nobody answers."""
    return site.cli("solicit", GROUP, "--no-wait", "--solicits", "3",
                    "--solicit-waits", str(wait_s))["id"]


def failed(site):
    """Connections that did not come about."""
    return site.ua["events"].get("connect-failed", 0)


def check_end(site, number):
    """All got it, and nobody was given up on the way."""
    end = site.campaign_end(number, 60)
    expect("verified", (end["verified"], end["given_up"]), (COUNT, 0))
    expect("holders", site.holders("0001"), COUNT)
    return end


def key_source_that_is_away_ends_no_campaign():
    """No phone can be authenticated: every request is answered 503."""
    with Whole("--expired", "100", count=COUNT, flags=HASTY) as site:
        site.phones(do="key-source", answers="busy")
        number = begin(site, OUTAGE_S // 4)
        sent = site.campaign_when(number, "it waits", lambda c: c["seconds"] > OUTAGE_S - 3
                                  and c["stall"] == "http")["solicits"]
        seen = site.campaign_when(number, "all its waits are over", lambda c:
                                  c["seconds"] > OUTAGE_S and c["stall"] == "http")
        expect("given up meanwhile", (seen["state"], seen["given_up"]), ("running", 0))
        expect_that(seen["solicits"] - sent < COUNT // 2, "solicits stop, but for probes",
                    (sent, seen["solicits"]))
        site.phones(do="key-source", answers="truthful")
        check_end(site, number)


def server_that_was_killed_ends_no_campaign():
    """Phones that came found nobody; the daemon comes back and serves."""
    with Whole("--expired", "50", count=COUNT, flags=LATE) as site:
        port = site.ua_address()[1]
        number = begin(site, 4)  # a start takes its time on a busy machine
        wait_until("solicited pulls", lambda: site.cli("stats")["counters"]["solicits"] > 0)
        site.kill(site.daemon)
        site.ua_listen = f'["127.0.0.1:{port}"]'
        site.write_config()
        wait_until("phones find nobody", lambda: failed(site) > 0, show=lambda: site.ua)
        site.start_daemon()
        check_end(site, number)


if __name__ == "__main__":
    tell(key_source_that_is_away_ends_no_campaign, server_that_was_killed_ends_no_campaign)
