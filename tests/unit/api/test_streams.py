"""The stream's own behaviour, on a tiny server."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web

from paas.api.streams import FanIn, ServerEvent, send
from paas.errors import Unavailable


async def fetch(events, *, ping: float = 15.0) -> str:
    async def handle(request: web.Request) -> web.StreamResponse:
        return await send(request, events(), ping=ping)

    app = web.Application()
    app.router.add_get("/", handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0]
    try:
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"http://{host}:{port}/") as response,
            asyncio.timeout(5),
        ):
            return await response.text()
    finally:
        await runner.cleanup()


async def test_quiet_times_are_pinged() -> None:
    async def events() -> AsyncIterator[ServerEvent | None]:
        yield None
        yield ServerEvent(data="1", id="7", name="end")

    assert await fetch(events, ping=0.0) == ": ping\n\nid: 7\nevent: end\ndata: 1\n\n"
    assert await fetch(events) == "id: 7\nevent: end\ndata: 1\n\n"


async def test_a_failure_is_told_in_the_stream() -> None:
    async def events() -> AsyncIterator[ServerEvent | None]:
        yield ServerEvent(data="1")
        raise Unavailable("The log cannot be read.", code="log_unreadable")

    text = await fetch(events)
    assert text.startswith("data: 1\n\nevent: error\ndata: {")
    assert '"code": "log_unreadable"' in text


async def numbers(*values: int) -> AsyncIterator[int]:
    for value in values:
        yield value


async def test_sources_come_as_one_and_end() -> None:
    fan: FanIn[int] = FanIn()
    fan.add("a", numbers(*range(200)))
    fan.add("b", numbers(1000))
    taken = []
    while not fan.ended:
        item = await fan.next(1.0)
        taken += item or ()
    assert sorted(taken) == [*range(200), 1000]
    await fan.close()


async def test_a_quiet_fan_ticks_and_a_failing_source_is_heard() -> None:
    async def silent() -> AsyncIterator[int]:
        await asyncio.Event().wait()
        yield 1

    async def failing() -> AsyncIterator[int]:
        yield 1
        raise Unavailable("gone")

    fan: FanIn[int] = FanIn()
    fan.add("silent", silent())
    assert await fan.next(0.01) is None
    assert not fan.ended
    fan.add("failing", failing())
    assert await fan.next(1.0) == (1,)
    with pytest.raises(Unavailable):
        await fan.next(1.0)
    await fan.close()
