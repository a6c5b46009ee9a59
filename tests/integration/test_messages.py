"""Notices over real sockets: what arrives, what is tried again, and that no URL leaks."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from paas.adapters.messages import HttpMessenger
from paas.core.notifying import Notice
from paas.errors import Failed, PaasError, Unavailable

NOTICE = Notice(body=b'{"a": 1}', headers={"X-Paas-Event": "disk.low"})


class Sink:
    """Answers with `status` after `wait` seconds."""

    def __init__(self, *, status: int = 200, wait: float = 0.0) -> None:
        self.status, self.wait = status, wait
        self.seen: list[tuple[str, bytes, str]] = []

    async def __call__(self, request: web.BaseRequest) -> web.Response:
        event = request.headers["X-Paas-Event"]
        self.seen.append((request.path, await request.read(), event))
        await asyncio.sleep(self.wait)
        return web.Response(status=self.status, headers={"Location": "http://10.0.0.1/"})


@asynccontextmanager
async def serving(sink: Sink) -> AsyncIterator[str]:
    runner = web.ServerRunner(web.Server(sink), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/secret-path"
    finally:
        await runner.cleanup()


async def sent(url: str, *, seconds: float = 5.0) -> PaasError | None:
    messenger = HttpMessenger(seconds=seconds)
    try:
        await messenger.send(url, NOTICE)
    except PaasError as error:
        return error
    finally:
        await messenger.close()
    return None


async def test_a_notice_arrives_whole() -> None:
    sink = Sink()
    async with serving(sink) as url:
        assert await sent(url) is None
    assert sink.seen == [("/secret-path", b'{"a": 1}', "disk.low")]


@pytest.mark.parametrize(
    ("status", "kind"), [(500, Unavailable), (429, Unavailable), (404, Failed), (302, Failed)]
)
async def test_what_a_place_answers(status: int, kind: type[PaasError]) -> None:
    sink = Sink(status=status)
    async with serving(sink) as url:
        error = await sent(url)
    assert type(error) is kind
    assert "secret-path" not in f"{error.message} {error.advice}"
    assert len(sink.seen) == 1, "redirects are not followed"


async def test_a_place_that_does_not_answer_is_given_up() -> None:
    async with serving(Sink(wait=0.5)) as url:
        error = await sent(url, seconds=0.1)
    assert isinstance(error, Unavailable)


async def test_a_place_that_is_not_there() -> None:
    async with serving(Sink()) as url:
        pass
    error = await sent(url)
    assert isinstance(error, Unavailable)
    assert "secret-path" not in error.message
