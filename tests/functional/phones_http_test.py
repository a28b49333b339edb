#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the mskpush authors

"""The phones' side of HTTP against a BM-SC in Python that answers as told.

    mskpush-ue --(HTTP Digest)--> bmsc_server      no daemon, no packets: the port is net_null
        ^                             |
        +---- key source (UNIX) ------+
"""

import csv

from bmsc_server import Bmsc, trickle
from story import FQDN, GROUP, Stage, expect, expect_that, tell, wait_until

PHONES = 300
NO_PORT = "net_null0,no-rx=1"


class Phones(Stage):
    """Emulated phones and the BM-SC they talk to."""

    def __init__(self, *flags, count=PHONES, generate=()):
        super().__init__(ue_port=NO_PORT)
        self.make_phones(count, *generate)
        self.keys = self.path("keys.sock")
        self.bmsc = Bmsc(FQDN, self.rows)
        self.out = self.path("out.csv")
        self.start_phones(self.csv, "--ua", self.bmsc.url, "--ua-groups", GROUP,
                          "--ua-back-off", "0.05", "--csv-out", self.out,
                          "--report", self.path("ue.json"), *flags)

    def __exit__(self, *rest):
        self.bmsc.close()
        super().__exit__(*rest)

    @property
    def ua(self):
        """The phones' side of HTTP."""
        return self.phones(do="status")["ua"]

    def wait_for(self, what, probe, timeout_s=20):
        """Waits until probe(status of HTTP) holds; returns the status."""
        wait_until(what, lambda: probe(self.ua), timeout_s, lambda: self.ua)
        return self.ua

    def wait_quiet(self, timeout_s=20):
        """Waits until nobody has anything to ask any more."""
        return self.wait_for("all phones are done asking",
                             lambda ua: ua["due"] == ua["asking"] == 0, timeout_s)

    def rows_at_end(self):
        """The CSV that the emulator writes when it ends."""
        self.stop_phones()
        with open(self.out, newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))


def phones_register_and_fetch():
    with Phones("--ua-connections", "16") as site:
        expect("phones told to join", site.phones(do="join")["phones"], PHONES)
        ua = site.wait_quiet()
        expect("registrations", ua["register"]["answers"], {"200": PHONES, "401": PHONES})
        expect("MSK requests", ua["msk-request"]["answers"], {"200": PHONES})
        expect("phones that expect an MSK", ua["expecting"], PHONES)
        expect("what the BM-SC found wrong", site.bmsc.errors, [])
        expect("users", {r.user for r in site.bmsc.requests if r.status == 200},
               {row["btid"] for row in site.rows})
        expect("answers by the BM-SC's count",
               (site.bmsc.count(200), site.bmsc.count(401)), (2 * PHONES, PHONES))
        connections = site.phones(do="status")["connections"]
        expect("connections", (connections["open"], connections["opened"]), (16, 16))
        expect("refusals", ua["refused"], {})
        expect_that(0 < ua["register"]["latency_us"]["p50"] <= ua["register"]["latency_us"]["p99"],
                    "percentiles are ordered", ua["register"]["latency_us"])
        site.bmsc.item_code = "200 OK"
        expect("phones told to leave", site.phones(do="deregister", count=3)["phones"], 3)
        site.wait_for("deregistered", lambda ua: ua["deregister"]["items"].get("200") == 3)
        rows = site.rows_at_end()
        expect("rows", len(rows), PHONES)
        expect("registered for nothing", [row["registered"] for row in rows].count("-"), 3)


def command_line_makes_phones_begin():
    with Phones("--ua-do", "register,fetch", "--ua-phones", "20", "--ua-rate", "100") as site:
        ua = site.wait_for("twenty fetched", lambda ua: ua["expecting"] == 20)
        expect("requests", ua["msk-request"]["requests"], 20)


def nonces_go_stale_and_are_followed_by_the_next():
    with Phones(count=50) as site:
        site.bmsc.nonce_uses = 1
        site.phones(do="join")
        ua = site.wait_quiet()
        expect("stale answers", ua["events"]["stale"], 50)
        expect("MSK requests", ua["msk-request"]["answers"]["200"], 50)
        site.bmsc.has_nextnonce = True
        site.phones(do="register")
        site.phones(do="fetch")
        ua = site.wait_quiet()
        site.phones(do="fetch")
        ua = site.wait_quiet()
        expect("stale answers, all in all", ua["events"]["stale"], 100)
        expect("next nonces", ua["events"]["nextnonce"], 150)
        expect("what the BM-SC found wrong", site.bmsc.errors, [])
        expect("bootstrappings", ua["events"].get("bootstraps", 0), 0)


def with_key_source(*flags, count=60, generate=()):
    """Phones whose BSF the BM-SC can ask."""
    class WithKeys(Phones):
        """Gives both sides the socket."""
        def start_phones(self, path, *more, **rest):
            self.bmsc.key_source = self.keys
            super().start_phones(path, *more, "--key-source", self.keys, **rest)
    return WithKeys(*flags, count=count, generate=generate)


def renegotiation_gives_new_btids():
    with with_key_source("--gba-u", "30", "--lifetime", "5000",
                         generate=("--uicc", "40")) as site:
        site.phones(do="fetch")
        site.wait_quiet()
        old = {row["btid"] for row in site.rows}
        site.bmsc.refused_btids = set(old)
        site.phones(do="fetch")
        ua = site.wait_quiet()
        expect("renegotiations", ua["events"]["renegotiated"], 60)
        expect("bootstrappings", ua["events"]["bootstraps"], 60)
        expect("MSK requests", ua["msk-request"]["answers"]["200"], 120)
        expect("what the BM-SC found wrong", site.bmsc.errors, [])
        source = site.phones(do="status")["key_source"]
        expect("questions answered", (source["answered"], source["bootstraps"]), (60, 60))
        rows = site.rows_at_end()
        expect("rows: one for every B-TID", len(rows), 120)
        expect("old B-TIDs among them", old <= {row["btid"] for row in rows}, True)
        fresh = {row["btid"]: row for row in rows if row["btid"] not in old}
        by_impi = {row["impi"]: row for row in site.rows}
        for btid, row in fresh.items():
            before = by_impi[row["impi"]]
            expect(f"MRK of {btid}", row["mrk"], site.bmsc.mrk[btid].hex())
            expect("same phone", (row["keys_in"], row["services"], row["address"]),
                   (before["keys_in"], before["services"], before["address"]))
            expect_that(row["muk"] != before["muk"], "another MUK", row["btid"])


def expired_phones_bootstrap_before_they_ask():
    with with_key_source(count=20, generate=("--expired", "50", "--no-muk", "10")) as site:
        site.phones(do="fetch")
        ua = site.wait_quiet()
        expect("bootstrappings", ua["events"]["bootstraps"], 2 + 9)
        expect("renegotiations", ua["events"].get("renegotiated", 0), 0)
        expect("MSK requests", ua["msk-request"]["answers"]["200"], 20)


def phones_without_a_bsf_leave_when_told_to_bootstrap():
    with Phones(count=10) as site:
        site.bmsc.refused_btids = {row["btid"] for row in site.rows[:4]}
        site.phones(do="fetch")
        ua = site.wait_quiet()
        expect("left", (ua["gone"], ua["left"]), (4, {"renegotiation": 4}))
        shown = site.phones(do="phone", id=site.rows[0]["impi"])["ua"]
        expect("one of them", (shown["state"], shown["left"]), ("gone", "renegotiation"))


def answers_without_a_good_proof_are_refused():
    def spoil(change):
        def fault(request, answer):
            if answer[0] != 200:
                return answer
            headers = [(name, change(value) if name == "Authentication-Info" else value)
                       for name, value in answer[1]]
            return answer[0], [header for header in headers if header[1] is not None], answer[2]
        return fault

    faults = {
        "no-proof": spoil(lambda value: None),
        "wrong-proof": spoil(lambda value: value.replace(value[9:41], "0" * 32)),
        "other-proof": spoil(lambda value: value.replace("nc=0000000", "nc=1000000")),
        "bad-proof": spoil(lambda value: value + '"'),
    }
    with Phones("--ua-attempts", "2", count=10) as site:
        for name, fault in faults.items():
            site.bmsc.fault = fault
            site.phones(do="fetch")
            ua = site.wait_quiet()
            expect(f"refused: {name}", ua["refused"].get(name), 20)
        expect("left", ua["left"], {"unavailable": 40})
        expect("expecting an MSK", ua["expecting"], 0)
        # They come back when told to, as soon as the BM-SC is itself again.
        site.bmsc.fault = None
        site.phones(do="fetch")
        ua = site.wait_quiet()
        expect("expecting an MSK", (ua["expecting"], ua["gone"]), (10, 0))


def doubtful_framing_is_refused():
    heads = [b"garbage\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
             b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n", b"\0" * 100000,
             b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffff\r\n"]
    with Phones("--ua-attempts", "1", count=5) as site:
        for n, head in enumerate(heads):
            site.bmsc.fault = lambda request, answer, head=head: head
            site.phones(do="fetch")
            ua = site.wait_quiet()
            expect(f"refused: framing, {head[:20]!r}", ua["refused"]["framing"], 5 * (n + 1))


def answers_in_pieces_are_taken():
    def pieces(request, answer):
        return trickle(site.bmsc.frame(*answer), size=7)

    def chunks(request, answer):
        status, headers, body = answer
        head = site.bmsc.frame(status, [*headers, ("Transfer-Encoding", "chunked")], b"")
        head = head.replace(b"Content-Length: 0\r\n", b"")
        parts = b"".join(b"%x\r\n%s\r\n" % (len(body[at:at + 50]), body[at:at + 50])
                         for at in range(0, len(body), 50))
        return head + parts + b"0\r\nX: y\r\n\r\n"

    def early(request, answer):
        return b"HTTP/1.1 100 Continue\r\n\r\n" + site.bmsc.frame(*answer)

    with Phones(count=20) as site:
        for n, fault in enumerate((pieces, chunks, early)):
            site.bmsc.fault = fault
            site.phones(do="fetch")
            ua = site.wait_quiet()
            expect(f"MSK requests after {fault.__name__}", ua["msk-request"]["answers"]["200"],
                   20 * (n + 1))
        site.bmsc.fault = None
        site.bmsc.close_after_each = True
        site.phones(do="fetch")
        ua = site.wait_quiet()
        expect("MSK requests, connections closed", ua["msk-request"]["answers"]["200"], 80)
        expect("refusals", ua["refused"], {})
        expect("retries", ua["events"].get("retries", 0), 0)


def broken_connections_are_tried_again():
    with Phones(count=20) as site:
        broken = []

        def once(request, answer):
            if answer[0] == 200 and len(broken) < 20:
                broken.append(request.user)
                return None if len(broken) % 2 else site.bmsc.frame(*answer)[:-9]
            return answer

        def cut(request, answer):
            answer = once(request, answer)
            if isinstance(answer, bytes):
                return lambda connection: connection.sendall(answer) or False
            return answer
        site.bmsc.fault = cut
        site.phones(do="fetch")
        ua = site.wait_quiet()
        expect("MSK requests", ua["msk-request"]["answers"]["200"], 20)
        expect("expecting an MSK", ua["expecting"], 20)
        expect_that(ua["events"]["closed"] >= 10, "connections that ended", ua["events"])
        expect("gone", ua["gone"], 0)


def server_that_is_slow_or_away_is_left_in_the_end():
    with Phones("--ua-attempts", "2", "--ua-timeout", "0.3", "--ua-connections", "4", count=4) as site:
        site.bmsc.fault = lambda request, answer: trickle(site.bmsc.frame(*answer), 0.1)
        site.phones(do="fetch")
        ua = site.wait_for("all gone", lambda ua: ua["gone"] == 4)
        expect("too late", ua["events"]["timeout"], 8)
        site.bmsc.close()
        site.phones(do="fetch")
        ua = site.wait_for("all gone", lambda ua: ua["gone"] == 4 and ua["asking"] == 0)
        expect("left", ua["left"], {"unavailable": 8})
        expect_that(ua["events"]["connect-failed"] > 0, "nobody there", ua["events"])


def refusals_to_talk_have_their_consequences():
    with Phones("--ua-attempts", "3", count=5) as site:
        for n, status in enumerate((403, 404, 400)):
            site.bmsc.fault = lambda request, answer, status=status: (status, [], b"")
            site.phones(do="fetch")
            ua = site.wait_quiet()
            expect(f"gone after {status}", ua["gone"], 5)
        expect("left", ua["left"], {"forbidden": 5, "unknown": 5, "rejected": 5})
        busy = []

        def shed(request, answer):
            if len(busy) < 5:
                busy.append(request)
                return 503, [("Retry-After", "1")], b""
            return answer
        site.bmsc.fault = shed
        site.phones(do="fetch")
        ua = site.wait_for("all served", lambda ua: ua["expecting"] == 5)
        expect("busy answers", ua["msk-request"]["answers"]["503"], 5)


def missed_update_is_fetched_once():
    with Phones("--ua-missed-wait", "1.5", "--ua-missed-back-off", "1", count=40) as site:
        for _ in range(3):
            site.phones(do="miss", group=GROUP, number=9)
        ua = site.wait_for("all asked", lambda ua: ua["expecting"] == 40)
        expect("missed updates", (ua["events"]["missed"], ua["events"]["merged"]), (40, 80))
        expect("MSK requests", ua["msk-request"]["items"], {"200": 40})
        asked = [r.body for r in site.bmsc.requests if r.status == 200]
        expect("all for MSK 0009", sum(b"AAEACQ==" in body for body in asked), 40)


def msk_that_never_comes_makes_a_phone_leave():
    with Phones("--ua-attempts", "2", "--ua-msk-wait", "0.2", count=5) as site:
        site.phones(do="fetch")
        ua = site.wait_for("all gone", lambda ua: ua["gone"] == 5)
        expect("left", ua["left"], {"no-msk": 5})
        expect("waits in vain", ua["events"]["msk-missing"], 10)
        site.bmsc.item_code = "204 No Content"
        site.phones(do="fetch")
        ua = site.wait_for("told that there is none", lambda ua: ua["idle"] == 5)
        expect("none needed", ua["events"]["none-needed"], 5)


def many_connections_from_many_addresses():
    with Phones("--ua-connections", "200", "--ua-source", "127.0.3.0/30", "--ua-spread", "0.5") as site:
        begun = site.phones(do="fetch", spread=0.5)
        expect("phones", begun["phones"], PHONES)
        ua = site.wait_quiet()
        expect("MSK requests", ua["msk-request"]["answers"]["200"], PHONES)


def commands_that_make_no_sense_are_refused():
    with Phones(count=5) as site:
        for request, part in (
                ({"do": "fetch", "id": "nobody"}, "no such phone"),
                ({"do": "fetch", "groups": ["001-01"]}, "groups"),
                ({"do": "fetch", "rate": -1}, "rate"),
                ({"do": "join", "count": "x"}, "first and count"),
                ({"do": "miss"}, "group"),
                ({"do": "key-source", "answers": "busy"}, "there is no key source"),
                ({"do": "register", "groups": [GROUP]}, "does not know")):
            expect_that(part in site.phones(**request).get("error", ""), f"{request}: {part}",
                        site.phones(**request))
        status, _, errors = site.run("--phones", site.csv, "--port", NO_PORT, "--ua", "ftp://x",
                                     is_json=False, program="mskpush-ue")
        expect("exit status of a bad URL", status, 2)
        expect_that("--ua" in errors, "it says which option", errors)


if __name__ == "__main__":
    tell(phones_register_and_fetch, command_line_makes_phones_begin,
         nonces_go_stale_and_are_followed_by_the_next, renegotiation_gives_new_btids,
         expired_phones_bootstrap_before_they_ask,
         phones_without_a_bsf_leave_when_told_to_bootstrap,
         answers_without_a_good_proof_are_refused, doubtful_framing_is_refused,
         answers_in_pieces_are_taken, broken_connections_are_tried_again,
         server_that_is_slow_or_away_is_left_in_the_end, refusals_to_talk_have_their_consequences,
         missed_update_is_fetched_once, msk_that_never_comes_makes_a_phone_leave,
         many_connections_from_many_addresses, commands_that_make_no_sense_are_refused)
