#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the mskpush authors

"""What a service demands of phones that fetch, and what a removal offers.

    mskpush-ue --HTTP Digest--> mskpushd ==MSK==> mskpush-ue
         ^                         |
         +------ key source -------+
"""

from phones_site_test import Whole
from story import GROUP, SERVICE, expect, expect_that, tell, wait_until, write_csv

COUNT = 20
OTHER = "urn:3gpp:0010120798ad"


def results(site):
    """MSK requests by outcome."""
    return site.cli("stats")["ua"]["requests"]["msk-request"]


def fetch(site):
    """All phones fetch; returns (bootstrappings, MSKs that came) all in all."""
    site.phones(do="fetch")
    events = site.wait_idle()["events"]
    for row in site.rows:
        wait_until("the MUK is verified in the store, too",
                   lambda impi=row["impi"]: site.cli("ue", "show", impi)["is_verified"])
    return events.get("bootstraps", 0), events["msk-came"]


def service_demands(site, policy):
    """Sets the policy of the service."""
    site.cli("service", "add", SERVICE, "--group", GROUP, "--policy", policy)
    expect("policy", site.cli("service", "list")["services"][0]["policy"], policy)


def policies_of_services_are_kept():
    with Whole(count=COUNT) as site:
        site.push()
        expect("fetched as they are", fetch(site), (0, COUNT))
        service_demands(site, "reauthenticate")
        expect("after a challenge each", fetch(site), (0, 2 * COUNT))
        expect("challenged", results(site)["reauthenticate"], COUNT)
        service_demands(site, "bootstrap")
        expect("after a bootstrapping each", fetch(site), (COUNT, 3 * COUNT))
        expect("sent away", results(site)["renewal"], COUNT)
        shown = site.cli("ue", "show", site.rows[0]["impi"])
        expect("the new MUK is verified, and the old one gone",
               (shown["is_verified"], shown["prev_btid"]), (True, None))
        expect("and again", fetch(site), (2 * COUNT, 4 * COUNT))
        service_demands(site, "accept")
        expect("as they are", fetch(site), (2 * COUNT, 5 * COUNT))
        site.rows_at_end()


def removal_offers_the_rekey():
    with Whole(count=COUNT) as site:
        site.push()
        offer = site.cli("ue", "remove", site.rows[0]["impi"])
        expect("offer", offer, {"groups": [GROUP], "campaigns": []})
        done = site.cli("ue", "remove", site.rows[1]["impi"], "--rekey")
        expect("groups", done["groups"], [GROUP])
        campaign = site.campaign_end(done["campaigns"][0])
        expect("the others", (campaign["kind"], campaign["members"], campaign["verified"]),
               ("auto", COUNT - 2, COUNT - 2))
        expect("holders of the new MSK", site.holders("0002"), COUNT - 2)
        status, output, _ = site.run("ue", "remove", site.rows[2]["impi"], is_json=False)
        expect_that(status == 0 and f"mskpush push {GROUP} --new --auto" in output, "the offer",
                    output)
        # A next MSK lives: the re-key is refused, what was removed is, and what is left to do is said.
        status, output, errors = site.run("ue", "remove", site.rows[3]["impi"], "--rekey",
                                          is_json=False)
        expect_that(status == 1 and f"mskpush push {GROUP} --new --auto" in output
                    and "next MSK" in errors, "the offer", (status, output, errors))
        expect("gone", site.run("ue", "show", site.rows[3]["impi"])[0], 1)
        removal_of_a_service(site)


def removal_of_a_service(site):
    """Ten phones know the group from another service; the others have none any more."""
    site.cli("msk", "activate", GROUP, "0002")
    site.cli("service", "add", OTHER, "--group", GROUP)
    status, answer, _ = site.run("service", "remove", SERVICE, "--rekey")
    expect("while phones have it", (status, answer["error"]), (1, "in-use"))
    rows = [row | {"services": service, "registered": service} for row, service in
            zip(site.rows[4:], [""] * (COUNT - 14) + [OTHER] * 10)]
    site.cli("ue", "import", write_csv(site.path("moved.csv"), rows))
    done = site.cli("service", "remove", SERVICE, "--rekey")
    expect("groups", done["groups"], [GROUP])
    campaign = site.campaign_end(done["campaigns"][0])
    expect("those who stay", (campaign["members"], campaign["verified"]), (10, 10))
    expect("services", [s["name"] for s in site.cli("service", "list")["services"]], [OTHER])
    expect("holders of the new MSK", site.holders("0003"), 10)


if __name__ == "__main__":
    tell(policies_of_services_are_kept, removal_offers_the_rekey)
