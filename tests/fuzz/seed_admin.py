#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the mskpush authors

"""Writes seeds of the corpus admin: calls of docs/admin-api.md.

usage: seed_admin.py FOLDER
"""

import json
import os
import sys

GROUP = "/v1/groups/001-01/0001"
ORDER = {"kind": "push", "group": "001-01/0001"}
CALLS = {
    "stats": ("GET /v1/stats", None),
    "subscribers": ("GET /v1/subscribers?after=3&limit=10", None),
    "subscriber": ("PUT /v1/subscribers/100001@x", {
        "btid": "b1@x", "muk": "11" * 32, "mrk": "22" * 32, "expires": "2090-12-01T00:00:00Z",
        "address": "10.0.0.7", "port": 2269, "keys_in": "me", "services": ["tv"],
        "registered": None}),
    "ks": ("PUT /v1/subscribers/a@x", {"btid": "c@x", "ks_ext_naf": "33" * 32, "expires": 4000000000,
                                         "ks_int_naf": "44" * 32, "keys_in": "uicc"}),
    "subscriber-gone": ("DELETE /v1/subscribers/100002@x", None),
    "nobody": ("GET /v1/subscribers/nobody@x", None),
    "service": ("PUT /v1/services/tv%2e2", {"groups": ["001-01/0001"]}),
    "announcement": ("POST /v1/services/tv/announcement", {
        "flows": ["232.1.1.1:5004"], "confidentiality": True, "integrity": False}),
    "group": ("PUT /v1/groups/310-410/00ff", {"profile": "v600"}),
    "msk": (f"POST {GROUP}/msks", {"seq_l": 0, "seq_u": 100}),
    "activate": (f"POST {GROUP}/msks/0002/activate", None),
    "push": ("POST /v1/campaigns", dict(ORDER, sends=3, waits=[0, 1, 2], rate=100)),
    "plan": ("POST /v1/campaigns", dict(ORDER, dry_run=True, within=60, sample=10)),
    "auto": ("POST /v1/campaigns", dict(ORDER, kind="auto", solicits=2, solicit_waits=[1],
                                        stop_if_unverified=5, stop_after=10, new=True)),
    "chosen": ("POST /v1/campaigns", dict(ORDER, subscribers=["100003@x", "b4@x"])),
    "later": ("POST /v1/campaigns", dict(ORDER, at="2090-01-01T00:00:00Z")),
    "then-armed": ("POST /v1/campaigns", dict(ORDER, arm="keys")),
    "change": ("PATCH /v1/campaigns/1", {"rate": 7}),
    "pause": ("POST /v1/campaigns/1/pause", None),
    "undelivered": ("GET /v1/campaigns/1/undelivered?limit=5", None),
}


def main():
    """One file a call."""
    for name, (line, body) in CALLS.items():
        with open(os.path.join(sys.argv[1], name), "w", encoding="utf-8") as file:
            file.write(line + "\n" + ("" if body is None else json.dumps(body)))
    with open(os.path.join(sys.argv[1], "import"), "w", encoding="utf-8") as file:
        file.write("POST /v1/import\nimpi,btid,muk,expires,services\n"
                   f"i1@x,k1@x,{'55' * 32},4000000000,tv\n")


if __name__ == "__main__":
    main()
