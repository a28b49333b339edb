#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the mskpush authors

"""Whom the BM-SC will not send to, by name.

    ues.csv --import--> mskpushd ==MIKEY==> mskpush-ue, 200 good phones and one of each bad kind
"""

from story import (DONE, FQDN, GROUP, NOT_ALL, SERVICE, Stage, expect, expect_in, tell, write_csv)
from wire import check_counters, read_wire, sends_per_btid

GOOD = 200
# HDR, EXT, T, RAND, heads of IDi and IDr, KEMAC: a ts33246 MSK message but for the two names.
MESSAGE_WITHOUT_NAMES = 10 + 15 + 6 + 18 + 4 + 4 + 51
UICC_MAX = 253


def impi(name):
    return f"{name}@ims.mnc001.mcc001.3gppnetwork.org"


def bad_rows(pattern):
    """Rows that the push refuses: reason -> row; and rows of people who are no members."""
    def row(name, **change):
        return {**pattern, "impi": impi(name), "btid": f"{name}@bsf.example", **change}
    refused = {
        "no-muk": row("a1", btid="", muk="", mrk="", expires=""),
        "muk-expired": row("a2", expires="2026-01-01T00:00:00Z"),
        "no-address": row("a3", address=""),
        "address-family": row("a4", address="2001:db8::4"),
    }
    strangers = [row("b1", services="", registered=""), row("b2", registered="-")]
    return refused, strangers


def leave(site, reasons):
    """Changes two members while the campaign waits for the phones' gateway."""
    rows = [{**reasons["left"], "registered": "-"},
            {**reasons["not-authorised"], "services": "", "registered": ""}]
    done = site.cli("ue", "import", write_csv(site.path("leave.csv"), rows))
    expect("changed", done["changed"], 2)


def check_undelivered(site, number, reasons):
    members = site.undelivered(number)
    expect("why each is undelivered",
           {name: (member["state"], member["why"]) for name, member in members.items()},
           {row["impi"]: ("refused", reason) for reason, row in reasons.items()})


def check_table(site, number):
    """What a person reads says the same."""
    status, text, _ = site.run("campaign", "show", str(number), "--undelivered", is_json=False)
    expect("exit status of campaign show", status, DONE)
    for part in (impi("a2"), "muk-expired", "address-family", "left"):
        expect_in(part, text)


def every_refusal_has_its_name():
    with Stage() as site:
        rows = site.make_phones(GOOD)
        reasons, strangers = bad_rows(rows[0])
        everybody = rows + list(reasons.values()) + strangers
        reasons["left"], reasons["not-authorised"] = rows[0], rows[1]
        site.start_daemon()
        site.provision(write_csv(site.path("all.csv"), everybody))
        number = site.push_begin("--waits", "1")
        site.campaign_when(number, "waits for the phones", lambda c: c["stall"] == "link-down")
        leave(site, reasons)
        site.start_phones(site.csv, "--pcap", site.pcap)
        status, campaign, errors = site.run("campaign", "watch", str(number))
        expect(f"exit status of the watch ({errors})", status, NOT_ALL)
        expect("members", campaign["members"], GOOD + 4)
        expect("verified", campaign["verified"], GOOD - 2)
        expect("refused", campaign["refused"], 6)
        expect("refused by", campaign["refused_by"], {reason: 1 for reason in reasons})
        expect("given up and pending", (campaign["given_up"], campaign["pending"]), (0, 0))
        check_undelivered(site, number, reasons)
        check_table(site, number)
        expect("phones with the MSK", site.phones(do="status")["with_msk"], GOOD - 2)
        site.stop_phones()
        pushes, _ = read_wire(site.pcap)
        expect("pushes to each", set(sends_per_btid(pushes).values()), {1})
        check_counters(pushes)


def uicc_row(site, pattern, octets):
    """A phone with keys in the UICC whose message has that many octets."""
    btid = "u" * (octets - MESSAGE_WITHOUT_NAMES - len(FQDN) - len("@bsf")) + "@bsf"
    return write_csv(site.path(f"uicc{octets}.csv"),
                     [{**pattern, "impi": impi("uicc"), "btid": btid, "keys_in": "uicc"}])


def uicc_takes_253_octets_and_not_one_more():
    with Stage() as site:
        pattern = site.make_phones(1)[0]
        site.start_daemon()
        site.cli("group", "add", GROUP)
        site.cli("service", "add", SERVICE, "--group", GROUP)
        status, _, errors = site.run("ue", "import", uicc_row(site, pattern, UICC_MAX + 1),
                                     is_json=False)
        expect("exit status of an import over 253 octets", status, 2)
        for part in ("uicc254.csv:2: btid:", "254", "253"):
            expect_in(part, errors)
        fits = uicc_row(site, pattern, UICC_MAX)
        site.start_phones(fits, "--pcap", site.pcap)
        site.cli("ue", "import", fits)
        expect("verified", site.push("--new")["verified"], 1)
        site.stop_phones()
        expect("octets of the message", [len(push.raw) for push in read_wire(site.pcap)[0]],
               [UICC_MAX])


def message_longer_than_the_port_is_refused():
    fqdn = "bmsc." + "x" * 240 + ".net"
    with Stage() as site:
        rows = site.make_phones(2)
        rows[1]["btid"] = "y" * 245 + "@bsf"
        site.port_yaml = "  mtu: 576\n"
        site.write_config(fqdn=fqdn)
        site.start_daemon()
        site.start_phones(write_csv(site.csv, rows), "--fqdn", fqdn)
        site.provision()
        campaign = site.push(status=NOT_ALL)
        expect("refused by", campaign["refused_by"], {"too-long-for-port": 1})
        expect("verified", campaign["verified"], 1)


def push_to_one_says_why_not():
    """`push --ue` takes whoever it is told and says by name why it will not send."""
    with Stage() as site:
        rows = site.make_phones(3)
        rows[1]["services"] = rows[1]["registered"] = ""
        rows[2]["registered"] = "-"
        site.start_daemon()
        site.start_phones(site.csv)
        site.provision(write_csv(site.path("all.csv"), rows))
        for row, wanted in zip(rows, ({}, {"not-authorised": 1}, {"left": 1})):
            campaign = site.push("--ue", row["impi"], status=NOT_ALL if wanted else DONE)
            expect(f"refused by, {row['impi']}", campaign["refused_by"], wanted)
            expect("members", campaign["members"], 1)


if __name__ == "__main__":
    tell(every_refusal_has_its_name, uicc_takes_253_octets_and_not_one_more,
         message_longer_than_the_port_is_refused, push_to_one_says_why_not)
