#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the mskpush authors

"""Two key groups over the same phones, both pushed at the same time.

    campaign 1, 001-01/0001, ts33246 --\\
                                        mskpushd ==MIKEY==> mskpush-ue, 1,000 phones, 5 % loss
    campaign 2, 001-01/00a2, v600    --/
"""

from story import GROUP, SERVICE, Stage, expect, expect_that, tell, write_csv
from wire import check_counters, read_wire

PHONES = 1000
SECOND, SECOND_SERVICE = "001-01/00a2", "urn:example:news"


def raise_two_groups(site):
    rows = site.make_phones(PHONES)
    for row in rows:
        row["services"] = row["registered"] = f"{SERVICE} {SECOND_SERVICE}"
    # The last hundred have the second service only.
    for row in rows[-100:]:
        row["services"] = row["registered"] = SECOND_SERVICE
    write_csv(site.csv, rows)
    site.start_daemon()
    site.start_phones(site.csv, "--pcap", site.pcap, "--loss", "5")
    site.cli("group", "add", SECOND, "--profile", "v600")
    site.cli("service", "add", SECOND_SERVICE, "--group", SECOND)
    msk = site.provision()
    return msk, site.cli("msk", "new", SECOND)


def overlap(pushes, csb_id):
    """(first, last) time of the pushes with that CSB ID."""
    times = [push.micros for push in pushes if push.csb_id == csb_id]
    return min(times), max(times)


def two_campaigns_over_the_same_phones():
    with Stage() as site:
        msk, second_msk = raise_two_groups(site)
        expect_that(msk["check"] != second_msk["check"], "two MSKs", (msk, second_msk))
        numbers = [site.push_begin("--rate", "800", "--waits", "1", group=group)
                   for group in (GROUP, SECOND)]
        reports = [site.campaign_end(number) for number in numbers]
        expect("members", [r["members"] for r in reports], [PHONES - 100, PHONES])
        expect("verified", [r["verified"] for r in reports], [PHONES - 100, PHONES])
        expect_that(all(r["rounds"] > 1 for r in reports), "more than one round each", reports)
        held = {m["key_group"]: (m["check"], m["phones"])
                for m in site.phones(do="status")["msks"]}
        expect("what the phones hold", held, {GROUP: (msk["check"], PHONES - 100),
                                              SECOND: (second_msk["check"], PHONES)})
        expect("MSKs of one phone",
               {m["key_group"] for m in site.phones(do="phone", id=site.rows[0]["btid"])["msks"]},
               {GROUP, SECOND})
        expect("what a BM-SC must never do", site.phones(do="status")["findings"], {})
        site.stop_phones()
        pushes, _ = read_wire(site.pcap)
        check_counters(pushes)
        first, second = (overlap(pushes, int(m["csb_id"], 16)) for m in (msk, second_msk))
        expect_that(first[0] < second[1] and second[0] < first[1], "campaigns that overlap",
                    (first, second))


def service_with_two_groups():
    """A phone of the service is a member of both of its groups."""
    with Stage() as site:
        site.raise_all(50)
        site.cli("group", "add", SECOND)
        site.cli("service", "add", SERVICE, "--group", GROUP, "--group", SECOND)
        expect("verified, first group", site.push()["verified"], 50)
        expect("verified, second group", site.push("--new", group=SECOND)["verified"], 50)
        # And of none that was taken away again.
        site.cli("service", "add", SERVICE, "--group", GROUP)
        expect("members without the group", site.push(group=SECOND)["members"], 0)
        status, answer, _ = site.run("group", "remove", GROUP)
        expect_that(status == 1 and answer["error"] == "in-use", "a group in use stays", answer)
        site.stop_phones()
        check_counters(read_wire(site.pcap)[0])


if __name__ == "__main__":
    tell(two_campaigns_over_the_same_phones, service_with_two_groups)
