#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the mskpush authors

"""Phones register, fetch and deregister over HTTP, and get their MSKs by MIKEY.

    ua_client.py --HTTP Digest--> mskpushd ==MIKEY==> mskpush-ue (the same phones)
"""

import json
import time

from story import certificate_make, expect, expect_in, expect_that, tell, wait_until, write_csv
from ua_client import Phone, key_item, msk_body, params, register_body
from ua_stage import FQDN, GROUP, SERVICE, UaStage
from unix_http import unix_call
from wire import check_counters, read_wire

OTHER_GROUP, OTHER_SERVICE = "001-01/0002", "urn:other"


def held(site, index):
    """Numbers of the MSKs that a phone holds."""
    return sorted(m["number"] for m in
                  site.phones(do="phone", id=site.rows[index]["btid"])["msks"])


def told(site, index):
    """The events of a phone's story, each as (kind, what came of it, MSK)."""
    return [(e["event"], e.get("result") or e.get("code") or e.get("state"), e.get("msk"))
            for e in site.cli("trace", site.rows[index]["impi"])["events"]]


def a_phone_fetches_its_msk():
    with UaStage() as site:
        site.raise_all(3)
        phone = site.phone(0)
        answer = phone.challenge()
        expect("status", answer.status, 401)
        challenge = answer.challenge()
        expect("realm", challenge["realm"], "3GPP-bootstrapping@" + FQDN)
        expect("qop and algorithm", (challenge["qop"], challenge["algorithm"]),
               ("auth-int", "MD5"))
        expect_that("stale" not in challenge, "a plain challenge", challenge)
        answer = phone.ask("msk-request", msk_body(key_item(1)))
        expect("status", answer.status, 200)
        expect("type", answer.header("content-type"), "application/mbms-msk-response+xml")
        expect_in(key_item(1) + "<ResponseCode>200 OK</ResponseCode>", answer.body.decode())
        expect_that("authentication-info" in answer.headers, "rspauth", answer)
        seen = site.push_when(0, "verified")
        expect("what was pushed", (seen["last_push"]["group"], seen["last_push"]["msk"]),
               (GROUP, "0001"))
        expect("last pull", (seen["last_pull"]["procedure"], seen["last_pull"]["result"]),
               ("msk-request", "ok"))
        wait_until("the story of the phone", lambda: told(site, 0) == [
            ("request", "ok", None), ("item", "200 OK", "0000"), ("push", "sent", "0001"),
            ("push", "verified", "0001")], show=lambda: told(site, 0))
        groups = site.cli("trace", site.rows[0]["btid"])["groups"]
        expect("has it, and nothing in the way",
               [(g["group"], g["delivery"]["state"], g["reason"]) for g in groups],
               [(GROUP, "verified", None)])
        expect("the story of another phone", told(site, 1), [])
        expect("what it holds", held(site, 0), ["0001"])
        expect("what others hold", held(site, 1), [])
        wait_until("the verification is noted", lambda: site.shown(0)["is_verified"])


def registration_makes_a_member_and_deregistration_ends_it():
    with UaStage() as site:
        site.raise_unregistered(3)
        phone = site.phone(0)
        answer = phone.ask("register", register_body(SERVICE, "urn:unknown", OTHER_SERVICE))
        expect("status", answer.status, 200)
        expect("type", answer.header("content-type"), "application/mbms-register-response+xml")
        expect("codes", answer.codes(), ["200 OK", "404 Not Found", "404 Not Found"])
        expect("registered", site.shown(0)["registered"], [SERVICE])
        site.push_when(0, "verified")
        expect("members", site.push("--new")["members"], 1)
        wait_until("the second MSK", lambda: held(site, 0) == ["0001", "0002"])
        answer = phone.ask("deregister", register_body(SERVICE, "urn:unknown"))
        expect("codes", answer.codes(), ["200 OK", "404 Not Found"])
        expect("registered", site.shown(0)["registered"], [])
        expect("members", site.push()["members"], 0)
        # Asking once more is no mistake.
        expect("codes", phone.ask("deregister", register_body(SERVICE)).codes(), ["200 OK"])
        site.stop_phones()
        check_counters(read_wire(site.pcap)[0])


def exchange(site, index):
    """A phone is removed, and another one comes, with the same keys."""
    row = site.rows[index]
    site.cli("ue", "remove", row["impi"])
    subscriber = {"btid": row["btid"], "muk": row["muk"], "mrk": row["mrk"],
                  "expires": row["expires"], "address": row["address"],
                  "port": int(row["port"] or 2269), "services": [SERVICE], "registered": []}
    status, _, _ = unix_call(site.socket, "PUT", "/v1/subscribers/" + row["impi"],
                             json.dumps(subscriber))
    expect("status", status, 201)


def missed_update_is_served_once_within_the_back_off():
    with UaStage() as site:
        site.raise_unregistered(1)
        phone = site.phone(0)
        site.cli("mtk", "start", GROUP, "--to", "232.26.1.1:5004")
        ask = lambda: phone.ask("msk-request", msk_body(key_item(1))).codes()
        expect("codes", ask(), ["200 OK"])
        site.push_when(0, "verified")
        # The threads of HTTP see a commit within a second.
        wait_until("it is too soon", lambda: ask() == ["429 Too Many Requests"])
        expect("another MSK", phone.ask("msk-request", msk_body(key_item(1, 9))).codes(),
               ["404 Not Found"])
        # Who gets the id of somebody who has it, has not got it.
        number = site.shown(0)["id"]
        exchange(site, 0)
        shown = site.shown(0)
        expect("the same id, and nothing known", (shown["id"], shown["last_pull"],
               shown["last_push"]), (number, None, None))
        wait_until("another phone is served", lambda: ask() == ["200 OK"])
        site.push_when(0, "verified")
        wait_until("it is too soon again", lambda: ask() == ["429 Too Many Requests"])
        site.cli("mtk", "stop", GROUP)
        wait_until("it is not, where no MTKs are sent", lambda: ask() == ["200 OK"])


def deregistration_stops_repeats():
    with UaStage() as site:
        site.raise_unregistered(2)
        site.deafen(0)
        phone = site.phone(0)
        expect("codes", phone.ask("register", register_body(SERVICE)).codes(), ["200 OK"])
        site.push_when(0, "sent")
        expect("codes", phone.ask("deregister", register_body(SERVICE)).codes(), ["200 OK"])
        site.push_when(0, "ended")
        sent = site.cli("stats")["counters"]["singles_sent"]
        time.sleep(1.5)  # the first repeat would come after one second
        expect("messages", site.cli("stats")["counters"]["singles_sent"], sent)


def a_push_without_answer_is_repeated_and_verified():
    with UaStage() as site:
        site.raise_all(2)
        site.deafen(1)
        phone = site.phone(1)
        expect("codes", phone.ask("msk-request", msk_body(key_item(1))).codes(), ["200 OK"])
        site.push_when(1, "sent")
        for _ in range(3):
            expect("codes", phone.ask("msk-request", msk_body(key_item(1))).codes(), ["200 OK"])
        site.heal(1)
        expect("sends", site.push_when(1, "verified")["last_push"]["sends"], 2)
        expect("merged", site.cli("stats")["counters"]["singles_merged"], 3)
        site.stop_phones()
        check_counters(read_wire(site.pcap)[0])


def key_number_0_is_the_current_and_the_released_next():
    with UaStage() as site:
        site.raise_all(2)
        phone = site.phone(0)
        site.cli("msk", "new", GROUP)
        expect("codes", phone.ask("msk-request", msk_body(
            key_item(1), key_item(1, 1), key_item(1, 2), key_item(1, 3))).codes(),
            ["200 OK", "200 OK", "404 Not Found", "404 Not Found"])
        wait_until("the current MSK", lambda: held(site, 0) == ["0001"])
        # The campaign that releases the next one is not for this phone: it fetches.
        site.deafen(0)
        number = site.push_begin()
        site.campaign_when(number, "one verified", lambda c: c["verified"] == 1)
        site.cli("campaign", "abort", str(number))
        site.heal(0)
        expect("codes", phone.ask("msk-request", msk_body(key_item(1), key_item(1, 2))).codes(),
               ["200 OK", "200 OK"])
        wait_until("both MSKs", lambda: held(site, 0) == ["0001", "0002"])
        site.cli("msk", "activate", GROUP, "0002")
        expect("codes", phone.ask("msk-request", msk_body(key_item(1, 1), key_item(1, 2))).codes(),
               ["404 Not Found", "200 OK"])
        # A revoked one answers no request; who registers is told that it is none any more.
        site.push_when(0, "verified")
        site.cli("msk", "revoke", GROUP, "0002")
        expect("codes", phone.ask("msk-request", msk_body(key_item(1), key_item(1, 2))).codes(),
               ["204 No Content", "204 No Content"])
        expect("MSKs", held(site, 0), ["0001", "0002"])
        expect("codes", phone.ask("register", register_body(SERVICE)).codes(), ["200 OK"])
        wait_until("only the old one", lambda: held(site, 0) == ["0001"])
        site.stop_phones()
        check_counters(read_wire(site.pcap)[0])


def every_item_has_its_own_code():
    with UaStage() as site:
        site.raise_all(2)
        site.cli("group", "add", OTHER_GROUP)
        site.cli("service", "add", OTHER_SERVICE, "--group", OTHER_GROUP)
        site.cli("group", "add", "001-01/0003")
        site.cli("service", "add", SERVICE, "--group", GROUP, "--group", "001-01/0003")
        phone = site.phone(0)
        body = msk_body(key_item(1), key_item(2), key_item(3), key_item(9),
                        key_item(1, domain=b"\x00\xf1\x20"))
        expect("codes", phone.ask("msk-request", body).codes(),
               ["200 OK", "403 Forbidden", "204 No Content", "404 Not Found", "404 Not Found"])
        expect("codes", phone.ask("register", register_body(OTHER_SERVICE, SERVICE)).codes(),
               ["403 Forbidden", "200 OK"])
        expect("codes", phone.ask("deregister", register_body(OTHER_SERVICE)).codes(),
               ["403 Forbidden"])
        items = site.cli("stats")["ua"]["items"]
        expect("counted", items["msk-request"], {"200 OK": 1, "403 Forbidden": 1,
                                                 "204 No Content": 1, "404 Not Found": 2})


def phones_of_the_old_profile_name_key_groups():
    with UaStage() as site:
        site.make_phones(2)
        site.start_daemon()
        site.start_phones(site.csv, "--pcap", site.pcap)
        site.provision(profile="v600")
        phone = site.phone(1)
        answer = phone.ask("msk-request", msk_body(1, 2))
        expect("codes", answer.codes(), ["200 OK", "404 Not Found"])
        expect_in("<keyGroupID>0001</keyGroupID>", answer.body.decode())
        site.push_when(1, "verified")


def who_never_registered_may_fetch():
    with UaStage() as site:
        site.raise_unregistered(2)
        expect("codes", site.phone(0).ask("msk-request", msk_body(key_item(1))).codes(),
               ["200 OK"])
        site.push_when(0, "verified")
        expect("registered", site.shown(0)["registered"], [])


def the_address_of_the_request_is_where_pushes_go():
    with UaStage() as site:
        site.ua_yaml = ""
        site.raise_all(2)
        phone = site.phone(0)
        expect("codes", phone.ask("msk-request", msk_body(key_item(1))).codes(), ["200 OK"])
        wait_until("the record follows", lambda: site.shown(0)["address"] == "127.0.0.1")
        expect("codes", site.phone(1).ask("register", register_body(SERVICE)).codes(), ["200 OK"])
        expect("address", site.shown(1)["address"], "127.0.0.1")
        for index in (0, 1):
            site.push_when(index, "sent")
        site.stop_phones()
        pushes, _ = read_wire(site.pcap)
        expect("where pushes went", {push.address for push in pushes}, {"127.0.0.1"})


def a_phone_that_was_given_up_gets_the_msk_when_it_asks():
    with UaStage() as site:
        site.raise_all(3)
        site.deafen(2)
        campaign = site.push("--sends", "1", "--waits", "1", status=1)
        expect("given up", campaign["given_up"], 1)
        site.heal(2)
        expect("codes", site.phone(2).ask("register", register_body(SERVICE)).codes(), ["200 OK"])
        site.push_when(2, "verified")


def a_pull_counts_in_a_campaign_that_runs():
    with UaStage() as site:
        site.raise_all(3)
        site.deafen(2)
        number = site.push_begin("--waits", "30")
        site.campaign_when(number, "two verified", lambda c: c["verified"] == 2)
        site.heal(2)
        expect("codes", site.phone(2).ask("msk-request", msk_body(key_item(1))).codes(),
               ["200 OK"])
        expect("verified", site.campaign_end(number)["verified"], 3)
        site.stop_phones()
        check_counters(read_wire(site.pcap)[0])


def many_requests_in_one_connection_and_in_a_pipeline():
    with UaStage() as site:
        site.raise_all(2)
        pipelined(site.phone(0), 20)
        expect("connections", site.cli("stats")["ua"]["connections_accepted"], 1)


def a_nonce_is_renewed_in_the_second_half_of_its_life():
    with UaStage("  nonce_life: 4s\n") as site:
        site.raise_all(2)
        phone = site.phone(0)
        body = msk_body(key_item(1))
        info = params(phone.ask("msk-request", body).header("authentication-info"))
        expect_that("nextnonce" not in info, "no nextnonce at first", info)
        first = (phone.nonce, phone.nc)
        time.sleep(3)
        info = params(phone.ask("msk-request", body).header("authentication-info"))
        expect("nextnonce", info.get("nextnonce"), phone.nonce)
        expect("status", phone.ask("msk-request", body).status, 200)
        time.sleep(2.1)
        phone.nonce, phone.nc = first[0], first[1] + 5
        answer = phone.ask("msk-request", body)
        expect("status of an old one", answer.status, 401)
        expect("stale", answer.challenge().get("stale"), "true")
        phone.take_nonce(answer)
        expect("status", phone.ask("msk-request", body).status, 200)


def other_algorithms_realms_and_qop_are_configured():
    yaml = "  algorithms: both\n  realms: both\n  allow_qop_auth: true\n"
    with UaStage(yaml) as site:
        site.raise_all(2)
        realms = (f"3GPP-bootstrapping-uicc@{FQDN}", f"3GPP-bootstrapping@{FQDN}")
        answer = site.phone(0).challenge()
        found = [params(text) for text in answer.headers["www-authenticate"]]
        expect("algorithms", [c["algorithm"] for c in found], ["SHA-256", "MD5"])
        expect("realm", {c["realm"] for c in found}, {";".join(realms)})
        expect("qop", {c["qop"] for c in found}, {"auth-int,auth"})
        for algorithm in ("MD5", "SHA-256", "MD5-sess", "SHA-256-sess"):
            for qop in ("auth-int", "auth"):
                for realm in realms:
                    phone = site.phone(1, algorithm=algorithm, qop=qop, realm=realm)
                    expect(f"{algorithm} {qop} {realm}",
                           phone.ask("msk-request", msk_body(key_item(1))).codes(), ["200 OK"])
                    phone.close()


def md5_sess_is_offered_when_configured():
    with UaStage("  algorithms: MD5-sess\n") as site:
        site.raise_all(2)
        phone = site.phone(0, algorithm="MD5-sess")
        answer = phone.challenge()
        expect("algorithm", answer.challenge()["algorithm"], "MD5-sess")
        for _ in range(2):
            expect("codes", phone.ask("msk-request", msk_body(key_item(1))).codes(), ["200 OK"])


def pipelined(phone, count):
    """So many requests sent in one go; each answer is expected to be good and to prove itself."""
    body, target = msk_body(key_item(1)), "/keymanagement?requesttype=msk-request"
    requests, proofs = b"", []
    phone.challenge()
    for _ in range(count):
        requests += phone.request("msk-request", body, phone.authorization(target, body))
        proofs.append(phone.last)
    phone.open().send(requests)
    for phone.last in proofs:
        answer = phone.line.answer()
        expect("codes", answer.codes(), ["200 OK"])
        phone.check(answer, target)


def ipv6_and_tls():
    with UaStage() as site:
        certificate_make(site.path("cert.pem"), site.path("key.pem"), FQDN)
        site.ua_listen = '["[::1]:0", "127.0.0.1:0"]'
        site.ua_yaml += (f"  certificate: {site.path('cert.pem')}\n"
                         f"  private_key: {site.path('key.pem')}\n")
        site.raise_all(2)
        for listen in site.cli("status")["ua"]["listen"]:
            host, port = listen.rsplit(":", 1)
            row = site.rows[0]
            phone = Phone((host.strip("[]"), int(port)), row["btid"], bytes.fromhex(row["mrk"]),
                          FQDN, tls=True)
            expect(f"codes by {listen}",
                   phone.ask("msk-request", msk_body(key_item(1))).codes(), ["200 OK"])
            # What has been decrypted and not been read yet makes no descriptor readable.
            pipelined(phone, 30)
            phone.close()


def an_expired_muk_makes_the_phone_bootstrap():
    """Also one that expires within the margin; a push that waits does not outlive it either."""
    with UaStage() as site:
        site.make_phones(4)
        now = int(time.time())
        for row, left in zip(site.rows, (-10, 20, 36, 3600)):
            row["expires"] = str(now + left)
        write_csv(site.csv, site.rows)
        site.start_daemon()
        site.start_phones(site.csv, "--pcap", site.pcap)
        site.provision()
        site.deafen(2)
        expect("codes", site.phone(2).ask("msk-request", msk_body(key_item(1))).codes(),
               ["200 OK"])
        for index in (0, 1):
            for kind, body in (("msk-request", msk_body(key_item(1))),
                               ("register", register_body(SERVICE))):
                answer = site.phone(index).ask(kind, body)
                expect("status", answer.status, 401)
                expect_that("stale" not in answer.challenge(), "a plain challenge", answer)
        expect("result", site.results()["expired"], 4)
        expect("codes", site.phone(3).ask("msk-request", msk_body(key_item(1))).codes(),
               ["200 OK"])
        seen = site.push_when(2, "refused", 15)
        expect("why", seen["last_push"]["reason"], "muk-expired")
        story = site.cli("trace", site.rows[0]["impi"])
        expect("why not, of one that came", [e["result"] for e in story["events"]],
               ["expired", "expired"])
        expect("what is in the way", story["groups"][0]["reason"], "muk-expired")
        site.stop_phones()
        pushes, _ = read_wire(site.pcap)
        for push in pushes:
            expires = next(int(row["expires"]) for row in site.rows if row["btid"] == push.btid)
            expect_that(push.micros / 1e6 < expires - 28, "no MSK under an old MUK", push)


def what_was_registered_is_there_after_a_crash():
    with UaStage() as site:
        site.raise_unregistered(5)
        for index in range(5):
            phone = site.phone(index)
            expect("codes", phone.ask("register", register_body(SERVICE)).codes(), ["200 OK"])
            phone.close()
        site.kill(site.daemon)
        site.start_daemon()
        expect("registered", [site.shown(index)["registered"] for index in range(5)],
               [[SERVICE]] * 5)
        # A nonce of the daemon before is stale, not a reason to bootstrap.
        old = site.phone(0)
        old.nonce, old.nc = "00" * 28, 0
        answer = old.ask("msk-request", msk_body(key_item(1)))
        expect("stale", (answer.status, answer.challenge().get("stale")), (401, "true"))
        old.take_nonce(answer)
        expect("codes", old.ask("msk-request", msk_body(key_item(1))).codes(), ["200 OK"])
        site.push_when(0, "verified")
        site.stop_phones()
        check_counters(read_wire(site.pcap)[0])


if __name__ == "__main__":
    tell(a_phone_fetches_its_msk, registration_makes_a_member_and_deregistration_ends_it,
         missed_update_is_served_once_within_the_back_off, deregistration_stops_repeats,
         a_push_without_answer_is_repeated_and_verified,
         key_number_0_is_the_current_and_the_released_next, every_item_has_its_own_code,
         phones_of_the_old_profile_name_key_groups, who_never_registered_may_fetch,
         the_address_of_the_request_is_where_pushes_go,
         a_phone_that_was_given_up_gets_the_msk_when_it_asks,
         a_pull_counts_in_a_campaign_that_runs, many_requests_in_one_connection_and_in_a_pipeline,
         a_nonce_is_renewed_in_the_second_half_of_its_life,
         other_algorithms_realms_and_qop_are_configured, md5_sess_is_offered_when_configured,
         ipv6_and_tls,
         an_expired_muk_makes_the_phone_bootstrap,
         what_was_registered_is_there_after_a_crash)
