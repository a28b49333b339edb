#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the mskpush authors

"""Writes files as a C source of the console (control/console.h). The same files give the same text.

usage: embed.py OUT FILE...    index.html is served at /, every other file at its name
"""

import os
import sys

TYPES = {".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8",
         ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
OCTETS_PER_LINE = 24


def octets(data):
    """The initializer of an array."""
    lines = (data[at:at + OCTETS_PER_LINE] for at in range(0, len(data), OCTETS_PER_LINE))
    return "\n".join("\t" + ",".join(map(str, line)) + "," for line in lines)


def main():
    out, *paths = sys.argv[1:]
    text = ['#include "console.h"\n']
    rows = []
    for i, path in enumerate(paths):
        name = os.path.basename(path)
        with open(path, "rb") as file:
            data = file.read()
        text.append(f"static const unsigned char file{i}[] = {{\n{octets(data)}\n}};\n")
        place = "/" if name == "index.html" else "/" + name
        rows.append(f'\t{{"{place}", "{TYPES[os.path.splitext(name)[1]]}", file{i}, sizeof(file{i})}},')
    text.append("const struct console_file console_files[] = {\n" + "\n".join(rows) + "\n};")
    text.append("const size_t console_files_count = sizeof(console_files) / sizeof(console_files[0]);\n")
    with open(out, "w", encoding="ascii") as file:
        file.write("\n".join(text))


if __name__ == "__main__":
    main()
