#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the mskpush authors

"""Every command that the documentation and the alert rules show is one, with options it has.

    docs_test.py TREE MSKPUSH [PROGRAM]...
"""

import glob
import json
import os
import re
import subprocess
import sys

TREE, MSKPUSH = sys.argv[1:3]
PROGRAMS = {os.path.basename(path): path for path in sys.argv[3:]}
OPTION = re.compile(r"--[a-z][a-z-]*")


def told(*argv):
    """What a program prints."""
    return subprocess.run(argv, check=True, stdout=subprocess.PIPE, text=True).stdout


def commands_of_mskpush():
    """Command -> its options."""
    answer = json.loads(told(MSKPUSH, "help", "--json"))
    everywhere = {row["option"] for row in answer["options"]}
    return {row["command"]: everywhere | {option["option"] for option in row["options"]}
            for row in answer["commands"]}


class Program:
    """What the help of another program of ours says that it takes."""

    def __init__(self, path):
        text = told(path, "--help")
        self.name = os.path.basename(path)
        self.options = set(OPTION.findall(text)) | {"--help", "--version"}
        self.commands = set(re.findall(r"^  ([a-z]+) [A-Z]+", text, re.M))

    def check(self, words):
        """What is wrong with a command line; None: nothing."""
        wrong = set(options_in(words)) - self.options
        if self.commands and words and words[0].isalpha() and words[0].islower():
            wrong |= {words[0]} - self.commands
        return f"{self.name} has no {', '.join(sorted(wrong))}" if wrong else None


def code_of_markdown(text):
    """Spans between backticks, and indented lines."""
    text = re.sub(r"^```.*$", "", text, flags=re.M)
    yield from re.findall(r"`([^`\n]+(?:\n[^`\n]+)?)`", text)
    yield from re.findall(r"^(?: {4}|\t)\s*(.*)$", text, re.M)


def code_of_man(text):
    """Text in bold, and examples."""
    for line in text.splitlines():
        if line.startswith("\t"):
            yield line.strip()
        yield from re.findall(r"\*((?:mskpush|mikey)[^*]*)\*", line)


def code_of_rules(text):
    """Remedies."""
    for remedy in re.findall(r'remedy: "(.*)"', text):
        yield re.sub(r"\{\{[^}]*\}\}", "7", remedy)


def commands_in(code):
    """Command lines of ours: (program, words)."""
    for part in re.split(r"[;|&#,()]|:\s|\s2?>>?\s|\$ ", code.replace("\\\n", " ")):
        words = part.split()
        while words and (words[0] in ("sudo", "env", "exec") or re.match(r"[A-Z_]+=", words[0])):
            words.pop(0)
        if words and os.path.basename(words[0]) in {"mskpush", *PROGRAMS}:
            yield os.path.basename(words[0]), words[1:]


def options_in(words):
    """As --new of [--new] and --arm of --arm=frames."""
    for word in words:
        yield from OPTION.findall(word)


def mskpush_check(commands, words):
    """What is wrong with a command of mskpush; None: nothing."""
    plain = [word for word in words if not word.startswith("-")]
    families = {name.split()[0] for name in commands}
    name = next((name for name in (" ".join(plain[:2]), " ".join(plain[:1])) if name in commands), None)
    if not plain or plain[0] == "COMMAND":
        return None
    if name is None:
        is_family = plain[0] in families and len(plain) == 1
        return None if is_family else f"no command {' '.join(plain[:2])}"
    wrong = set(options_in(words)) - commands[name]
    return f"{name} has no {', '.join(sorted(wrong))}" if wrong else None


def is_prose(program, words):
    """As in "mskpush is the key-push engine"."""
    return program == "mskpush" and words and re.fullmatch(
        "is|and|does|speaks|replaces|authors|makes|cannot|as|in|will|-|the", words[0])


PAGES = {"README.md": code_of_markdown, "docs/*.md": code_of_markdown,
         "docs/schema/README.md": code_of_markdown, "docs/man/*.scd": code_of_man,
         "tools/dist/alerts.yml": code_of_rules}


def shown():
    """Every command line that is shown anywhere: (page, code around it, program, words)."""
    for pattern, code_of in PAGES.items():
        for path in glob.glob(os.path.join(TREE, pattern)):
            with open(path, encoding="utf-8") as file:
                codes = code_of(file.read())
                yield from ((os.path.relpath(path, TREE), code, *command)
                            for code in codes for command in commands_in(code)
                            if not is_prose(*command))


def main():
    commands = commands_of_mskpush()
    others = {name: Program(path) for name, path in PROGRAMS.items()}
    seen, wrong = 0, []
    for page, code, program, words in shown():
        seen += 1
        why = (others[program].check(words) if program in others
               else mskpush_check(commands, words))
        if why:
            wrong.append(f"{page}: {code}: {why}")
    if seen < 80:
        wrong.append(f"only {seen} commands were found: how they are written has changed")
    print("\n".join(wrong))
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
