#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the mskpush authors

"""SIGHUP: the configuration is read again while the daemon runs.

    mskpushd.yaml (changed) --SIGHUP--> mskpushd: applied, needs a restart, or refused as a whole
"""

import signal

from story import GROUP, Stage, expect, expect_in, tell, wait_until


def change(site, *pairs):
    """Replaces texts in the configuration, tells the daemon."""
    path = site.path("mskpushd.yaml")
    with open(path, encoding="utf-8") as file:
        text = file.read()
    for old, new in pairs:
        expect_in(old, text)
        text = text.replace(old, new)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    begin = len(site.log("mskpushd"))
    site.daemon.send_signal(signal.SIGHUP)
    wait_until("the daemon has read it", lambda: "reload" in site.log("mskpushd")[begin:],
               show=lambda: site.log("mskpushd")[begin:])
    return site.log("mskpushd")[begin:]


def pushed(site):
    """A campaign over nobody: what it is given when the order says nothing."""
    return site.campaign_end(site.push_begin())


def a_new_rate_holds_for_the_next_campaign():
    with Stage() as site:
        site.extra_yaml = "campaign: {rate: 1000, sends: 2, waits: [1s]}\nlog: {level: info}\n"
        site.start_daemon()
        site.cli("group", "add", GROUP)
        site.cli("msk", "new", GROUP)
        expect("rate", pushed(site)["rate"], 1000)
        said = change(site, ("rate: 1000", "rate: 77"), ("sends: 2", "sends: 5"),
                      ("level: info", "level: debug"))
        for key in ("campaign.rate", "campaign.sends", "log.level"):
            expect_in(f"event=conf-applied key={key}", said)
        expect_in("event=reloaded applied=3 needs-restart=0", said)
        campaign = pushed(site)
        expect("rate and sends", (campaign["rate"], campaign["sends"]), (77, 5))


def what_needs_a_restart_is_named_and_comes_with_it():
    with Stage() as site:
        site.extra_yaml = "campaign: {rate: 1000}\n"
        site.start_daemon()
        said = change(site, ("fqdn: bmsc.home1.net", "fqdn: bmsc.home2.net"),
                      ("rate: 1000", "rate: 77"))
        expect_in("level=warning event=conf-needs-restart key=fqdn", said)
        expect_in("event=reloaded applied=1 needs-restart=1", said)
        site.stop_daemon()
        expect("exit status", site.daemon.returncode, 0)


def a_file_that_is_wrong_changes_nothing():
    with Stage() as site:
        site.extra_yaml = "campaign: {rate: 1000}\n"
        site.start_daemon()
        site.cli("group", "add", GROUP)
        site.cli("msk", "new", GROUP)
        said = change(site, ("rate: 1000", "rate: many"))
        expect_in("level=error event=reload-failed", said)
        expect_in("campaign.rate", said)
        expect("rate", pushed(site)["rate"], 1000)
        said = change(site, ("rate: many", "rate: 5"))
        expect_in("event=reloaded applied=1", said)


if __name__ == "__main__":
    tell(a_new_rate_holds_for_the_next_campaign, what_needs_a_restart_is_named_and_comes_with_it,
         a_file_that_is_wrong_changes_nothing)
