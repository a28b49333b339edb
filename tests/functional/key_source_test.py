#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the mskpush authors

"""The key source that mskpush-ue plays: HTTP and JSON on a UNIX socket, asked as a BM-SC would.

    this script --POST /v1/bootstrapping-info--> mskpush-ue --key-source
"""

import concurrent.futures
import json
import os
import socket
import stat

from bmsc_server import ask_key_source
from story import FQDN, Stage, expect, expect_that, tell
from unix_http import UnixHTTPConnection, unix_call

NO_PORT = "net_null0,no-rx=1"
PATH = "/v1/bootstrapping-info"


def source_with(count, *generate):
    """Phones and their key source; no HTTP of the phones."""
    site = Stage(ue_port=NO_PORT)
    site.make_phones(count, *generate)
    site.keys = site.path("keys.sock")
    site.start_phones(site.csv, "--key-source", site.keys)
    return site


def request(site, method, path, body=b""):
    """(status, JSON) of any request."""
    status, _, text = unix_call(site.keys, method, path, body)
    return status, json.loads(text)


def keys_of_the_csv_are_told():
    with source_with(200, "--uicc", "30") as site:
        expect("mode of the socket", stat.S_IMODE(os.stat(site.keys).st_mode), 0o600)
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            answers = list(pool.map(lambda row: ask_key_source(site.keys, row["btid"], FQDN),
                                    site.rows))
        for row, (status, answer) in zip(site.rows, answers):
            expect("status", status, 200)
            expect("IMPI", answer["impi"], row["impi"])
            if row["keys_in"] == "uicc":
                expect("keys", (answer["ks_int_naf"], answer["ks_ext_naf"], answer["keys_in"]),
                       (row["muk"], row["mrk"], "uicc"))
            else:
                expect("key", (answer["ks_naf"], answer["keys_in"]), (row["muk"], "me"))
        expect("questions answered", site.phones(do="status")["key_source"]["answered"], 200)


def questions_on_one_connection_are_answered():
    with source_with(50) as site:
        connection = UnixHTTPConnection(site.keys)
        for row in site.rows:
            connection.request("POST", PATH, json.dumps(
                {"btid": row["btid"], "naf_id": FQDN.encode().hex() + "0100000001"}))
            answer = connection.getresponse()
            expect("IMPI", json.loads(answer.read())["impi"], row["impi"])
        connection.close()


def what_is_not_to_be_told_is_refused():
    with source_with(3, "--expired", "34") as site:
        expired = next(row for row in site.rows if int(row["expires"]) < 2 ** 31
                       and ask_key_source(site.keys, row["btid"], FQDN)[0] == 404)
        expect_that(expired is not None, "the expired one is not known", site.rows)
        known = next(row for row in site.rows if row is not expired)["btid"]
        for wanted, got in (
                ((404, "not-known"), ask_key_source(site.keys, "nobody@bsf", FQDN)),
                ((403, "not-authorised"), ask_key_source(site.keys, known, "other.net")),
                ((400, "bad-request"), request(site, "POST", PATH, b"{")),
                ((400, "bad-request"), request(site, "POST", PATH, b"")),
                ((400, "bad-request"), request(site, "POST", PATH, b"[1]")),
                ((413, "too-long"), request(site, "POST", PATH, b"x" * 100000)),
                ((404, "no-such-target"), request(site, "POST", "/v2")),
                ((405, "no-such-method"), request(site, "GET", PATH))):
            expect("refusal", (got[0], got[1]["error"]), wanted)
        for mood, wanted in (("busy", 503), ("not-authorised", 403), ("not-known", 404),
                             ("truthful", 200)):
            expect("mood", site.phones(do="key-source", answers=mood), {"ok": True})
            expect(mood, ask_key_source(site.keys, known, FQDN)[0], wanted)


def clients_that_hang_or_send_garbage_disturb_nobody():
    with source_with(3) as site:
        idle = []
        for part in (b"", b"POST ", b"\0" * 100, b"GET / HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
                     b"POST " + PATH.encode() + b" HTTP/1.1\r\nContent-Length: 99\r\n\r\n{"):
            line = socket.socket(socket.AF_UNIX)
            line.connect(site.keys)
            line.sendall(part)
            idle.append(line)
        expect("status", ask_key_source(site.keys, site.rows[0]["btid"], FQDN)[0], 200)
        for line in idle:
            line.close()
        expect("status", ask_key_source(site.keys, site.rows[1]["btid"], FQDN)[0], 200)


def socket_that_is_in_use_is_not_taken_away():
    with source_with(3) as site:
        status, _, errors = site.run("--phones", site.csv, "--port", "net_null1,no-rx=1",
                                     "--key-source", site.keys, "--file-prefix", "second",
                                     is_json=False, program="mskpush-ue")
        expect("exit status", status, 1)
        expect_that("in use" in errors, "it says why", errors)
        expect("status", ask_key_source(site.keys, site.rows[0]["btid"], FQDN)[0], 200)
        site.stop_phones()
        expect("socket is gone", os.path.exists(site.keys), False)


if __name__ == "__main__":
    tell(keys_of_the_csv_are_told, questions_on_one_connection_are_answered,
         what_is_not_to_be_told_is_refused, clients_that_hang_or_send_garbage_disturb_nobody,
         socket_that_is_in_use_is_not_taken_away)
