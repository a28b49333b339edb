# SPDX-License-Identifier: Apache-2.0
# Copyright the mskpush authors

"""A small BM-SC on Ua for tests of the phones: HTTP/1.1 with Digest (MD5, auth-int) and the XML of
the three procedures, in plain Python. It has its own parser and its own hashes, and misbehaves as told.
"""

import base64
import hashlib
import json
import re
import socketserver
import threading
import time

from unix_http import unix_call

REALM = "3GPP-bootstrapping@"
PREFIX = "urn:3GPP:metadata:2005:MBMS:"
ANSWER_TYPES = {"register": "application/mbms-register-response+xml",
                "deregister": "application/mbms-register-response+xml",
                "msk-request": "application/mbms-msk-response+xml"}
ROOTS = {"register": ("mbmsSecurityRegisterResponse", "securityRegisterResponse"),
         "deregister": ("mbmsSecurityRegisterResponse", "securityRegisterResponse"),
         "msk-request": ("mbmsMSKResponse", "mskResponse")}
ITEMS = re.compile(rb"<MSK>.*?</MSK>|<keyGroupID>.*?</keyGroupID>|<serviceID>.*?</serviceID>")
REASONS = {200: "OK", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden",
           404: "Not Found", 503: "Service Unavailable"}


def md5(text):
    """Hash in hex of text or octets."""
    return hashlib.md5(text if isinstance(text, bytes) else text.encode()).hexdigest()


def parse_digest(header):
    """The parameters of an Authorization header."""
    return {name: quoted or plain for name, quoted, plain in
            re.findall(r'(\w+)=(?:"([^"]*)"|([^\s,]+))', header)}


class Request:
    """One request and what was answered."""

    def __init__(self, target, headers, body):
        self.target = target
        self.headers = headers
        self.body = body
        self.procedure = target.rpartition("requesttype=")[2]
        self.digest = parse_digest(headers.get("authorization", ""))
        self.user = self.digest.get("username", "")
        self.status = None
        self.source = None


def ask_key_source(path, btid, fqdn):
    """(status, JSON) of one question to the phones' key source."""
    naf_id = fqdn.encode().hex() + "0100000001"
    status, _, text = unix_call(path, "POST", "/v1/bootstrapping-info",
                                json.dumps({"btid": btid, "naf_id": naf_id}),
                                {"Content-Type": "application/json"})
    return status, json.loads(text)


class Handler(socketserver.BaseRequestHandler):
    """One connection."""

    def read_request(self):
        """The next request, None at the end."""
        while b"\r\n\r\n" not in self.buffer:
            part = self.request.recv(65536)
            if not part:
                return None
            self.buffer += part
        head, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
        lines = head.decode().split("\r\n")
        headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        length = int(headers.get("content-length", "0"))
        while len(self.buffer) < length:
            self.buffer += self.request.recv(65536)
        body, self.buffer = self.buffer[:length], self.buffer[length:]
        return Request(lines[0].split(" ")[1], headers, body)

    def setup(self):
        self.buffer = b""

    def handle(self):
        try:
            while (request := self.read_request()) is not None:
                request.source = self.client_address[0]
                if not self.server.owner.serve(request, self.request):
                    return
        except OSError:
            pass


class Server(socketserver.ThreadingTCPServer):
    """Many connections, a thread each."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 1024


class Bmsc:
    """The BM-SC. What tests change: `faults`, a list of functions (request, answer) -> None that may
    change an answer before it is sent, and the other public fields."""

    def __init__(self, fqdn, rows, key_source=None):
        self.fqdn = fqdn
        self.mrk = {row["btid"]: bytes.fromhex(row["mrk"]) for row in rows if row["btid"]}
        self.key_source = key_source
        self.known = {}  # B-TID -> what the key source said
        self.refused_btids = set()  # to be bootstrapped anew
        self.nonce_uses = 1 << 30  # then it is stale
        self.has_nextnonce = False
        self.item_code = "200 OK"
        self.fault = None
        self.close_after_each = False
        self.requests = []
        self.errors = []
        self.nonces = {}
        self.lock = threading.Lock()
        self.server = Server(("127.0.0.1", 0), Handler)
        self.server.owner = self
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,))
        self.thread.start()

    @property
    def url(self):
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def close(self):
        """Ends it."""
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def count(self, status, procedure=None):
        """How many requests were answered so."""
        return sum(1 for request in self.requests if request.status == status
                   and procedure in (None, request.procedure))

    def new_nonce(self):
        """A nonce that nobody had before."""
        nonce = base64.b64encode(hashlib.sha256(str(len(self.nonces)).encode()).digest()).decode()
        self.nonces[nonce] = 0
        return nonce

    def challenge(self, stale=False):
        """(status, headers, body) of a 401."""
        value = (f'Digest realm="{REALM}{self.fqdn}", nonce="{self.new_nonce()}", '
                 'qop="auth-int", algorithm=MD5, opaque="op/aq=ue"' + (", stale=true" * stale))
        return 401, [("WWW-Authenticate", value)], b""

    def key_of(self, btid):
        """MRK of a B-TID; None when there is none. Asks the key source for one it does not know."""
        if btid in self.refused_btids:
            return None
        if btid not in self.mrk and self.key_source:
            status, answer = ask_key_source(self.key_source, btid, self.fqdn)
            if status == 200:
                self.known[btid] = answer
                self.mrk[btid] = mrk_of(answer)
        return self.mrk.get(btid)

    def hashes(self, request, method, body):
        """response or rspauth."""
        digest, password = request.digest, base64.b64encode(self.mrk[request.user]).decode()
        ha1 = md5(f"{request.user}:{digest['realm']}:{password}")
        ha2 = md5(f"{method}:{digest['uri']}:{md5(body)}")
        return md5(":".join((ha1, digest["nonce"], digest["nc"], digest["cnonce"], "auth-int", ha2)))

    def check(self, request):
        """None when the credentials hold, else the answer."""
        digest = request.digest
        if not digest or self.key_of(request.user) is None:
            return self.challenge()
        if (digest["realm"] != REALM + self.fqdn or digest["uri"] != request.target
                or digest["qop"] != "auth-int" or digest["opaque"] != "op/aq=ue"
                or "3gpp-gba" not in request.headers["user-agent"]
                or self.hashes(request, "POST", request.body) != digest["response"]):
            self.errors.append((request.target, digest))
            return self.challenge()
        used = self.nonces.get(digest["nonce"], 1 << 30)
        if int(digest["nc"], 16) <= used or used >= self.nonce_uses:
            return self.challenge(stale=True)
        self.nonces[digest["nonce"]] = int(digest["nc"], 16)
        return None

    def accept(self, request):
        """A 200 with a result for each item."""
        root, space = ROOTS[request.procedure]
        items = b"".join(b"<Response>" + item + b"<ResponseCode>" + self.item_code.encode()
                         + b"</ResponseCode></Response>" for item in ITEMS.findall(request.body))
        body = f'<{root} xmlns="{PREFIX}{space}">'.encode() + items + f"</{root}>".encode()
        info = (f'rspauth="{self.hashes(request, "", body)}", qop=auth-int, '
                f'cnonce="{request.digest["cnonce"]}", nc={request.digest["nc"]}')
        if self.has_nextnonce:
            info += f', nextnonce="{self.new_nonce()}"'
        return 200, [("Content-Type", ANSWER_TYPES[request.procedure]),
                     ("Authentication-Info", info)], body

    def serve(self, request, connection):
        """Answers; False ends the connection."""
        with self.lock:
            answer = self.check(request) or self.accept(request)
            if self.fault:
                answer = self.fault(request, answer)
            request.status = answer[0] if isinstance(answer, tuple) else None
            self.requests.append(request)
        if answer is None:
            return False
        if isinstance(answer, bytes):
            connection.sendall(answer)
            return not self.close_after_each
        if callable(answer):
            return answer(connection)
        connection.sendall(self.frame(*answer))
        return not self.close_after_each

    def frame(self, status, headers, body):
        """An answer as octets."""
        lines = [f"HTTP/1.1 {status} {REASONS[status]}", f"Content-Length: {len(body)}",
                 *(f"{name}: {value}" for name, value in headers)]
        if self.close_after_each:
            lines.append("Connection: close")
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def mrk_of(answer):
    """MRK from what a key source says (TS 33.246 annex F)."""
    if answer["keys_in"] == "uicc":
        return bytes.fromhex(answer["ks_ext_naf"])
    key = bytes.fromhex(answer.get("ks_naf") or answer["ks_ext_naf"])
    import hmac
    return hmac.digest(key, b"\x01mbms-mrk\x00\x08", "sha256")


def muk_of(answer):
    """MUK from what a key source says."""
    name = "ks_int_naf" if answer["keys_in"] == "uicc" else "ks_naf"
    return bytes.fromhex(answer.get(name) or answer["ks_ext_naf"])


def trickle(data, pause_s=0.0, size=1):
    """An answer that is sent in small pieces."""
    def send(connection):
        for at in range(0, len(data), size):
            connection.sendall(data[at:at + size])
            if pause_s:
                time.sleep(pause_s)
        return True
    return send
