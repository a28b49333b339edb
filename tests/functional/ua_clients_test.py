#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the mskpush authors

"""Abuse of connections on Ua: headers and bodies without end, lengths that lie, clients that are
slow, or many at the same moment; and the others served meanwhile.

    a phone that behaves --HTTP--> mskpushd <--anything-- somebody else
"""

import contextlib
import selectors
import signal
import socket
import time

from abuse_stage import BODY, TARGET, AbuseStage
from story import expect, expect_that, tell, wait_until
from ua_client import Line


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
    """As many as libmicrohttpd looks at in one go, and twice as many, are ready at the same moment,
    again and again: none of them waits."""
    with AbuseStage() as site:
        site.raise_all(2)
        for count in (128, 256):
            phones = [site.phone(1) for _ in range(count)]
            for phone in phones:
                phone.challenge()
            begin = time.monotonic()
            for _ in range(10):
                site.daemon.send_signal(signal.SIGSTOP)
                for phone in phones:
                    phone.line.send(phone.request("msk-request", BODY,
                                                  phone.authorization(TARGET, BODY)))
                site.daemon.send_signal(signal.SIGCONT)
                for phone in phones:
                    answer = phone.line.answer()
                    expect_that(answer is not None and answer.status == 200, "200", answer)
                    phone.check(answer, TARGET)
            expect_that(time.monotonic() - begin < 30, "no stall", time.monotonic() - begin)
            for phone in phones:
                phone.close()


if __name__ == "__main__":
    tell(headers_and_bodies_without_end, lengths_that_lie, bodies_in_chunks_and_after_a_100,
         a_thousand_slow_clients, connections_in_lockstep)
