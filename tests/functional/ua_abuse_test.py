#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the mskpush authors

"""Bad requests on Ua: a clear status, a counter, a log line without secrets, and the others
served meanwhile.

    a phone that behaves --HTTP--> mskpushd <--anything-- somebody else
"""

import base64

from abuse_stage import BODY, TARGET, AbuseStage
from story import expect, expect_in, expect_that, tell
from ua_client import key_item, msk_body, register_body
from ua_stage import SERVICE


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


def a_nonce_from_before_a_restart_is_stale():
    with AbuseStage() as site:
        site.raise_all(2)
        used, fresh = site.phone(0), site.phone(1)
        expect("codes", used.ask("msk-request", BODY).codes(), ["200 OK"])
        fresh.challenge()
        site.stop_daemon()
        site.start_daemon()
        for before in (used, fresh):
            phone = site.phone(0 if before is used else 1)
            phone.nonce, phone.nc = before.nonce, before.nc
            answer = phone.ask("msk-request", BODY)
            expect("stale", (answer.status, answer.challenge().get("stale")), (401, "true"))
            phone.take_nonce(answer)
            expect("codes", phone.ask("msk-request", BODY).codes(), ["200 OK"])


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


if __name__ == "__main__":
    tell(wrong_responses_are_challenged_then_limited_and_right_ones_never,
         changed_body_query_and_method_are_wrong, replays_and_foreign_nonces_are_stale,
         a_nonce_from_before_a_restart_is_stale,
         malformed_credentials_are_400, nobody_knows_the_btid, methods_targets_and_media_types,
         a_client_without_the_token_is_refused_when_configured, xml_that_harms)
