#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the mskpush authors

"""Writes the seeds of fuzz_ue_message.c: the known answers, as that target reads them.
usage: seed_ue_message.py VECTORS FOLDER"""

import json
import os
import struct
import sys

SEEDS = {"msk": ["F.msg"], "msk-v600": ["F6.msg"], "msk-policy": ["K.msg"],
         "solicit": ["H.msg"], "solicit-v600": ["H6.msg"], "verification": ["G.msg"],
         "mtk-unknown": ["I1.msg"], "mtk": ["F.msg", "I3.msg"], "mtk-v600": ["F6.msg", "I6.msg"],
         "mtk-no-rand": ["F.msg", "I2.msg"], "all": ["F.msg", "H.msg", "I3.msg", "F6.msg", "K.msg"]}


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        vectors = json.load(file)
    os.makedirs(sys.argv[2], exist_ok=True)
    for name, messages in SEEDS.items():
        with open(os.path.join(sys.argv[2], name), "wb") as file:
            for message in messages:
                octets = bytes.fromhex(vectors[message])
                way = 0x8000 if message.startswith("I") else 0
                file.write(struct.pack(">H", way | len(octets)) + octets)


if __name__ == "__main__":
    main()
