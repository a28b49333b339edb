#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the mskpush authors

"""Every metric that the dashboard and the alert rules name is one of docs/metrics.md, with labels
that it has; promtool finds the rules right and they fire when they should.

    dashboard_test.py DASHBOARD ALERTS ALERTS_TEST METRICS.MD PROMTOOL
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

NAME = re.compile(r"\b(?:mskpush|process)_[a-z_]+\b")
SELECTOR = re.compile(r"\b((?:mskpush|process)_[a-z_]+)\{([^}]*)\}")
GIVEN = {"instance", "job"}  # by who scrapes
SKIPPED = 77


def metrics(path):
    """Name as a query has it -> its labels."""
    found = {}
    with open(path, encoding="utf-8") as file:
        for line in file:
            row = re.match(r"\| `([a-z_]+)` \| ([a-z]+) \| ([a-z,]*) \|", line)
            if not row:
                continue
            labels = set(filter(None, row[3].split(",")))
            suffixes = ("_bucket", "_sum", "_count") if row[2] == "histogram" else ("",)
            for suffix in suffixes:
                found[row[1] + suffix] = labels | ({"le"} if suffix == "_bucket" else set())
    return found


def expressions(dashboard, alerts):
    """Everything that is asked of Prometheus."""
    with open(dashboard, encoding="utf-8") as file:
        board = json.load(file)
    for panel in board["panels"]:
        for target in panel.get("targets", []):
            yield f"panel {panel['title']}", target["expr"]
    with open(alerts, encoding="utf-8") as file:
        yield "alerts", file.read()


def names_check(known, pairs):
    """What is wrong with the names."""
    for where, text in pairs:
        for name in NAME.findall(text):
            if name not in known:
                yield f"{where}: there is no metric {name}"
        for name, selector in SELECTOR.findall(text):
            labels = set(re.findall(r"([a-z_]+)\s*[=!]", selector))
            if not labels - GIVEN <= known.get(name, set()):
                yield f"{where}: {name} has no label {labels - GIVEN - known.get(name, set())}"


def board_check(dashboard):
    """Panels neither overlap nor share an id."""
    with open(dashboard, encoding="utf-8") as file:
        panels = json.load(file)["panels"]
    seen = {}
    for panel in panels:
        place = panel["gridPos"]
        for x in range(place["x"], place["x"] + place["w"]):
            for y in range(place["y"], place["y"] + place["h"]):
                if x >= 24 or seen.setdefault((x, y), panel["id"]) != panel["id"]:
                    yield f"panel {panel['title']} stands on another one"
    if len({panel["id"] for panel in panels}) != len(panels):
        yield "two panels have one id"


def rules_check(promtool, alerts, test):
    """What promtool says."""
    with tempfile.TemporaryDirectory() as work:
        shutil.copy(alerts, os.path.join(work, "alerts.yml"))
        shutil.copy(test, os.path.join(work, "test.yml"))
        for args in (["check", "rules", "alerts.yml"], ["test", "rules", "test.yml"]):
            done = subprocess.run([promtool, *args], cwd=work, text=True, check=False,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            if done.returncode != 0:
                yield done.stdout


def main():
    """Exit status 77: all is right but for what only promtool can tell, which is not here."""
    dashboard, alerts, test, page, promtool = (os.path.abspath(path) for path in sys.argv[1:])
    known = metrics(page)
    wrong = [] if known else ["no metrics in the page"]
    wrong += names_check(known, expressions(dashboard, alerts))
    wrong += board_check(dashboard)
    has_promtool = os.path.exists(promtool)
    if has_promtool:
        wrong += rules_check(promtool, alerts, test)
    print("\n".join(wrong))
    sys.exit(1 if wrong else 0 if has_promtool else SKIPPED)


if __name__ == "__main__":
    main()
