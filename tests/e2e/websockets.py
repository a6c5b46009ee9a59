"""A program that holds WebSockets, and clients that hold them open."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from tests.e2e import apps

SWITCHING = b"HTTP/1.1 101 Switching Protocols"
HANDLER = r"""#!/bin/sh
read -r line
printf 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n'
exec cat >/dev/null
"""


def silent_websockets() -> apps.Source:
    """Upgrades every connection and stays silent."""
    return apps.program("exec nc -ll -p $PORT -e /bin/serve", files={"bin/serve": HANDLER})


@contextmanager
def websockets(port: int, host: str, *, count: int) -> Iterator[list[socket.socket]]:
    with ExitStack() as stack:
        opened = []
        for _ in range(count):
            one = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=30))
            one.sendall(
                f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\n"
                "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
            )
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                head += one.recv(1)
            assert head.startswith(SWITCHING), head
            opened.append(one)
        yield opened
