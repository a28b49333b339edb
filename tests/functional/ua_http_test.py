#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the mskpush authors

"""HTTP as other clients speak it, and many connections at once.

    octets over TCP --HTTP--> mskpushd
"""

import resource
import signal
import time

from story import expect, expect_in, expect_that, tell, wait_until
from ua_abuse_test import BODY, TARGET, AbuseStage
from ua_client import Line, key_item, msk_body

LENGTH = f"Content-Length: {len(BODY)}".encode()
CHUNKED = b"Transfer-Encoding: chunked"
ABSOLUTE = "http://bmsc.home1.net:8080" + TARGET
PHONES, LINES = 10000, 100
ITEMS = 64


class Caller:
    """A phone's good request, to be changed."""

    def __init__(self, site):
        self.site = site
        self.phone = site.phone(1)
        self.phone.challenge()

    def good(self, target=TARGET, uri=TARGET, **more):
        """Its octets."""
        return self.phone.request("msk-request", BODY, self.phone.authorization(uri, BODY),
                                  target=target, **more)

    def chunked(self, body):
        """The same in chunks."""
        return self.good().replace(LENGTH, CHUNKED).replace(BODY, body)

    def expect(self, name, octets, status, is_closed=False):
        """Sends octets on a connection of their own and looks at the answer."""
        answer, line = self.site.raw(octets)
        expect(name, answer and answer.status, status)
        if is_closed:
            expect_that(line.closed(), f"{name}: the connection is closed", answer)
        line.close()
        return answer


def headers_that_can_be_read_in_two_ways_are_refused():
    """Who stands before us may frame the request in another way, and let somebody smuggle one."""
    with AbuseStage() as site:
        site.raise_all(2)
        caller = Caller(site)
        good = caller.good
        bad = [good().replace(b"Content-Length:", b"Content-Length :"),
               good(more="Transfer-Encoding : chunked\r\n"),
               good().replace(b", realm=", b",\r\n realm="),
               good().replace(b"Authorization: ", b"Authorization:\r\n "),
               good(more="Host: other\r\n")]
        for octets in bad:
            caller.expect(f"{octets!r}", octets, 400, is_closed=True)
        site.refused("bad-header", len(bad))
        for octets in (good(more="Transfer-Encoding: identity\r\n"),
                       good().replace(LENGTH, CHUNKED + b", chunked"),
                       good().replace(LENGTH, CHUNKED + b"\r\nTransfer-Encoding: identity")):
            caller.expect(f"{octets!r}", octets, 501, is_closed=True)
        for octets in (good().replace(b"Content-Length: ", b"Content-Length: +"),
                       good().replace(b"Content-Length: ", b"Content-Length: 0x"),
                       good().replace(LENGTH, LENGTH + b", 5"),
                       good().replace(b" HTTP/1.1", b" http/1.1"), good(more="abc\r\n")):
            caller.expect(f"{octets!r}", octets, 400, is_closed=True)
        caller.expect("HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, is_closed=True)


def chunks_that_lie():
    with AbuseStage() as site:
        site.raise_all(2)
        caller = Caller(site)
        for body, status in ((b"zz\r\nabc\r\n0\r\n\r\n", 400), (b"-1\r\nabc\r\n0\r\n\r\n", 400),
                             (b"FFFFFFFFFFFFFFFFF\r\nabc\r\n0\r\n\r\n", 413),
                             (b"%x\r\n%sXX0\r\n\r\n" % (len(BODY), BODY), 400)):
            caller.expect(f"{body!r}", caller.chunked(body), status, is_closed=True)


def what_http_allows_is_served():
    with AbuseStage() as site:
        site.raise_all(2)
        caller = Caller(site)
        good = caller.good
        chunks = b"%X\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY)
        for octets in (b"\r\n\r\n" + good(), good().replace(b"\r\n", b"\n"),
                       good().replace(b"Authorization: Digest ", b"aUTHORIZATION:\tdIGEST\t"),
                       good().replace(b"username=", b"UserName = ").replace(
                           b"qop=auth-int", b'QOP="auth-int"'),
                       good().replace(b", realm", b" ,,\t, realm"),
                       good().replace(b"algorithm=MD5", b'algorithm="md5", opaque="x\\"y"'),
                       good(target=ABSOLUTE), good(uri=ABSOLUTE), good(ABSOLUTE, ABSOLUTE),
                       good().replace(LENGTH, LENGTH.replace(b": ", b": 000")),
                       caller.chunked(chunks).replace(b"chunked", b"Chunked"),
                       good(more="Expect: 200-ok\r\n"),
                       good(more="Connection: Upgrade\r\nUpgrade: h2c\r\n")):
            answer = caller.expect(f"{octets!r}", octets, 200)
            expect("codes", answer.codes(), ["200 OK"])
        for octets in (good().replace(b" HTTP/1.1", b" HTTP/1.0"),
                       good(more="Connection: close\r\n")):
            caller.expect(f"{octets!r}", octets, 200, is_closed=True)
        head, line = site.raw(good(method="HEAD"))
        expect("HEAD", (head.status, head.body), (405, b""))
        line.close()


def errors_in_a_pipeline_do_not_end_it():
    """Each answer is that of its request, in order, and proves itself."""
    with AbuseStage() as site:
        site.raise_all(2)
        phone = Caller(site).phone

        def good():
            octets = phone.request("msk-request", BODY, phone.authorization(TARGET, BODY))
            return octets, phone.last

        (first, mine), (last, yours) = good(), good()
        between = [(phone.request("msk-request", b"<x/>"), 401),
                   (phone.request("msk-request", BODY, "Digest x"), 400),
                   (phone.request("msk-request", BODY, method="PUT"), 405),
                   (phone.request("register", BODY, target="/none"), 404), (first, 401),
                   (good()[0].replace(b"mbms-msk+xml", b"foo"), 415),
                   (good()[0].replace(BODY, BODY[:-1] + b"x"), 401)]
        with Line(site.ua_address()) as line:
            line.send(first + b"".join(octets for octets, _ in between) + last)
            phone.last = mine
            phone.check(line.answer(), TARGET)
            for octets, status in between:
                expect(f"status of {octets!r}", line.answer().status, status)
            phone.last = yours
            answer = line.answer()
            expect("codes", answer.codes(), ["200 OK"])
            phone.check(answer, TARGET)


def exchange(lines, phones, request):
    """Each line carries so many phones' requests in a pipeline; returns the answers in order."""
    share = len(phones) // len(lines)
    answers = []
    for index, line in enumerate(lines):
        line.send(b"".join(request(p) for p in phones[index * share:(index + 1) * share]))
    for line in lines:
        answers += [line.answer() for _ in range(share)]
    return answers


def ten_thousand_phones_are_challenged_at_once():
    """All get a nonce of their own, all come back with it: none is refused wrongly."""
    with AbuseStage() as site:
        site.raise_all(PHONES)
        phones = [site.phone(index) for index in range(PHONES)]
        lines = [Line(site.ua_address(), timeout_s=60) for _ in range(LINES)]
        begin = time.monotonic()
        answers = exchange(lines, phones, lambda phone: phone.request("msk-request", BODY))
        took = time.monotonic() - begin
        for phone, answer in zip(phones, answers):
            expect("status", answer.status, 401)
            phone.take_nonce(answer)
        expect("nonces", len({phone.nonce for phone in phones}), PHONES)
        answers = exchange(lines, phones, lambda phone: phone.request(
            "msk-request", BODY, phone.authorization(TARGET, BODY)))
        for phone, answer in zip(phones, answers):
            expect("codes", answer.codes(), ["200 OK"])
            phone.check(answer, TARGET)
        for line in lines:
            line.close()
        expect("outcomes", site.results(), {"ok": PHONES, "no-credentials": PHONES})
        expect("pushes ordered", site.cli("stats")["ua"]["pushes_ordered"], PHONES)
        print(f"{PHONES} challenges in {took:.2f} s")


def a_crowd_at_once_finds_room_for_its_pushes():
    """More pushes are ordered before the server's turn ends than a thread keeps."""
    with AbuseStage() as site:
        site.raise_all(2)
        phone = Caller(site).phone
        body, nonces, proofs = msk_body(*[key_item(1)] * ITEMS), [], []
        lines = [Line(site.ua_address(), timeout_s=60) for _ in range(LINES)]
        for line in lines:
            line.send(phone.request("msk-request", b"<x/>"))
            nonces.append(line.answer().challenge()["nonce"])
        site.daemon.send_signal(signal.SIGSTOP)
        for line, phone.nonce in zip(lines, nonces):
            phone.nc = 0
            line.send(phone.request("msk-request", body, phone.authorization(TARGET, body)))
            proofs.append(phone.last)
        site.daemon.send_signal(signal.SIGCONT)
        for line, phone.last in zip(lines, proofs):
            answer = line.answer()
            expect("codes", set(answer.codes()), {"200 OK"})
            phone.check(answer, TARGET)
            line.close()


def idle_connections_make_room():
    """More than there is room for, all served once and silent since: newcomers are served."""
    with AbuseStage("  connections: 64\n") as site:
        site.raise_all(2)
        idle = []
        for _ in range(150):
            line = Line(site.ua_address())
            line.send(b"GET / HTTP/1.1\r\nHost: b\r\n\r\n")
            expect("status", line.answer().status, 404)
            idle.append(line)
        site.still_serves()
        stats = site.cli("stats")["ua"]
        expect_that(stats["connections"] <= 64, "no more than allowed", stats)
        expect_that(stats["connections_shed"] >= 150 - 64, "counted", stats)
        for line in idle:
            line.close()


def silent_connections_make_room():
    """Who connects and never says a word, more often than there is room."""
    with AbuseStage("  connections: 64\n") as site:
        site.ua_listen = '["127.0.0.1:0", "[::1]:0"]'
        site.raise_all(2)
        silent = []
        for _ in range(150):
            silent.append(Line(site.ua_address()))
        for _ in range(3):
            site.still_serves()
        wait_until("some were ended", lambda: site.cli("stats")["ua"]["connections_shed"] >= 86)
        for line in silent:
            line.close()


def connections_never_take_all_descriptors():
    """The operator's side and the key source need some too."""
    with AbuseStage("  connections: 5000\n") as site:
        files = 700
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
        site.raise_all(2)
        expect_in("event=ua-connections wanted=5000 allowed=444", site.log("mskpushd"))
        lines = []
        for _ in range(500):
            lines.append(Line(site.ua_address()))
            expect_that(site.cli("status")["ua"] if len(lines) % 100 == 0 else True,
                        "the operator is answered", len(lines))
        site.still_serves()
        for line in lines:
            line.close()


if __name__ == "__main__":
    tell(headers_that_can_be_read_in_two_ways_are_refused, chunks_that_lie,
         what_http_allows_is_served, errors_in_a_pipeline_do_not_end_it,
         ten_thousand_phones_are_challenged_at_once, a_crowd_at_once_finds_room_for_its_pushes,
         idle_connections_make_room, silent_connections_make_room,
         connections_never_take_all_descriptors)
