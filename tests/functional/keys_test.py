#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the mskpush authors

"""The life of MSKs and of MUKs.

    msk new --> next --push--> released --activate--> current --(the next one)--> retired
    bootstrapping: B-TID A --import--> B-TID B, A stays the previous one
"""

from story import DONE, GROUP, NOT_ALL, Stage, expect, expect_in, expect_that, tell, write_csv
from wire import check_counters, read_wire

PHONES = 100


def states(site):
    """number -> (state, is_released) of the group's MSKs."""
    return {m["number"]: (m["state"], m["is_released"])
            for m in site.cli("msk", "list", GROUP)["msks"]}


def held(site):
    """number -> phones that hold it."""
    return {m["number"]: m["phones"] for m in site.phones(do="status")["msks"]}


def third_key_pushes_the_oldest_out():
    with Stage() as site:
        first = site.raise_all(PHONES)
        expect("first MSK", (first["number"], first["state"]), ("0001", "current"))
        expect("verified", site.push()["verified"], PHONES)
        second = site.cli("msk", "new", GROUP)
        expect("second MSK", (second["number"], second["state"]), ("0002", "next"))
        status, answer, _ = site.run("msk", "new", GROUP)
        expect("exit status of a third one", status, NOT_ALL)
        expect_in("next", answer["message"])
        expect("MSKs", states(site), {"0001": ("current", True), "0002": ("next", False)})
        expect("number pushed", site.push()["msk"]["number"], "0002")
        expect("MSKs", states(site), {"0001": ("current", True), "0002": ("next", True)})
        expect("what the phones hold", held(site), {"0001": PHONES, "0002": PHONES})
        expect("activated", site.cli("msk", "activate", GROUP, "0002")["state"], "current")
        campaign = site.push("--new")
        expect("number pushed by --new", campaign["msk"]["number"], "0003")
        expect("MSKs", states(site), {"0001": ("retired", True), "0002": ("current", True),
                                      "0003": ("next", True)})
        expect("what the phones hold", held(site), {"0002": PHONES, "0003": PHONES})
        expect("dropped by the phones", site.phones(do="status")["dropped-older"], PHONES)
        listed = site.cli("msk", "list", GROUP)["msks"]
        for what in ("check", "rand", "csb_id"):
            expect(f"different {what}", len({m[what] for m in listed}), 3)
        site.stop_phones()
        pushes, _ = read_wire(site.pcap)
        check_counters(pushes)
        expect("key numbers on the wire", [push.number for push in pushes],
               [1] * PHONES + [2] * PHONES + [3] * PHONES)


def wrong_orders_are_refused():
    with Stage() as site:
        site.raise_all(PHONES)
        site.push("--new")
        site.cli("msk", "activate", GROUP, "0002")
        cases = {
            ("msk", "activate", GROUP, "0001"): ("only a next", NOT_ALL),
            ("msk", "activate", GROUP, "0009"): ("no such", NOT_ALL),
            ("msk", "activate", GROUP, "0000"): ("", None),
            ("msk", "activate", GROUP, "xyz"): ("", 2),
            ("msk", "new", "001-01/0009"): ("no", NOT_ALL),
            ("push", "001-01/0009"): ("no", NOT_ALL),
            ("push", "nonsense"): ("", 2),
            ("push", GROUP, "--ue", "nobody@nowhere"): ("no", NOT_ALL),
            ("group", "add", GROUP, "--profile", "v600"): ("profile", NOT_ALL),
        }
        for words, (part, wanted) in cases.items():
            status, answer, _ = site.run(*words)
            expect_that(status != DONE and (wanted is None or status == wanted),
                        f"{' '.join(words)} refused with {wanted}", (status, answer))
            expect_in(part, answer["message"].lower())
        expect("MSKs", states(site), {"0001": ("retired", False), "0002": ("current", True)})
        expect("verified by a push of the current one again", site.push()["verified"], PHONES)


def fresh_bootstrapping_moves_to_the_new_btid():
    """Phone 0 has a new B-TID and MUK, and phone 1 is new at an old address."""
    with Stage() as site:
        site.raise_all(PHONES)
        site.push()
        old = site.rows[0]
        new = {**old, "btid": "fresh@bsf.example", "muk": "5a" * 32}
        both = write_csv(site.path("both.csv"), [*site.rows, new])
        site.stop_phones()
        site.start_phones(both, "--pcap", site.path("second.pcap"))
        done = site.cli("ue", "import", write_csv(site.path("new.csv"), [new]))
        expect("changed", (done["changed"], done["added"]), (1, 0))
        shown = site.cli("ue", "show", old["impi"])
        expect("B-TIDs", (shown["btid"], shown["prev_btid"]), (new["btid"], old["btid"]))
        expect("by the previous B-TID", site.run("ue", "show", old["btid"])[0], DONE)
        expect("verified", site.push("--new")["verified"], PHONES)
        expect("members", site.campaign(2)["members"], PHONES)
        site.stop_phones()
        pushes, answers = read_wire(site.path("second.pcap"))
        mine = [push.btid for push in pushes if push.address == old["address"]]
        expect("B-TIDs that were pushed to", mine, [new["btid"]])
        expect_that(new["btid"] in {answer.btid for answer in answers}, "an answer under it",
                    len(answers))
        check_counters(read_wire(site.pcap)[0] + pushes)


def push_to_one_phone():
    with Stage() as site:
        site.raise_all(PHONES)
        one = site.rows[42]
        for name in (one["impi"], one["btid"]):
            campaign = site.push("--ue", name)
            expect("members and verified", (campaign["members"], campaign["verified"]), (1, 1))
        expect("what the phones hold", held(site), {"0001": 1})
        site.stop_phones()
        pushes, _ = read_wire(site.pcap)
        expect("B-TIDs on the wire", [push.btid for push in pushes], [one["btid"]] * 2)
        check_counters(pushes)


if __name__ == "__main__":
    tell(third_key_pushes_the_oldest_out, wrong_orders_are_refused,
         fresh_bootstrapping_moves_to_the_new_btid, push_to_one_phone)
