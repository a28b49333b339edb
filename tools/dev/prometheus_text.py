# SPDX-License-Identifier: Apache-2.0
# Copyright the mskpush authors

"""A strict reader of Prometheus' text format, version 0.0.4: what the format does not say is an
error here, also where Prometheus itself lets it pass.
"""

import math
import re

NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"')
NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d+)?(?:e[+-]?\d+)?|Inf)|NaN")
TYPES = {"counter", "gauge", "histogram"}


class FormatError(ValueError):
    """What is wrong, and in which line."""


class Family:
    """A metric: its help, its type, and its samples as (suffix, labels, value)."""

    def __init__(self, name, text):
        self.name, self.help, self.type, self.samples = name, text, None, []

    def series(self):
        """(suffix, sorted label pairs) -> value."""
        return {(suffix, tuple(sorted(labels.items()))): value
                for suffix, labels, value in self.samples}

    def value(self, **labels):
        """The one sample with these labels."""
        return self.series()[("", tuple(sorted(labels.items())))]


def fail(number, why):
    """Complains of a line."""
    raise FormatError(f"line {number}: {why}")


def labels_read(text, number):
    """The pairs between the braces."""
    labels, at = {}, 0
    while at < len(text):
        match = LABEL.match(text, at)
        if not match:
            fail(number, f"no label at {text[at:]!r}")
        if match[1] in labels:
            fail(number, f"label {match[1]} twice")
        labels[match[1]] = re.sub(r"\\(.)", lambda m: {"n": "\n"}.get(m[1], m[1]), match[2])
        at = match.end()
        if at < len(text):
            if text[at] != "," or at + 1 == len(text):
                fail(number, "labels are separated by one comma")
            at += 1
    return labels


def sample_read(line, number):
    """(name, labels, value) of a sample."""
    match = NAME.match(line)
    if not match:
        fail(number, f"no name in {line!r}")
    name, rest, labels = match[0], line[match.end():], {}
    if rest.startswith("{"):
        end = rest.rfind("}")
        if end < 0:
            fail(number, "braces are not closed")
        labels, rest = labels_read(rest[1:end], number), rest[end + 1:]
    if not rest.startswith(" ") or not NUMBER.fullmatch(rest[1:]):
        fail(number, f"no value in {rest!r}")
    return name, labels, float(rest[1:].replace("Inf", "inf"))


def suffix_of(family, name, number):
    """What a sample's name has behind the family's."""
    suffix = name[len(family.name):] if name.startswith(family.name) else None
    allowed = {"_bucket", "_sum", "_count"} if family.type == "histogram" else {""}
    if suffix not in allowed:
        fail(number, f"{name} does not belong to {family.name} of type {family.type}")
    return suffix


def histogram_check(family):
    """Buckets ascend, end with +Inf, and agree with the count."""
    buckets = [(float(labels["le"].replace("Inf", "inf")), value)
               for suffix, labels, value in family.samples if suffix == "_bucket"]
    if [le for le, _ in buckets] != sorted({le for le, _ in buckets}) or buckets[-1][0] != math.inf:
        raise FormatError(f"{family.name}: buckets do not ascend to +Inf")
    if [value for _, value in buckets] != sorted(value for _, value in buckets):
        raise FormatError(f"{family.name}: buckets fall")
    if [value for suffix, _, value in family.samples if suffix == "_count"] != [buckets[-1][1]]:
        raise FormatError(f"{family.name}: its count is not that of its last bucket")


def family_check(family):
    """What one family has to keep to as a whole."""
    if family.type is None:
        raise FormatError(f"{family.name} has no type")
    if len(family.series()) != len(family.samples):
        raise FormatError(f"{family.name} has a series twice")
    names = {tuple(sorted(set(labels) - {"le"})) for _, labels, _ in family.samples}
    if len(names) > 1:
        raise FormatError(f"{family.name} has series with different labels: {names}")
    if family.type == "counter" and not family.name.endswith("_total"):
        raise FormatError(f"{family.name} is a counter and does not end with _total")
    if family.type != "gauge" and any(value < 0 or math.isnan(value)
                                      for _, _, value in family.samples):
        raise FormatError(f"{family.name} is below zero")
    if family.type == "histogram":
        histogram_check(family)


def parse(text):
    """Name -> Family, in the order of the text."""
    if not text.endswith("\n"):
        raise FormatError("the last line has no end")
    families, current = {}, None
    for number, line in enumerate(text.split("\n")[:-1], 1):
        if line.startswith("# HELP "):
            name, _, words = line[7:].partition(" ")
            if not NAME.fullmatch(name) or not words:
                fail(number, "HELP needs a name and a text")
            if name in families:
                fail(number, f"{name} begins twice")
            current = families[name] = Family(name, words)
        elif line.startswith("# TYPE "):
            name, _, kind = line[7:].partition(" ")
            if current is None or name != current.name or current.type or current.samples:
                fail(number, "TYPE does not follow its HELP")
            if kind not in TYPES:
                fail(number, f"unknown type {kind}")
            current.type = kind
        elif line.startswith("#") or not line:
            fail(number, "a line that is neither HELP, TYPE nor sample")
        else:
            name, labels, value = sample_read(line, number)
            if current is None or current.type is None:
                fail(number, "a sample before HELP and TYPE")
            current.samples.append((suffix_of(current, name, number), labels, value))
    for family in families.values():
        family_check(family)
    return families
