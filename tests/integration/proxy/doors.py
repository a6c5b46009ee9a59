"""A service with settings at the proxy's door."""

import base64
from typing import Any

from paas.core.model import BasicAuth, Domain, Service, ServiceSettings
from paas.core.passwords import hash_password
from paas.core.routing import service_hosts
from tests import builders
from tests.integration.proxy.conftest import Stage

LOGIN = BasicAuth(user="ann", password=hash_password("s3cret", salt=b"0123456789abcdef"))
LOCAL = ("127.0.0.0/8",)


def service(split: dict[str, int] | None = None, **settings: Any) -> Service:
    """`hello` with the versions v1 and v2 and the domain www.example."""
    return builders.service(
        builders.version(1, service="hello", id="v1"),
        builders.version(2, service="hello", id="v2"),
        name="hello",
        id="s1",
        split={"hello-001": 100} if split is None else split,
        settings=ServiceSettings(**settings),
        domains=(Domain(name="www.example", created=1.0),),
    )


def publish(stage: Stage, split: dict[str, int] | None = None, **settings: Any) -> None:
    """As the control plane does after a change."""
    known = service(split, **settings)
    stage.board.put_routes("s1", service_hosts(known, base_domain="localhost"))


def ask(*fields: bytes, host: bytes = b"hello.localhost", target: bytes = b"/x") -> bytes:
    lines = b"".join(field + b"\r\n" for field in fields)
    return b"GET %b HTTP/1.1\r\nHost: %b\r\n%b\r\n" % (target, host, lines)


def login(pair: bytes) -> bytes:
    return b"Authorization: Basic " + base64.b64encode(pair)
