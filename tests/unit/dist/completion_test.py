#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the mskpush authors

"""The shell's completion, asked as bash asks it.

usage: completion_test.py MSKPUSH FAKE_ADMIN COMPLETION OPTIONS [PROGRAM]...
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import unittest

MSKPUSH, FAKE_ADMIN, COMPLETION, OPTIONS = sys.argv[1:5]
PROGRAMS = sys.argv[5:]

ASK = r"""
source "$1"; shift
function=$1; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
$function "$1"
printf '%s\n' "${COMPREPLY[@]}"
"""


def ask(script, function, words, socket="/nonexistent"):
    """What is offered for the last of the words."""
    done = subprocess.run(["/bin/bash", "-c", ASK, "bash", script, function, *words],
                          env={**os.environ, "MSKPUSH_SOCKET": socket}, check=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.stderr:
        raise AssertionError(f"completion of {words} says {done.stderr!r}")
    return sorted(done.stdout.split())


def offered(*words, socket="/nonexistent"):
    return ask(COMPLETION, "_mskpush", [MSKPUSH, *words], socket)


class Completion(unittest.TestCase):
    """Of mskpush."""

    @classmethod
    def setUpClass(cls):
        text = subprocess.run([MSKPUSH, "help", "--json"], check=True, stdout=subprocess.PIPE).stdout
        cls.help = json.loads(text)
        cls.commands = {row["command"]: row for row in cls.help["commands"]}

    def test_every_command_can_be_reached_word_by_word(self):
        first = offered("")
        self.assertEqual(first, sorted({name.split()[0] for name in self.commands}))
        for family in first:
            seconds = {name.split()[1] for name in self.commands if name.startswith(family + " ")}
            if seconds:
                self.assertEqual(offered(family, ""), sorted(seconds), family)

    def test_begun_words_are_narrowed_down(self):
        self.assertEqual(offered("ca"), ["campaign", "capture"])
        self.assertEqual(offered("campaign", "se"), ["set"])
        self.assertEqual(offered("help", "campaign", "se"), ["set"])
        self.assertEqual(offered("nonsense", ""), [])

    def test_every_command_offers_its_options_and_those_of_all(self):
        everywhere = [row["option"] for row in self.help["options"]]
        for name, row in self.commands.items():
            own = [option["option"] for option in row["options"]]
            self.assertEqual(offered(*name.split(), "--"), sorted(own + everywhere), name)

    def test_help_for_programs_has_the_options_of_that_for_people(self):
        for name, row in self.commands.items():
            text = subprocess.run([MSKPUSH, *name.split(), "--help"], check=True,
                                  stdout=subprocess.PIPE, text=True).stdout
            told = re.findall(r"^  (--[a-z-]+)", text.partition("\nOptions:\n")[2], re.M)
            own = [option["option"] for option in row["options"]]
            self.assertEqual(told, own + ["--socket", "--json"], name)

    def test_values_of_options_are_no_words_of_the_command(self):
        self.assertEqual(offered("--socket", "/x", "push", "--ra"), ["--rate"])
        self.assertEqual(offered("push", "--rate", ""), [])
        self.assertEqual(offered("group", "add", "--profile", ""), ["ts33246", "v600"])

    def test_groups_and_campaigns_come_from_the_daemon(self):
        with tempfile.TemporaryDirectory() as directory:
            socket = os.path.join(directory, "s")
            with subprocess.Popen(["/usr/bin/python3", FAKE_ADMIN, socket, "/dev/null"],
                                  stdout=subprocess.PIPE, text=True) as admin:
                try:
                    self.assertEqual(admin.stdout.readline(), "ready\n")
                    self.assertIn("001-01/0001", offered("push", "", socket=socket))
                    self.assertIn("001-01/0001", offered("service", "add", "x", "--group", "001",
                                                         socket=socket))
                    ids = offered("campaign", "show", "", socket=socket)
                    self.assertTrue(ids and all(number.isdigit() for number in ids), ids)
                finally:
                    admin.terminate()


class Options(unittest.TestCase):
    """Of the other programs."""

    def test_every_option_of_the_help_is_offered(self):
        for program in PROGRAMS:
            text = subprocess.run([program, "--help"], check=True, stdout=subprocess.PIPE,
                                  text=True).stdout
            seen = ask(OPTIONS, "_mskpush_long_options", [program, "--"])
            for option in ("--help", "--version"):
                self.assertIn(option, seen, program)
            for option in seen:
                self.assertIn(option, text)
            self.assertEqual(ask(OPTIONS, "_mskpush_long_options", [program, ""]), [])

    def test_script_names_every_program(self):
        with open(OPTIONS, encoding="utf-8") as file:
            words = file.read().split()
        for program in PROGRAMS:
            self.assertIn(os.path.basename(program), words)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
