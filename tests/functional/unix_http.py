# SPDX-License-Identifier: Apache-2.0
# Copyright the mskpush authors

"""HTTP over a UNIX socket."""

import http.client
import socket


class UnixHTTPConnection(http.client.HTTPConnection):
    """To a path instead of a host."""

    def __init__(self, path):
        super().__init__("localhost", timeout=20)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def unix_call(path, method, target, body=None, headers=None):
    """One call on a connection of its own; returns (status, headers, octets)."""
    client = UnixHTTPConnection(path)
    try:
        client.request(method, target, body, headers or {})
        answer = client.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        client.close()
