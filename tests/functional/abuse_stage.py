# SPDX-License-Identifier: Apache-2.0
# Copyright the mskpush authors

"""A site whose phones' side is abused."""

import base64

from story import expect, expect_that
from ua_client import Line, PATH, key_item, msk_body
from ua_stage import UaStage

BODY = msk_body(key_item(1))
TARGET = PATH + "msk-request"


class AbuseStage(UaStage):
    """After each story a phone that behaves is served, and the log holds no key."""

    def __exit__(self, kind, *rest):
        if kind is None:
            self.still_serves()
            self.log_is_clean()
        return super().__exit__(kind, *rest)

    def still_serves(self, index=0):
        """A phone that behaves gets its 200."""
        phone = self.phone(index)
        expect("codes of a phone that behaves", phone.ask("msk-request", BODY).codes(), ["200 OK"])
        phone.close()

    def log_is_clean(self):
        """No key in any form of it."""
        log = self.log("mskpushd")
        for row in self.rows:
            for key in (row["muk"], row["mrk"]):
                for form in (key, key.upper(), base64.b64encode(bytes.fromhex(key)).decode()):
                    expect_that(form not in log, "no key in the log", form)

    def refused(self, name, count=None):
        """An outcome was counted (so often)."""
        seen = self.results().get(name, 0)
        expect_that(seen == count if count is not None else seen > 0, f"{name} counted", seen)

    def raw(self, data):
        """(answer, connection) to octets on a connection of their own."""
        line = Line(self.ua_address())
        line.send(data)
        return line.answer(), line
