#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the mskpush authors

"""Metrics as Prometheus and DPDK's telemetry read them, while things happen at the site.

    strict parser, promtool --/metrics--> mskpushd <--dpdk_telemetry.v2-- telemetry client
"""

import calendar
import http.client
import ipaddress
import json
import os
import socket
import subprocess
import sys
import threading
import time

from key_stage import KeyStage, btid_of
from story import BUILD, GROUP, NOT_ALL, Stage, TOP, expect, expect_that, tell, wait_until
from ua_client import Line, key_item, msk_body
from unix_http import unix_call

sys.path.insert(0, os.path.join(TOP, "tools", "dev"))
from prometheus_text import FormatError, parse  # noqa: E402

PROMTOOL = os.path.join(BUILD, "promtool")
PHONES = 300
BLOCK_TO_ADDRESS = 120 + 16


def scrape_text(site):
    """The text of /metrics over the admin socket."""
    status, headers, text = unix_call(site.socket, "GET", "/metrics")
    expect("status and type", (status, headers["Content-Type"]),
           (200, "text/plain; version=0.0.4; charset=utf-8"))
    return text.decode()


def scrape(site):
    """The families of /metrics."""
    return parse(scrape_text(site))


def over_tcp(site, path="/metrics", method="GET"):
    """A call where anybody may read metrics; returns (status, content type, text)."""
    host, port = site.cli("status")["admin"]["metrics"].rsplit(":", 1)
    client = http.client.HTTPConnection(host, int(port), timeout=20)
    client.request(method, path)
    answer = client.getresponse()
    text = answer.read().decode()
    client.close()
    return answer.status, answer.getheader("Content-Type"), text


class Telemetry:
    """DPDK's telemetry of a daemon, as dpdk-telemetry.py speaks to it."""

    def __init__(self, site):
        prefix = os.path.basename(site.dir) + "d"
        self.line = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.line.settimeout(20)
        self.line.connect(site.path(f"dpdk/{prefix}/dpdk_telemetry.v2"))
        self.size = json.loads(self.line.recv(1024))["max_output_len"]

    def ask(self, command):
        """What a command answers."""
        self.line.send(command.encode())
        return json.loads(self.line.recv(self.size))[command]


STILL = {
    # The same all the time.
    "mskpush_build_info", "process_start_time_seconds", "process_max_fds",
    "mskpush_cycles_per_second", "mskpush_port_info", "mskpush_port_speed_bytes",
    "mskpush_port_queues", "mskpush_store_map_bytes", "mskpush_store_map_max_bytes",
    # Nothing of the kind happens here.
    "mskpush_mtk_groups_waiting", "mskpush_mtk_groups_switching",
    "mskpush_mtk_messages_unsent_total",
    "mskpush_transmit_full_total", "mskpush_port_transmit_full_total",
    "mskpush_queue_transmit_full_total", "mskpush_replay_waits_total",
    "mskpush_put_aside_total", "mskpush_made_anew_total", "mskpush_port_gone",
    "mskpush_port_stuck", "mskpush_port_lives_total", "mskpush_unreachable_total",
    "mskpush_area_unreachable_total", "mskpush_handed_over_total",
    "mskpush_buffer_waits_total", "mskpush_echo_answers_total",
    "mskpush_events_lost_total", "mskpush_capture_missed_total",
    "mskpush_mikey_refused_total", "mskpush_log_suppressed_total",
    "mskpush_log_lost_total", "mskpush_audit_lost_total", "mskpush_reloads_total",
    "mskpush_store_damaged_blocks", "mskpush_store_commits_failed_total",
    "mskpush_store_writer_waiting", "mskpush_store_readers", "mskpush_singles_total",
    "mskpush_singles_merged_total", "mskpush_singles_full_total",
    "mskpush_singles_pushes_total", "mskpush_singles_ended_total",
    # Moved by what phones ask, as long as the governor's look is of that moment.
    "mskpush_governor_rate", "mskpush_governor_utilisation", "mskpush_governor_latency_seconds",
    # Moved on every few seconds.
    "mskpush_replay_mark",
    # Counted at most once a minute.
    "mskpush_muks_expired", "mskpush_muks_expiring", "mskpush_muks_later",
    "mskpush_muks_none", "mskpush_drops_total", "mskpush_neighbour_messages_total"}


def moved(before, after):
    """Names of the families that are not what they were."""
    return {name for name, family in after.items() if family.series() != before[name].series()}


def the_text_is_sound_for_us_and_for_promtool():
    with Stage() as site:
        site.raise_all(PHONES)
        site.push_begin("--rate", "50", "--waits", "20")
        site.campaign_when(1, "some verified", lambda c: c["verified"] > 3)
        text = scrape_text(site)
        families = parse(text)
        expect("members", sum(families["mskpush_campaign_members"].series().values()), PHONES)
        done = subprocess.run([PROMTOOL, "check", "metrics"], input=text, text=True, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        expect("promtool check metrics", (done.returncode, done.stdout), (0, ""))
        for wrong in ("mskpush_x 1\n", "# HELP a b\n# TYPE a gauge\na 1", text.replace("} ", "}", 1),
                      text.replace('="', "='", 1), text + text, text.replace(" counter", " meter", 1)):
            try:
                parse(wrong)
                expect_that(False, "the parser refuses it", wrong[:80])
            except FormatError:
                pass


def ask_and_fire(site):
    """Solicited pulls to phones that stay where they are, and a push whose keys were ready."""
    number = site.cli("solicit", GROUP, "--no-wait")["id"]
    site.campaign_when(number, "solicited pulls", lambda c: c["solicits"] > PHONES // 2)
    site.cli("campaign", "abort", str(number))
    number = site.cli("push", GROUP, "--arm")["id"]
    site.campaign_when(number, "keys", lambda c: c["armed"]["members"] > PHONES // 2)
    site.run("fire", str(number))


def send_mtks(site):
    """MTK messages to whoever listens."""
    site.cli("mtk", "start", GROUP, "--to", "232.26.1.1:5004", "--lead", "2", "--interval", "2",
             "--repeat", "2")
    wait_until("MTK messages, and what became of their order", lambda: is_sent(scrape(site)))


def is_sent(families):
    """Messages of an order are counted as they leave, and the order after its last one."""
    return (families["mskpush_mtk_messages_total"].value() > 0 and
            sum(families["mskpush_mtk_orders_total"].series().values()) > 0)


def what_happens_at_the_site_moves_its_metric():
    with Stage() as site:
        site.extra_yaml = "areas: [{name: all, prefixes: 0.0.0.0/0}]\n"
        site.make_phones(PHONES, "--expired", "10", "--no-muk", "5")
        site.start_daemon()
        start = scrape(site)
        site.start_phones(site.csv)
        site.provision()
        number = site.push_begin("--rate", "200", "--waits", "20")
        site.campaign_when(number, "some verified", lambda c: c["verified"] > 20)
        during = scrape(site)
        site.cli("campaign", "abort", str(number))
        site.cli("area", "set", "all", "--rate", "100000")
        unix_call(site.socket, "POST", "/v1/stats/stages", '{"measure": true}')
        site.push(status=NOT_ALL)
        ask_and_fire(site)
        send_mtks(site)
        # Figures that the daemon tells in another way are the same.
        stats = site.cli("stats")
        end = scrape(site)
        expect("pushes", end["mskpush_pushes_total"].value(), stats["counters"]["pushes"])
        expect("verified", end["mskpush_verifications_total"].value(),
               stats["counters"]["verified"])
        expect("drops", {labels[0][1]: value for (_, labels), value in
                         end["mskpush_drops_total"].series().items()}, stats["drops"])
        expect("subscribers", end["mskpush_subscribers"].value(), PHONES)
        expect("limit of the area", end["mskpush_area_rate"].value(area="all"), 100000)
        expect_that(end["mskpush_governor_rate"].value() >= 10, "solicited pulls are governed",
                    end["mskpush_governor_rate"].series())
        expired = sum(row["btid"] != "" and int_time(row["expires"]) < time.time()
                      for row in site.rows)
        without = sum(row["btid"] == "" for row in site.rows)
        site.stop_daemon()
        site.start_daemon()
        again = scrape(site)
        expect("MUKs that have expired, and that are not there",
               (again["mskpush_muks_expired"].value(), again["mskpush_muks_none"].value()),
               (expired, without))
        expect("MUKs", sum(again["mskpush_muks_expiring"].series().values()) +
               again["mskpush_muks_later"].value(), PHONES - expired - without)
        for name in ("mskpush_campaign_members", "mskpush_campaign_refused",
                     "mskpush_campaign_pushes_total", "mskpush_campaign_round",
                     "mskpush_campaign_rate", "mskpush_campaign_seconds",
                     "mskpush_campaign_stalled", "mskpush_campaigns_open"):
            expect_that(during[name].series() not in (start[name].series(), end[name].series()),
                        f"{name} shows an open campaign", during[name].series())
        seen = moved(start, during) | moved(during, end)
        phones = {name for name in end if name.startswith(("mskpush_ua_", "mskpush_key_source_"))}
        expect("metrics that stood still", set(end) - seen - STILL - phones, set())


def requests(families, procedure, code, result):
    """Requests of phones that ended so."""
    return families["mskpush_ua_requests_total"].value(procedure=procedure, code=code,
                                                       result=result)


def what_phones_ask_moves_its_metric():
    with KeyStage() as site:
        site.raise_all(4)
        before = scrape(site)
        phone = site.phone(0)
        expect("codes", phone.ask("msk-request", msk_body(key_item(1))).codes(), ["200 OK"])
        site.push_when(0, "verified")
        site.deafen(1)
        site.phone(1).ask("msk-request", msk_body(key_item(1)))
        site.phone(1).ask("msk-request", msk_body(key_item(1)))
        expect("a wrong response", site.stranger(site.rows[2]["btid"], b"x" * 32).ask(
            "msk-request", msk_body(key_item(1))).status, 401)
        btid = btid_of(1)
        ks_naf = site.bsf.knows(btid, site.rows[3]["impi"])
        site.bsf.gate.clear()
        lines = [site.stranger(btid, ks_naf) for _ in range(2)]
        threads = [threading.Thread(target=line.ask, args=("msk-request", msk_body(key_item(1))))
                   for line in lines]
        for thread in threads:
            thread.start()
        wait_until("two wait for the key source",
                   lambda: scrape(site)["mskpush_ua_waiting"].value() == 2)
        during = scrape(site)
        site.bsf.gate.set()
        for thread in threads:
            thread.join()
        for _ in range(2):
            site.stranger(btid_of(2), ks_naf).ask("msk-request", msk_body(key_item(1)))
        with Line(site.ua_address()) as line:
            line.send(b"no HTTP\r\n\r\n")
            line.answer()
        after = scrape(site)
        expect("done", requests(after, "msk-request", "200", "ok"), 5)
        expect("wrong", requests(after, "msk-request", "401", "wrong-response"), 1)
        expect("items", after["mskpush_ua_items_total"].value(procedure="msk-request", code="200"),
               5)
        took = after["mskpush_ua_request_seconds"].series()
        counted = sum(value for (_, labels), value in
                      after["mskpush_ua_requests_total"].series().items()
                      if ("procedure", "msk-request") in labels)
        expect("requests that were timed", took["_count", (("procedure", "msk-request"),)],
               counted)
        expect("asked", (after["mskpush_key_source_asked_total"].value(),
                         after["mskpush_key_source_coalesced_total"].value(),
                         after["mskpush_key_source_remembered_total"].value()), (2, 1, 1))
        names = {name for name in after if name.startswith(("mskpush_ua_", "mskpush_key_source_"))}
        names |= {"mskpush_singles_total", "mskpush_singles_merged_total",
                  "mskpush_singles_pushes_total", "mskpush_singles_ended_total"}
        expect("metrics that stood still",
               names - moved(before, during) - moved(during, after) -
               {"mskpush_ua_connections_slow_total", "mskpush_ua_connections_shed_total"}, set())


def int_time(text):
    """Unix seconds of a CSV's time."""
    if text.isdigit():
        return int(text)
    return calendar.timegm(time.strptime(text, "%Y-%m-%dT%H:%M:%SZ"))


def a_damaged_block_and_a_full_audit_log_are_seen():
    with Stage() as site:
        site.extra_yaml = "admin: {audit: /dev/full}\n"
        site.make_phones(PHONES)
        site.start_daemon()
        before = scrape(site)
        site.provision()
        after = scrape(site)
        expect("lost lines", (before["mskpush_audit_lost_total"].value(),
                              after["mskpush_audit_lost_total"].value()), (0, 4))
        expect("errors logged", site.log("mskpushd").count("event=audit-not-written"), 4)
        expect("damaged", after["mskpush_store_damaged_blocks"].value(), 0)
        site.stop_daemon()
        address = ipaddress.ip_address(site.rows[0]["address"]).packed
        with open(site.path("store/data.mdb"), "r+b") as file:
            data = file.read()
            # The first record of its block: docs/store-format.md says how far behind the version.
            file.seek(data.rindex(b"\0" * 10 + b"\xff\xff" + address) - BLOCK_TO_ADDRESS)
            file.write(b"\x63")
        site.start_daemon()
        expect("damaged", scrape(site)["mskpush_store_damaged_blocks"].value(), 1)


def telemetry_answers_with_the_same_numbers():
    with Stage() as site:
        site.raise_all(PHONES)
        site.push()
        telemetry = Telemetry(site)
        families = scrape(site)
        names = {name: "/mskpush/" + name.removeprefix("mskpush_") for name in families}
        expect("commands that lack", set(names.values()) - set(telemetry.ask("/")), set())
        expect("pushes", telemetry.ask("/mskpush/pushes_total"), {"value": PHONES})
        expect("drops", telemetry.ask("/mskpush/drops_total")["bad_mac"], 0)
        for name, command in names.items():
            expect(f"samples of {command}", len(telemetry.ask(command)),
                   len(families[name].samples))
        # As an operator asks, with DPDK's own tool.
        tool = subprocess.run(["dpdk-telemetry.py", "-f", os.path.basename(site.dir) + "d"],
                              input="/mskpush/pushes_total\n/mskpush/build_info\nquit\n", text=True,
                              env=site.environment(), check=True, stdout=subprocess.PIPE).stdout
        told = [json.loads(line) for line in tool.splitlines()]
        expect("pushes by dpdk-telemetry.py", told[0], {"/mskpush/pushes_total": {"value": PHONES}})
        expect("commands it knows", list(told[1]), ["/mskpush/build_info"])
        members = telemetry.ask("/ethdev/list")
        expect_that(len(members) >= 1, "DPDK's own commands are there too", members)
        site.stop_daemon()
        expect("exit status", site.daemon.returncode, 0)


def over_tcp_there_are_metrics_and_nothing_else():
    with Stage() as site:
        site.extra_yaml = 'metrics: {listen: "127.0.0.1:0"}\n'
        site.start_daemon()
        status, _, text = over_tcp(site)
        expect("status", status, 200)
        parse(text)
        for path in ("/v1/status", "/v1/subscribers", "/v1/api"):
            expect(path, over_tcp(site, path)[0], 403)
        expect("shutdown", over_tcp(site, "/v1/shutdown", "POST")[0], 403)
        expect("POST", over_tcp(site, method="POST")[0], 405)
        expect("another path", over_tcp(site, "/")[0], 404)


def a_scraper_that_never_reads_holds_nobody_up():
    with Stage() as site:
        site.extra_yaml = 'metrics: {listen: "127.0.0.1:0"}\n'
        site.raise_all(PHONES)
        host, port = site.cli("status")["admin"]["metrics"].rsplit(":", 1)
        deaf = []
        for _ in range(20):
            line = socket.socket()
            line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
            line.connect((host, int(port)))
            line.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n" * 50)
            deaf.append(line)
        expect("status", over_tcp(site)[0], 200)
        expect("verified", site.push()["verified"], PHONES)
        scrape(site)
        begin = time.monotonic()
        site.stop_daemon()
        took = time.monotonic() - begin
        expect_that(took < 5, "an end within seconds", took)
        for line in deaf:
            line.close()


if __name__ == "__main__":
    tell(the_text_is_sound_for_us_and_for_promtool, what_happens_at_the_site_moves_its_metric,
         what_phones_ask_moves_its_metric,
         a_damaged_block_and_a_full_audit_log_are_seen, telemetry_answers_with_the_same_numbers,
         over_tcp_there_are_metrics_and_nothing_else, a_scraper_that_never_reads_holds_nobody_up)
