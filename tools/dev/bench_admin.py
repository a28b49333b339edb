# SPDX-License-Identifier: Apache-2.0
# Copyright the mskpush authors

"""The daemon's admin socket, kept open: what it counts, at a moment that is known to a millisecond."""

import http.client
import json
import socket
import time


class Admin(http.client.HTTPConnection):
    """A connection."""

    def __init__(self, path):
        super().__init__("localhost")
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)

    def ask(self, method, path):
        """(answer, when it was true, how far that may be wrong)."""
        begin = time.monotonic()
        self.request(method, path)
        answer = json.loads(self.getresponse().read())
        end = time.monotonic()
        return answer, (begin + end) / 2, (end - begin) / 2

    def get(self, path):
        """Of a GET."""
        return self.ask("GET", path)
