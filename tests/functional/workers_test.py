#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the mskpush authors

"""Two workers, each with its own queue and its own slices of subscribers.

    worker 0 --queue 0--\\
                         ==MIKEY==> mskpush-ue, two queues; answers come back on either
    worker 1 --queue 1--/
"""

from story import NOT_ALL, Stage, expect, expect_that, tell, wait_until
from wire import check_counters, read_wire, sends_per_btid

PHONES = 3000  # more than four slices
PEER_MAC = "02:00:00:00:00:02"


def two_workers_share_a_campaign():
    with Stage(workers=2) as site:
        site.raise_all(PHONES, "--loss", "5")
        campaign = site.push("--waits", "1")
        expect("verified", campaign["verified"], PHONES)
        # A tenth of the phones miss a push or its answer: no more are sent again.
        expect_that(1.05 < campaign["pushes"] / PHONES < 1.25, "repeats for what was lost",
                    campaign["pushes"])
        workers = site.cli("stats")["workers"]
        expect("workers", len(workers), 2)
        expect("pushes of both", sum(w["pushes"] for w in workers), campaign["pushes"])
        expect("verifications of both", sum(w["verified"] for w in workers), PHONES)
        expect_that(min(w["pushes"] for w in workers) > PHONES // 3, "both push", workers)
        expect_that(min(w["verified"] for w in workers) > PHONES // 10, "both verify", workers)
        expect("what a BM-SC must never do", site.phones(do="status")["findings"], {})
        site.stop_phones()
        pushes, _ = read_wire(site.pcap)
        check_counters(pushes)
        expect("phones on the wire", len(sends_per_btid(pushes)), PHONES)


def rate_is_that_of_both_together():
    with Stage(workers=2) as site:
        site.raise_all(PHONES)
        campaign = site.push("--rate", "2000")
        expect("verified, pushes", (campaign["verified"], campaign["pushes"]), (PHONES, PHONES))
        site.stop_phones()
        pushes, _ = read_wire(site.pcap)
        seconds = (pushes[-1].micros - pushes[0].micros) / 1e6
        expect_that(1.4 < seconds < 2.0, f"{PHONES} pushes in 1.5 s", seconds)
        check_counters(pushes)


def single_push_beside_a_campaign():
    """The phone's values come from the worker that owns it, whoever is asked."""
    with Stage(workers=2) as site:
        site.raise_all(PHONES)
        number = site.push_begin("--rate", "2000")
        for row in (site.rows[10], site.rows[800], site.rows[2999]):
            expect("verified alone", site.push("--ue", row["btid"])["verified"], 1)
        expect("verified", site.campaign_end(number)["verified"], PHONES)
        expect("what a BM-SC must never do", site.phones(do="status")["findings"], {})
        site.stop_phones()
        check_counters(read_wire(site.pcap)[0])


def two_queues_of_a_memif():
    """Between two daemons: the second one is at the other end, and nobody's address is its own."""
    with Stage(workers=2) as site, Stage(workers=2) as peer:
        for end, role in ((peer, "server"), (site, "client")):
            end.port = (f"net_memif0,role={role},socket={site.path('memif.sock')},"
                        "socket-abstract=no,bsize=2048")
        peer.mac_yaml = f'  mac: "{PEER_MAC}"\n'
        site.gateway_mac = PEER_MAC
        peer.start_daemon()
        site.make_phones(PHONES)
        site.start_daemon()
        site.provision()
        campaign = site.push("--sends", "1", "--waits", "0", status=NOT_ALL)
        expect("pushes", campaign["pushes"], PHONES)
        workers = site.cli("stats")["workers"]
        expect_that(min(w["pushes"] for w in workers) > PHONES // 3, "both push", workers)
        wait_until("all of them at the other end",
                   lambda: peer.drops().get("ip-not-ours") == PHONES, show=peer.drops)
        workers = peer.cli("stats")["workers"]
        expect_that(min(w["rx_frames"] for w in workers) > PHONES // 3, "both receive", workers)


def rss_is_asked_for_where_a_device_has_it():
    with Stage(workers=2) as site:
        site.port = "net_null0,no-rx=1"
        site.start_daemon()
        port = site.cli("status")["ports"][0]
        expect("queues and RSS", (port["queues"], port["paths"]["rss"]), (2, True))
    with Stage(workers=2) as site:
        site.start_daemon()
        port = site.cli("status")["ports"][0]
        expect("queues and RSS of a vhost", (port["queues"], port["paths"]["rss"]), (2, False))


if __name__ == "__main__":
    tell(two_workers_share_a_campaign, rate_is_that_of_both_together,
         single_push_beside_a_campaign, two_queues_of_a_memif,
         rss_is_asked_for_where_a_device_has_it)
