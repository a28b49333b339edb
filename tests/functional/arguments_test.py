#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the mskpush authors

"""Every command of mskpush with arguments that are missing, too many, wrong, huge or hostile: each
is answered in a sentence with the exit status for it, and the daemon stays as it was. And two
operators who start the same campaign in the same moment.

    arguments_test.py          one in 37 of them, some of each command
    arguments_test.py --all    all of them: some minutes
"""

import json
import os
import subprocess
import sys

from story import DONE, GROUP, NOT_ALL, Stage, expect, tell

HOSTILE = ["", " ", "x" * 5000, "\x1b]0;owned\x07", "%s%n%x", "'; drop table ues; --", "\xff\xfe",
           "..", "%2e%2e%2f", "a\nb: c", "-1", "18446744073709551616", "1e309", "NaN", "001-01/00001",
           "999-999/ffff", "{\"a\": 1}"]
# What keeps commands from waiting for something that never comes.
ENDS = {"capture": ["--ue", "nobody@nowhere"], "watch": ["--count", "1"],
        "push": ["--no-wait"], "solicit": ["--no-wait"]}
SHARE = 37


def cases(row):
    """Argument lists for a command: some of them may be right by chance."""
    yield []
    yield ["x"] * 300
    yield ["--frob"]
    yield ["--"] + ["x"] * 4
    for word in HOSTILE:
        yield [word]
        yield [GROUP, word]
        for option in row["options"]:
            if option["value"] is not None:
                yield [GROUP, "7", f"{option['option']}={word}"]
    for option in row["options"]:
        yield [option["option"]]
        yield [f"{option['option']}=1", f"{option['option']}=2"]


def is_said_in_json(output):
    """One object, with a word and a sentence."""
    try:
        answer = json.loads(output)
    except ValueError:
        return False
    return isinstance(answer, dict) and answer["error"].isascii() and len(answer["message"]) > 5


def is_said_in_text(errors):
    """Lines that a terminal can show, the first one who says it."""
    return errors.startswith("mskpush: ") and errors.replace("\n", "").isprintable()


def answer_check(done, is_json):
    """What is wrong with how a command ended; None: nothing."""
    if done.returncode not in (0, 1, 2, 3):
        return f"ended with {done.returncode}"
    if done.returncode == DONE:
        return None
    is_said = is_said_in_json(done.stdout) if is_json else is_said_in_text(done.stderr)
    return None if is_said else f"says {done.stdout[:200]!r} {done.stderr[:200]!r}"


def run_each(site, row, first, step, wrong):
    """A command with each step-th of its cases, in JSON or in text."""
    command = row["command"]
    for number, words in list(enumerate(cases(row)))[first::step]:
        is_json = number // step % 2 == 0
        argv = [site.program("mskpush"), *(["--json"] if is_json else []), *command.split(),
                *words, *ENDS.get(command, [])]
        done = subprocess.run(argv, env=site.environment(), cwd=site.path("odd"), text=True,
                              errors="replace", stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=20, check=False)
        why = answer_check(done, is_json)
        if why:
            wrong.append(f"{command} {str(words)[:120]} {why}")


def every_command_answers_whatever_it_is_given():
    with Stage() as site:
        site.start_daemon()
        os.mkdir(site.path("odd"))
        site.cli("group", "add", GROUP)
        wrong, step = [], 1 if IS_ALL else SHARE
        for number, row in enumerate(site.cli("help")["commands"]):
            run_each(site, row, number % step, step, wrong)
        expect("answers that are none", wrong, [])
        expect("key groups", [group["group"] for group in site.cli("group", "list")["groups"]],
               [GROUP])
        status = site.cli("status")
        expect("subscribers", status["store"]["subscribers"], 0)
        expect("campaigns that are open", status["campaigns"], [])


def of_two_who_start_at_once_one_starts():
    with Stage() as site:
        site.raise_all(50)
        for round_number in range(1, 6):
            both = [subprocess.Popen([site.program("mskpush"), "--json", "push", GROUP, "--yes",
                                      "--no-wait", "--rate", "1"], env=site.environment(),
                                     stdout=subprocess.PIPE, text=True) for _ in range(2)]
            answers = [json.loads(one.communicate(timeout=20)[0]) for one in both]
            expect("exit statuses", sorted(one.returncode for one in both), [DONE, NOT_ALL])
            started = next(answer for answer in answers if "error" not in answer)
            refused = next(answer for answer in answers if "error" in answer)
            expect("who is in the way", (refused["error"], refused["campaign"]),
                   ("campaign-running", started["id"]))
            expect("campaigns", started["id"], round_number)
            site.cli("campaign", "abort", str(started["id"]))


if __name__ == "__main__":
    IS_ALL = "--all" in sys.argv
    sys.argv = [word for word in sys.argv if word != "--all"]
    tell(every_command_answers_whatever_it_is_given, of_two_who_start_at_once_one_starts)
