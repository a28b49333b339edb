# SPDX-License-Identifier: Apache-2.0
# Copyright the mskpush authors

"""A stage whose phones also speak HTTP, by ua_client."""

from story import FQDN, GROUP, SERVICE, Stage, wait_until, write_csv
from ua_client import Phone


class UaStage(Stage):
    """A site whose phones keep the addresses they were imported with."""

    def __init__(self, ua_yaml="", **options):
        super().__init__(**options)
        self.ua_yaml = "  address: imported\n" + ua_yaml

    def raise_unregistered(self, count, *phone_flags, service=SERVICE):
        """As raise_all(), but nobody is registered with anything yet."""
        self.make_phones(count)
        for row in self.rows:
            row["registered"], row["services"] = "-", service
        write_csv(self.csv, self.rows)
        self.start_daemon()
        self.start_phones(self.csv, "--pcap", self.pcap, *phone_flags)
        return self.provision()

    def phone(self, index, **options):
        """The HTTP side of a phone of the CSV."""
        row = self.rows[index]
        return Phone(self.ua_address(), row["btid"], bytes.fromhex(row["mrk"]), FQDN, **options)

    def deafen(self, index):
        """The phone takes no push any more, and answers none: it has another MUK."""
        self.phones(do="set", id=self.rows[index]["btid"], muk="11" * 32)

    def heal(self, index):
        """It has the right one again."""
        row = self.rows[index]
        self.phones(do="set", id=row["btid"], muk=row["muk"])

    def shown(self, index):
        """What the operator sees of a phone."""
        return self.cli("ue", "show", self.rows[index]["impi"])

    def push_when(self, index, state, timeout_s=10):
        """Waits until the last push of a phone stands as wanted; returns what is shown of it."""
        def probe():
            seen = self.shown(index)
            return seen if (seen["last_push"] or {}).get("state") == state else None
        return wait_until(f"push of phone {index}: {state}", probe, timeout_s,
                          lambda: self.shown(index))

    def results(self):
        """Requests by outcome, over all procedures."""
        sums = {}
        for results in self.cli("stats")["ua"]["requests"].values():
            for name, count in results.items():
                sums[name] = sums.get(name, 0) + count
        return sums


__all__ = ["UaStage", "FQDN", "GROUP", "SERVICE"]
