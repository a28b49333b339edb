#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the mskpush authors

"""Bad input on the admin socket, and that nothing secret ever comes out of it.

    raw HTTP, noise, 200 connections, a slow client --> admin.sock --> mskpushd
"""

import base64
import json
import os
import random
import re
import socket
import stat

from story import (DONE, GROUP, SERVICE, Stage, expect, expect_in, expect_that, tell, wait_until,
                   write_csv)
from unix_http import unix_call

PHONES = 20
BODY_MAX = 32 << 20
PUSH = {"kind": "push", "group": GROUP}
A_GROUP, A_SERVICE = "/v1/groups/001-01/0001", "/v1/services/urn:x"


def connect(site, timeout_s=20):
    line = socket.socket(socket.AF_UNIX)
    line.settimeout(timeout_s)
    line.connect(site.socket)
    return line


def call(site, method, path, body=None, headers=None):
    """One request as bytes; returns (status, text)."""
    status, _, text = unix_call(site.socket, method, path, body, headers)
    return status, text.decode("utf-8", "replace")


def is_alive(site):
    expect("status of GET /v1/status", call(site, "GET", "/v1/status")[0], 200)


# method, path, body, status, word
CASES = [
    ("GET", "/", None, 404, "unknown-path"),
    ("GET", "/v2/status", None, 404, "unknown-path"),
    ("GET", "/v1/status/", None, 404, "unknown-path"),
    ("GET", "/v1/../v1/status", None, 404, "unknown-path"),
    ("DELETE", "/v1/status", None, 405, "bad-method"),
    ("NONSENSE", "/v1/status", None, 405, "bad-method"),
    ("PUT", "/v1/import", b"x", 405, "bad-method"),
    ("GET", "/v1/subscribers/%zz", None, 400, "bad-path"),
    ("GET", "/v1/subscribers/%00", None, 400, "bad-path"),
    ("GET", "/v1/subscribers/%ff%fe", None, 404, "unknown-subscriber"),
    ("GET", "/v1/subscribers/nobody", None, 404, "unknown-subscriber"),
    ("GET", "/v1/subscribers/" + "x" * 5000, None, 400, "bad-path"),
    ("GET", "/v1/subscribers?limit=0", None, 400, "bad-query"),
    ("GET", "/v1/subscribers?limit=10001", None, 400, "bad-query"),
    ("GET", "/v1/subscribers?after=-1", None, 400, "bad-query"),
    ("GET", "/v1/campaigns/1", None, 404, "not-found"),
    ("GET", "/v1/campaigns/one", None, 400, "bad-id"),
    ("GET", "/v1/campaigns/99999999999999999999", None, 400, "bad-id"),
    ("POST", "/v1/campaigns/1/pause", None, 404, "not-found"),
    ("POST", "/v1/campaigns", None, 411, "no-body"),
    ("POST", "/v1/campaigns", b"{", 400, "bad-json"),
    ("POST", "/v1/campaigns", b"[]", 400, "bad-json"),
    ("POST", "/v1/campaigns", b"\xff\xfe", 400, "bad-json"),
    ("POST", "/v1/campaigns", b'{"kind": "push", "kind": "push"}', 400, "bad-json"),
    ("POST", "/v1/campaigns", b"[" * 100000, 400, "bad-json"),
    ("POST", "/v1/campaigns", b'{"a": "' + b"x" * BODY_MAX + b'"}', 413, "body-too-large"),
    ("POST", "/v1/campaigns", {}, 400, "bad-value"),
    ("POST", "/v1/campaigns", {**PUSH, "kind": "pull"}, 400, "bad-value"),
    ("POST", "/v1/campaigns", {**PUSH, "group": 1}, 400, "bad-group"),
    ("POST", "/v1/campaigns", {**PUSH, "group": "1-1/1"}, 400, "bad-group"),
    ("POST", "/v1/campaigns", {**PUSH, "rate": "fast"}, 400, "bad-value"),
    ("POST", "/v1/campaigns", {**PUSH, "rate": -1}, 400, "bad-value"),
    ("POST", "/v1/campaigns", {**PUSH, "rate": 1.5}, 400, "bad-value"),
    ("POST", "/v1/campaigns", {**PUSH, "sends": 0}, 400, "bad-value"),
    ("POST", "/v1/campaigns", {**PUSH, "sends": 32}, 400, "bad-value"),
    ("POST", "/v1/campaigns", {**PUSH, "waits": 1}, 400, "bad-value"),
    ("POST", "/v1/campaigns", {**PUSH, "waits": []}, 400, "bad-value"),
    ("POST", "/v1/campaigns", {**PUSH, "waits": [1] * 40}, 400, "bad-value"),
    ("POST", "/v1/campaigns", {**PUSH, "waits": [None]}, 400, "bad-value"),
    ("POST", "/v1/campaigns", {**PUSH, "new": 1}, 400, "bad-value"),
    ("POST", "/v1/campaigns", {**PUSH, "subscriber": 7}, 400, "bad-value"),
    ("POST", "/v1/campaigns", {**PUSH, "colour": "red"}, 400, "unknown-member"),
    ("POST", "/v1/campaigns", {**PUSH, "group": "001-01/0077"}, 404, "unknown-group"),
    ("PATCH", "/v1/campaigns/1", {"rate": 1}, 404, "not-found"),
    ("PATCH", "/v1/campaigns/1", {"sends": 1}, 400, "unknown-member"),
    ("PUT", "/v1/groups/001-01/1", {}, 400, "bad-group"),
    ("PUT", "/v1/groups/abc-01/0001", {}, 400, "bad-group"),
    ("PUT", A_GROUP, {"profile": "fast"}, 400, "bad-profile"),
    ("PUT", A_GROUP, {"profile": 1}, 400, "bad-profile"),
    ("DELETE", "/v1/groups/001-01/0077", None, 404, "not-found"),
    ("POST", A_GROUP + "/msks", {"seq_l": 70000}, 400, "bad-value"),
    ("POST", A_GROUP + "/msks/zzzz/activate", None, 400, "bad-number"),
    ("PUT", A_SERVICE, {"groups": "001-01/0001"}, 400, "bad-value"),
    ("PUT", A_SERVICE, {"groups": ["001-01/0077"]}, 404, "unknown-group"),
    ("PUT", "/v1/services/" + "s" * 900, {"groups": [GROUP]}, 400, "bad-name"),
    ("POST", "/v1/stats/stages", {"measure": "yes"}, 400, "bad-value"),
    ("POST", "/v1/import?skip-bad=2", b"impi\n", 400, "bad-query"),
    ("POST", "/v1/import", b"", 400, "bad-line"),
    ("POST", "/v1/capture?count=x", None, 400, "bad-query"),
]


def bad_requests_get_the_right_status():
    with Stage() as site:
        site.start_daemon()
        site.cli("group", "add", GROUP)
        wrong = []
        for method, path, body, status, word in CASES:
            data = json.dumps(body).encode() if isinstance(body, dict) else body
            seen, text = call(site, method, path, data)
            answer = json.loads(text)
            if (seen, answer.get("error")) != (status, word) or len(answer["message"]) < 10:
                wrong.append((method, path[:60], str(body)[:60], (status, word), seen, answer))
        expect_that(not wrong, "the right status and word of each bad request", wrong)
        is_alive(site)
        expect("groups", len(site.cli("group", "list")["groups"]), 1)
        expect("services", site.cli("service", "list")["services"], [])
        expect("campaigns", site.cli("campaign", "list")["campaigns"], [])
        expect("MSKs", site.cli("msk", "list", GROUP)["msks"], [])


def noise_does_no_harm():
    randomness = random.Random(3)
    heads = [b"", b"GET / HTTP/1.1\r\n", b"POST /v1/import HTTP/1.1\r\nContent-Length: ",
             b"POST /v1/campaigns HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
             b"GET /v1/status HTTP/9.9\r\nHost: x\r\n\r\n", b"\r\n\r\n\r\n", b"\0" * 100,
             b"GET /v1/status HTTP/1.1\r\n" + b"X-Long: " + b"y" * 100000 + b"\r\n\r\n",
             b"POST /v1/import HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\nimpi",
             b"POST /v1/import HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n"]
    with Stage() as site:
        site.start_daemon()
        for head in heads * 3:
            line = connect(site)
            try:
                line.sendall(head + randomness.randbytes(randomness.randrange(2000)))
                line.shutdown(socket.SHUT_WR)
                while line.recv(65536):
                    pass
            except OSError:
                pass  # it may close the line on us
            line.close()
        is_alive(site)
        expect("subscribers", site.cli("status")["store"]["subscribers"], 0)


def open_descriptors(site):
    """As the daemon counts them: nobody else may look into a process that holds keys."""
    _, text = call(site, "GET", "/metrics")
    return float(re.search(r"^process_open_fds (\S+)$", text, re.MULTILINE).group(1))


def many_connections_and_slow_clients():
    with Stage() as site:
        site.raise_all(PHONES)
        site.push()
        before = open_descriptors(site)
        # A few that are slow leave room for others.
        slow = [connect(site) for _ in range(20)]
        for line in slow:
            line.sendall(b"POST /v1/campaigns HTTP/1.1\r\nHost: x\r\nContent-Le")
        is_alive(site)
        expect("verified beside slow clients", site.push()["verified"], PHONES)
        lines = []
        for _ in range(200):
            line = socket.socket(socket.AF_UNIX)
            line.setblocking(False)
            try:
                line.connect(site.socket)
            except OSError:
                pass  # the queue is full
            lines.append(line)
        expect("exit status of the daemon", site.daemon.poll(), None)
        for line in slow + lines:
            line.close()
        wait_until("room again", lambda: site.run("status")[0] == DONE)
        wait_until("all of them closed", lambda: open_descriptors(site) <= before + 2,
                   show=lambda: (before, open_descriptors(site)))
        expect("verified afterwards", site.push()["verified"], PHONES)


def secrets_of(site):
    """name -> octets of every key the site knows: MUK and MRK of the CSV, MSKs of the phones."""
    secrets = {}
    for row in site.rows:
        secrets[row["impi"] + " MUK"] = bytes.fromhex(row["muk"])
        secrets[row["impi"] + " MRK"] = bytes.fromhex(row["mrk"])
    for group in site.phones(do="report")["groups"]:
        secrets["MSK " + group["number"]] = bytes.fromhex(group["msk"])
    return secrets


def everything_it_says(site):
    """The answers to all that reads, as JSON and as text, and the answers to bad lines."""
    impi = site.rows[0]["impi"]
    words = [("status",), ("stats",), ("ue", "list"), ("ue", "show", impi), ("group", "list"),
             ("service", "list"), ("msk", "list", GROUP), ("campaign", "list"),
             ("campaign", "show", "1"), ("campaign", "show", "1", "--undelivered"),
             ("msk", "activate", GROUP, "0002"), ("ue", "import", site.csv)]
    bad = [{**site.rows[0], "muk": site.rows[0]["muk"][:-1]},
           {**site.rows[1], "mrk": site.rows[1]["mrk"] + "0"},
           {**site.rows[2], "ks_naf": "00" * 32}]
    bad_csv = write_csv(site.path("bad.csv"), bad, [*site.rows[0], "ks_naf"])
    words += [("ue", "import", bad_csv), ("ue", "import", bad_csv, "--skip-bad"),
              ("ue", "remove", impi)]
    said = ""
    for args in words:
        for is_json in (True, False):
            status, output, errors = site.run(*args, is_json=is_json)
            said += f"{args} {status} {json.dumps(output)} {errors}\n"
    for path in ("/metrics", "/v1/key", "/v1/mtks", f"/v1/subscribers/{impi}"):
        said += call(site, "GET", path)[1]
    return said


def nothing_secret_comes_out():
    with Stage() as site:
        site.make_phones(PHONES)
        site.start_daemon("--log-level", "debug")
        site.start_phones(site.csv)
        site.provision()
        site.push()
        site.push("--new")
        said = everything_it_says(site)
        for name in ("mskpushd.log", "mskpush-ue.log", "store/audit.log"):
            with open(site.path(name), encoding="utf-8", errors="replace") as file:
                said += file.read()
        with open(f"/proc/{site.daemon.pid}/cmdline", "rb") as file:
            said += file.read().decode()
        secrets = secrets_of(site)
        expect("how many secrets are looked for", len(secrets), 2 * PHONES + 1)
        lowered = said.lower()
        for name, octets in secrets.items():
            # Half of a key is as bad as the whole.
            for part in (octets[:len(octets) // 2], octets[len(octets) // 2:]):
                expect_that(part.hex() not in lowered, f"no hex of {name}", "it is there")
            text = base64.b64encode(octets).decode().rstrip("=")
            expect_that(text[:-1] not in said, f"no base64 of {name}", "it is there")
        expect_in(site.cli("msk", "list", GROUP)["msks"][0]["check"], said)


def only_the_owner_gets_in():
    with Stage() as site:
        site.raise_all(PHONES)
        modes = {name: stat.S_IMODE(os.stat(site.path(name)).st_mode)
                 for name in ("admin.sock", "store", "store/data.mdb", "store/lock.mdb",
                              "store/lock", "store/counter.mark", "store/audit.log")}
        expect("modes", modes, {name: 0o700 if name == "store" else 0o600 for name in modes})
        expect("shutdown", call(site, "POST", "/v1/shutdown")[0], 200)
        expect("exit status", site.daemon.wait(20), 0)
        status, answer, _ = site.run("status")
        expect("exit status without a daemon", status, 3)
        expect_that(not os.path.exists(site.socket), "no socket left", answer)
        expect("services", SERVICE in json.dumps(answer), False)


if __name__ == "__main__":
    tell(bad_requests_get_the_right_status, noise_does_no_harm, many_connections_and_slow_clients,
         nothing_secret_comes_out, only_the_owner_gets_in)
