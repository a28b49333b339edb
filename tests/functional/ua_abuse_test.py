#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the mskpush authors

"""Bad input and abuse on Ua: a clear status, a counter, a log line without secrets, and the others
served meanwhile.

    a phone that behaves --HTTP--> mskpushd <--anything-- somebody else
"""

import base64
import contextlib
import selectors
import socket
import time

from story import expect, expect_in, expect_that, tell, wait_until
from ua_client import Line, PATH, key_item, msk_body, register_body
from ua_stage import SERVICE, UaStage

BODY = msk_body(key_item(1))
TARGET = PATH + "msk-request"


class AbuseStage(UaStage):
    """After each story a phone that behaves is served, and the log holds no key."""

    def __exit__(self, kind, *rest):
        if kind is None:
            self.still_serves()
            self.log_is_clean()
        return super().__exit__(kind, *rest)

    def still_serves(self, index=0):
        """A phone that behaves gets its 200."""
        phone = self.phone(index)
        expect("codes of a phone that behaves", phone.ask("msk-request", BODY).codes(), ["200 OK"])
        phone.close()

    def log_is_clean(self):
        """No key in any form of it."""
        log = self.log("mskpushd")
        for row in self.rows:
            for key in (row["muk"], row["mrk"]):
                for form in (key, key.upper(), base64.b64encode(bytes.fromhex(key)).decode()):
                    expect_that(form not in log, "no key in the log", form)

    def refused(self, name, count=None):
        """An outcome was counted (so often)."""
        seen = self.results().get(name, 0)
        expect_that(seen == count if count is not None else seen > 0, f"{name} counted", seen)

    def raw(self, data):
        """(answer, connection) to octets on a connection of their own."""
        line = Line(self.ua_address())
        line.send(data)
        return line.answer(), line


def wrong_responses_are_challenged_then_limited_and_right_ones_never():
    with AbuseStage() as site:
        site.raise_all(3)
        phone = site.phone(1)
        right = phone.password
        phone.password = base64.b64encode(b"x" * 32).decode()
        for _ in range(10):
            answer = phone.ask("msk-request", BODY)
            expect("status", answer.status, 401)
            expect_that("stale" not in answer.challenge(), "a plain challenge", answer)
            expect("Authentication-Info", answer.header("authentication-info"), None)
            phone.take_nonce(answer)
        answer = phone.ask("msk-request", BODY)
        expect("status beyond the limit", answer.status, 403)
        expect("challenge", answer.header("www-authenticate"), None)
        # B-TIDs are public: their owners cannot be locked out.
        phone.password = right
        phone.challenge()
        answer = phone.ask("msk-request", BODY)
        expect("status of the right one", answer.status, 200)
        # Another B-TID from this address has a limit of its own.
        other = site.phone(2)
        other.password = base64.b64encode(b"x" * 32).decode()
        expect("status", other.ask("msk-request", BODY).status, 401)
        site.refused("wrong-response", 11)
        site.refused("limited", 1)
        expect_in("event=ua-refused result=wrong-response", site.log("mskpushd"))


def changed_body_query_and_method_are_wrong():
    with AbuseStage() as site:
        site.raise_all(2)
        phone = site.phone(1)
        phone.challenge()
        sent = phone.request("msk-request", BODY, phone.authorization(TARGET, BODY))
        changed = msk_body(key_item(2))
        answer, _ = site.raw(sent.replace(BODY, changed))
        expect("status of a changed body", answer.status, 401)
        expect_that("stale" not in answer.challenge(), "a plain challenge", answer)
        answer, _ = site.raw(sent.replace(b"msk-request HTTP", b"register HTTP"))
        expect("status of a changed query", answer.status, 400)
        both = sent.replace(b"=msk-request", b"=register")
        answer, _ = site.raw(both)
        expect("status of a changed query and uri", answer.status, 401)
        # Nothing of that used the nonce up.
        answer, _ = site.raw(sent)
        expect("status of what was meant", answer.status, 200)
        site.refused("other-uri", 1)
        site.refused("wrong-response", 2)


def replays_and_foreign_nonces_are_stale():
    with AbuseStage() as site:
        site.raise_all(2)
        phone = site.phone(1)
        phone.challenge()
        sent = phone.request("msk-request", BODY, phone.authorization(TARGET, BODY))
        expect("status", site.raw(sent)[0].status, 200)
        for _ in range(3):
            answer, _ = site.raw(sent)
            expect("replay", (answer.status, answer.challenge().get("stale")), (401, "true"))
        nonce = phone.nonce
        forged = [nonce[:-1] + ("0" if nonce[-1] != "0" else "1"), "f" * 56, "abc", "",
                  nonce[:8] + f"{int(nonce[8:24], 16) + 1000:016x}" + nonce[24:]]
        for phone.nonce in forged:
            phone.nc = 0
            answer = phone.ask("msk-request", BODY)
            expect(f"nonce {phone.nonce}", (answer.status, answer.challenge().get("stale")),
                   (401, "true"))
        phone.nonce, phone.nc = None, 0
        phone.challenge()
        phone.nc = 4
        answer = phone.ask("msk-request", BODY)
        expect("a nonce that begins with count 5",
               (answer.status, answer.challenge().get("stale")), (401, "true"))
        site.refused("stale", 9)


def malformed_credentials_are_400():
    with AbuseStage() as site:
        site.raise_all(2)
        phone = site.phone(1)

        def status(**changes):
            return phone.ask("msk-request", BODY, **changes).status

        expect("no qop", status(qop=None, nc=None, cnonce=None), 400)
        expect("qop=auth", status(qop="auth"), 400)
        expect("no nc", status(nc=None), 400)
        expect("nc 0", status(nc="00000000"), 400)
        expect("no response", status(response=None), 400)
        expect("short response", status(response="00"), 400)
        expect("other algorithm", status(algorithm="SHA-256", response="0" * 64), 400)
        expect("unknown algorithm", status(algorithm="SHA-512"), 400)
        expect("another uri", status(uri="/"), 400)
        expect("a long B-TID", status(username="b" * 3000), 400)
        expect("a B-TID of 10 kB", status(username="b" * 10240), 400)
        expect("an empty B-TID", status(username=""), 400)
        expect("another realm", status(realm="3GPP-bootstrapping@other.org"), 403)
        authorization = phone.authorization(TARGET, BODY)
        sent = phone.request("msk-request", BODY, authorization,
                             more=f"Authorization: {authorization}\r\n")
        expect("two Authorization headers", site.raw(sent)[0].status, 400)
        basic = phone.request("msk-request", BODY, "Basic dTpw")
        expect("another scheme", site.raw(basic)[0].status, 401)
        for name in ("no-qop", "bad-credentials", "other-algorithm", "other-uri", "other-realm",
                     "two-credentials", "no-credentials"):
            site.refused(name)


def nobody_knows_the_btid():
    with AbuseStage() as site:
        site.raise_all(2)
        phone = site.phone(1)
        phone.btid = "AAAAAAAAAAAAAAAAAAAAAA==@bsf.mnc001.mcc001.pub.3gppnetwork.org"
        answer = phone.ask("msk-request", BODY)
        expect("status", answer.status, 401)
        expect_that("stale" not in answer.challenge(), "a plain challenge", answer)
        site.refused("unknown-btid", 1)


def methods_targets_and_media_types():
    with AbuseStage() as site:
        site.raise_all(2)
        phone = site.phone(1)
        for method in ("GET", "PUT", "DELETE", "OPTIONS", "BREW"):
            answer, line = site.raw(phone.request("msk-request", b"", method=method))
            expect(f"status of {method}", answer.status, 405)
            expect("Allow", answer.header("allow"), "POST")
            line.close()
        for target in ("/", "/keymanagement", "/keymanagement?", "/keymanagement?x=1",
                       "/keymanagement?requesttype=", "/keymanagement?requesttype=other",
                       "/keymanagementx?requesttype=register", "*",
                       "/%6beymanagement?requesttype=register"):
            expect(f"status of {target}",
                   site.raw(phone.request("register", BODY, target=target))[0].status, 404)
        long = "/keymanagement?requesttype=register&x=" + "y" * 2000
        expect("a long target", site.raw(phone.request("register", BODY, target=long))[0].status,
               414)
        other = "/keymanagement?a=1&requesttype=msk-request&b"
        phone.challenge()
        sent = phone.request("msk-request", BODY, phone.authorization(other, BODY), target=other)
        expect("other parameters", site.raw(sent)[0].status, 200)
        for kind, status in (("text/plain", 415), ("application/mbms-register+xml", 415),
                             ("application/xml", 200), ("TEXT/XML; charset=utf-8", 200)):
            sent = phone.request("msk-request", BODY, phone.authorization(TARGET, BODY))
            sent = sent.replace(b"application/mbms-msk+xml", kind.encode())
            expect(f"status of {kind}", site.raw(sent)[0].status, status)
        for name in ("bad-method", "unknown-target", "target-too-long", "media-type"):
            site.refused(name)


def a_client_without_the_token_is_refused_when_configured():
    with AbuseStage("  require_gba_token: true\n") as site:
        site.raise_all(2)
        phone = site.phone(1)
        phone.agent = "Mozilla/5.0"
        answer = phone.exchange(phone.request("msk-request", BODY))
        expect("status", answer.status, 403)
        expect("challenge", answer.header("www-authenticate"), None)
        site.refused("no-gba-token", 1)


def headers_and_bodies_without_end():
    with AbuseStage() as site:
        site.raise_all(2)
        phone = site.phone(1)
        with Line(site.ua_address()) as line:
            with contextlib.suppress(ConnectionError):
                line.send(b"POST / HTTP/1.1\r\nHost: b\r\nX: " + b"y" * (1 << 20) + b"\r\n\r\n")
            answer = line.answer()
            expect_that(answer is None or answer.status == 431, "431 for a header of 1 MB", answer)
        wait_until("counted", lambda: site.cli("stats")["ua"]["http_errors"])
        for length in (65537, 1 << 30, (1 << 63) - 1):
            head = phone.request("msk-request", b"", "Digest x").replace(
                b"Content-Length: 0", f"Content-Length: {length}".encode())
            answer, line = site.raw(head)
            expect(f"status of {length} octets", answer.status, 413)
            expect_that(line.closed(), "the connection is closed", length)
        phone.challenge()
        big = BODY + b" " * (65536 - len(BODY))
        expect("status of 64 KiB", phone.ask("msk-request", big).status, 200)
        # A gigabyte in chunks is not read to its end.
        with Line(site.ua_address()) as line:
            line.send(phone.request("msk-request", b"", "Digest x").replace(
                b"Content-Length: 0", b"Transfer-Encoding: chunked"))
            chunk = b"10000\r\n" + b"y" * 65536 + b"\r\n"
            sent = 0
            with contextlib.suppress(ConnectionError):
                for sent in range(16384):
                    line.send(chunk)
            expect_that(sent < 1024, "the server ends it early", sent)
        site.refused("body-too-large")


def lengths_that_lie():
    with AbuseStage("  request_timeout: 2s\n  idle_timeout: 2s\n") as site:
        site.raise_all(2)
        phone = site.phone(1)
        phone.challenge()

        def request(length):
            sent = phone.request("msk-request", BODY, phone.authorization(TARGET, BODY))
            return sent.replace(f"Content-Length: {len(BODY)}".encode(), length.encode())

        right = f"Content-Length: {len(BODY)}"
        for length in (right + "\r\n" + right, right + "\r\nContent-Length: 5",
                       right + "\r\nTransfer-Encoding: chunked",
                       "Content-Length: -5", "Content-Length: 5x", "Content-Length: "):
            answer, line = site.raw(request(length))
            expect(f"status of {length!r}", answer.status, 400)
            expect_that(line.closed(), "the connection is closed", length)
        expect("status of another coding",
               site.raw(request("Transfer-Encoding: gzip"))[0].status, 501)
        # Shorter than it says: the rest of the body is no request.
        answer, line = site.raw(request(f"Content-Length: {len(BODY) - 9}"))
        expect("status of a short one", answer.status, 401)
        rest = line.answer()
        expect_that(rest is None or rest.status == 400, "the rest is no request", rest)
        # Longer than it is: it never ends, and the connection does.
        answer, line = site.raw(request(f"Content-Length: {len(BODY) + 9}"))
        expect("an answer to what is not complete", answer, None)
        site.refused("bad-length", 3)
        site.refused("transfer-coding", 1)


def bodies_in_chunks_and_after_a_100():
    with AbuseStage() as site:
        site.raise_all(2)
        phone = site.phone(1)
        phone.challenge()
        head = phone.request("msk-request", BODY, phone.authorization(TARGET, BODY))
        head = head[:-len(BODY)].replace(f"Content-Length: {len(BODY)}".encode(),
                                         b"Transfer-Encoding: chunked")
        chunks = b"".join(b"%x;ext=1\r\n%s\r\n" % (len(part), part)
                          for part in (BODY[:1], BODY[1:50], BODY[50:]))
        answer, _ = site.raw(head + chunks + b"0\r\nX-Trailer: y\r\n\r\n")
        expect("status", answer.status, 200)
        sent = phone.request("msk-request", BODY, phone.authorization(TARGET, BODY),
                             more="Expect: 100-continue\r\n")
        with Line(site.ua_address()) as line:
            line.send(sent[:-len(BODY)])
            wait_until("100", lambda: b"100 Continue" in line.buffer or line._fill(), 5)
            line.send(BODY)
            expect("status", line.answer().status, 200)


def xml_that_harms():
    with AbuseStage() as site:
        site.raise_all(2)
        phone = site.phone(1)
        bomb = ('<!DOCTYPE r [<!ENTITY a "' + "ha" * 50 + '">' + "".join(
            f'<!ENTITY {chr(98 + i)} "' + f"&{chr(97 + i)};" * 10 + '">' for i in range(10))
            + "]><r><serviceID>&k;</serviceID></r>").encode()
        bodies = {
            "doctype": [bomb, b'<!DOCTYPE r SYSTEM "file:///etc/passwd"><r/>'],
            "xml-bounds": [b"<a>" * 20000, b"<r>" + b"<serviceID>s</serviceID>" * 2000 + b"</r>",
                           register_body("x" * 60000)],
            "bad-xml": [b"", b"\0", b"<r><serviceID>a\0b</serviceID></r>", b"\xff\xfe<",
                        b"<r>", b"{}", register_body(SERVICE)[:-1]],
            "bad-item": [register_body("")],
            "no-items": [b"<r/>", BODY],
        }
        for name, texts in bodies.items():
            for text in texts:
                answer = phone.ask("register", text)
                expect(f"status of {text[:40]}", answer.status, 400)
                expect_that("authentication-info" in answer.headers, "rspauth", answer)
            site.refused(name, len(texts))
        attributes = b"<r " + b"".join(b'a%d="b" ' % i for i in range(5000)) + b"/>"
        expect("many attributes", phone.ask("register", attributes).status, 400)


def a_thousand_slow_clients():
    """Each sends an octet a second, others are served meanwhile, and in the end they are closed."""
    with AbuseStage("  request_timeout: 6s\n  connections: 2000\n") as site:
        site.raise_all(2)
        address = site.ua_address()
        head = b"POST /keymanagement?requesttype=msk-request HTTP/1.1\r\nHost: bmsc\r\nX-Y: "
        selector = selectors.DefaultSelector()
        slow = []
        for index in range(1000):
            line = socket.create_connection(address)
            line.setblocking(False)
            # Some are slow from the first octet, some in the middle of a header.
            line.send(head[:1] if index % 2 else head)
            selector.register(line, selectors.EVENT_READ)
            slow.append(line)
        served = 0
        end = time.monotonic() + 5
        while time.monotonic() < end:
            site.still_serves()
            served += 1
            for line in slow:
                with contextlib.suppress(OSError):
                    line.send(b"z")
            time.sleep(0.2)
        expect_that(served >= 5, "others are served", served)
        closed = 0
        end = time.monotonic() + 15
        while closed < len(slow) and time.monotonic() < end:
            for line in slow:
                with contextlib.suppress(OSError):
                    line.send(b"z")
            for key, _ in selector.select(0.2):
                with contextlib.suppress(BlockingIOError):
                    try:
                        data = key.fileobj.recv(65536)
                    except ConnectionError:
                        data = b""
                    if not data:
                        selector.unregister(key.fileobj)
                        closed += 1
        expect("slow ones that were closed", closed, len(slow))
        expect_that(site.cli("stats")["ua"]["connections_slow"] >= 1000, "counted",
                    site.cli("stats")["ua"])
        for line in slow:
            line.close()


def connections_in_lockstep():
    """As many as libmicrohttpd looks at in one go, and twice as many: none of them waits."""
    with AbuseStage() as site:
        site.raise_all(2)
        for count in (128, 256):
            phone = site.phone(1)
            phone.challenge()
            lines = [Line(site.ua_address()) for _ in range(count)]
            begin = time.monotonic()
            for _ in range(10):
                for line in lines:
                    line.send(phone.request("msk-request", BODY,
                                            phone.authorization(TARGET, BODY)))
                for line in lines:
                    answer = line.answer()
                    expect_that(answer is not None and answer.status == 200, "200", answer)
            expect_that(time.monotonic() - begin < 30, "no stall", time.monotonic() - begin)
            for line in lines:
                line.close()
            phone.close()


def many_phones_are_challenged_in_one_second():
    """All get a nonce of their own, and answer much later than each other: none is refused."""
    with AbuseStage() as site:
        site.raise_all(400)
        phones = [site.phone(index) for index in range(len(site.rows))]
        for phone in phones:
            phone.challenge()
        expect("nonces", len({phone.nonce for phone in phones}), len(phones))
        for phone in phones:
            expect("status", phone.ask("msk-request", BODY).status, 200)
            phone.close()
        expect("outcomes", site.results(),
               {"ok": len(phones), "no-credentials": len(phones)})


if __name__ == "__main__":
    tell(wrong_responses_are_challenged_then_limited_and_right_ones_never,
         changed_body_query_and_method_are_wrong, replays_and_foreign_nonces_are_stale,
         malformed_credentials_are_400, nobody_knows_the_btid, methods_targets_and_media_types,
         a_client_without_the_token_is_refused_when_configured, headers_and_bodies_without_end,
         lengths_that_lie, bodies_in_chunks_and_after_a_100, xml_that_harms,
         a_thousand_slow_clients, connections_in_lockstep,
         many_phones_are_challenged_in_one_second)
