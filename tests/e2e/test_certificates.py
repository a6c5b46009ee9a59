"""Certificates from a real authority (pebble): ordered, used, renewed, and what goes wrong."""

import http.client
import socket
import ssl
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.e2e.authority import Authority
from tests.e2e.daemon import Daemon, free_port, running, short_folder
from tests.e2e.http_calls import Answer, send
from tests.e2e.waiting import until
from tests.e2e.world import World


class Secured:
    """A daemon that orders certificates, and the authority it orders them from."""

    def __init__(self, folder: Path, **settings: str) -> None:
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

    def add(self, service: str, domain: str) -> None:
        answer = self.world.api.post(f"/v1/services/{service}/domains", {"domain": domain})
        assert answer.status == 201, answer.text

    def certificate(self, service: str, domain: str) -> dict:
        items = self.world.api.items(f"/v1/services/{service}/domains")
        return next(item["certificate"] for item in items if item["domain"] == domain)

    def state(self, service: str, domain: str, state: str) -> dict:
        def look() -> dict | None:
            found = self.certificate(service, domain)
            return found if found["state"] == state else None

        return until(look, f"{domain} is {state}")

    def get(self, host: str, context: ssl.SSLContext) -> Answer:
        with (
            closing(socket.create_connection(("127.0.0.1", self.https), timeout=10)) as raw,
            context.wrap_socket(raw, server_hostname=host) as secure,
        ):
            connection = http.client.HTTPConnection(host, timeout=10)
            connection.sock = secure
            return send(connection, "GET", "/", headers={"Connection": "close"})


@pytest.fixture(scope="module")
def secured() -> Iterator[Secured]:
    with short_folder() as folder:
        found = Secured(folder)
        found.authority.start()
        try:
            with running(found.world.daemon):
                yield found
        finally:
            found.authority.close()


def test_a_domain_gets_a_certificate_and_answers_by_https(secured: Secured, service: str) -> None:
    secured.world.deploy(service)
    secured.add(service, "shop.test")
    found = secured.state(service, "shop.test", "valid")
    assert found["names"] == ["shop.test"]
    assert secured.get("shop.test", secured.authority.trusting()).text.strip() == "hello"
