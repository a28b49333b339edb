#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the mskpush authors

"""The demo's story of expired MUKs: exit status, the dossier octet by octet with its solicited pulls,
the table's sums, the plot.

usage: demo_story_test.py PROFILE
"""

import csv
import json
import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, HERE)
from dossier import Dossier  # noqa: E402

UES = 3000


def main():
    profile = sys.argv[1]
    with tempfile.TemporaryDirectory(prefix="msk") as keep:
        done = subprocess.run(
            [os.path.join(TOP, "tools/dev/demo.py"), "--story", "expired", "--ues", str(UES), "--seed",
             "5", "--profile", profile, "--keep", keep], check=True, stdout=subprocess.PIPE, text=True)
        print(done.stdout[-3000:])
        with open(os.path.join(keep, "report.json"), encoding="utf-8") as file:
            report = json.load(file)
        ways = report["ways"]
        # A tenth is offline, one in a hundred of them for good.
        assert report["unreachable"] == report["offline"] == 3, report
        assert len(set(report["unreachable_impis"])) == 3
        assert sum(ways.values()) == UES - 3, ways
        assert ways["pushed"] > 1900 and ways["solicited"] > 900 and ways["missed"] > 0, ways
        for text in ("pushed", "solicited and pulled", "missed update", "unreachable"):
            assert text in done.stdout, text
        dossier = Dossier(keep)
        dossier.check()
        with open(os.path.join(keep, "ues.csv"), newline="", encoding="utf-8") as file:
            impis = {row["btid"].encode(): row["impi"] for row in csv.DictReader(file)}
        verified = {impis[btid] for btid in dossier.verified}
        assert verified == set(impis.values()) - set(report["unreachable_impis"])
        assert dossier.counts["mtk"] > 0, "those that lack it meet MTK messages"
        assert len(dossier.solicited) >= 1000, "each phone with an expired MUK is solicited"
        svg = xml.etree.ElementTree.parse(os.path.join(keep, "demo-expired.svg")).getroot()
        texts = {element.text for element in svg.iter() if element.text}
        assert {"pushes", "solicits", "pulls", "verifications"} <= texts, texts
        print(f"{profile}: {dossier.counts}")


if __name__ == "__main__":
    main()
