#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the mskpush authors

"""SIGHUP: the configuration is read again while the daemon runs.

    mskpushd.yaml (changed) --SIGHUP--> mskpushd: applied, needs a restart, or refused as a whole
"""

import http.client
import signal
import ssl

from story import GROUP, Stage, certificate_make, expect, expect_in, expect_that, tell, wait_until


def change(site, *pairs, ends_with="reload"):
    """Replaces texts in the configuration, tells the daemon, waits for a word of its log."""
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
    wait_until("the daemon has read it", lambda: ends_with in site.log("mskpushd")[begin:],
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
        expect_in('event=conf-applied keys="campaign.sends campaign.rate log.level"', said)
        expect_in("event=reloaded applied=3 needs-restart=0", said)
        campaign = pushed(site)
        expect("rate and sends", (campaign["rate"], campaign["sends"]), (77, 5))


def what_needs_a_restart_is_named_and_comes_with_it():
    with Stage() as site:
        site.extra_yaml = "campaign: {rate: 1000}\n"
        site.start_daemon()
        said = change(site, ("fqdn: bmsc.home1.net", "fqdn: bmsc.home2.net"),
                      ("rate: 1000", "rate: 77"))
        expect_in('level=warning event=conf-needs-restart keys="fqdn"', said)
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


def named_certificate(site, name):
    """A certificate and its key, as NAME.pem and NAME.key."""
    certificate_make(site.path(f"{name}.pem"), site.path(f"{name}.key"), name)


def phone_line(site):
    """A connection of a phone; its certificate is looked at, not checked."""
    host, port = site.cli("status")["ua"]["listen"][0].rsplit(":", 1)
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    client = http.client.HTTPSConnection(host, int(port), timeout=20, context=context)
    client.connect()
    return client


def asked(client):
    """The status of a request without credentials."""
    client.request("POST", "/keymanagement?requesttype=msk-request", b"")
    answer = client.getresponse()
    answer.read()
    return answer.status


def has_certificate(site, client, name):
    """Whether that is the one the server has shown."""
    with open(site.path(f"{name}.pem"), encoding="ascii") as file:
        return client.sock.getpeercert(True) == ssl.PEM_cert_to_DER_cert(file.read())


def phones_that_come_get_the_new_certificate_and_others_stay():
    with Stage() as site:
        for name in ("first", "second"):
            named_certificate(site, name)
        site.ua_yaml = (f"  threads: 2\n  certificate: {site.path('first.pem')}\n"
                        f"  private_key: {site.path('first.key')}\n")
        site.start_daemon()
        old = phone_line(site)
        expect("challenged", asked(old), 401)
        expect_that(has_certificate(site, old, "first"), "the first certificate", "another")
        said = change(site, ("first.key", "second.key"), ends_with="ua-not")
        expect_in("event=ua-not-reloaded", said)
        again = phone_line(site)
        expect_that(has_certificate(site, again, "first"), "it stays in force", "another")
        said = change(site, ("first.pem", "second.pem"), ends_with="ua-certificate")
        expect_in('event=conf-applied keys="ua.certificate"', said)
        wait_until("new ones get it", lambda: has_certificate(site, phone_line(site), "second"))
        expect("old line", (asked(old), asked(again)), (401, 401))
        for _ in range(8):
            new = phone_line(site)
            expect("new line", (has_certificate(site, new, "second"), asked(new)), (True, 401))
        site.stop_daemon()
        expect("exit status", site.daemon.returncode, 0)


if __name__ == "__main__":
    tell(a_new_rate_holds_for_the_next_campaign, what_needs_a_restart_is_named_and_comes_with_it,
         a_file_that_is_wrong_changes_nothing,
         phones_that_come_get_the_new_certificate_and_others_stay)
