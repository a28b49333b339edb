#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the mskpush authors

"""The demo with 20,000 phones and loss: exit status, dossier checked octet by octet, every kind of
frame read by tshark without a malformed mark.

usage: demo_test.py PROFILE
"""

import json
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, HERE)
from dossier import Dossier  # noqa: E402

UES = 20000


def tshark_reads(pcap, counts):
    """tshark finds MIKEY in as many frames as we do, and nothing malformed."""
    def frames(display_filter):
        done = subprocess.run(["tshark", "-r", pcap, "-Y", display_filter, "-T", "fields",
                               "-e", "frame.number"], check=True, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, text=True)
        return len(done.stdout.split())
    assert frames("mikey.type == 0") == counts["push"]
    assert frames("mikey.type == 1") == counts["verification"]
    assert frames("_ws.malformed") == 0
    assert frames("arp") > 0


def main():
    profile = sys.argv[1]
    with tempfile.TemporaryDirectory(prefix="msk") as keep:
        subprocess.run([os.path.join(TOP, "tools/dev/demo.py"), "--ues", str(UES), "--loss", "5",
                        "--seed", "11", "--profile", profile, "--keep", keep], check=True)
        assert os.stat(keep).st_mode & 0o777 == 0o700
        with open(os.path.join(keep, "report.json"), encoding="utf-8") as file:
            report = json.load(file)
        assert report["members"] == report["verified"] == UES, report
        assert report["rounds"] >= 2, "5 % loss each way takes more than one round"
        dossier = Dossier(keep)
        assert len(dossier.phones) == UES
        dossier.check()
        assert len(dossier.verified) == UES
        tshark_reads(os.path.join(keep, "wire.pcap"), dossier.counts)
        print(f"{profile}: {dossier.counts}")


if __name__ == "__main__":
    main()
