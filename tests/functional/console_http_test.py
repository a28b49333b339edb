#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the mskpush authors

"""The console as HTTP serves it: its files, what browsers are told, who may do what. Its pages in a
browser are console_test.py.

    HTTP clients --> console.listen --> mskpushd
"""

import http.client
import json
import os
import signal
import socket
import ssl

from console_stage import ConsoleStage, secret
from story import (GROUP, TOP, Expectation, certificate_make, expect, expect_in, expect_that, tell,
                   wait_until)
from unix_http import unix_call

SOURCES = os.path.join(TOP, "control", "console")
CHART = "/usr/share/javascript/chart.js/chart.min.js"
TYPES = {"html": "text/html; charset=utf-8", "css": "text/css; charset=utf-8",
         "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}
# What leads elsewhere in other servers.
ELSEWHERE = ["/../../etc/passwd", "/..%2f..%2fetc%2fpasswd", "/%2e%2e/etc/passwd", "//etc/passwd",
             "/console.js/../index.html", "/./index.html", "/console.js%00.html", "/index.html",
             "/CONSOLE.JS", "/console.js/", "/meson.build", "/tokens", "/\\..\\x", "/.", "/%",
             "/" + "a" * 4000, "/v1/../console.js", "http://elsewhere/console.js"]


def files():
    """Path -> octets of what the page consists of."""
    names = [name for name in os.listdir(SOURCES) if name != "meson.build"]
    out = {}
    for path in [os.path.join(SOURCES, name) for name in names] + [CHART]:
        name = os.path.basename(path)
        with open(path, "rb") as file:
            out["/" if name == "index.html" else "/" + name] = file.read()
    return out


def expect_guarded(what, headers):
    """The headers that make a browser careful."""
    policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
    expect(f"policy of {what}", policy, {
        "default-src": "'none'", "script-src": "'self'", "style-src": "'self'",
        "connect-src": "'self'", "img-src": "'self' data:", "base-uri": "'none'",
        "form-action": "'none'", "frame-ancestors": "'none'",
        "require-trusted-types-for": "'script'", "trusted-types": "'none'"})
    for name, value in (("X-Content-Type-Options", "nosniff"), ("Cache-Control", "no-store"),
                        ("Referrer-Policy", "no-referrer"), ("X-Frame-Options", "DENY")):
        expect(f"{name} of {what}", headers[name], value)
    for name in headers:
        expect_that(not name.lower().startswith(("access-control", "set-cookie")),
                    f"{what} has no {name}", headers[name])


def the_page_is_its_files_and_holds_nothing():
    with ConsoleStage() as site:
        site.start_daemon()
        for path, data in files().items():
            status, headers, seen = site.ask("GET", path)
            expect(f"status of {path}", status, 200)
            expect_that(seen == data, f"{path} is the file", len(seen))
            kind = path.rpartition(".")[2] if "." in path else "html"
            expect(f"type of {path}", headers["Content-Type"], TYPES[kind])
            expect_guarded(path, headers)
            status, headers, seen = site.ask("HEAD", path)
            expect(f"HEAD {path}", (status, headers["Content-Length"], seen),
                   (200, str(len(data)), b""))
            expect(f"POST {path}", site.ask("POST", path, "chief", {})[0], 404)
        page = files()["/"].decode()
        expect_that("://" not in page and "style=" not in page and "onclick" not in page,
                    "the page names nothing outside and has nothing inline", page)
        for _, headers, _ in (site.ask("GET", "/v1/status", "reader"), site.ask("GET", "/v1/status"),
                              site.ask("GET", "/nowhere")):
            expect_guarded("an answer of the API", headers)


def no_path_leads_to_another_file():
    with ConsoleStage() as site:
        site.start_daemon()
        for path in ELSEWHERE:
            with socket.create_connection(site.console(), timeout=20) as line:
                line.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
                answer = b""
                while part := line.recv(65536):
                    answer += part
            status = int(answer.split(b" ")[1]) if answer else 0
            expect_that(status in (0, 400, 404, 414), f"no file at {path[:40]}", answer[:200])
            expect_that(b"root:" not in answer and b"import " not in answer, f"nothing of {path[:40]}",
                        answer[:200])
        # The page is at the console's port alone.
        expect("GET / at the socket", unix_call(site.socket, "GET", "/")[0], 404)


def a_token_may_at_the_console_what_it_may_anywhere():
    with ConsoleStage() as site:
        site.make_phones(3)
        site.start_daemon()
        site.provision()
        order = {"kind": "push", "group": GROUP, "sends": 1, "waits": [0]}
        for name, headers in ((None, {}), ("stranger", {}),
                              (None, {"Cookie": "token=" + secret("chief")}),
                              (None, {"Authorization": "Basic " + secret("chief")}),
                              (None, {"Authorization": "Bearer"})):
            status, _, data = site.ask("GET", "/v1/status", name, None, headers)
            expect(f"{name} {headers}", (status, json.loads(data)["error"]), (401, "no-token"))
        expect("a token in the URL", site.ask("GET", "/v1/status?token=" + secret("chief"))[0], 401)
        status, _, data = site.ask("POST", "/v1/campaigns", "reader", order)
        expect("a reader starts", (status, json.loads(data)["error"]), (403, "forbidden"))
        status, _, data = site.ask("POST", "/v1/campaigns", "shift", {**order, "new": True})
        expect("an operator makes an MSK", (status, json.loads(data)["error"]), (403, "forbidden"))
        expect("campaigns", site.cli("campaign", "list")["campaigns"], [])
        # What another site's page could send: without the header it is nobody.
        for method in ("OPTIONS", "POST"):
            status, headers, _ = site.ask(method, "/v1/campaigns", None, None,
                                          {"Origin": "http://elsewhere.example"})
            expect_that(status in (401, 405), f"{method} from elsewhere", status)
            expect_guarded(method, headers)
        status, _, data = site.ask("POST", "/v1/campaigns", "shift", order)
        expect("an operator starts", status, 201)
        with open(site.path("store/audit.log"), encoding="utf-8") as file:
            lines = [json.loads(line) for line in file]
        expect("audit", [(line["who"], line["status"]) for line in lines
                         if line["via"] == "console" and line["path"] == "/v1/campaigns"
                         and line["method"] == "POST"],
               [("reader", 403), ("shift", 403), ("", 401), ("shift", 201)])
        expect_that(all("uid" not in line for line in lines if line["via"] == "console"),
                    "no account is claimed", lines)


def certificate(site, name):
    """A certificate for the address of the loopback."""
    certificate_make(site.path("cert.pem"), site.path("key.pem"), name, "IP:127.0.0.1")


def beyond_loopback_there_is_tls_only():
    with ConsoleStage(listen="0.0.0.0:0") as site:
        certificate(site, "one")
        site.extra_yaml += f"  certificate: {site.dir}/cert.pem\n  private_key: {site.dir}/key.pem\n"
        site.start_daemon()
        port = site.console()[1]

        def fetch():
            context = ssl.create_default_context(cafile=site.path("cert.pem"))
            client = http.client.HTTPSConnection("127.0.0.1", port, context=context, timeout=20)
            client.request("GET", "/")
            answer = client.getresponse()
            data = answer.read()
            client.close()
            return answer.status, data

        expect("over TLS", fetch()[0], 200)
        plain = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        try:
            plain.request("GET", "/")
            raise Expectation(f"an answer without TLS: {plain.getresponse().status}")
        except (http.client.HTTPException, OSError):
            pass
        certificate(site, "two")
        site.daemon.send_signal(signal.SIGHUP)
        wait_until("the new certificate is in force",
                   lambda: "event=admin-certificate" in site.log("mskpushd"))
        expect("over TLS, with the new one", fetch()[0], 200)
        site.served = None
        expect("its port", site.console()[1], port)


def a_console_without_tokens_does_not_start():
    with ConsoleStage() as site:
        site.extra_yaml = 'console:\n  listen: "127.0.0.1:0"\n'
        status, _, errors = site.run("--check-config", site.write_config(), program="mskpushd",
                                     is_json=False)
        expect("exit status", status, 2)
        expect_in("admin.tokens: is needed for console.listen", errors)


if __name__ == "__main__":
    tell(the_page_is_its_files_and_holds_nothing, no_path_leads_to_another_file,
         a_token_may_at_the_console_what_it_may_anywhere, beyond_loopback_there_is_tls_only,
         a_console_without_tokens_does_not_start)
