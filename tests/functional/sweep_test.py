#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the mskpush authors

"""Every call of the admin API and every command with arguments that are missing, wrong, huge or
hostile: cases are made from the program's own tables, so none is left out. Always a clear error,
never a crash, a hang or a 5xx. Two operators at once, and a log that nobody takes.

    hostile arguments --> admin.sock --> mskpushd;  hostile words --> mskpush --> admin.sock
"""

import concurrent.futures
import http.client
import json
import os
import subprocess

from story import (BAD_USAGE, GROUP, NOT_ALL, Stage, expect, expect_that, tell, wait_until)
from unix_http import UnixHTTPConnection

PHONES = 20
SEGMENTS = ["x", "0", "-1", "4294967295", "99999999999999999999", "%00", "%", "%ff%fe", "..",
            "a" * 300, "a" * 5000, "%27%3B--", "%1b%5b31m", "%f0%9f%93%b1"]
QUERIES = ["limit=0", "limit=-1", "limit=99999999999999999999", "limit=x", "after=x",
           "after=-1", "after=4294967296", "skip-bad=2", "dry-run=%00", "count=x", "count=-1",
           "ue=" + "a" * 1000, "x" * 6000, "a=" * 1000, "&&&=&%", "limit", "limit=%zz"]
VALUES = [None, True, -1, 0, 1.5, 1 << 62, 1e300, "", "x", "\u0000", "\ud7ff\u202e", "x" * 5000, [],
          [[]], [None] * 1000, {}, {"a": {}}, "001-01/0001", "2999-01-01T00:00:00Z"]
RAW = [b"", b"{", b"[]", b"null", b'"x"', b"\xff\xfe\x00", b"[" * 5000, b'{"a":1,"a":2}',
       b"x" * 100000, b'{"a":1e999}', b"{}{}"]
# Members that some call knows.
MEMBERS = ["kind", "group", "new", "arm", "sends", "waits", "solicits", "solicit_waits",
           "solicit_previous", "rate", "within", "by", "subscriber", "subscribers", "area",
           "sample", "undelivered_of", "at", "stop_if_unverified", "stop_after", "dry_run",
           "groups", "policy", "profile", "seq_l", "seq_u", "flows", "confidentiality",
           "integrity", "source", "deep", "file", "measure", "btid", "muk", "mrk", "expires",
           "address", "port", "keys_in", "services", "registered", "impi", "nothing"]
WORDS = ["", "x", "-1", "0", "99999999999999999999", "../nowhere/x", "/nonexistent/x", "a" * 4000,
         "\x1b[31m", "%00", "\u202e", "001-01/0001", "--", "-"]
SHUTDOWN = "/v1/shutdown"


class Caller:
    """A connection to the admin socket that is made anew when the daemon closes it."""

    def __init__(self, site):
        self.site = site
        self.client = None

    def call(self, method, path, body=None):
        """One request; returns (status, text)."""
        for _ in range(2):
            if self.client is None:
                self.client = UnixHTTPConnection(self.site.socket)
            try:
                self.client.request(method, path, body)
                answer = self.client.getresponse()
                text = answer.read().decode("utf-8", "replace")
                if answer.will_close:
                    self.client = None
                return answer.status, text
            except (http.client.HTTPException, ConnectionError):
                self.client = None
        return 0, "no answer"


def filled(pattern, segment):
    """A path of the table with something for each wildcard."""
    return pattern.replace("*", segment)


def cases_of(method, path):
    """What one call is asked: (path, body)."""
    usual = [filled(path, "x"), path.replace("/*/*", "/001-01/0001").replace("*", "1")]
    for segment in SEGMENTS if "*" in path else []:
        yield filled(path, segment), None
    for query in QUERIES:
        yield f"{usual[0]}?{query}", None
    if method == "GET":
        return
    for raw in RAW:
        yield usual[1], raw
    for i, member in enumerate(MEMBERS):
        yield usual[1], json.dumps({member: VALUES[i % len(VALUES)]}).encode()
    for value in VALUES:
        yield usual[1], json.dumps(dict.fromkeys(MEMBERS, value)).encode()


def judge(status, text):
    """None, or what is wrong with an answer."""
    if status in (200, 201):
        return None
    if not 400 <= status < 500:
        return "no 4xx"
    try:
        answer = json.loads(text)
    except ValueError:
        # Libmicrohttpd refuses what is no HTTP by itself.
        return None if status in (400, 413, 414, 431) else "no JSON"
    is_clear = isinstance(answer.get("error"), str) and len(answer.get("message", "")) > 10
    return None if is_clear else "no sentence"


def every_call_with_hostile_arguments():
    with Stage() as site:
        # Each call that is refused is on the disk before it is answered: there are too many here.
        audit = f"/dev/shm/{os.path.basename(site.dir)}.audit"
        site.extra_yaml = f"admin: {{audit: {audit}}}\n"
        site.make_phones(PHONES)
        site.start_daemon()
        os.unlink(audit)
        site.provision()
        caller = Caller(site)
        # But for the call that ends the daemon, and those that answer for as long as one reads.
        routes = [(row["method"], row["path"]) for row in
                  json.loads(caller.call("GET", "/v1/api")[1])["calls"]
                  if row["path"] != SHUTDOWN and not row["text"].startswith("stream ")]
        expect_that(len(routes) > 30, "the calls there are", routes)
        wrong, asked = [], 0
        for method, path in routes:
            for target, body in cases_of(method, path):
                status, text = caller.call(method, target, body)
                why = judge(status, text)
                asked += 1
                if why:
                    wrong.append((why, method, target[:80], (body or b"")[:80], status, text[:200]))
        for query in ("count=x", "count=-1", "count=99999999999999999999", "count=%00", "ue=nobody"):
            status, text = caller.call("POST", f"/v1/capture?{query}")
            expect_that(status >= 400 and judge(status, text) is None, "capture is refused",
                        (query, status, text))
        expect_that(not wrong, f"a clear 4xx for each of {asked}", wrong[:20])
        expect_that(asked > 1500, "many are asked", asked)
        expect("the daemon", site.daemon.poll(), None)
        expect("phones", site.cli("status")["store"]["subscribers"], PHONES)


def every_command_with_hostile_words():
    with Stage() as site:
        site.start_daemon()
        commands = site.cli("help")["commands"]

        def run(words):
            done = subprocess.run([site.program("mskpush"), "--json", *words], timeout=20,
                                  env=site.environment(), stdin=subprocess.DEVNULL, text=True,
                                  cwd=site.path("."), stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, check=False)
            return words, done

        def cases():
            for at, row in enumerate(commands):
                name = row["command"].split()
                yield [*name, *["x"] * 45]  # too many
                if name in (["capture"], ["help"], ["status"], ["watch"]):
                    continue  # go on for ever, or take no words
                # Some of the words for each command, all of them for each few.
                for i in range(at, at + 5):
                    word = WORDS[3 * i % len(WORDS)]
                    option = row["options"][i % len(row["options"])] if row["options"] else None
                    flag = [f"{option['option']}={word}"] if option else []
                    yield [*name, word, *flag]
            yield from ([], ["nonsense"], ["\x1b[31m"], ["campaign"], ["status", "--count=1"],
                        ["watch", "--count=-1"], ["watch", "--count=x"], ["--socket"])

        wrong, ran = [], 0
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            for words, done in pool.map(run, cases()):
                ran += 1
                is_clear = done.returncode == 0 or (
                    done.returncode in (NOT_ALL, BAD_USAGE) and
                    done.stderr.startswith("mskpush: ") and done.stderr.count("\n") == 1 and
                    "\x1b" not in done.stderr)
                if not is_clear:
                    wrong.append((words[:4], done.returncode, done.stdout[-200:], done.stderr[-300:]))
        expect_that(not wrong, f"0, or one line of error, of each of {ran}", wrong[:20])
        expect("the daemon", site.daemon.poll(), None)


def of_two_operators_at_once_one_wins_and_the_other_is_told():
    with Stage() as site:
        site.raise_all(PHONES)
        order = json.dumps({"kind": "push", "group": GROUP, "rate": 5}).encode()
        callers = [Caller(site) for _ in range(8)]
        with concurrent.futures.ThreadPoolExecutor(len(callers)) as pool:
            answers = list(pool.map(lambda c: c.call("POST", "/v1/campaigns", order), callers))
        statuses = sorted(status for status, _ in answers)
        expect("one of them starts it", statuses, [201] + [409] * 7)
        made = next(json.loads(text)["id"] for status, text in answers if status == 201)
        for status, text in answers:
            if status == 409:
                expect("which one runs", (json.loads(text)["error"], json.loads(text)["campaign"]),
                       ("campaign-running", made))
        seen, _, errors = site.run("push", GROUP, "--yes", is_json=False)
        expect("exit status", seen, NOT_ALL)
        expect_that(f"mskpush campaign watch {made}" in errors, "how to watch it is told", errors)
        site.cli("campaign", "abort", str(made))


def a_log_that_takes_nothing_stops_nothing():
    with Stage() as site:
        site.make_phones(PHONES)
        site.write_config()
        with open("/dev/full", "wb") as full:
            site.daemon = subprocess.Popen(  # pylint: disable=consider-using-with
                [site.program("mskpushd"), "--config", site.path("mskpushd.yaml"),
                 "--log-level", "debug"], env=site.environment(), stdin=subprocess.DEVNULL,
                stdout=full, stderr=full)
        wait_until("it answers", lambda: os.path.exists(site.socket) and
                   site.run("status")[0] == 0)
        site.start_phones(site.csv)
        site.provision()
        expect("verified", site.push()["verified"], PHONES)
        lost = [line for line in Caller(site).call("GET", "/metrics")[1].splitlines()
                if line.startswith("mskpush_log_lost_total")]
        expect_that(float(lost[0].split()[-1]) > 0, "lines that were lost are counted", lost)


if __name__ == "__main__":
    tell(every_call_with_hostile_arguments, every_command_with_hostile_words,
         of_two_operators_at_once_one_wins_and_the_other_is_told,
         a_log_that_takes_nothing_stops_nothing)
