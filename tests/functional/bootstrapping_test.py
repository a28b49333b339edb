#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the mskpush authors

"""B-TIDs that only the key source knows, and a key source that is slow, wrong or gone.

    ua_client.py --HTTP--> mskpushd --JSON over a UNIX socket--> a BSF made of Python
                                    ==MIKEY==> mskpush-ue
"""

import contextlib
import hashlib
import json
import os
import threading
import time

from key_stage import BODY, NAF_ID, KeyStage, SecureBsf, btid_of, stamp
from story import expect, expect_in, expect_that, tell, wait_until
from ua_client import Phone, mrk_of_ks_naf, register_body
from ua_stage import FQDN, SERVICE
from wire import check_counters, read_wire


def a_new_bootstrapping_is_fetched_and_served():
    with KeyStage() as site:
        site.raise_all(3)
        row, btid = site.rows[0], btid_of(1)
        ks_naf = site.bsf.knows(btid, row["impi"])
        site.phones(do="set", id=row["btid"], muk=ks_naf.hex())
        phone = site.stranger(btid, ks_naf)
        expect("codes", phone.ask("msk-request", BODY).codes(), ["200 OK"])
        expect("asked", site.bsf.asked, [("/v1/bootstrapping-info",
                                          {"btid": btid, "naf_id": NAF_ID})])
        seen = site.shown(0)
        expect("btid", seen["btid"], btid)
        expect("services and address stay", (seen["services"], seen["address"]),
               ([SERVICE], row["address"]))
        site.push_when(0, "sent")
        expect("keys", (seen["has_mrk"], seen["keys_in"]), (True, "me"))
        # It is in the store now: nobody is asked again, also not after a restart.
        expect("codes", phone.ask("msk-request", BODY).codes(), ["200 OK"])
        site.kill(site.daemon)
        site.start_daemon()
        again = site.stranger(btid, ks_naf)
        expect("codes", again.ask("register", register_body(SERVICE)).codes(), ["200 OK"])
        expect("asked", len(site.bsf.asked), 1)
        site.push_when(0, "sent")
        # The old B-TID is not ours any more.
        expect("status of the old one", site.phone(0).ask("msk-request", BODY).status, 401)
        site.stop_phones()
        pushes, _ = read_wire(site.pcap)
        expect("pushes under", {push.btid for push in pushes}, {btid})
        check_counters(pushes)


def somebody_new_is_taken_in():
    with KeyStage("  services: [\"" + SERVICE + "\"]\n") as site:
        site.raise_all(2)
        for number, more, wanted in ((1, {}, [SERVICE]), (2, {"services": []}, []),
                                     (3, {"services": [SERVICE, "urn:none"]}, [SERVICE])):
            impi, btid = f"00101999000000{number}@ims.example.org", btid_of(number)
            phone = site.stranger(btid, site.bsf.knows(btid, impi, **more))
            expect("codes", phone.ask("register", register_body(SERVICE)).codes(),
                   ["200 OK" if wanted else "403 Forbidden"])
            seen = site.cli("ue", "show", impi)
            expect("services", (seen["services"], seen["registered"]), (wanted, wanted))
            phone.close()
        expect("subscribers", site.cli("status")["store"]["subscribers"], 5)


def keys_in_the_uicc_and_after_gba_u():
    with KeyStage() as site:
        site.raise_all(4)
        ext, internal = "ab" * 32, "cd" * 32
        uicc, in_me, told = btid_of(1), btid_of(2), btid_of(3)
        site.bsf.knows(uicc, site.rows[0]["impi"], ks_ext_naf=ext, ks_int_naf=internal)
        site.bsf.knows(in_me, site.rows[1]["impi"], ks_ext_naf=ext)
        site.bsf.knows(told, site.rows[2]["impi"], ks_ext_naf=ext, ks_int_naf=internal,
                       keys_in="me")
        mrk_me = mrk_of_ks_naf(bytes.fromhex(ext))
        for index, (btid, mrk, place) in enumerate(((uicc, bytes.fromhex(ext), "uicc"),
                                                    (in_me, mrk_me, "me"), (told, mrk_me, "me"))):
            phone = Phone(site.ua_address(), btid, mrk, FQDN)
            expect(f"codes {index}", phone.ask("msk-request", BODY).codes(), ["200 OK"])
            expect("keys in", site.shown(index)["keys_in"], place)
            phone.close()


def a_wrong_response_changes_nothing():
    """B-TIDs are public: who does not hold the key does not move a subscriber."""
    with KeyStage() as site:
        site.raise_all(2)
        btid = btid_of(1)
        site.bsf.knows(btid, site.rows[0]["impi"])
        thief = site.stranger(btid, b"x" * 32)
        answer = thief.ask("msk-request", BODY)
        expect("status", answer.status, 401)
        expect("btid", site.shown(0)["btid"], site.rows[0]["btid"])
        # Nor does who repeats what he has seen.
        phone = site.stranger(btid, site.bsf.knows(btid, site.rows[0]["impi"]))
        phone.nonce = "00" * 28
        answer = phone.ask("msk-request", BODY)
        expect("stale", (answer.status, answer.challenge().get("stale")), (401, "true"))
        expect("btid", site.shown(0)["btid"], site.rows[0]["btid"])


def verdicts_of_the_key_source():
    with KeyStage() as site:
        site.raise_all(2)
        site.bsf.answers.update({
            "denied": (403, '{"error":"not-authorised"}'), "busy": (503, '{"error":"busy"}'),
            "proxy": (404, "<html>not here</html>"), "proxy403": (403, "{}"),
            "gone": (500, '{"error":"not-known"}')})
        site.bsf.knows("old", site.rows[0]["impi"], lifetime_s=-5)
        for btid, status, result in (("unknown", 401, "unknown-btid"),
                                     ("denied", 403, "not-authorised"),
                                     ("busy", 503, "key-source-busy"),
                                     ("proxy", 503, "key-source-busy"),
                                     ("proxy403", 503, "key-source-busy"),
                                     ("gone", 503, "key-source-busy"), ("old", 401, "expired")):
            phone = site.stranger(btid, hashlib.sha256(btid.encode()).digest())
            before = site.results().get(result, 0)
            answer = phone.ask("msk-request", BODY)
            expect(f"status of {btid}", answer.status, status)
            expect(f"result of {btid}", site.results().get(result, 0), before + 1)
            expect_that(status != 503 or answer.header("retry-after"), "Retry-After", answer)
            expect_that(status != 401 or "stale" not in answer.challenge(), "plain", answer)
            phone.close()
        # Not known is remembered for ten seconds, for this B-TID from this address.
        asked = len(site.bsf.asked)
        for _ in range(3):
            phone = site.stranger("unknown", b"x" * 32)
            expect("status", phone.ask("msk-request", BODY).status, 401)
            phone.close()
        expect("asked", len(site.bsf.asked), asked)
        expect("remembered", site.key_stats()["remembered"], 3)
        expect("busy", site.key_stats()["busy"], 4)


def answers_that_make_no_sense_are_503():
    with KeyStage() as site:
        site.raise_all(2)
        impi, good = site.rows[0]["impi"], "ab" * 32
        times = {"expires": stamp(3600), "created": stamp(0)}
        bad = [
            "", "null", "[]", "{}", "{", b"\xff\xfe\x00", "x" * 100000,
            json.dumps({"impi": impi, "ks_naf": good}),
            json.dumps({"impi": impi, "ks_naf": "ab" * 31, **times}),
            json.dumps({"impi": impi, "ks_naf": "zz" * 32, **times}),
            json.dumps({"impi": impi, "ks_naf": 5, **times}),
            json.dumps({"impi": "", "ks_naf": good, **times}),
            json.dumps({"impi": "i" * 254, "ks_naf": good, **times}),
            json.dumps({"impi": "a b", "ks_naf": good, **times}),
            json.dumps({"ks_naf": good, **times}),
            json.dumps({"impi": impi, **times}),
            json.dumps({"impi": impi, "ks_naf": good, "ks_ext_naf": good, **times}),
            json.dumps({"impi": impi, "ks_int_naf": good, **times}),
            json.dumps({"impi": impi, "ks_naf": good, "ks_int_naf": good, **times}),
            json.dumps({"impi": impi, "ks_naf": good, "keys_in": "uicc", **times}),
            json.dumps({"impi": impi, "ks_naf": good, "keys_in": "sim", **times}),
            json.dumps({"impi": impi, "ks_naf": good, "gba_type": "4g", **times}),
            json.dumps({"impi": impi, "ks_naf": good, "services": "all", **times}),
            json.dumps({"impi": impi, "ks_naf": good, "services": ["s"] * 33, **times}),
            json.dumps({"impi": impi, "ks_naf": good, "expires": "soon"}),
            '{"impi":"a","impi":"b"}',
        ]
        for number, text in enumerate(bad):
            site.bsf.answers["*"] = (200, text)
            phone = site.stranger(btid_of(number), bytes.fromhex(good))
            expect(f"status of {text[:70]!r}", phone.ask("msk-request", BODY).status, 503)
            phone.close()
        expect("btid", site.shown(0)["btid"], site.rows[0]["btid"])
        expect_that(good not in site.log("mskpushd"), "no key in the log", "")
        # A B-TID of somebody else under another name is a contradiction.
        btid = site.rows[1]["btid"]
        expect("B-TIDs", len({row["btid"] for row in site.rows}), 2)
        expect_in("why=", site.log("mskpushd"))
        expect("the other one is served", site.phone(1).ask("msk-request", BODY).status, 200)
        expect("btid", site.shown(1)["btid"], btid)


def a_key_source_that_hangs_holds_up_nobody_else():
    with KeyStage("  lookups: 4\n") as site:
        site.raise_all(2)
        site.bsf.gate.clear()
        lines = []
        for number in range(60):
            phone = site.stranger(btid_of(number % 30), b"x" * 32)
            phone.challenge()
            phone.open().send(phone.request("msk-request", BODY, phone.authorization(
                "/keymanagement?requesttype=msk-request", BODY)))
            lines.append(phone)
        wait_until("they wait", lambda: site.cli("stats")["ua"]["waiting"] == 60)
        for _ in range(5):
            known = site.phone(0)
            expect("codes of who is known", known.ask("msk-request", BODY).codes(), ["200 OK"])
            known.close()
        begin = time.monotonic()
        for phone in lines:
            answer = phone.line.answer()
            expect("status", answer.status, 503)
            expect_that(answer.header("retry-after"), "Retry-After", answer)
            phone.close()
        expect_that(time.monotonic() - begin < 8, "an end in time", time.monotonic() - begin)
        expect("coalesced", site.key_stats()["coalesced"], 30)
        expect_that(site.key_stats()["asked"] <= 30, "bounded", site.key_stats())


def a_key_source_that_is_gone_and_comes_back():
    with KeyStage() as site:
        site.raise_all(2)
        btid = btid_of(1)
        ks_naf = site.bsf.knows(btid, site.rows[0]["impi"])
        os.rename(site.bsf_path, site.bsf_path + ".gone")
        phone = site.stranger(btid, ks_naf)
        expect("status", phone.ask("msk-request", BODY).status, 503)
        expect("who is known", site.phone(1).ask("msk-request", BODY).status, 200)
        os.rename(site.bsf_path + ".gone", site.bsf_path)
        phone.challenge()
        expect("status", phone.ask("msk-request", BODY).status, 200)


def a_slow_key_source_is_waited_for_longer_than_a_slow_phone():
    """The phone has sent its request: what takes so long is not its fault."""
    with KeyStage(timeout_s=6, ua_yaml="  request_timeout: 1s\n") as site:
        site.raise_all(2)
        site.bsf.gate.clear()
        btid = btid_of(1)
        phone = site.stranger(btid, site.bsf.knows(btid, site.rows[0]["impi"]))
        phone.challenge()
        phone.open().send(phone.request("msk-request", BODY, phone.authorization(
            "/keymanagement?requesttype=msk-request", BODY)))
        time.sleep(3)  # the time of a request is over twice
        site.bsf.gate.set()
        answer = phone.line.answer()
        expect("status", answer and answer.status, 200)
        phone.check(answer, "/keymanagement?requesttype=msk-request")


def a_key_source_behind_tls_is_believed_under_its_certificate_only():
    with KeyStage() as site:
        secure = SecureBsf(site.dir)
        url = f"key_source:\n  url: https://localhost:{secure.server_address[1]}\n"
        before = site.ua_yaml.split("key_source:")[0]
        site.ua_yaml = before + url + f"  ca_file: {secure.certificate}\n" + site.key_yaml
        site.raise_all(2)
        btid, other = btid_of(1), btid_of(2)
        phone = site.stranger(btid, secure.knows(btid, site.rows[0]["impi"]))
        expect("codes", phone.ask("msk-request", BODY).codes(), ["200 OK"])
        expect("asked", secure.asked[0][1], {"btid": btid, "naf_id": NAF_ID})
        site.stop_daemon()
        site.ua_yaml = before + url + site.key_yaml
        site.write_config()
        site.start_daemon()
        phone = site.stranger(other, secure.knows(other, site.rows[1]["impi"]))
        expect("status", phone.ask("msk-request", BODY).status, 503)
        expect("asked", len(secure.asked), 1)
        expect("who is known", site.phone(1).ask("msk-request", BODY).status, 200)
        secure.shutdown()


def the_daemon_ends_in_order_while_requests_come():
    """Also those that would have to wait: none may be left waiting."""
    with KeyStage() as site:
        site.raise_all(2)
        stopping = threading.Event()

        def ask(number):
            # An answer that does not come any more has no headers.
            with contextlib.suppress(OSError, AttributeError):
                while not stopping.is_set():
                    phone = site.stranger(btid_of(number), b"x" * 32)
                    phone.challenge()
                    sent = b"".join(phone.request("msk-request", BODY, phone.authorization(
                        "/keymanagement?requesttype=msk-request", BODY)) for _ in range(20))
                    phone.open().send(sent)
                    number += 100
                    answers = [phone.line.answer() for _ in range(20)]
                    phone.close()
                    if None in answers:
                        return

        threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        wait_until("they come", lambda: site.key_stats()["asked"] > 20)
        site.stop_daemon()
        stopping.set()
        for thread in threads:
            thread.join()
        expect("exit status", site.daemon.returncode, 0)


def the_daemon_ends_while_requests_wait():
    with KeyStage() as site:
        site.raise_all(2)
        site.bsf.gate.clear()
        phone = site.stranger(btid_of(1), b"x" * 32)
        phone.challenge()
        phone.open().send(phone.request("msk-request", BODY, phone.authorization(
            "/keymanagement?requesttype=msk-request", BODY)))
        wait_until("it waits", lambda: site.cli("stats")["ua"]["waiting"] == 1)
        begin = time.monotonic()
        site.stop_daemon()
        expect_that(time.monotonic() - begin < 5, "a quick end", time.monotonic() - begin)
        answer = phone.line.answer()
        expect("status", answer and answer.status, 503)


def policy_may_end_keys_early():
    with KeyStage("  max_key_age: 1h\n") as site:
        site.raise_all(2)
        fresh, old = btid_of(1), btid_of(2)
        phone = site.stranger(fresh, site.bsf.knows(fresh, site.rows[0]["impi"], 86400))
        expect("status", phone.ask("msk-request", BODY).status, 200)
        expires = site.shown(0)["expires"]
        expect_that(stamp(3500) < expires[:19] + "Z" < stamp(3700), "an hour", expires)
        phone = site.stranger(old, site.bsf.knows(old, site.rows[1]["impi"], 86400,
                                                  created=stamp(-3700)))
        expect("status", phone.ask("msk-request", BODY).status, 401)
        expect("result", site.results().get("expired"), 1)


if __name__ == "__main__":
    tell(a_new_bootstrapping_is_fetched_and_served, somebody_new_is_taken_in,
         keys_in_the_uicc_and_after_gba_u, a_wrong_response_changes_nothing,
         verdicts_of_the_key_source, answers_that_make_no_sense_are_503,
         a_key_source_that_hangs_holds_up_nobody_else, a_key_source_that_is_gone_and_comes_back,
         a_slow_key_source_is_waited_for_longer_than_a_slow_phone,
         a_key_source_behind_tls_is_believed_under_its_certificate_only,
         the_daemon_ends_in_order_while_requests_come,
         the_daemon_ends_while_requests_wait, policy_may_end_keys_early)
