#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the mskpush authors
"""Answers mskpush as the daemon would, on a UNIX socket, from a script.

Usage: fake_admin.py SOCKET LOG. Prints "ready" once it listens. LOG gets a JSON line for every
request. What a campaign comes to is told by the number of its key group, and what goes wrong by
the name of the subscriber that is asked for.
"""

import hashlib
import json
import socketserver
import sys
from http.server import BaseHTTPRequestHandler
from urllib.parse import unquote, urlsplit

POLLS_UNTIL_CLOSED = 2
HUGE_BYTES = 65 << 20

# Key group number -> state, verified, given up, refused, of 1,234,567 members.
VERDICTS = {
    "0001": ("done", 1234567, 0, 0),
    "0002": ("done", 1234565, 2, 0),
    "0003": ("aborted", 1234566, 1, 0),
    "0005": ("running", 1000000, 0, 0),  # for ever
    "0006": ("done", 1234564, 0, 3),
    "0010": ("running", 1000, 0, 0),  # for ever, stalled
    "0011": ("running", 1000, 0, 0),  # for ever, and the port takes too little
}

polls = {}
drops = {"bad-mac": 5, "duplicate": 10, "runt": 0}


def campaign(number, is_closed):
    state, verified, given_up, refused = VERDICTS[number]
    if not is_closed:
        state, verified = "running", 1000
    return {
        "id": int(number), "kind": "push", "group": "001-01/" + number,
        "msk": {"number": "0002", "check": "a1b2c3", "csb_id": "12345678", "rand": "00" * 16},
        "state": state, "stall": "no-gateway-mac" if number == "0010" else None, "rate": 0, "sends": 8, "round": 1, "rounds": 3,
        "members": 1234567, "verified": verified, "given_up": given_up, "refused": refused,
        "pending": 1234567 - verified - given_up - refused,
        "refused_by": {"no-muk": 2, "muk-expired": 1} if refused else {},
        "pushes": 1300000, "pushes_per_s": 412345.6, "seconds": 3.15,
        "created": "2026-01-01T00:00:00.000Z", "started": "2026-01-01T00:00:00.000Z",
        "ended": None,
    }


def subscriber(number):
    return {
        "id": number, "impi": "user%d@ims" % number, "btid": "b%d@bsf" % number,
        "has_muk": True, "has_mrk": False, "expires": "2026-12-01T00:00:00Z",
        "is_expired": False, "address": "10.0.0.%d" % number, "port": 2269, "keys_in": "me",
        "services": ["urn:a"], "registered": ["urn:a", "urn:b"], "is_verified": False,
        "prev_btid": None, "prev_expires": None,
    }


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def address_string(self):
        return "unix"

    def body_read(self):
        if self.headers.get("Transfer-Encoding") == "chunked":
            parts = []
            while True:
                size = int(self.rfile.readline(), 16)
                parts.append(self.rfile.read(size))
                self.rfile.readline()
                if size == 0:
                    return b"".join(parts)
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def send(self, status, data, content_type="application/json"):
        if not isinstance(data, bytes):
            data = json.dumps(data).encode()
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def fail(self, status, word, message, **more):
        self.send(status, {"error": word, "message": message, **more})

    def handle_call(self):
        body = self.body_read()
        url = urlsplit(self.path)
        with open(sys.argv[2], "a", encoding="utf-8") as log:
            log.write(json.dumps({
                "call": self.command + " " + self.path,
                "body": body.decode() if len(body) < 4096 else len(body),
                "sha256": hashlib.sha256(body).hexdigest()[:8],
            }) + "\n")
        words = [unquote(word) for word in url.path.split("/")[2:]]
        getattr(self, "on_" + words[0], self.on_unknown)(words[1:], url.query, body)

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = handle_call

    def on_unknown(self, words, query, body):
        self.fail(404, "unknown-path", "There is nothing at this path.")

    def on_status(self, words, query, body):
        # More of everything than a screen has room for.
        port = {"name": "p" * 31, "device": "net_null", "driver": "net_null", "state": "up",
                "why": None, "mtu": 1500, "mac": "02:00:00:00:00:02", "addresses": [], "vlan": [],
                "paths": {}}
        hop = {"via": "2001:db8:1111:2222:3333:4444:5555:6666", "port": "p" * 31,
               "source": "2001:db8:1111:2222:3333:4444:5555:7777", "mac": "02:00:00:00:00:03",
               "stall": None}
        area = {"name": "\u00e4" * 15, "sent": 1 << 50, "verified": 1 << 50,
                "unreachable": 1 << 50}
        self.send(200, {
            "version": "0.1.0", "pid": 42, "started": "2026-01-01T00:00:00.000Z",
            "crypto": "ipsec-mb 1.3.0 avx512", "cpus": [0, 1],
            "port": {"name": "net_null0", "driver": "net_null", "is_up": True},
            "ports": [{"name": "core", "device": "net_null0", "driver": "net_null",
                       "state": "gone", "why": "its interface is not there", "mtu": 1500,
                       "mac": "02:00:00:00:00:01", "addresses": ["192.0.2.1", "2001:db8::1"],
                       "vlan": [5, 6], "paths": {"udp_checksum": "device",
                                                 "udp6_checksum": "software",
                                                 "receive_checksum": "software"}}]
                     + [port] * 7,
            "next_hops": [{"via": "192.0.2.254", "port": "core", "source": "192.0.2.1",
                           "mac": None, "stall": "no-gateway-mac"}] + [hop] * 5,
            "areas": [{"name": "north", "sent": 10, "verified": 8, "unreachable": 1234},
                      *[area] * 9,
                      {"name": None, "sent": 0, "verified": 0, "unreachable": 0}],
            "store": {"dir": "/var/lib/mskpush", "used_bytes": 3 << 30, "map_bytes": 8 << 30,
                      "subscribers": 10000000, "services": 1, "groups": 1},
            "clock": {"now": "2026-01-01T00:00:00.000Z", "counter_now": 31536000,
                      "headroom_s": 86400 * 20000},
            "memory": {"resident_bytes": 1 << 30, "keys_unlocked_bytes": 5000},
            "ua": {"listen": ["[2001:db8:1111:2222:3333:4444:5555:6666]:8080"],
                   "connections": 1 << 40, "waiting": 1 << 40},
            "governor": {"rate": 0},
            "campaigns": [campaign("0005", False),
                          dict(campaign("0005", False), id=4294967295, state="armed",
                               armed={"what": "frames", "members": 1000})]
                         + [dict(campaign("0005", False), stall="no-gateway-mac\u001b[31m")] * 9,
        })

    def on_stats(self, words, query, body):
        if words:
            self.send(200, {})
            return
        self.send(200, {
            "counters": {"pushes": 1234567, "verified": 0, "tx_full":
                         polls.get("0011", 0)}, "drops": drops, "mikey": {"ok": 3},
            "workers": [{"cpu": 1, "pushes": 1234567}],
            "stages": [{"name": "seal", "cycles": 1000, "items": 3, "cycles_per_item": 333.3}],
        })
        drops["bad-mac"] += 7

    def on_services(self, words, query, body):
        self.send(200, {"services": [{"id": 1, "name": "urn:a\x1b[31m", "groups": ["001-01/0001"]}]})

    def on_groups(self, words, query, body):
        msk = {"number": "0001", "state": "current", "is_released": True, "check": "a1b2c3",
               "csb_id": "12345678", "seq_l": 0, "seq_u": 65535,
               "created": "2026-01-01T00:00:00Z", "activated": "2026-01-01T00:00:00Z"}
        if words and words[1] == "0009":
            self.fail(404, "unknown-group", "There is no key group 001-01/0009.")
        elif words[2:] == ["msks"] and self.command == "GET":
            self.send(200, {"msks": [msk, dict(msk, number="0002", state="next")]})
        elif words[2:3] == ["msks"]:
            self.send(201, msk)
        else:
            self.send(200, {"groups": [{"group": "001-01/0001", "profile": "ts33246",
                                        "last_key_number": "0001", "msks": 1,
                                        "created": "2026-01-01T00:00:00Z"}]})

    def on_import(self, words, query, body):
        lines = body.decode().splitlines()
        bad = [i + 1 for i, line in enumerate(lines) if "BAD" in line]
        why = {"column": "expires", "why": "has to be a time"}
        if bad and "skip-bad=0" in query:
            self.fail(400, "bad-line", "Line %d, column expires: has to be a time." % bad[0],
                      line=bad[0], **why)
            return
        rows = len(lines) - 1
        self.send(200, {"rows": rows, "added": rows - len(bad), "changed": 0, "unchanged": 0,
                        "skipped": len(bad), "seconds": 0.5, "per_s": rows * 2,
                        "bad": [{"line": n, **why} for n in bad]})

    def on_subscribers(self, words, query, body):
        if not words:
            self.send(200, {"subscribers": [subscriber(1), subscriber(2)], "next": 2})
            return
        wrong = getattr(self, "wrong_" + words[0], None)
        if wrong is not None:
            wrong()
        elif words[0] == "nobody":
            self.fail(404, "unknown-subscriber", "There is no subscriber\nwith this IMPI.")
        elif self.command == "DELETE":
            self.send(200, {})
        else:
            self.send(200, subscriber(1))

    def wrong_close(self):
        self.close_connection = True

    def wrong_half(self):
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        self.wfile.write(b'{"id": 1')
        self.close_connection = True

    def wrong_garbage(self):
        self.send(200, b"<html>no json</html>")

    def wrong_array(self):
        self.send(200, [1, 2])

    def wrong_empty(self):
        self.send(200, b"")

    def wrong_types(self):
        self.send(200, {"id": "x", "impi": 5, "services": "none", "port": {}, "expires": []})

    def wrong_deep(self):
        self.send(200, b"[" * 1000000)

    def wrong_huge(self):
        self.send(200, b" " * HUGE_BYTES)

    def wrong_bare500(self):
        self.send(500, b"")

    def wrong_full(self):
        self.fail(507, "store-full", "The store is full.")

    def on_campaigns(self, words, query, body):
        if not words and self.command == "GET":
            self.send(200, {"campaigns": [campaign("0002", True), campaign("0001", True)]})
        elif not words:
            self.campaign_order(json.loads(body))
        elif words[1:2] == ["undelivered"]:
            self.undelivered("after=" in query)
        elif int(words[0]) == 8:
            self.send(200, {"strange": True})
        elif "%04d" % int(words[0]) not in VERDICTS:
            self.fail(404, "unknown-campaign", "There is no such campaign.")
        else:
            number = "%04d" % int(words[0])
            polls[number] = polls.get(number, 0) + 1
            is_closed = number not in ("0005", "0010", "0011") and polls[number] > POLLS_UNTIL_CLOSED
            self.send(200, campaign(number, is_closed))

    def campaign_order(self, order):
        number = order["group"].split("/")[1]
        if order.get("dry_run") and (number == "0004" or "subscriber" in order):
            self.send(200, {"members": 1, "pushes": 1, "solicits": 0})
            return
        if not order.get("dry_run") or number not in VERDICTS:
            self.campaign_start(number)
            return
        self.send(200, {
            "members": 1234567, "pushes": 1234000, "solicits": 500, "refused": 67,
            "refused_by": {"no-muk": 67}, "rate": 2000, "seconds": 617.3,
            "areas": [{"name": "north", "members": 1000000, "solicits": 500, "rate": 1000,
                       "seconds": 1000.0},
                      {"name": None, "members": 234500, "solicits": 0, "rate": 0,
                       "seconds": None}]})

    def campaign_start(self, number):
        if number == "0009":
            self.fail(404, "unknown-group", "There is no key group 001-01/0009.")
        elif number == "0004":
            self.fail(409, "campaign-running", "Campaign 5 runs on this group.", campaign=5)
        elif number == "0007":
            self.send(201, {"strange": True})
        else:
            polls[number] = 0
            self.send(201, campaign(number, False))

    def undelivered(self, is_second):
        member = {"id": 3 + is_second, "impi": "a@b", "btid": "c@d", "state": "given-up",
                  "why": 'said "no", twice' if is_second else "sent 8 times", "sends": 8}
        self.send(200, {"members": [member], "next": None if is_second else 3})

    def on_capture(self, words, query, body):
        if "count=99" in query:
            self.fail(409, "capture-running", "A capture is running.")
            return
        self.send(200, b"\x0a\x0d\x0d\x0a" + b"frames" * 10, "application/octet-stream")


class Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    request_queue_size = 16

    def get_request(self):
        request, _ = super().get_request()
        return request, ("unix", 0)

    def handle_error(self, request, client_address):
        pass


def main():
    with Server(sys.argv[1], Handler) as server:
        print("ready", flush=True)
        server.serve_forever()


main()
