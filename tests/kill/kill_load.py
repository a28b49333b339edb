# SPDX-License-Identifier: Apache-2.0
# Copyright the mskpush authors

"""What keeps the daemon busy while it waits to be killed, and what it said yes to meanwhile. Each
load is a thread that acts again and again while the daemon is there; an answer that does not come
promises nothing, and leaves open what it was about.
"""

import http.client
import json
import random
import threading
import time

from story import FQDN, GROUP, SERVICE, wait_until, write_csv
from ua_client import Phone, register_body
from unix_http import unix_call

GROUP_PATH = f"/v1/groups/{GROUP}"
MTK_PLACE = "232.26.1.1:5004"
UNKNOWN = "unknown"  # asked for, and no answer came
WAIT_S = 30  # longer than an act lasts whose daemon is killed


class Refused(Exception):
    """An answer that is no yes; `word` names the reason, where it has one."""

    def __init__(self, text, word=None):
        super().__init__(text)
        self.word = word


def word_of(text):
    """The reason that an answer of the API names."""
    try:
        return json.loads(text)["error"]
    except (ValueError, KeyError, TypeError):
        return None


def unless(refused, *words):
    """Goes on when it was refused for one of these reasons."""
    if refused.word not in words:
        raise refused


def admin(site, method, path, body=None, kind="application/json"):
    """One call; OSError or HTTPException when the daemon dies over it."""
    data = body if body is None or isinstance(body, bytes) else json.dumps(body)
    status, _, text = unix_call(site.socket, method, path, data, {"Content-Type": kind})
    if status >= 300:
        raise Refused(f"{method} {path}: {status} {text[:300]!r}", word_of(text))
    return json.loads(text or "{}")


def activated(site):
    """Orders what is a next MSK into use; True when none is left, and another can be made. While
    MTKs are sent the old one is used to its end."""
    states = [(msk["number"], msk["state"])
              for msk in admin(site, "GET", GROUP_PATH + "/msks")["msks"]]
    for number, state in states:
        if state == "next":
            try:
                msk = admin(site, "POST", f"{GROUP_PATH}/msks/{number}/activate", {"now": True})
            except Refused as refused:  # it came into use meanwhile, or is retired
                unless(refused, "not-next", "in-use")
                return False
            if msk["state"] == "next":
                return False
    return True


class Load:
    """A thread that acts while it may. A daemon that is gone ends an act; a fault of its own is
    kept for the harness."""

    def __init__(self, site, seed):
        self.site, self.random = site, random.Random(seed)
        self.acts = 0
        self.fault = None
        self.is_open, self.is_over = threading.Event(), False
        self.turn = threading.Lock()  # whoever acts, or sees to it that nobody does
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        """The thread."""
        while not self.is_over:
            self.is_open.wait()
            with self.turn:
                if self.is_open.is_set() and not self.is_over:
                    self.act_once()

    def act_once(self):
        """One act; the daemon may be killed in it."""
        try:
            self.act()
            self.acts += 1
        except (OSError, http.client.HTTPException):
            time.sleep(0.02)  # it was killed
        except Exception as fault:  # pylint: disable=broad-except
            self.fault = self.fault or fault

    def begin(self):
        """A daemon is there."""
        self.is_open.set()

    def pause(self):
        """The daemon is gone; returns when no act is under way, and none begins."""
        self.is_open.clear()
        if not self.turn.acquire(timeout=WAIT_S):
            raise TimeoutError(f"{self.name()} does not come back from its act")
        self.turn.release()

    def end(self):
        """No more."""
        self.is_over = True
        self.is_open.set()
        self.thread.join(WAIT_S)
        if self.thread.is_alive():
            raise TimeoutError(f"{self.name()} does not end")

    def name(self):
        """For people."""
        return type(self).__name__.lower()

    def act(self):
        """Something that the daemon says yes to, or dies over."""
        raise NotImplementedError

    def check(self):
        """What it said yes to is there: sentences about what is not."""
        return []


class Campaigns(Load):
    """A campaign after the other, each with an MSK of its own. Repeats follow at once, so that
    counters run ahead of the clock."""

    ORDER = {"kind": "push", "group": GROUP, "rate": 3000, "sends": 24,
             "waits": [0] * 16 + [1]}

    def __init__(self, site, seed):
        super().__init__(site, seed)
        self.open = None
        self.started, self.msks = {}, {}

    def act(self):
        if self.open is not None:
            state = admin(self.site, "GET", f"/v1/campaigns/{self.open}")["state"]
            if state not in ("done", "aborted"):
                time.sleep(0.03)
                return
        self.begin_next()

    def begin_next(self):
        """Whatever an earlier act had no answer to is taken up first."""
        running = [c["id"] for c in admin(self.site, "GET", "/v1/campaigns")["campaigns"]
                   if c["state"] == "running"]
        if running:
            self.open = running[0]
            return
        if not activated(self.site):
            time.sleep(0.05)
            return
        self.promise(admin(self.site, "POST", GROUP_PATH + "/msks"))
        campaign = admin(self.site, "POST", "/v1/campaigns", self.ORDER)
        self.started[campaign["id"]] = campaign["msk"]
        self.open = campaign["id"]

    def promise(self, msk):
        """The MSK is there from now on."""
        self.msks[msk["number"]] = (msk["csb_id"], msk["rand"], msk["check"])

    def check(self):
        lost = []
        seen = {msk["number"]: (msk["csb_id"], msk["rand"], msk["check"])
                for msk in admin(self.site, "GET", GROUP_PATH + "/msks")["msks"]}
        lost += [f"MSK {number}" for number, msk in self.msks.items() if seen.get(number) != msk]
        # Those before the last few are closed, and closed reports never change.
        for number in sorted(self.started)[-3:]:
            campaign = admin(self.site, "GET", f"/v1/campaigns/{number}")
            if campaign["msk"] != self.started[number] or campaign["members"] != (
                    campaign["verified"] + campaign["given_up"] + campaign["refused"]
                    + campaign["pending"]):
                lost.append(f"campaign {number}: {campaign}")
        return lost


class Subscribers(Load):
    """Subscribers that are added, changed and removed, one by one and by imports."""

    def __init__(self, site, seed):
        super().__init__(site, seed)
        self.known = {}  # IMPI -> address, None = removed, UNKNOWN
        self.fresh = set()  # to be looked at after the next kill
        self.made = 0

    def act(self):
        choice = self.random.random()
        if choice < 0.2 or not self.known:
            self.add_many(self.random.randrange(1, 200))
        elif choice < 0.9:
            self.put(self.random.choice(list(self.known)))
        else:
            self.remove(self.random.choice(list(self.known)))

    def row(self, impi):
        """A subscriber who has no service, so that no campaign waits for it."""
        octets = [10, 99, self.random.randrange(256), self.random.randrange(256)]
        return {"impi": impi, "address": ".".join(map(str, octets))}

    def promise(self, said):
        """What was said yes to, or is open when it is UNKNOWN."""
        self.known.update(said)
        self.fresh.update(said)

    def add_many(self, count):
        rows = [self.row(f"99{self.made + i}@kill.example") for i in range(count)]
        self.made += count
        path = self.site.path("more.csv")
        write_csv(path, rows, ("impi", "address"))
        self.promise({row["impi"]: UNKNOWN for row in rows})
        with open(path, "rb") as file:
            admin(self.site, "POST", "/v1/import", file.read(), "text/csv")
        self.promise({row["impi"]: row["address"] for row in rows})

    def put(self, impi):
        row = self.row(impi)
        self.promise({impi: UNKNOWN})
        admin(self.site, "PUT", f"/v1/subscribers/{impi}", {"address": row["address"]})
        self.promise({impi: row["address"]})

    def remove(self, impi):
        before = self.known[impi]
        self.promise({impi: UNKNOWN})
        try:
            admin(self.site, "DELETE", f"/v1/subscribers/{impi}")
        except Refused as refused:
            unless(refused, "campaign-open", "unknown-subscriber", "not-found")
            self.promise({impi: before})
            return
        self.promise({impi: None})

    def look(self, impi):
        """The address that the daemon knows; None when there is no such subscriber."""
        try:
            return admin(self.site, "GET", f"/v1/subscribers/{impi}")["address"]
        except Refused as refused:
            unless(refused, "unknown-subscriber")
            return None

    def check(self, everything=False):
        lost = []
        for impi in list(self.known) if everything else sorted(self.fresh)[:300]:
            seen = self.look(impi)
            if self.known[impi] not in (seen, UNKNOWN):
                lost.append(f"subscriber {impi}: {seen}, not {self.known[impi]}")
            self.known[impi] = seen
        self.fresh.clear()
        return lost


class Registrations(Load):
    """Phones that register and deregister; independent of everything in C."""

    def __init__(self, site, seed, rows):
        super().__init__(site, seed)
        self.rows = rows
        self.said = {row["impi"]: [SERVICE] for row in rows}

    def act(self):
        row = self.random.choice(self.rows)
        self.change(row, not self.said[row["impi"]])

    def change(self, row, is_wanted):
        """One procedure of a phone, on a connection of its own."""
        phone = Phone(self.site.ua_fixed, row["btid"], bytes.fromhex(row["mrk"]), FQDN)
        self.said[row["impi"]] = UNKNOWN
        try:
            answer = phone.ask("register" if is_wanted else "deregister", register_body(
                SERVICE, root="mbmsSecurityRegister" if is_wanted else "mbmsSecurityDeregister"))
        finally:
            phone.close()
        if answer is None or answer.status == 503:
            return
        if answer.status != 200 or answer.codes()[0].split()[0] != "200":
            raise Refused(f"registration: {answer}")
        self.said[row["impi"]] = [SERVICE] if is_wanted else []

    def register_all(self):
        """Until everybody is."""
        def is_registered(row):
            if self.seen(row["impi"]) != [SERVICE]:
                self.change(row, True)
            return self.seen(row["impi"]) == [SERVICE]
        wait_until("everybody is registered", lambda: all(map(is_registered, self.rows)), 30,
                   lambda: {row["impi"]: self.seen(row["impi"]) for row in self.rows})

    def seen(self, impi):
        """As the daemon knows it."""
        return admin(self.site, "GET", f"/v1/subscribers/{impi}")["registered"]

    def check(self):
        lost = []
        for impi, said in self.said.items():
            seen = self.seen(impi)
            if said not in (seen, UNKNOWN):
                lost.append(f"registered of {impi}: {seen}, not {said}")
            self.said[impi] = seen
        return lost


class Pulls(Load):
    """The emulator's own phones ask for MSKs."""

    def __init__(self, site, seed, first, count):
        super().__init__(site, seed)
        self.first, self.count = first, count

    def act(self):
        self.site.phones(do="fetch", first=self.first, count=self.count, rate=400)
        time.sleep(0.3)


class Mtks(Load):
    """MTKs of the group are sent, for a while at a time, and the encryptor reads them."""

    ORDER = {"to": [MTK_PLACE], "lead": 1, "interval": 2, "repeat": 2}

    def __init__(self, site, seed):
        super().__init__(site, seed)
        self.is_on = False
        self.told = {}  # (Key Number, MTK ID) -> (MTK, salt), as the encryptor was told
        self.changed = []

    def act(self):
        if self.is_on is not True:
            self.order("POST", True, self.ORDER)
        elif self.random.random() < 0.05:
            self.order("DELETE", False)
        else:
            self.look()
            time.sleep(0.1)

    def order(self, method, is_on, body=None):
        """Begins or ends the sending; it may stand so already."""
        self.is_on = UNKNOWN
        try:
            admin(self.site, method, GROUP_PATH + "/mtk", body)
        except Refused as refused:
            unless(refused, "mtk-running", "no-mtks", "no-msk")
            is_on = refused.word == "mtk-running"
        self.is_on = is_on

    def look(self):
        """What the encryptor is told; once it was, it stays so."""
        try:
            mtks = admin(self.site, "GET", GROUP_PATH + "/mtk")["mtks"]
        except Refused as refused:  # not sent, or not durable yet
            unless(refused, "no-mtks")
            return
        for mtk in mtks:
            name, key = (mtk["msk"], mtk["mtk_id"]), (mtk["key"], mtk["salt"])
            if self.told.setdefault(name, key) != key:
                self.changed.append(f"MTK {name}: the encryptor was told another one before")

    def check(self):
        lost, self.changed = self.changed, []
        streams = admin(self.site, "GET", "/v1/mtks")["mtks"]
        is_on = bool(streams) and streams[0]["is_on"]
        if self.is_on not in (is_on, UNKNOWN):
            lost.append(f"MTKs are sent: {is_on}, not {self.is_on}")
        self.is_on = is_on
        return lost


def loads(site, seed, rows, registering, pulling):
    """All loads. `rows` are the phones: the first of them register, the next pull."""
    return [Campaigns(site, seed), Subscribers(site, seed + 1),
            Registrations(site, seed + 2, rows[:registering]),
            Pulls(site, seed + 3, registering, pulling), Mtks(site, seed + 4)]
