#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the mskpush authors

"""Who may do what on the admin API, and what is written down of it.

    accounts --> admin.sock --\
    tokens  --> TLS on TCP ----+--> mskpushd --> audit.log
    anybody --> metrics TCP --/
"""

import hashlib
import http.client
import json
import os
import pwd
import signal
import socket
import ssl
import subprocess
import sys

from story import (GROUP, SERVICE, Stage, certificate_make, expect, expect_in, expect_that, tell,
                   wait_until)

TOKENS = {"prometheus": "metrics", "reader": "read", "shift": "operate", "portal": "keys",
          "chief": "operate,keys"}


def secret(name):
    """The token of a name."""
    return f"token-of-{name}-0123456789"


class Guarded(Stage):
    """A site whose API is served over TLS as well."""

    def __init__(self, **options):
        super().__init__(**options)
        self.certificate("one")
        self.tokens_write(TOKENS)
        self.extra_yaml = f"""admin:
  listen: "127.0.0.1:0"
  certificate: {self.dir}/cert.pem
  private_key: {self.dir}/key.pem
  tokens: {self.dir}/tokens
metrics:
  listen: "127.0.0.1:0"
"""

    def certificate(self, name):
        """A certificate of its own making."""
        certificate_make(self.path("cert.pem"), self.path("key.pem"), name, "IP:127.0.0.1")

    def file(self, name, text=None):
        """Writes a file of the stage; without a text reads it."""
        with open(self.path(name), "w" if text else "r", encoding="utf-8") as file:
            return file.write(text) if text else file.read()

    def tokens_write(self, roles):
        with open(self.path("tokens"), "w", encoding="utf-8") as file:
            for name, held in roles.items():
                file.write(f"{name} {held} {hashlib.sha256(secret(name).encode()).hexdigest()}\n")

    def addresses(self):
        """Where the API and the metrics are served, as (host, port)."""
        seen = self.cli("status")["admin"]
        split = lambda text: (text.rsplit(":", 1)[0], int(text.rsplit(":", 1)[1]))  # noqa: E731
        return split(seen["tls"]), split(seen["metrics"])

    def over_tls(self, name, method, path, body=None):
        """One call with somebody's token (None: without); returns (status, object, headers)."""
        host, port = self.addresses()[0]
        context = ssl.create_default_context(cafile=self.path("cert.pem"))
        client = http.client.HTTPSConnection(host, port, context=context, timeout=20)
        headers = {} if name is None else {"Authorization": "Bearer " + secret(name)}
        client.request(method, path, body and json.dumps(body), headers)
        answer = client.getresponse()
        text = answer.read().decode()
        client.close()
        is_json = answer.getheader("Content-Type") == "application/json"
        return answer.status, json.loads(text) if is_json else text, answer.headers

    def audit(self):
        """The lines of the audit log."""
        with open(self.path("store/audit.log"), encoding="utf-8") as file:
            return [json.loads(line) for line in file]


def a_token_may_what_its_role_says():
    with Guarded() as site:
        site.start_daemon()
        calls = {
            "metrics": ("GET", "/metrics", None),
            "read": ("GET", "/v1/status", None),
            "operate": ("POST", "/v1/stats/stages", {"measure": False}),
            "keys": ("PUT", f"/v1/groups/{GROUP}", {}),
        }
        allowed = {"prometheus": {"metrics"}, "reader": {"metrics", "read"},
                   "shift": {"metrics", "read", "operate"}, "portal": {"metrics", "read", "keys"},
                   "chief": {"metrics", "read", "operate", "keys"}}
        for name, may in allowed.items():
            for role, (method, path, body) in calls.items():
                if role == "metrics":
                    continue
                status, answer, _ = site.over_tls(name, method, path, body)
                expect_that((status < 300) == (role in may), f"{name} and the role {role}",
                            (status, answer))
                if role not in may:
                    expect("status", (status, answer["error"]), (403, "forbidden"))
                    expect_in(f"needs the role {role}; {name} has ", answer["message"])
        expect("calls that are allowed", {call["path"] for call in
                                          site.over_tls("reader", "GET", "/v1/api")[1]["calls"]
                                          if call["is_allowed"] and call["method"] != "GET"},
               {"/v1/services/*/announcement"})  # it changes nothing


def every_call_is_refused_without_its_role_and_that_is_written_down():
    with Guarded() as site:
        site.start_daemon()
        calls = site.over_tls("chief", "GET", "/v1/api")[1]["calls"]
        lacks = {"operate": "portal", "keys": "shift", "read": "prometheus"}
        asked = []
        for call in calls:
            if call["role"] == "metrics":
                continue
            name, path = lacks[call["role"]], call["path"].replace("*", "x")
            status, answer, _ = site.over_tls(name, call["method"], path, {})
            expect(f"{name}: {call['method']} {path}", (status, answer["error"]),
                   (403, "forbidden"))
            asked.append((name, call["method"], path, 403))
        expect("lines of the audit log", [(line["who"], line["method"], line["path"],
                                           line["status"]) for line in site.audit()], asked)


def without_a_token_there_is_nothing():
    with Guarded() as site:
        site.start_daemon()
        for name in (None, "stranger"):
            for method, path in (("GET", "/v1/status"), ("POST", "/v1/shutdown"),
                                 ("POST", "/v1/import"), ("GET", "/v1/api")):
                status, answer, headers = site.over_tls(name, method, path)
                expect(f"{method} {path}", (status, answer["error"]), (401, "no-token"))
                expect("WWW-Authenticate", headers["WWW-Authenticate"], "Bearer")
        host, port = site.addresses()[0]
        plain = http.client.HTTPConnection(host, port, timeout=20)
        try:
            plain.request("GET", "/v1/status", headers={"Authorization": "Bearer " + secret("chief")})
            expect_that(False, "no answer without TLS", plain.getresponse().status)
        except (http.client.HTTPException, OSError):
            pass
        old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
        old.maximum_version = ssl.TLSVersion.TLSv1_1
        old.set_ciphers("ALL:@SECLEVEL=0")
        with socket.create_connection((host, port)) as line:
            try:
                old.wrap_socket(line)
                expect_that(False, "no TLS 1.1", "a handshake")
            except (ssl.SSLError, OSError):
                pass


def starting_a_campaign_makes_no_keys_by_the_way():
    with Guarded() as site:
        site.start_daemon()
        site.cli("group", "add", GROUP)
        order = {"kind": "push", "group": GROUP, "new": True}
        status, answer, _ = site.over_tls("shift", "POST", "/v1/campaigns", order)
        expect("status", (status, answer["error"]), (403, "forbidden"))
        expect("MSKs", site.cli("msk", "list", GROUP)["msks"], [])
        status, answer, _ = site.over_tls("chief", "POST", "/v1/campaigns", order)
        expect("status", status, 201)


def every_change_is_written_down_with_who_made_it():
    with Guarded() as site:
        site.make_phones(5)
        site.start_daemon()
        me = pwd.getpwuid(os.getuid()).pw_name
        site.provision()
        site.cli("status")
        site.over_tls("reader", "GET", "/v1/status")
        site.over_tls("reader", "POST", "/v1/shutdown")
        site.over_tls(None, "GET", "/v1/subscribers")
        campaign = site.over_tls("shift", "POST", "/v1/campaigns",
                                 {"kind": "push", "group": GROUP, "sends": 1, "waits": [0]})[1]["id"]
        seen = [(line["who"], line["via"], line["method"], line["path"], line["status"])
                for line in site.audit()]
        expect("lines", seen, [
            (me, "socket", "PUT", f"/v1/groups/{GROUP}", 201),
            (me, "socket", "PUT", "/v1/services/" + SERVICE.replace(":", "%3A"), 201),
            (me, "socket", "POST", "/v1/import", 200),
            (me, "socket", "POST", f"/v1/groups/{GROUP}/msks", 201),
            ("reader", "tls", "POST", "/v1/shutdown", 403),
            ("", "tls", "GET", "/v1/subscribers", 401),
            ("shift", "tls", "POST", "/v1/campaigns", 201)])
        last = site.audit()[-1]
        expect("campaign and order", (last["id"], last["body"]["group"]), (campaign, GROUP))
        expect("uid of the first", site.audit()[0]["uid"], os.getuid())
        expect("mode", os.stat(site.path("store/audit.log")).st_mode & 0o777, 0o600)
        with open(site.path("store/audit.log"), encoding="utf-8") as file:
            text = file.read()
        for row in site.rows:
            expect_that(row["muk"] not in text and row["mrk"] not in text, "no key in it", text)


def tokens_roles_and_certificates_change_without_a_restart():
    with Guarded() as site:
        site.start_daemon()
        begin = site.addresses()
        site.tokens_write({**TOKENS, "reader": "metrics", "late": "keys"})
        site.certificate("two")
        os.rename(site.path("store/audit.log"), site.path("audit.1"))
        site.daemon.send_signal(signal.SIGHUP)
        wait_until("the daemon has read it", lambda: "event=admin-certificate" in
                   site.log("mskpushd") and os.path.exists(site.path("store/audit.log")))
        expect("addresses", site.addresses(), begin)
        # Only the new certificate is trusted here.
        expect("reader", site.over_tls("reader", "GET", "/v1/status")[0], 403)
        expect("late", site.over_tls("late", "PUT", f"/v1/groups/{GROUP}", {})[0], 201)
        expect("lines of the new audit log", [line["who"] for line in site.audit()],
               ["reader", "late"])
        # Files that do not belong together change nothing, however often they are read.
        pair = [site.file(name) for name in ("cert.pem", "key.pem")]
        site.certificate("three")
        site.file("key.pem", pair[1])
        for times in (1, 2):
            site.daemon.send_signal(signal.SIGHUP)
            wait_until("the daemon complains", lambda: site.log("mskpushd").count(
                "admin.private_key do not do") == times)
        site.file("cert.pem", pair[0])
        expect("late", site.over_tls("late", "GET", "/v1/status")[0], 200)
        with open(site.path("tokens"), "w", encoding="utf-8") as file:
            file.write("late keys nonsense\n")
        site.daemon.send_signal(signal.SIGHUP)
        wait_until("the daemon complains", lambda: "tokens:1:" in site.log("mskpushd"))
        expect("late", site.over_tls("late", "GET", "/v1/status")[0], 200)


# Run as another account: prints the status and the body of one call.
AS_ANOTHER = """
import http.client, os, socket, sys
os.setgroups([int(g) for g in sys.argv[4].split(',') if g])
os.setgid(int(sys.argv[3])); os.setuid(int(sys.argv[3]))
line = socket.socket(socket.AF_UNIX)
try:
    line.connect(sys.argv[1])
except OSError as error:
    print(0, error); sys.exit()
method, path = sys.argv[2].split()
client = http.client.HTTPConnection("admin"); client.sock = line
client.request(method, path, "{}")
answer = client.getresponse()
print(answer.status, answer.read().decode())
"""


def accounts_have_the_roles_of_the_configuration():
    if os.geteuid() != 0:
        print("only root can be somebody else")
        return
    with Stage() as site:
        site.extra_yaml = """admin:
  group: '54321'
  read: ['@54321']
  operate: ['54331']
  keys: ['@54322']
"""
        site.start_daemon()
        os.chmod(site.dir, 0o755)

        def asks(uid, groups, call):
            out = subprocess.run([sys.executable, "-c", AS_ANOTHER, site.socket, call, str(uid),
                                  groups], check=True, stdout=subprocess.PIPE, text=True).stdout
            return int(out.split()[0]), out

        look, stages, make = "GET /v1/status", "POST /v1/capture?count=x", f"PUT /v1/groups/{GROUP}"
        expect("a stranger", asks(54330, "", look)[0], 0)
        expect("a member looks", asks(54330, "54321", look)[0], 200)
        status, text = asks(54330, "54321", make)
        expect("a member makes", status, 403)
        expect_in("54330 has metrics read", text)
        expect("an operator captures", asks(54331, "54321", stages)[0], 400)
        expect("an operator makes", asks(54331, "54321", make)[0], 403)
        expect("a member of both makes", asks(54330, "54321,54322", make)[0], 201)
        expect("a member of both captures", asks(54330, "54321,54322", stages)[0], 403)
        state = os.stat(site.socket)
        expect("group and mode", (state.st_gid, state.st_mode & 0o777), (54321, 0o660))


if __name__ == "__main__":
    tell(a_token_may_what_its_role_says,
         every_call_is_refused_without_its_role_and_that_is_written_down, without_a_token_there_is_nothing,
         starting_a_campaign_makes_no_keys_by_the_way, every_change_is_written_down_with_who_made_it,
         tokens_roles_and_certificates_change_without_a_restart,
         accounts_have_the_roles_of_the_configuration)
