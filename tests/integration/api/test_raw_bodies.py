"""Bodies of callers that have proved nothing: bounded, and given back."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
from aiohttp import web

from paas.api.problems import answer_problems
from paas.api.raw_bodies import RawBodies


@asynccontextmanager
async def reading(bodies: RawBodies) -> AsyncIterator[str]:
    """The URL of a server that reads bodies and answers their length."""

    async def handle(request: web.Request) -> web.Response:
        return web.Response(text=str(len(await bodies.read(request))))

    app = web.Application(middlewares=[answer_problems])
    app.router.add_post("/", handle)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        host, port = runner.addresses[0][:2]
        yield f"http://{host}:{port}/"
    finally:
        await runner.cleanup()


async def pieces(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


async def test_a_body_is_read_whole_however_it_comes() -> None:
    bodies = RawBodies()
    async with reading(bodies) as url, aiohttp.ClientSession() as session:
        for data in (b"", b"abc", pieces(b"a", b"bc")):
            async with session.post(url, data=data) as got:
                assert await got.text() in ("0", "3")
        expects = {"Expect": "100-continue"}
        async with session.post(url, data=b"abc", headers=expects) as got:
            assert await got.text() == "3"
    assert bodies.held == 0


async def test_one_that_is_too_large_is_refused_declared_or_not() -> None:
    bodies = RawBodies(largest=10)
    async with reading(bodies) as url, aiohttp.ClientSession() as session:
        for data in (b"x" * 11, pieces(b"x" * 6, b"x" * 6)):
            async with session.post(url, data=data) as got:
                assert got.status == 413
    assert bodies.held == 0


async def test_all_together_are_bounded() -> None:
    bodies = RawBodies(largest=10, together=15)
    hold = asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield b"x" * 10
        await hold.wait()

    async with reading(bodies) as url, aiohttp.ClientSession() as session:

        async def post() -> int:
            async with session.post(url, data=slow()) as got:
                return got.status

        first = asyncio.ensure_future(post())
        async with asyncio.timeout(5):
            while bodies.held < 10:
                await asyncio.sleep(0.01)
        async with session.post(url, data=b"x" * 6) as got:
            assert (got.status, (await got.json(content_type=None))["code"]) == (
                503,
                "too_many_bodies",
            )
        hold.set()
        assert await first == 200
    assert bodies.held == 0


async def test_one_that_is_cut_off_gives_back_what_it_held() -> None:
    bodies = RawBodies()
    async with reading(bodies) as url:
        port = int(url.rstrip("/").rpartition(":")[2])
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc")
        async with asyncio.timeout(5):
            while bodies.held < 3:
                await asyncio.sleep(0.01)
        writer.close()
        async with asyncio.timeout(5):
            while bodies.held:
                await asyncio.sleep(0.01)
