"""The places output is drained to, on real sockets."""

import asyncio
import json
import socket
from tempfile import TemporaryDirectory

import pytest
from aiohttp import web

from paas.adapters.drains import line_sink
from paas.core.draining import SentLine, parse_drain
from paas.errors import Unavailable


def line(text: str) -> SentLine:
    return SentLine(time=0.0, text=text, stream="stdout", service="shop", version="shop-001")


async def refused(place: str) -> str:
    sink = line_sink(parse_drain(place))
    with pytest.raises(Unavailable) as caught:
        await sink.send([line("a")])
    await sink.close()
    return caught.value.code


class Collecting:
    """A server of streams that keeps what it reads, by connection."""

    def __init__(self) -> None:
        self.read: list[bytes] = []
        self.writers: list[asyncio.StreamWriter] = []

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number = len(self.read)
        self.read.append(b"")
        self.writers.append(writer)
        while data := await reader.read(65536):
            self.read[number] += data
        writer.close()

    async def close(self) -> None:
        for writer in self.writers:
            writer.close()
            await writer.wait_closed()

    async def has(self, number: int, ending: bytes) -> None:
        async with asyncio.timeout(10):
            while len(self.read) <= number or not self.read[number].endswith(ending):
                await asyncio.sleep(0.01)


async def test_messages_over_tcp_are_counted_and_a_lost_connection_is_made_anew() -> None:
    peer = Collecting()
    async with await asyncio.start_server(peer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        sink = line_sink(parse_drain(f"tcp://127.0.0.1:{port}"))
        await sink.send([line("one"), line("two")])
        await peer.has(0, b"two")
        length, _, rest = peer.read[0].partition(b" ")
        assert rest[: int(length)].endswith(b"one")
        await peer.close()
        await sink.send([line("three")])
        await peer.has(1, b"three")
        await sink.close()
        await peer.close()
    assert await refused(f"tcp://127.0.0.1:{port}") == "drain_away"


async def test_unix_sockets_of_both_kinds() -> None:
    peer = Collecting()
    with TemporaryDirectory(prefix="paas-") as folder:
        async with await asyncio.start_unix_server(peer, f"{folder}/stream"):
            sink = line_sink(parse_drain(f"unix://{folder}/stream"))
            await sink.send([line("one")])
            await peer.has(0, b"one")
            await sink.close()
            await peer.close()
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as own:
            own.bind(f"{folder}/log")
            own.settimeout(5)
            sink = line_sink(parse_drain(f"unix://{folder}/log"))
            await sink.send([line("one"), line("two")])
            assert own.recv(9999).startswith(b"<134>1 ")
            assert own.recv(9999).endswith(b"two")
            await sink.close()
        assert await refused(f"unix://{folder}/none") == "drain_away"


async def test_datagrams() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
        own.bind(("127.0.0.1", 0))
        own.settimeout(5)
        sink = line_sink(parse_drain(f"udp://127.0.0.1:{own.getsockname()[1]}"))
        await sink.send([line("x" * 100_000)])
        assert len(own.recv(65536)) == 8192
        await sink.close()


async def test_lines_of_json_by_http() -> None:
    got: list[tuple[str, bytes]] = []
    statuses = [204, 500, 302]

    async def take(request: web.Request) -> web.Response:
        got.append((request.headers["Authorization"], await request.read()))
        return web.Response(status=statuses.pop(0), headers={"Location": "/elsewhere"})

    app = web.Application()
    app.router.add_post("/in", take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    place = f"http://me:pass@127.0.0.1:{port}/in"
    sink = line_sink(parse_drain(place))
    await sink.send([line("one"), line("two")])
    assert got[0][0].startswith("Basic ")
    assert [json.loads(one)["text"] for one in got[0][1].splitlines()] == ["one", "two"]
    for _ in range(2):
        with pytest.raises(Unavailable) as caught:
            await sink.send([line("three")])
        assert caught.value.code == "drain_refused"
    await sink.close()
    await runner.cleanup()
    assert await refused(place) == "drain_away"
