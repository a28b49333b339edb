#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the mskpush authors

"""The security description of a service, and what the operator is told of the phones' side."""

import base64
import xml.etree.ElementTree as ET

from story import BAD_USAGE, DONE, NOT_ALL, expect, expect_in, expect_that, tell
from ua_client import key_item, msk_body
from ua_stage import FQDN, GROUP, SERVICE, UaStage

NS = "{urn:3GPP:metadata:2005:MBMS:securityDescription}"
OTHER = "001-01/00AB"


def description(site, *words, status=DONE):
    """The document as a tree."""
    seen, text, errors = site.run("service", "announce", *words, is_json=False)
    expect(f"exit status ({errors})", seen, status)
    return ET.fromstring(text) if status == DONE else errors


def services_are_announced_with_back_off_and_servers():
    yaml = ("  wait_time: 7s\n  max_back_off: 2m\n"
            "  servers: [\"http://a.example/keymanagement\", \"http://b.example/k?x=1&y=2\"]\n")
    with UaStage(yaml) as site:
        site.raise_all(1)
        site.cli("group", "add", OTHER)
        site.cli("service", "add", SERVICE, "--group", GROUP, "--group", OTHER)
        root = description(site, SERVICE, GROUP + "=232.1.1.1:5004", OTHER + "=[ff3e::1]:5006",
                           GROUP + "=232.1.1.2:5004")
        expect("root", root.tag, NS + "securityDescription")
        expect("flags", (root.get("confidentialityProtection"), root.get("integrityProtection"),
                         root.get("uiccKeyManagement")), ("true", "true", "true"))
        management = root.find(NS + "keyManagement")
        expect("back-off", (management.get("waitTime"), management.get("maxBackOff")),
               ("7", "120"))
        expect("servers", [uri.text for uri in management.findall(NS + "serverURI")],
               ["http://a.example/keymanagement", "http://b.example/k?x=1&y=2"])
        keys = root.findall(NS + "keyId")
        expect("flows", [[flow.get("flowID") for flow in key.findall(NS + "mediaFlow")]
                         for key in keys],
               [["232.1.1.1:5004", "232.1.1.2:5004"], ["[ff3e::1]:5006"]])
        ids = [(base64.b64decode(key.find(f"{NS}MSK/{NS}keyDomainID").text),
                base64.b64decode(key.find(f"{NS}MSK/{NS}MSKID").text)) for key in keys]
        expect("keys", ids, [(b"\x00\xf1\x10", b"\x00\x01\x00\x00"),
                             (b"\x00\xf1\x10", b"\x00\xab\x00\x00")])
        root = description(site, SERVICE, "--no-confidentiality", "--no-integrity")
        expect("flags", (root.get("confidentialityProtection"), root.get("integrityProtection")),
               ("false", "false"))
        for flow in ("232.1.1.1:5004", "x", GROUP + "=x", GROUP + "=232.1.1.1:0",
                     "001-01/0009=232.1.1.1:5004", GROUP + "=[::1:5"):
            expect_in("no flow", description(site, SERVICE, flow, status=BAD_USAGE))
        expect_that(description(site, "urn:none", status=NOT_ALL), "a sentence", "")


def a_service_of_the_old_profile_names_its_key_group():
    with UaStage() as site:
        site.make_phones(1)
        site.start_daemon()
        site.start_phones(site.csv)
        site.provision(profile="v600")
        root = description(site, SERVICE, "232.1.1.1:5004")
        expect("key", root.find(f"{NS}keyId/{NS}keyGroupID").text, "0001")
        expect_in(FQDN, root.find(f"{NS}keyManagement/{NS}serverURI").text)


def the_operator_sees_pulls_and_pushes():
    with UaStage() as site:
        site.raise_all(2)
        impi = site.rows[0]["impi"]
        _, text, _ = site.run("ue", "show", impi, is_json=False)
        expect_in("none since the start", text)
        site.phone(0).ask("msk-request", msk_body(key_item(1)))
        site.push_when(0, "verified")
        _, text, _ = site.run("ue", "show", impi, is_json=False)
        expect_in("msk-request: ok", text)
        expect_in("MSK 0001 of 001-01/0001, 1 sent: verified", text)
        _, text, _ = site.run("stats", is_json=False)
        for line in ("ua msk-request ok", "ua msk-request no-credentials",
                     "ua msk-request 200 OK", "singles_verified"):
            expect_in(line, text)


if __name__ == "__main__":
    tell(services_are_announced_with_back_off_and_servers,
         a_service_of_the_old_profile_names_its_key_group, the_operator_sees_pulls_and_pushes)
