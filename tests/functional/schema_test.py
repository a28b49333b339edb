#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the mskpush authors

"""What every command answers with --json, against the schemas of docs/schema. Those allow members
that are not in them yet, as clients have to; here nothing may be answered that they do not have.
"""

import json
import os
import re
import subprocess

import jsonschema

from story import BAD_USAGE, DONE, GROUP, NOT_ALL, NOT_REACHED, SERVICE, TOP, expect, expect_that, tell
from ua_client import key_item, msk_body
from ua_stage import UaStage

SCHEMAS = os.path.join(TOP, "docs", "schema")
OTHER_GROUP, OTHER_SERVICE = "001-01/0002", "urn:other"
PHONES = 6


def closed(schema):
    """A schema that allows nothing which it does not name."""
    if isinstance(schema, list):
        return [closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    schema = {name: closed(part) for name, part in schema.items()}
    if "properties" in schema:
        schema.setdefault("additionalProperties", False)
    return schema


def schemas_read():
    """Validators by name, each sound by itself."""
    texts = {}
    for name in sorted(os.listdir(SCHEMAS)):
        if name.endswith(".json"):
            with open(os.path.join(SCHEMAS, name), encoding="utf-8") as file:
                texts[name] = json.load(file)
            jsonschema.Draft7Validator.check_schema(texts[name])
            expect(f"$id of {name}", texts[name]["$id"], name)
    store = {name: closed(schema) for name, schema in texts.items()}
    return {name: jsonschema.Draft7Validator(
        schema, resolver=jsonschema.RefResolver(name, schema, store),
        format_checker=jsonschema.FormatChecker()) for name, schema in store.items()}


def schemas_of_commands():
    """Command -> name of a schema, from the table of docs/schema/README.md."""
    with open(os.path.join(SCHEMAS, "README.md"), encoding="utf-8") as file:
        rows = re.findall(r"^\| `([a-z ]+)` \| `([a-z-]+\.json)` \|", file.read(), re.M)
    expect("commands are named once", len(dict(rows)), len(rows))
    return dict(rows)


class JsonStage(UaStage):
    """A site whose every answer is held against its schema."""

    def __init__(self, **options):
        super().__init__(**options)
        self.validators = schemas_read()
        self.schema_of = schemas_of_commands()
        self.seen = set()

    def check(self, name, answer):
        """An answer follows a schema."""
        errors = [f"{'/'.join(map(str, e.absolute_path))}: {e.message}"
                  for e in self.validators[name].iter_errors(answer)]
        expect_that(not errors, f"{name} allows {json.dumps(answer)[:4000]}", errors)

    def told(self, command, *words, status=DONE, schema=None):
        """Runs a command with --json; returns its answer, which is not an error."""
        seen, answer, errors = self.run(*command.split(), *words)
        expect(f"exit status of {command} {words} ({errors})", seen, status)
        self.check(schema or self.schema_of[command], answer)
        self.seen.add(command)
        return answer

    def refused(self, *words, status=NOT_ALL):
        """A command that cannot be done; its answer is an error."""
        seen, answer, _ = self.run(*words)
        expect(f"exit status of {words}", seen, status)
        self.check("error.json", answer)
        return answer["error"]


def found(site):
    """A site is founded, in JSON."""
    site.told("help")
    site.told("help", "push")
    site.told("group add", GROUP)
    site.told("group add", OTHER_GROUP, "--profile", "v600")
    site.told("group list")
    site.told("service add", SERVICE, "--group", GROUP)
    site.told("service add", OTHER_SERVICE, "--group", OTHER_GROUP, "--policy", "bootstrap")
    site.told("service list")
    site.told("service announce", SERVICE, "232.1.1.1:5004")
    with open(site.csv, "a", encoding="utf-8") as file:
        file.write("bad line,,,,,,,,,\n")
    site.refused("ue", "import", site.csv, status=BAD_USAGE)
    site.told("ue import", site.csv, "--skip-bad")
    site.told("msk new", GROUP)
    site.told("msk new", GROUP)
    site.told("msk activate", GROUP, "0002")
    site.told("msk list", GROUP)
    site.refused("msk", "new", "001-01/0009")


def look_around(site):
    """What only shows."""
    site.told("ue list", "--limit", "2")
    site.told("ue list")
    site.told("ue show", site.rows[0]["impi"])
    site.told("status")
    site.told("stats")
    site.told("stats", "--stages")
    site.told("watch", "--count", "1")
    site.told("area list")
    site.told("area set", "north", "--rate", "1000")
    site.told("area set", "north", "--rate", "none")
    site.told("key show")
    site.told("key rotate")
    site.told("backup", site.path("copy.mdb"))


def campaigns(site):
    """Campaigns of all kinds, in all states."""
    site.told("push", GROUP, "--dry-run", schema="plan.json")
    with subprocess.Popen([site.program("mskpush"), "--json", "capture", site.path("wire"),
                           "--count", "1"], env=site.environment(), stdout=subprocess.PIPE,
                          text=True) as capture:
        site.told("push", GROUP, "--yes")
        answer = json.loads(capture.communicate(timeout=20)[0])
    site.check(site.schema_of["capture"], answer)
    site.seen.add("capture")
    number = str(site.told("push", GROUP, "--arm", "--yes")["id"])
    site.told("status")
    site.told("fire", number)
    number = str(site.told("push", GROUP, "--yes", "--no-wait", "--rate", "1", "--auto")["id"])
    site.told("campaign show", number)
    site.refused("push", GROUP, "--yes")
    site.told("campaign set", number, "--rate", "2")
    site.told("campaign pause", number)
    site.told("explain", number)
    site.told("status")
    site.told("campaign show", number, "--undelivered", schema="undelivered.json")
    site.told("trace", site.rows[0]["impi"])
    site.told("campaign resume", number)
    site.told("campaign abort", number)
    site.told("campaign watch", number, status=NOT_ALL)
    site.told("campaign export", number)
    site.told("push", GROUP, "--yes", "--at", "2040-01-01T00:00:00Z")
    number = str(site.told("solicit", GROUP, "--yes", "--no-wait")["id"])
    site.told("campaign show", number)
    site.told("campaign abort", number)
    site.told("campaign list")
    site.refused("campaign", "show", "4000000000")


def mtks(site):
    """MTKs are sent, and change from one MSK to the next."""
    site.refused("mtk", "start", GROUP, "--to", "10.0.0.1:5004", status=BAD_USAGE)
    site.told("mtk start", GROUP, "--to", "232.1.1.1:5004", "--dummy", "1")
    site.told("mtk list")
    site.told("status")
    number = site.told("msk new", GROUP)["number"]
    site.told("msk activate", GROUP, number)
    waits = site.told("mtk show", GROUP)
    expect("switch", (waits["switch"]["state"], waits["switch"]["to"]), ("waits", number))
    site.told("msk activate", GROUP, number, "--now")
    site.told("mtk show", GROUP)
    site.told("msk revoke", GROUP, number)
    site.told("mtk stop", GROUP)


def phones(site):
    """A phone comes, and goes."""
    phone = site.phone(0)
    phone.ask("msk-request", msk_body(key_item(1), key_item(9)))
    site.push_when(0, "verified")
    site.told("ue show", site.rows[0]["impi"])
    site.told("trace", site.rows[0]["btid"])
    site.told("ue remove", site.rows[5]["impi"])
    site.refused("trace", "nobody@nowhere")
    site.told("service remove", OTHER_SERVICE, "--yes")
    site.told("group remove", OTHER_GROUP)


def every_command_answers_as_its_schema_says():
    with JsonStage() as site:
        key = site.path("wrapping.key")
        with open(key, "wb") as file:
            file.write(os.urandom(32))
        os.chmod(key, 0o600)
        site.wrapping_key = f"file:{key}"
        site.extra_yaml = "areas: [{name: north, prefixes: 0.0.0.0/0}]\n"
        site.make_phones(PHONES)
        site.start_daemon()
        site.start_phones(site.csv)
        found(site)
        look_around(site)
        campaigns(site)
        phones(site)
        mtks(site)
        commands = {row["command"] for row in site.cli("help")["commands"]}
        expect("commands with a schema", set(site.schema_of), commands)
        expect("commands that were run", site.seen, commands)
        site.refused("status", "--frob", status=BAD_USAGE)
        site.refused("status", "--socket", "/nonexistent", status=NOT_REACHED)


if __name__ == "__main__":
    tell(every_command_answers_as_its_schema_says)
