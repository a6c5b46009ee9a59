"""What the kernel knows of a connection, beneath its transport."""

import asyncio
import fcntl
import socket
import struct
import termios
from typing import Final

CLOSED: Final = 7
CLOSE_WAIT: Final = 8
"""The other side ended its half."""
_SOL_TCP, _TCP_INFO = 6, 11


def descriptor(transport: asyncio.Transport | None) -> int:
    """Its number; -1 when it has none any more."""
    sock = _socket(transport)
    return sock.fileno() if sock is not None else -1


def tcp_state(transport: asyncio.Transport) -> int | None:
    """As the kernel numbers them; None when there is none any more."""
    sock = _socket(transport)
    try:
        info = sock.getsockopt(_SOL_TCP, _TCP_INFO, 1) if sock is not None else b""
    except OSError:
        return None
    return int(info[0]) if info else None


def unread(transport: asyncio.Transport) -> int:
    """Bytes that came and nobody read."""
    try:
        size = fcntl.ioctl(descriptor(transport), termios.FIONREAD, bytes(4))
    except (OSError, ValueError):
        return 0
    return int(struct.unpack("i", size)[0])


def reset_when_closed(transport: asyncio.Transport) -> None:
    """Make the close a reset: a client that reads until the end must see the difference."""
    sock = _socket(transport)
    try:
        if sock is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    except OSError:
        return


def _socket(transport: asyncio.Transport | None) -> socket.socket | None:
    found: socket.socket | None = (
        transport.get_extra_info("socket") if transport is not None else None
    )
    return found
