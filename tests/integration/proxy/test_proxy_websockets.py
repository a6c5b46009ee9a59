"""WebSocket conversations through the proxy, with aiohttp's client and server at the ends."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import WSMsgType, web

from paas.live.board import Slot
from tests.integration.proxy.conftest import Stage
from tests.integration.proxy.origin import Line, Seen, sends
from tests.integration.proxy.wire import Wire, until
from tests.unit.http1.answers import SWITCH, reply
from tests.unit.http1.hostile import get

pytestmark = pytest.mark.case(48)
KEY = (
    b"Upgrade: websocket",
    b"Connection: Upgrade",
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
)
ASK = get(*KEY, b"Sec-WebSocket-Version: 13")
Talk = Callable[[web.WebSocketResponse], Awaitable[None]]
MIB = 1024 * 1024


async def echo(ws: web.WebSocketResponse) -> None:
    async for message in ws:
        if message.type is WSMsgType.TEXT:
            await ws.send_str(message.data)
        else:
            await ws.send_bytes(message.data)


class Server:
    """A WebSocket server as the replica; `ended` are the close codes it saw."""

    def __init__(self, talk: Talk, **options: object) -> None:
        self._talk = talk
        self._options = options
        self.ended: list[int | None] = []
        self.compressed = 0
        self.protocol: str | None = None

    async def answer(self, request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse(max_msg_size=0, **self._options)  # type: ignore[arg-type] # ours
        await ws.prepare(request)
        self.compressed, self.protocol = ws.compress, ws.ws_protocol
        await self._talk(ws)
        self.ended.append(ws.close_code)
        return ws


@asynccontextmanager
async def served(stage: Stage, server: Server, *, pooled: int = 0) -> AsyncIterator[None]:
    """That server is the only replica; afterwards so many connections to it are idle."""
    application = web.Application()
    application.router.add_get("/x", server.answer)
    runner = web.AppRunner(application, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    await stage.start(ready=False)
    stage.board.add_slot("v1", Slot("ws", "127.0.0.1", runner.addresses[0][1]))
    try:
        yield
        await until(lambda: stage.target.in_flight == 0)
        await until(lambda: stage.proxy.connections == 0)
        assert stage.proxy.idle_upstreams == pooled
    finally:
        await runner.cleanup()


@asynccontextmanager
async def connected(
    stage: Stage, **options: object
) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    assert stage.listener is not None
    url = f"http://127.0.0.1:{stage.listener.port}/x"
    async with (
        aiohttp.ClientSession() as session,
        asyncio.timeout(20),
        session.ws_connect(
            url,
            headers={"Host": "hello.localhost"},
            max_msg_size=0,
            **options,  # type: ignore[arg-type] # ours
        ) as ws,
    ):
        yield ws


async def handshaken(stage: Stage) -> Wire:
    wire = await stage.wire()
    wire.send(ASK)
    async with asyncio.timeout(5):
        await wire.reader.readuntil(b"\r\n\r\n")
    return wire


def masked(opcode: int, payload: bytes, *, final: bool = True, reserved: int = 0) -> bytes:
    """A client's frame of at most 125 bytes; the mask of zeros changes nothing."""
    first = (0x80 if final else 0) | reserved | opcode
    return bytes([first, 0x80 | len(payload)]) + bytes(4) + payload


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65535, 65536, MIB, 16 * MIB])
async def test_messages_of_every_size(stage: Stage, size: int) -> None:
    async with served(stage, Server(echo)), connected(stage) as ws:
        data = os.urandom(size)
        await ws.send_bytes(data)
        assert await ws.receive_bytes() == data
        await ws.send_str("ä" * (size // 2))
        assert await ws.receive_str() == "ä" * (size // 2)


async def test_many_small_messages(stage: Stage) -> None:
    async with served(stage, Server(echo)), connected(stage) as ws:
        count = 2000
        for number in range(count):
            await ws.send_str(str(number))
        assert [await ws.receive_str() for _ in range(count)] == [str(n) for n in range(count)]


async def test_pings_both_ways(stage: Stage) -> None:
    heard: list[aiohttp.WSMessage] = []

    async def talk(ws: web.WebSocketResponse) -> None:
        await ws.ping(b"from the server")
        heard.append(await ws.receive())
        heard.append(await ws.receive())
        await ws.pong(heard[-1].data)
        await ws.receive()

    async with served(stage, Server(talk, autoping=False)), connected(stage, autoping=False) as ws:
        assert tuple(await ws.receive())[:2] == (WSMsgType.PING, b"from the server")
        await ws.pong(b"from the server")
        await ws.ping(b"from the client")
        assert tuple(await ws.receive())[:2] == (WSMsgType.PONG, b"from the client")
    assert [one.type for one in heard] == [WSMsgType.PONG, WSMsgType.PING]


@pytest.mark.parametrize("code", [1000, 1001, 3000, 4999])
async def test_the_client_closes(stage: Stage, code: int) -> None:
    server = Server(echo)
    async with served(stage, server), connected(stage) as ws:
        await ws.close(code=code, message=b"bye")
    assert server.ended == [code]


@pytest.mark.parametrize("code", [1000, 1011, 4000])
async def test_the_server_closes(stage: Stage, code: int) -> None:
    async def talk(ws: web.WebSocketResponse) -> None:
        await ws.send_str("last")
        await ws.close(code=code, message=b"reason")

    async with served(stage, Server(talk)), connected(stage) as ws:
        assert await ws.receive_str() == "last"
        ended = await ws.receive()
        assert (ended.type, ended.data, ended.extra) == (WSMsgType.CLOSE, code, "reason")


async def test_what_is_negotiated_passes_untouched(stage: Stage) -> None:
    server = Server(echo, protocols=("superchat",))
    async with (
        served(stage, server),
        connected(stage, compress=12, protocols=("chat", "superchat")) as ws,
    ):
        assert ws.compress
        assert ws.protocol == "superchat"
        for text in ("", "a", "repeated " * 10_000):
            await ws.send_str(text)
            assert await ws.receive_str() == text
    assert server.compressed
    assert server.protocol == "superchat"


@pytest.mark.parametrize("step", [1, 3, 1000])
async def test_fragments_with_control_frames_between_them(stage: Stage, step: int) -> None:
    stream = (
        masked(1, b"one ", final=False)
        + masked(9, b"ping")
        + masked(0, b"", final=False)
        + masked(0, b"two ", final=False)
        + masked(10, b"unasked")
        + masked(0, b"three")
        + masked(8, b"\x03\xe8")
    )
    async with served(stage, Server(echo)):
        wire = await handshaken(stage)
        for start in range(0, len(stream), step):
            wire.send(stream[start : start + step])
            await asyncio.sleep(0)
        assert await wire.bytes_until_end() == (
            b"\x8a\x04ping" + b"\x81\x0done two three" + b"\x88\x02\x03\xe8"
        )
        wire.close()


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        (masked(1, b"a", reserved=0x40), 1002),
        (masked(1, b"a", reserved=0x20), 1002),
        (masked(3, b"a"), 1002),
        (masked(11, b"a"), 1002),
        (masked(9, b"a", final=False), 1002),
        (masked(0, b"a"), 1002),
        (masked(1, b"\xff"), 1007),
        (masked(8, b"\x03"), 1002),
    ],
)
async def test_what_breaks_the_protocol_is_the_servers_to_judge(
    stage: Stage, frame: bytes, code: int
) -> None:
    async with served(stage, Server(echo)):
        wire = await handshaken(stage)
        wire.send(frame)
        answer = await wire.bytes_until_end()
        assert answer[0] == 0x88
        assert int.from_bytes(answer[2:4], "big") == code
        wire.close()


async def test_octet_by_octet_both_ways(stage: Stage) -> None:
    async def answer(_seen: Seen, line: Line) -> None:
        for octet in SWITCH:
            line.send(bytes([octet]))
            await line.writer.drain()
        while data := await line.reader.read(1):
            line.send(data)
            await line.writer.drain()
        line.close()

    await stage.start()
    stage.origin.answer = answer
    wire = await stage.wire()
    stream = masked(2, bytes(range(125))) * 4
    for octet in ASK:
        wire.send(bytes([octet]))
        await wire.writer.drain()
    async with asyncio.timeout(5):
        await wire.reader.readuntil(b"\r\n\r\n")
        for octet in stream:
            wire.send(bytes([octet]))
            assert await wire.reader.readexactly(1) == bytes([octet])


@pytest.mark.case(45)
async def test_an_unknown_version_is_refused_with_all_its_fields(stage: Stage) -> None:
    await stage.start()
    stage.origin.answer = sends(
        reply(
            b"no",
            b"426 Upgrade Required",
            b"Connection: Upgrade",
            b"Upgrade: websocket",
            b"Sec-WebSocket-Version: 13, 8",
        )
    )
    wire = await stage.wire()
    for _ in range(2):
        wire.send(get(*KEY, b"Sec-WebSocket-Version: 99"))
        got = await wire.response()
        assert (got.status, got.body) == (426, b"no")
        assert got.field("sec-websocket-version") == "13, 8"
        assert (got.field("upgrade"), got.field("connection")) == ("websocket", "Upgrade")
    assert stage.origin.seen[0].field("sec-websocket-version") == "99"
    assert len(stage.origin.lines) == 1


@pytest.mark.case(43)
@pytest.mark.parametrize(
    "fields",
    [
        (b"Upgrade: websocket", b"Connection: Upgrade"),
        (*KEY[:2], b"Sec-WebSocket-Key: short", b"Sec-WebSocket-Version: 13"),
        (*KEY, b"Sec-WebSocket-Version: 99"),
        (b"Connection: Upgrade, Sec-WebSocket-Key", KEY[0], KEY[2], b"Sec-WebSocket-Version: 13"),
    ],
)
async def test_bad_handshakes_are_the_servers_to_refuse(
    stage: Stage, fields: tuple[bytes, ...]
) -> None:
    async with served(stage, Server(echo), pooled=1):
        wire = await stage.wire()
        wire.send(get(*fields))
        assert (await wire.response()).status == 400
        wire.close()
