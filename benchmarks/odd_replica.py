"""A replica that does what nginx does not: chunks, delays, broken answers, WebSockets.

`/chunked`, `/slow`, `/cut` (ends amid its answer), everything else answers with the
number of body bytes it got; an Upgrade turns the connection into an echo.
"""

import asyncio
import re
import sys
from contextlib import suppress

import uvloop

PIECE = 1000
_LENGTH = re.compile(rb"^content-length: *(\d+)", re.MULTILINE | re.IGNORECASE)
_CHUNKED = re.compile(rb"^transfer-encoding: *chunked", re.MULTILINE | re.IGNORECASE)
_UPGRADE = re.compile(rb"^upgrade:", re.MULTILINE | re.IGNORECASE)
_DELAY = 0.2


def main() -> None:
    uvloop.run(_serve(int(sys.argv[1])))


async def _serve(port: int) -> None:
    server = await asyncio.start_server(_connection, "127.0.0.1", port, backlog=1024)
    await server.serve_forever()


async def _connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError, EOFError):
        while await _exchange(reader, writer):
            await writer.drain()
    writer.close()


async def _exchange(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    """One request and its answer; whether another may follow."""
    head = await reader.readuntil(b"\r\n\r\n")
    if _UPGRADE.search(head):
        await _echo(reader, writer)
        return False
    got = await _body_bytes(reader, head)
    path = head.split(b" ", 2)[1]
    if path == b"/chunked":
        piece = b"%x\r\n%b\r\n" % (PIECE, bytes(PIECE))
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        writer.write(piece * 8 + b"0\r\n\r\n")
    elif path == b"/cut":
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + bytes(PIECE))
        return False
    else:
        if path == b"/slow":
            await asyncio.sleep(_DELAY)
        text = b"%d" % got
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(text), text))
    return True


async def _body_bytes(reader: asyncio.StreamReader, head: bytes) -> int:
    if found := _LENGTH.search(head):
        return await _skip(reader, int(found[1]))
    got = 0
    if _CHUNKED.search(head):
        while size := int((await reader.readline()).split(b";")[0], 16):
            got += await _skip(reader, size)
            await reader.readexactly(2)
        await reader.readline()
    return got


async def _skip(reader: asyncio.StreamReader, size: int) -> int:
    left = size
    while left:
        piece = await reader.read(min(left, 65536))
        if not piece:
            raise EOFError
        left -= len(piece)
    return size


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n")
    writer.write(b"Upgrade: websocket\r\n\r\n")
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()


if __name__ == "__main__":
    main()
