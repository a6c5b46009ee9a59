"""What the proxy tells of the requests that are open: who, since when, and at what."""

import asyncio
import time

from paas.live.requests import OpenRequest, RequestKind
from tests.integration.proxy.conftest import Stage, over_both
from tests.integration.proxy.origin import Line, Seen, reply
from tests.integration.proxy.test_proxy_tunnels import ASK, echoes, opened
from tests.integration.proxy.wire import until
from tests.unit.http1.hostile import get


class Slow:
    """Answers when it is let; the head already when `begun`."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.let = asyncio.Event()

    async def __call__(self, _seen: Seen, line: Line) -> None:
        answer = reply(b"done")
        await self.begun.wait()
        line.send(answer[:-1])
        await self.let.wait()
        line.send(answer[-1:])


def only(stage: Stage) -> OpenRequest:
    (found,) = stage.board.survey()
    return found


@over_both
async def test_a_request_from_beginning_to_end(stage: Stage) -> None:
    await stage.start()
    stage.origin.answer = slow = Slow()
    assert stage.board.survey() == []
    wire = await stage.wire()
    assert stage.board.survey() == []
    wire.send(get().replace(b"/x", b"/orders?token=secret"))
    await until(lambda: stage.origin.seen != [])
    found = only(stage)
    assert (found.version_id, found.kind, found.queued) == ("v1", RequestKind.REQUEST, False)
    assert (found.client, found.method, found.path) == (b"127.0.0.1", b"GET", b"/orders")
    assert abs(time.time() - found.since) < 2
    slow.begun.set()
    await until(lambda: only(stage).kind is RequestKind.STREAM)
    slow.let.set()
    assert (await wire.response()).body == b"done"
    assert stage.board.survey() == []


async def test_it_stays_as_old_as_it_is(stage: Stage) -> None:
    await stage.start()
    stage.origin.answer = slow = Slow()
    wire = await stage.wire()
    wire.send(get())
    await until(lambda: stage.origin.seen != [])
    first, began = only(stage), time.monotonic()
    await until(lambda: time.monotonic() - began > 0.2)
    assert abs(only(stage).since - first.since) < 0.1
    slow.begun.set()
    slow.let.set()
    assert (await wire.response()).status == 200


async def test_one_that_waits_for_a_replica(stage: Stage) -> None:
    await stage.start(ready=False)
    wire = await stage.wire()
    wire.send(get())
    await until(lambda: len(stage.target.waiters) == 1)
    assert only(stage).queued
    stage.ready(stage.origin)
    assert (await wire.response()).status == 200
    assert stage.board.survey() == []


async def test_one_that_asks_for_no_replica_keeps_none_awake(stage: Stage) -> None:
    await stage.start()
    wire = await stage.wire()
    wire.send(b"GET / HTTP/1.1\r\nHost: nobody.localhost\r\n\r\n")
    assert (await wire.response()).code == "no_such_host"
    assert stage.board.survey() == []


@over_both
async def test_a_websocket_counts_as_a_stream_until_it_is_closed(stage: Stage) -> None:
    await stage.start()
    stage.origin.answer = echoes
    wire = await opened(stage)
    found = only(stage)
    assert (found.kind, found.client, found.path) == (RequestKind.WEBSOCKET, b"127.0.0.1", b"/x")
    assert (stage.target.streams, stage.target.in_flight) == (1, 1)
    another = await opened(stage)
    assert (stage.target.streams, len(stage.board.survey())) == (2, 2)
    for one in (wire, another):
        one.close()
    await until(lambda: stage.target.streams == 0)
    assert stage.target.in_flight == 0
    await until(lambda: stage.board.survey() == [])


async def test_a_refused_upgrade_is_no_stream(stage: Stage) -> None:
    await stage.start()
    wire = await stage.wire()
    wire.send(ASK)
    assert (await wire.response()).status == 200
    assert stage.target.streams == 0


async def test_behind_a_proxy_the_client_is_the_one_it_names(stage: Stage) -> None:
    await stage.start(trusted=["127.0.0.0/8"])
    stage.origin.answer = echoes
    wire = await stage.wire()
    wire.send(ASK.replace(b"\r\n\r\n", b"\r\nX-Forwarded-For: 203.0.113.9\r\n\r\n"))
    await until(lambda: stage.target.streams == 1)
    assert only(stage).client == b"203.0.113.9"
