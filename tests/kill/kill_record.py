# SPDX-License-Identifier: Apache-2.0
# Copyright the mskpush authors

"""What the emulator noted of the BM-SC (tools/ue/record.h), read and judged by the rule alone."""

import bisect
import hashlib
import struct

HEADER = struct.Struct("<8sQ48x")
ENTRY = struct.Struct("<q8s8s8sIIHc5x")
MAGIC = b"mskrec-1"
ENTRIES_MAX = 1 << 25  # of tools/ue/record.c: what comes after is lost


def head(data):
    """What stands for a B-TID or a key."""
    return hashlib.sha256(data if isinstance(data, bytes) else data.encode()).digest()[:8]


class Judge:
    """Reads on where it stopped; `faults` are the sentences about what may never happen."""

    def __init__(self, path):
        self.path, self.done = path, 0
        self.faults = []
        self.counts = {}
        self.last = {}  # key -> highest counter: of a MUK by its B-TID, of an MSK by itself
        self.msks = {}  # MSK ID -> MSK
        self.numbers = {}  # MSK -> Key Number
        self.mtks = {}  # (MSK, MTK ID) -> MTK
        self.answered = {}  # (B-TID, CSB ID) -> when verifications left
        self.csb = {}  # B-TID -> CSB ID of the last push
        self.lives = []  # [begin, end] of daemons that could hear, in Unix microseconds
        self.ages = []  # (life, age in microseconds at its end, B-TID) of those asked again
        self.compared = set()  # names of MTKs that were on the air and told to the encryptor

    def read(self):
        """Takes what is new."""
        with open(self.path, "rb") as file:
            magic, count = HEADER.unpack(file.read(HEADER.size))
            if magic != MAGIC:
                raise ValueError(f"{self.path} is no record")
            if count >= ENTRIES_MAX:
                raise ValueError(f"{self.path} is full: fewer kills, or fewer phones")
            file.seek(HEADER.size + self.done * ENTRY.size)
            data = file.read((count - self.done) * ENTRY.size)
        self.done = count
        for entry in ENTRY.iter_unpack(data):
            self.take(*entry)

    def take(self, wall, key, content, mac, counter, csb_id, number, kind):
        """One entry."""
        kind = kind.decode()
        self.counts[kind] = self.counts.get(kind, 0) + 1
        if kind in "PST":
            self.counter(kind, key, counter)
        if kind == "P":
            self.csb[key] = csb_id
            for answered in self.answered.get((key, csb_id), ()):
                self.asked_again(wall, key, answered)
        elif kind == "V":
            self.answered.setdefault((key, self.csb.get(key)), []).append(wall)
        elif kind == "M":
            self.same(self.msks, key, content, f"Key Number {number:04x} names two MSKs")
            self.numbers[content] = f"{number:04x}"
        elif kind == "T":
            self.same(self.mtks, (key, number), content, f"MTK ID {number:04x} names two MTKs")

    def counter(self, kind, key, counter):
        """No (key, counter) twice, no lower one after a higher one, nothing from bit 31 on."""
        before = self.last.get((kind == "T", key), 0)
        if counter <= before or counter >= 1 << 31:
            self.faults.append(f"{kind} {key.hex()}: counter {counter} after {before}")
        self.last[kind == "T", key] = max(counter, before)

    def mtks_told(self, told):
        """MTKs on the air against what the encryptor was told of them: sentences."""
        seen = {(self.numbers.get(msk), number): mtk for (msk, number), mtk in self.mtks.items()}
        self.compared |= set(told) & set(seen)
        return [f"MTK {name} on the air is not the encryptor's" for name in set(told) & set(seen)
                if seen[name] != head(bytes.fromhex(told[name][0]))[:3] + bytes(5)]

    def phones_fell(self):
        """Phones begin anew, without the MSKs they held: those they ask for over HTTP."""
        self.read()
        self.answered.clear()

    def same(self, known, name, content, fault):
        """A name stands for one thing."""
        if known.setdefault(name, content) != content:
            self.faults.append(fault)

    def asked_again(self, wall, key, answered):
        """A verification was asked for again, which a daemon may have heard before it died."""
        at = bisect.bisect_right(self.lives, [answered, wall]) - 1
        if at >= 0 and self.lives[at][0] <= answered < self.lives[at][1] < wall:
            self.ages.append((at, self.lives[at][1] - answered, key))
