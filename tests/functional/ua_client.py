# SPDX-License-Identifier: Apache-2.0
# Copyright the mskpush authors

"""A phone's HTTP side on hashlib and raw sockets, independent of everything in C: Digest with
auth-int, as many mistakes as a story wants, and answers read octet by octet.
"""

import base64
import hashlib
import hmac
import os
import re
import socket
import ssl

PATH = "/keymanagement?requesttype="
TYPES = {"register": "mbms-register+xml", "deregister": "mbms-deregister+xml",
         "msk-request": "mbms-msk+xml"}
NAMESPACE = "urn:3GPP:metadata:2005:MBMS:"


def mrk_of_ks_naf(ks_naf):
    """MRK of keys in the ME: the KDF of TS 33.220 over "mbms-mrk"."""
    return hmac.new(ks_naf, b"\x01mbms-mrk" + (8).to_bytes(2, "big"), hashlib.sha256).digest()


def register_body(*services, root="mbmsSecurityRegister"):
    """A registration or deregistration."""
    items = "".join(f"<serviceID>{name}</serviceID>" for name in services)
    return (f'<?xml version="1.0" encoding="UTF-8"?>\n<{root} '
            f'xmlns="{NAMESPACE}securityRegister">{items}</{root}>').encode()


def key_item(group, number=0, domain=b"\x00\xf1\x10"):
    """One MSK of a request."""
    msk_id = group.to_bytes(2, "big") + number.to_bytes(2, "big")
    return (f"<MSK><keyDomainID>{base64.b64encode(domain).decode()}</keyDomainID>"
            f"<MSKID>{base64.b64encode(msk_id).decode()}</MSKID></MSK>")


def msk_body(*items):
    """An MSK request for items of key_item(), or for group numbers of the old profile."""
    text = "".join(item if isinstance(item, str) else f"<keyGroupID>{item:04x}</keyGroupID>"
                   for item in items)
    return f'<mbmsMSK xmlns="{NAMESPACE}msk">{text}</mbmsMSK>'.encode()


class Answer:
    """Status, headers (lower case; a list each) and body of an answer."""

    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def header(self, name):
        """The only header of a name, or None."""
        values = self.headers.get(name, [])
        if len(values) > 1:
            raise ValueError(f"{len(values)} headers {name}")
        return values[0] if values else None

    def codes(self):
        """ResponseCode of each item, in order."""
        return re.findall(r"<ResponseCode>([^<]*)</ResponseCode>", self.body.decode())

    def challenge(self):
        """Parameters of the first challenge."""
        return params(self.headers["www-authenticate"][0])

    def __repr__(self):
        return f"{self.status} {self.headers} {self.body[:500]!r}"


def params(text):
    """Parameters of a challenge or of Authentication-Info."""
    found = re.findall(r'([A-Za-z-]+)=(?:"([^"]*)"|([^",\s]+))', text)
    return {name.lower(): quoted or token for name, quoted, token in found}


class Line:
    """A connection to the server, raw."""

    def __init__(self, address, tls=False, timeout_s=20):
        self.socket = socket.create_connection(address, timeout_s)
        if tls:
            context = ssl.create_default_context()
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            self.socket = context.wrap_socket(self.socket)
        self.buffer = b""

    def send(self, data):
        """All of it."""
        self.socket.sendall(data)

    def _fill(self):
        part = self.socket.recv(65536)
        self.buffer += part
        return bool(part)

    def closed(self):
        """Whether the server has closed its side; waits for what it sends."""
        try:
            return not self.socket.recv(1)
        except ConnectionError:
            return True

    def answer(self):
        """The next answer; None when the connection ends before it."""
        while b"\r\n\r\n" not in self.buffer:
            try:
                if not self._fill():
                    return None
            except ConnectionError:
                return None
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        lines = head.decode("latin-1").split("\r\n")
        status = int(lines[0].split()[1])
        if status == 100:
            return self.answer()
        headers = {}
        for line in lines[1:]:
            name, value = line.split(":", 1)
            headers.setdefault(name.strip().lower(), []).append(value.strip())
        length = int(headers.get("content-length", ["0"])[0])
        while len(self.buffer) < length and self._fill():
            pass
        body, self.buffer = self.buffer[:length], self.buffer[length:]
        return Answer(status, headers, body)

    def close(self):
        """Ends it."""
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Phone:
    """One phone: B-TID and MRK, its connection, its nonce."""

    def __init__(self, address, btid, mrk, fqdn, tls=False, algorithm="MD5", qop="auth-int",
                 realm=None):
        self.address, self.tls = address, tls
        self.btid, self.password = btid, base64.b64encode(mrk).decode()
        self.realm = realm or "3GPP-bootstrapping@" + fqdn
        self.algorithm, self.qop = algorithm, qop
        self.nonce, self.nc = None, 0
        self.agent = "story 3gpp-gba"
        self.line = None
        self.last = None  # Authorization of the last request

    def hash(self, text):
        """Hex digest under the phone's algorithm."""
        name = "sha256" if self.algorithm.startswith("SHA-256") else "md5"
        return hashlib.new(name, text if isinstance(text, bytes) else text.encode()).hexdigest()

    def response(self, method, uri, body, nonce, nc, cnonce):
        """The response of Digest; method "" makes the rspauth of an answer."""
        ha1 = self.hash(f"{self.btid}:{self.realm}:{self.password}")
        if self.algorithm.endswith("-sess"):
            ha1 = self.hash(f"{ha1}:{nonce}:{cnonce}")
        ha2 = f"{method}:{uri}"
        if self.qop == "auth-int":
            ha2 += ":" + self.hash(body)
        return self.hash(f"{ha1}:{nonce}:{nc}:{cnonce}:{self.qop}:{self.hash(ha2)}")

    def authorization(self, target, body, method="POST", **changes):
        """The header's value; changes replace parameters after the response was made."""
        self.nc += 1
        cnonce = os.urandom(4).hex()
        nc = f"{self.nc:08x}"
        values = {"username": self.btid, "realm": self.realm, "nonce": self.nonce,
                  "uri": target,
                  "response": self.response(method, target, body, self.nonce, nc, cnonce),
                  "algorithm": self.algorithm, "cnonce": cnonce, "qop": self.qop, "nc": nc}
        values.update(changes)
        self.last = values
        bare = ("algorithm", "qop", "nc")
        return "Digest " + ", ".join(f"{k}={v}" if k in bare else f'{k}="{v}"'
                                     for k, v in values.items() if v is not None)

    def request(self, kind, body, authorization=None, target=None, method="POST", more=""):
        """The octets of a request."""
        target = target or PATH + kind
        head = (f"{method} {target} HTTP/1.1\r\nHost: bmsc\r\nUser-Agent: {self.agent}\r\n"
                f"Content-Type: application/{TYPES.get(kind, 'xml')}\r\n"
                f"Content-Length: {len(body)}\r\n{more}")
        if authorization:
            head += f"Authorization: {authorization}\r\n"
        return head.encode() + b"\r\n" + body

    def open(self):
        """The connection, made when there is none."""
        if self.line is None:
            self.line = Line(self.address, self.tls)
        return self.line

    def close(self):
        """Leaves the connection."""
        if self.line is not None:
            self.line.close()
        self.line = None

    def exchange(self, data):
        """Sends octets, reads one answer."""
        line = self.open()
        line.send(data)
        return line.answer()

    def challenge(self, kind="msk-request", body=b"<x/>"):
        """Asks without credentials and takes the nonce; returns the answer."""
        answer = self.exchange(self.request(kind, body))
        if answer is not None:
            self.take_nonce(answer)
        return answer

    def take_nonce(self, answer):
        """The nonce of a challenge that fits the phone's algorithm."""
        for text in answer.headers.get("www-authenticate", []):
            found = params(text)
            if found["algorithm"] in (self.algorithm, self.algorithm.replace("-sess", "")):
                self.nonce, self.nc = found["nonce"], 0

    def ask(self, kind, body, **changes):
        """One authenticated request with the nonce at hand; checks what the server proves. The
        answer to the one without credentials, when that was no challenge."""
        if self.nonce is None:
            answer = self.challenge(kind, body)
            if self.nonce is None:
                return answer
        target = PATH + kind
        answer = self.exchange(
            self.request(kind, body, self.authorization(target, body, **changes)))
        self.check(answer, target)
        return answer

    def check(self, answer, target):
        """rspauth of an answer that has one; follows nextnonce."""
        text = answer and answer.header("authentication-info")
        if text is None:
            return
        info = params(text)
        mine = self.last
        wanted = self.response("", target, answer.body, mine["nonce"], mine["nc"], mine["cnonce"])
        if (info["rspauth"], info["cnonce"], info["nc"], info["qop"]) != (
                wanted, mine["cnonce"], mine["nc"], self.qop):
            raise ValueError(f"Authentication-Info does not prove the answer: {text}")
        if "nextnonce" in info:
            self.nonce, self.nc = info["nextnonce"], 0
