"""One HTTP request at a time, over TCP or a unix socket, and what came back."""

import http.client
import json
import socket
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A whole response; `headers` by lower-case name."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class UnixConnection(http.client.HTTPConnection):
    """An HTTP connection over the unix socket at `path`."""

    def __init__(self, path: Path, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        try:
            self.sock.connect(str(self._path))
        except OSError:
            self.sock.close()
            raise


def send(
    connection: http.client.HTTPConnection,
    method: str,
    path: str,
    *,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """One request on the connection, which stays open if the server leaves it open."""
    connection.request(method, path, body=body, headers=dict(headers or {}))
    response = connection.getresponse()
    return Answer(
        status=response.status,
        headers={name.lower(): value for name, value in response.getheaders()},
        body=response.read(),
    )


def get(host: str, port: int, path: str = "/", *, name: str = "", timeout: float = 20.0) -> Answer:
    """GET on a connection of its own; `name` is the Host header's."""
    headers = {"Connection": "close"} | ({"Host": name} if name else {})
    with closing(http.client.HTTPConnection(host, port, timeout=timeout)) as connection:
        return send(connection, "GET", path, headers=headers)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerEvent:
    """One server-sent event."""

    name: str
    id: str
    data: str


@contextmanager
def event_stream(
    connection: http.client.HTTPConnection, path: str, *, last_id: str = ""
) -> Iterator[Iterator[ServerEvent]]:
    """The events of a stream as they come, until the server or the reader ends it."""
    headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": last_id} if last_id else {})
    with closing(connection):
        connection.request("GET", path, headers=headers)
        with closing(connection.getresponse()) as response:
            assert response.status == 200, response.read()
            assert response.headers["Content-Type"].startswith("text/event-stream")
            yield _events(response)


def _events(response: http.client.HTTPResponse) -> Iterator[ServerEvent]:
    fields: dict[str, str] = {}
    data: list[str] = []
    for raw in iter(response.readline, b""):
        line = raw.decode().rstrip("\r\n")
        if not line:
            if fields or data:
                name = fields.get("event", "message")
                yield ServerEvent(name=name, id=fields.get("id", ""), data="\n".join(data))
            fields, data = {}, []
        elif not line.startswith(":"):
            key, _, value = line.partition(":")
            if key == "data":
                data.append(value.removeprefix(" "))
            else:
                fields[key] = value.removeprefix(" ")
