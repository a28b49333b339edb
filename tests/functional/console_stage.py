# SPDX-License-Identifier: Apache-2.0
# Copyright the mskpush authors

"""A site with a console, and who may open it."""

import hashlib
import http.client
import json

from story import Stage, free_port

TOKENS = {"reader": "read", "shift": "operate", "chief": "operate,keys"}


def secret(name):
    """The token of a name."""
    return f"token-of-{name}-0123456789"


class ConsoleStage(Stage):
    """A site that serves its console."""

    def __init__(self, listen=None, **options):
        super().__init__(**options)
        self.map_size = "128M"
        self.served = None
        listen = listen or f"127.0.0.1:{free_port()}"
        with open(self.path("tokens"), "w", encoding="utf-8") as file:
            for name, roles in TOKENS.items():
                file.write(f"{name} {roles} {hashlib.sha256(secret(name).encode()).hexdigest()}\n")
        self.admin_yaml = f'console:\n  listen: "{listen}"\nadmin:\n  tokens: {self.dir}/tokens\n'
        self.extra_yaml = self.admin_yaml

    def console(self):
        """(host, port) where it is served; the port is chosen once."""
        if self.served is None:
            host, port = self.cli("status")["admin"]["console"].rsplit(":", 1)
            self.served = host, int(port)
        return self.served

    def ask(self, method, path, name=None, body=None, headers=None):
        """One call at the console's port; returns (status, headers, octets)."""
        client = http.client.HTTPConnection(*self.console(), timeout=20)
        headers = dict(headers or {})
        if name is not None:
            headers["Authorization"] = "Bearer " + secret(name)
        client.request(method, path, body and json.dumps(body), headers)
        answer = client.getresponse()
        data = answer.read()
        client.close()
        return answer.status, answer.headers, data
