"""A daemon with https whose certificates come from a real authority."""

import http.client
import re
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from tests.e2e.authority import Authority
from tests.e2e.daemon import Daemon, free_port
from tests.e2e.http_calls import Answer, send
from tests.e2e.waiting import until
from tests.e2e.world import World

HOOK = """#!{python}
import json, sys, urllib.request
action, name, text = sys.argv[1:]
with open({log!r}, "a") as log:
    log.write(" ".join(sys.argv[1:]) + "\\n")
path = {{"set": "/set-txt", "clear": "/clear-txt"}}[action]
body = {{"host": name + ".", "value": text}}
urllib.request.urlopen({url!r} + path, json.dumps(body).encode(), timeout=10).read()
"""


class Secured:
    """The daemon, the authority, and what is done with both."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.folder = folder
        self.http, self.https = free_port(), free_port()
        self.authority = Authority(folder, http_port=self.http, tls_port=self.https)
        self.world = World(
            Daemon(
                folder,
                settings={
                    "PAAS_PROXY__HTTP": f"127.0.0.1:{self.http}",
                    "PAAS_PROXY__HTTPS": f"127.0.0.1:{self.https}",
                    "PAAS_ACME__ENABLED": "true",
                    "PAAS_ACME__DIRECTORY": self.authority.directory,
                    "PAAS_ACME__CA_FILE": str(self.authority.ca_file),
                    "PAAS_ACME__CHECK_DNS": "false",
                    **settings,
                },
            )
        )

    def create(self, service: str) -> None:
        """A service without versions: its hosts answer that it has no traffic."""
        assert self.world.api.post("/v1/services", {"name": service}).status == 201

    def add(self, service: str, domain: str) -> None:
        answer = self.world.api.post(f"/v1/services/{service}/domains", {"domain": domain})
        assert answer.status == 201, answer.text

    def certificate(self, service: str, domain: str) -> dict[str, Any]:
        items = self.world.api.items(f"/v1/services/{service}/domains")
        found: dict[str, Any] = next(
            item["certificate"] for item in items if item["domain"] == domain
        )
        return found

    def state(self, service: str, domain: str, state: str) -> dict[str, Any]:
        """The domain's certificate once it is in that state."""
        until(
            lambda: self.certificate(service, domain)["state"] == state,
            f"{domain} is {state}",
            seconds=30,
        )
        return self.certificate(service, domain)

    def get(self, host: str, context: ssl.SSLContext) -> Answer:
        with self._connected(host, context) as secure:
            connection = http.client.HTTPConnection(host, timeout=10)
            connection.sock = secure
            return send(connection, "GET", "/", headers={"Connection": "close"})

    def curl(self, host: str, *more: str) -> str:
        """What curl writes with these arguments for the host's page."""
        root = self.folder / "root.pem"
        root.write_text(self.authority.root())
        place = f"{host}:{self.https}"
        command = ["curl", "-sS", "-m", "20", "--cacert", str(root)]
        command += ["--resolve", f"{place}:127.0.0.1", *more, f"https://{place}/"]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    def leaf(self, host: str) -> bytes:
        """The certificate that is shown, whoever issued it."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with self._connected(host, context) as secure:
            return secure.getpeercert(binary_form=True) or b""

    def served(self, host: str) -> bool:
        """Whether there is a certificate for that host."""
        try:
            return bool(self.leaf(host))
        except OSError:
            return False

    def accounts(self) -> int:
        """How many the authority has made since its last start."""
        made = re.findall(r"There are now (\d+) accounts", self.authority.log)
        return int(made[-1]) if made else 0

    def issued(self) -> int:
        """How many certificates it issued since then."""
        return self.authority.log.count("Issued certificate")

    @contextmanager
    def _connected(self, host: str, context: ssl.SSLContext) -> Iterator[ssl.SSLSocket]:
        with (
            closing(socket.create_connection(("127.0.0.1", self.https), timeout=10)) as raw,
            context.wrap_socket(raw, server_hostname=host) as secure,
        ):
            yield secure


@contextmanager
def secured_by(
    folder: Path, *, hook: Path | None = None, engine: bool = True, **settings: str
) -> Iterator[Secured]:
    """All of it started; with `hook` a program is put there that sets the DNS."""
    more = {"PAAS_ACME__DNS_HOOK": str(hook)} if hook else {}
    found = Secured(folder, **settings, **more)
    if hook is not None:
        hook.write_text(
            HOOK.format(
                python=sys.executable,
                log=str(folder / "hook.log"),
                url=found.authority.hook_url,
            )
        )
        hook.chmod(0o700)
    found.authority.start()
    try:
        found.world.daemon.start(with_engine=engine)
        yield found
    finally:
        found.world.daemon.wipe()
        found.authority.close()
