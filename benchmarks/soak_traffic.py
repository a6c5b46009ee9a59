"""The rarer traffic of S1: clients of every kind, some rude, each with what it must see.

Run as a program it prints how often each kind came, and what was not as it must be.
"""

import asyncio
import itertools
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import closing

import uvloop

from benchmarks.peers import HOST, SIZES
from benchmarks.soak_subject import NARROW, NARROW_BYTES, ODD

WORKERS = 8
PATIENCE = 30.0
_UPLOAD = bytes(300_000)
_PAUSE = 0.02


class Client:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    def ask(self, host: str, path: str = "/", *fields: str, body: bytes | None = None) -> None:
        """A request; with `body` it is a POST."""
        more = [] if body is None else [f"Content-Length: {len(body)}"]
        lines = [f"{'GET' if body is None else 'POST'} {path} HTTP/1.1", f"Host: {host}"]
        self.send("\r\n".join([*lines, *more, *fields, "", ""]).encode() + (body or b""))

    async def answer(self) -> tuple[int, bytes]:
        """Status and body."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        status = int(head.split(b" ", 2)[1])
        lower = head.lower()
        if b"transfer-encoding: chunked" in lower:
            return status, await self._chunks()
        length = int(lower.partition(b"content-length:")[2].split(b"\r\n", 1)[0] or 0)
        return status, await self.reader.readexactly(length)

    async def _chunks(self) -> bytes:
        body = b""
        while size := int(await self.reader.readline(), 16):
            body += (await self.reader.readexactly(size + 2))[:-2]
        await self.reader.readline()
        return body


async def new_connection(client: Client) -> bool:
    client.ask(HOST, "/", "Connection: close")
    return (await client.answer())[0] == 200 and not await client.reader.read()


async def pipelined(client: Client) -> bool:
    for _ in range(5):
        client.ask(HOST)
    return [(await client.answer())[0] for _ in range(5)] == [200] * 5


async def upload(client: Client) -> bool:
    client.ask(ODD, body=_UPLOAD)
    return await client.answer() == (200, b"%d" % len(_UPLOAD))


async def chunked_upload(client: Client) -> bool:
    client.ask(ODD, "/", "Transfer-Encoding: chunked", "X-Kind: put")
    for _ in range(10):
        client.send(b"3e8\r\n" + bytes(1000) + b"\r\n")
        await client.writer.drain()
    client.send(b"0\r\n\r\n")
    return await client.answer() == (200, b"10000")


async def download(client: Client) -> bool:
    client.ask(HOST, "/64k")
    status, body = await client.answer()
    return status == 200 and len(body) == SIZES["64k"]


async def chunked_answer(client: Client) -> bool:
    client.ask(ODD, "/chunked")
    status, body = await client.answer()
    return status == 200 and len(body) == 8000


async def slow_head(client: Client) -> bool:
    request = f"GET / HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode()
    for place in range(0, len(request), 8):
        client.send(request[place : place + 8])
        await asyncio.sleep(_PAUSE)
    return (await client.answer())[0] == 200


async def slow_reader(client: Client) -> bool:
    client.ask(HOST, "/10m")
    for _ in range(10):
        await client.reader.readexactly(10_000)
        await asyncio.sleep(_PAUSE)
    return True  # and leaves


async def leaves_download(client: Client) -> bool:
    client.ask(HOST, "/10m")
    await client.reader.readexactly(100_000)
    client.writer.transport.abort()
    return True


async def leaves_upload(client: Client) -> bool:
    client.ask(ODD, "/", "Content-Length: 300000", "X-Kind: put")
    client.send(_UPLOAD[:100_000])
    await client.writer.drain()
    client.writer.transport.abort()
    return True


async def leaves_waiting(client: Client) -> bool:
    client.ask(ODD, "/slow")
    await asyncio.sleep(_PAUSE)
    client.writer.transport.abort()
    return True


async def waits(client: Client) -> bool:
    client.ask(ODD, "/slow")
    return await client.answer() == (200, b"0")


async def websocket(client: Client) -> bool:
    if not await _upgraded(client):
        return False
    for size in (5, 5_000, 50_000):
        client.send(bytes(size))
        if len(await client.reader.readexactly(size)) != size:
            return False
    return True


async def dropped_websocket(client: Client) -> bool:
    upgraded = await _upgraded(client)
    client.send(bytes(1000))
    client.writer.transport.abort()
    return upgraded


async def unknown_host(client: Client) -> bool:
    client.ask(f"nobody.{HOST}")
    return (await client.answer())[0] == 404


async def unknown_path(client: Client) -> bool:
    client.ask(HOST, "/nothing")
    return (await client.answer())[0] == 404


async def too_large(client: Client) -> bool:
    client.ask(NARROW, body=bytes(NARROW_BYTES + 1))
    return (await client.answer())[0] == 413


async def garbage(client: Client) -> bool:
    client.send(b"\x16\x03\x01 nonsense\r\n\r\n")
    return (await client.answer())[0] == 400


async def cut_answer(client: Client) -> bool:
    client.ask(ODD, "/cut")
    try:
        await client.answer()
    except (asyncio.IncompleteReadError, ConnectionError):
        return True
    return False


async def _upgraded(client: Client) -> bool:
    client.ask(ODD, "/ws", "Connection: Upgrade", "Upgrade: websocket")
    return b" 101 " in await client.reader.readuntil(b"\r\n\r\n")


KINDS: tuple[Callable[[Client], Awaitable[bool]], ...] = (
    new_connection,
    pipelined,
    upload,
    chunked_upload,
    download,
    chunked_answer,
    slow_head,
    slow_reader,
    leaves_download,
    leaves_upload,
    leaves_waiting,
    waits,
    websocket,
    dropped_websocket,
    unknown_host,
    unknown_path,
    too_large,
    garbage,
    cut_answer,
)


def main() -> None:
    port, seconds = int(sys.argv[1]), float(sys.argv[2])
    seen: Counter[str] = Counter()
    wrong: Counter[str] = Counter()
    uvloop.run(_all(port, seconds, seen, wrong))
    print(json.dumps({"seen": seen, "wrong": wrong}))


async def _all(port: int, seconds: float, seen: Counter[str], wrong: Counter[str]) -> None:
    end = time.monotonic() + seconds
    await asyncio.gather(*(_worker(number, port, end, seen, wrong) for number in range(WORKERS)))


async def _worker(
    number: int, port: int, end: float, seen: Counter[str], wrong: Counter[str]
) -> None:
    kinds = list(KINDS)
    random.Random(number).shuffle(kinds)
    for kind in itertools.cycle(kinds):
        if time.monotonic() > end:
            return
        seen[kind.__name__] += 1
        try:
            async with asyncio.timeout(PATIENCE):
                if not await _once(kind, port):
                    wrong[kind.__name__] += 1
        except (OSError, EOFError, TimeoutError, ValueError) as error:
            wrong[f"{kind.__name__}: {type(error).__name__}"] += 1


async def _once(kind: Callable[[Client], Awaitable[bool]], port: int) -> bool:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**18)
    with closing(writer.transport):
        return await kind(Client(reader, writer))


if __name__ == "__main__":
    main()
