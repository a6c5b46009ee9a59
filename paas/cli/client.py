"""The HTTP API over a unix socket or TCP, with the standard library alone.

Every wait has a deadline. Problem details become `CliError` with the exit code
that fits the status; a broken or missing answer becomes `Unreachable`.
"""

import http.client
import json
import os
import socket
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import quote, urlencode

from paas.cli.locate import CONNECT_SECONDS, Target
from paas.cli.sse import Event, parse
from paas.cli.trouble import CliError, Exit, Unreachable

REPLY_SECONDS = 30.0
SLOW_SECONDS = 180.0
"""For calls that stop containers or move a large body."""
SLOWEST_SECONDS = 1800.0
"""Until the first byte of what the engine has to put together."""
SILENCE_SECONDS = 45.0
"""A stream pings every 15 s; silence for longer means the connection is dead."""
RECONNECTS = 8
PIECE = 256 * 1024

JSON_TYPE = "application/json"


class Client:
    """Calls to one daemon; a connection per call."""

    def __init__(self, target: Target) -> None:
        self.target = target

    def call(
        self,
        method: str,
        path: str,
        *,
        body: Mapping[str, object] | None = None,
        query: Mapping[str, object] | None = None,
        timeout: float = REPLY_SECONDS,
    ) -> Any:
        """The JSON answer, or None for an empty one. Raises `CliError`."""
        content = None if body is None else json.dumps(body).encode()
        headers = self._headers()
        if content is not None:
            headers["Content-Type"] = JSON_TYPE
        with closing(self._connection(timeout)) as connection:
            try:
                connection.request(method, self._path(path, query), content, headers)
                return _answer(connection.getresponse())
            except (OSError, http.client.HTTPException) as error:
                raise self._unreachable(error) from error

    def get(self, path: str, **query: object) -> Any:
        """`call("GET", …)`; parameters that are None are left out."""
        return self.call("GET", path, query=query)

    def upload(
        self,
        path: str,
        spec: Mapping[str, object],
        archive: Path,
        *,
        progress: Callable[[int, int], None],
    ) -> Any:
        """Send `spec` and the archive as multipart, in pieces; `progress(sent, total)`."""
        boundary = "paas-" + os.urandom(16).hex()
        before, after = _multipart(boundary, spec, archive.name)
        size = archive.stat().st_size
        headers = self._headers() | {
            "Content-Type": f"multipart/form-data; boundary={boundary}",
            "Content-Length": str(len(before) + size + len(after)),
        }
        with closing(self._connection(SLOW_SECONDS)) as connection:
            try:
                _send_request(connection, self._path(path), headers)
                try:
                    connection.send(before)
                    _send_file(connection, archive, size, progress)
                    connection.send(after)
                except (BrokenPipeError, ConnectionResetError):
                    pass  # refused before all was read: the answer says why
                return _answer(connection.getresponse())
            except (OSError, http.client.HTTPException) as error:
                raise self._unreachable(error) from error

    @contextmanager
    def open(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
        body: Iterable[bytes] | None = None,
        timeout: float = REPLY_SECONDS,
    ) -> Iterator[http.client.HTTPResponse]:
        """A call whose body and answer are no JSON and may be long. Raises `CliError`."""
        with closing(self._connection(timeout)) as connection:
            try:
                connection.request(
                    method,
                    self._path(path, query),
                    body,
                    {**self._headers(), **(headers or {})},
                    encode_chunked=body is not None,
                )
                response = connection.getresponse()
                if response.status >= http.client.BAD_REQUEST:
                    raise problem(response.status, response.read())
                yield response
            except (OSError, http.client.HTTPException) as error:
                raise self._unreachable(error) from error

    def download(self, path: str, body: Mapping[str, object], into: BinaryIO) -> int:
        """Write the answer to a POST of `body` to the file, and say how many bytes it was.

        Raises `CliError` when refused, `Unreachable` when it broke off.
        """
        headers = self._headers() | {"Content-Type": JSON_TYPE, "Accept": "*/*"}
        with closing(self._connection(SLOWEST_SECONDS)) as connection:
            try:
                connection.request("POST", self._path(path), json.dumps(body).encode(), headers)
                response = connection.getresponse()
                if response.status >= http.client.BAD_REQUEST:
                    raise problem(response.status, response.read())
                expected, received = response.length, 0
                while piece := response.read(PIECE):
                    into.write(piece)
                    received += len(piece)
            except (OSError, http.client.HTTPException) as error:
                raise self._unreachable(error) from error
        if expected is not None and received != expected:
            raise self._unreachable(ConnectionResetError("the answer broke off"))
        return received

    def send_file(self, path: str, file: Path, *, timeout: float) -> None:
        """POST the file's bytes as a tar. Raises `CliError`."""
        headers = {"Content-Type": "application/x-tar", "Content-Length": str(file.stat().st_size)}
        with closing(self._connection(timeout)) as connection, file.open("rb") as body:
            try:
                connection.request("POST", self._path(path), body, headers)
                response = connection.getresponse()
                answer = response.read()
            except (OSError, http.client.HTTPException) as error:
                raise self._unreachable(error) from error
        if response.status >= http.client.BAD_REQUEST:
            raise problem(response.status, answer)

    def stream(self, path: str, **query: object) -> Iterator[Event]:
        """Server-sent events until an `end` event; reconnects where it broke off.

        Raises `CliError` when refused, `Unreachable` after several vain attempts.
        """
        last_id, failures = "", 0
        while True:
            try:
                for event in self._events(path, query, last_id):
                    last_id, failures = event.id or last_id, 0
                    if event.name == "end":
                        return
                    if event.name == "error":
                        raise problem(http.client.INTERNAL_SERVER_ERROR, event.data.encode())
                    yield event
                failure: Exception = ConnectionResetError("the stream broke off")
            except (OSError, http.client.HTTPException) as error:
                failure = error
            failures += 1
            if failures > RECONNECTS:
                raise self._unreachable(failure) from failure
            time.sleep(min(0.2 * 2**failures, 5.0))

    def _events(self, path: str, query: Mapping[str, object], last_id: str) -> Iterator[Event]:
        headers = self._headers() | {"Accept": "text/event-stream"}
        if last_id:
            headers["Last-Event-ID"] = last_id
        with closing(self._connection(SILENCE_SECONDS)) as connection:
            connection.request("GET", self._path(path, query), headers=headers)
            response = connection.getresponse()
            if response.status >= http.client.BAD_REQUEST:
                raise problem(response.status, response.read())
            yield from parse(iter(response.readline, b""))

    def _connection(self, timeout: float) -> http.client.HTTPConnection:
        if self.target.path:
            return _UnixConnection(self.target.path, timeout)
        if self.target.tls:
            return http.client.HTTPSConnection(self.target.host, self.target.port, timeout=timeout)
        return _TcpConnection(self.target.host, self.target.port, timeout=timeout)

    def _headers(self) -> dict[str, str]:
        headers = {"Accept": JSON_TYPE, "User-Agent": "paas-cli"}
        if self.target.token:
            headers["Authorization"] = f"Bearer {self.target.token}"
        return headers

    def _path(self, path: str, query: Mapping[str, object] | None = None) -> str:
        pairs = {key: value for key, value in (query or {}).items() if value is not None}
        return self.target.prefix + path + (f"?{urlencode(pairs)}" if pairs else "")

    def _unreachable(self, error: Exception) -> Unreachable:
        if isinstance(error, TimeoutError):
            return Unreachable(
                f"The daemon at {self.target} did not answer in time.",
                advice="Look at its log; `paas doctor` looks for the cause.",
            )
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        return Unreachable(f"No answer from the daemon at {self.target}: {reason}.")


def segment(name: str) -> str:
    """A name as one segment of a path, whatever is in it."""
    return quote(name, safe="")


def problem(status: int, body: bytes) -> CliError:
    """The error an answer tells of: problem details where it has them."""
    try:
        told = json.loads(body)
    except ValueError:
        told = {}
    if not isinstance(told, dict):
        told = {}
    fallback = f"The daemon answered {status} {http.client.responses.get(status, '')}".rstrip()
    return CliError(
        str(told.get("detail") or told.get("title") or fallback + "."),
        exit_code=Exit.REFUSED if status < http.client.INTERNAL_SERVER_ERROR else Exit.TROUBLE,
        code=str(told.get("code") or f"http_{status}"),
        advice=str(told.get("advice") or ""),
        fields=_fields(told.get("fields") or told.get("errors")),
        log=tuple(str(line) for line in told.get("log") or ()),
    )


class _TcpConnection(http.client.HTTPConnection):
    """Gives up connecting sooner than waiting for an answer."""

    def connect(self) -> None:
        self.sock = socket.create_connection((self.host, self.port), CONNECT_SECONDS)
        self.sock.settimeout(self.timeout)


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self.unix_path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(CONNECT_SECONDS)
        self.sock.connect(self.unix_path)
        self.sock.settimeout(self.timeout)


def _answer(response: http.client.HTTPResponse) -> Any:
    body = response.read()
    if response.status >= http.client.BAD_REQUEST:
        raise problem(response.status, body)
    if not body:
        return None
    try:
        return json.loads(body)
    except ValueError as error:
        raise Unreachable(
            "What answered is not a paas daemon: it did not answer with JSON.",
            advice="Check the address given by --url or PAAS_URL.",
        ) from error


def _fields(told: object) -> dict[str, str]:
    entries = told if isinstance(told, list) else []
    return {
        str(entry.get("field", "")): str(entry.get("message", ""))
        for entry in entries
        if isinstance(entry, dict)
    }


def _multipart(boundary: str, spec: Mapping[str, object], filename: str) -> tuple[bytes, bytes]:
    safe = "".join(letter if letter.isalnum() or letter in "._-" else "_" for letter in filename)
    before = (
        f"--{boundary}\r\n"
        'Content-Disposition: form-data; name="spec"\r\n'
        f"Content-Type: {JSON_TYPE}\r\n\r\n"
        f"{json.dumps(spec)}\r\n"
        f"--{boundary}\r\n"
        f'Content-Disposition: form-data; name="archive"; filename="{safe}"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    )
    return before.encode(), f"\r\n--{boundary}--\r\n".encode()


def _send_request(
    connection: http.client.HTTPConnection, path: str, headers: Mapping[str, str]
) -> None:
    connection.putrequest("POST", path)
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.endheaders()


def _send_file(
    connection: http.client.HTTPConnection,
    archive: Path,
    size: int,
    progress: Callable[[int, int], None],
) -> None:
    sent = 0
    with archive.open("rb") as source:
        while sent < size:
            piece = source.read(min(PIECE, size - sent))
            if not piece:
                raise CliError(f"{archive} became shorter while it was sent.", code="changed")
            connection.send(piece)
            sent += len(piece)
            progress(sent, size)
