# SPDX-License-Identifier: Apache-2.0
# Copyright the mskpush authors

"""A site whose daemon asks a key source, which is a BSF made of Python."""

import hashlib
import http.server
import json
import os
import socket
import socketserver
import ssl
import threading
import time

from story import certificate_make
from ua_client import Phone, key_item, msk_body, mrk_of_ks_naf
from ua_stage import FQDN, UaStage

BODY = msk_body(key_item(1))
NAF_ID = FQDN.encode().hex() + "0100000001"


class Bsf(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """Answers from a table, and keeps what it was asked."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, path):
        self.answers, self.asked = {}, []
        self.lock, self.gate = threading.Lock(), threading.Event()
        self.gate.set()
        super().__init__(path, Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def knows(self, btid, impi, lifetime_s=3600, **more):
        """Makes keys for a bootstrapping; returns Ks_NAF, or Ks_ext_NAF and Ks_int_NAF."""
        answer = {"impi": impi, "expires": stamp(lifetime_s), "created": stamp(0),
                  "gba_type": "3g"}
        if "ks_ext_naf" not in more:
            answer["ks_naf"] = hashlib.sha256(btid.encode()).hexdigest()
        answer.update(more)
        self.answers[btid] = (200, json.dumps(answer))
        return bytes.fromhex(answer.get("ks_naf", more.get("ks_ext_naf")))


class SecureBsf(Bsf):
    """The same behind TLS, with a certificate of its own for localhost."""

    address_family = socket.AF_INET

    def __init__(self, directory):
        self.certificate = os.path.join(directory, "bsf.pem")
        key = os.path.join(directory, "bsf.key")
        certificate_make(self.certificate, key, "localhost", "DNS:localhost")
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(self.certificate, key)
        super().__init__(("127.0.0.1", 0))

    def get_request(self):
        line, address = super().get_request()
        return self.context.wrap_socket(line, server_side=True), address

    def handle_error(self, request, client_address):
        pass  # who does not trust us says so, and goes


class Handler(http.server.BaseHTTPRequestHandler):
    """One question a connection."""

    def do_POST(self):  # pylint: disable=invalid-name
        """The only call there is."""
        question = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.server.lock:
            self.server.asked.append((self.path, question))
        self.server.gate.wait()
        status, text = self.server.answers.get(
            question["btid"], self.server.answers.get("*", (404, '{"error":"not-known"}')))
        body = text.encode() if isinstance(text, str) else text
        try:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        except BrokenPipeError:
            pass  # it was not waited for

    def address_string(self):
        return "unix"

    def log_message(self, *_):  # pylint: disable=arguments-differ
        pass


def stamp(from_now_s):
    """RFC 3339 of a moment from now."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + from_now_s))


def btid_of(number):
    """A B-TID nobody has imported."""
    return f"{hashlib.md5(str(number).encode()).hexdigest()}@bsf.home1.net"


class KeyStage(UaStage):
    """A site with a key source."""

    def __init__(self, yaml="", timeout_s=1, **options):
        super().__init__(**options)
        self.bsf_path = self.path("bsf.sock")
        self.bsf = Bsf(self.bsf_path)
        self.key_yaml = f"  timeout: {timeout_s}s\n{yaml}"
        self.ua_yaml += f"key_source:\n  url: unix:{self.bsf_path}\n{self.key_yaml}"

    def __exit__(self, *what):
        self.bsf.gate.set()
        self.bsf.shutdown()
        return super().__exit__(*what)

    def stranger(self, btid, ks_naf, **options):
        """A phone with a bootstrapping of its own."""
        return Phone(self.ua_address(), btid, mrk_of_ks_naf(ks_naf), FQDN, **options)

    def key_stats(self):
        """What the key source was asked and said."""
        return self.cli("stats")["ua"]["key_source"]
