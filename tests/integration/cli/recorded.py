"""A recorded daemon: real HTTP on a unix socket or TCP, answers by script."""

import json
import socketserver
import sys
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any


@dataclass(kw_only=True)
class Answer:
    """`events` are raw pieces of an event stream; `cut` closes without reading the body."""

    status: int = 200
    body: Any = None
    events: tuple[str, ...] = ()
    cut: bool = False


@dataclass(kw_only=True)
class Seen:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes = b""

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Recorded:
    """`script` maps "GET /path" to answers in turn; the last one repeats."""

    script: dict[str, list[Answer]] = field(default_factory=lambda: defaultdict(list))
    seen: list[Seen] = field(default_factory=list)

    def on(self, call: str, *answers: Any) -> None:
        self.script[call] = [
            answer if isinstance(answer, Answer) else Answer(body=answer) for answer in answers
        ]

    def calls(self, method: str) -> list[Seen]:
        return [seen for seen in self.seen if seen.method == method]

    def answer(self, seen: Seen) -> Answer:
        self.seen.append(seen)
        queue = self.script.get(f"{seen.method} {seen.path}") or self.script.get(
            f"{seen.method} {seen.path.partition('?')[0]}"
        )
        if not queue:
            return Answer(status=404, body={"code": "not_found", "detail": "no such thing"})
        return queue.pop(0) if len(queue) > 1 else queue[0]


class Handler(BaseHTTPRequestHandler):
    recorded: Recorded

    def handle_call(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        seen = Seen(method=self.command, path=self.path, headers=dict(self.headers))
        answer = self.recorded.answer(seen)
        if not answer.cut:
            seen.body = self.rfile.read(length)
        self.close_connection = True
        if answer.events:
            self._stream(answer.events)
            return
        body = b"" if answer.body is None else json.dumps(answer.body).encode()
        self.send_response(answer.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("do_"):
            return self.handle_call
        raise AttributeError(name)

    def _stream(self, events: tuple[str, ...]) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        for piece in events:
            self.wfile.write(piece.encode())
            self.wfile.flush()

    def address_string(self) -> str:
        return "test"

    def log_message(self, *args: object) -> None: ...


class Quiet(socketserver.ThreadingMixIn):
    """A client that goes away is part of what is tested."""

    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[misc] # the server's


class UnixServer(Quiet, socketserver.UnixStreamServer):
    request_queue_size = 32


class TcpServer(Quiet, HTTPServer): ...


@contextmanager
def listening(place: Path | None) -> Iterator[tuple[Recorded, int]]:
    """Serve on a unix socket, or on a free TCP port when `place` is None."""
    recorded = Recorded()
    handler = type("Bound", (Handler,), {"recorded": recorded})
    server: socketserver.BaseServer
    server = UnixServer(str(place), handler) if place else TcpServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield recorded, 0 if place else server.server_address[1]  # type: ignore[attr-defined]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
