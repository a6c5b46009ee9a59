"""Requests that a service ignores: as others while it is awake, never traffic, never a wake."""

import asyncio
from typing import Any

import pytest

from paas.core.model import IgnoreRule, Maintenance
from paas.live.board import Slot
from tests.integration.proxy.conftest import Stage
from tests.integration.proxy.doors import LOCAL, LOGIN, ask, login, publish
from tests.integration.proxy.origin import Line, Origin, Seen, reply, sends
from tests.integration.proxy.wire import Got, until

HEALTH = IgnoreRule(path_prefix="/healthz")
ROBOT = IgnoreRule(user_agent="UptimeRobot", status=204)
AGENT = b"User-Agent: Mozilla/5.0+(compatible; uptimerobot/2.0)"
WS = (b"Connection: Upgrade", b"Upgrade: websocket", b"Sec-WebSocket-Version: 13")


def ignore(stage: Stage, *rules: IgnoreRule, **settings: Any) -> None:
    """The service with those rules."""
    publish(stage, ignore=rules or (HEALTH, ROBOT), **settings)


def demands(stage: Stage) -> list[str]:
    told: list[str] = []
    stage.board.on_demand = told.append
    return told


def health(*fields: bytes) -> bytes:
    return ask(*fields, target=b"/healthz")


def traffic(stage: Stage) -> tuple[float, ...]:
    target = stage.target
    return target.arrivals, target.in_flight, target.entered, target.idle_since


def said(got: Got) -> tuple[int, str | None, bytes]:
    return got.status, got.field("x-paas-ignored"), got.body


async def at_the_origin(stage: Stage) -> asyncio.Event:
    """Its answers wait for the event."""
    let = asyncio.Event()

    async def answer(_seen: Seen, line: Line) -> None:
        await let.wait()
        line.send(reply(b"slow"))

    stage.origin.answer = answer
    return let


class TestAwake:
    async def test_it_reaches_the_application_and_is_no_traffic(self, stage: Stage) -> None:
        await stage.start()
        ignore(stage)
        before = traffic(stage)
        for data in (health(), ask(AGENT), health(AGENT)):
            assert said(await stage.ask(data)) == (200, None, b"ok")
        assert len(stage.origin.seen) == 3
        assert traffic(stage) == before
        assert stage.proxy.counters.ignored == 3
        assert (await stage.ask(ask(target=b"/healthzfoo"))).status == 200
        assert (stage.target.arrivals, stage.proxy.counters.ignored) == (1, 3)

    async def test_the_applications_own_word_counts(self, stage: Stage) -> None:
        await stage.start()
        ignore(stage)
        stage.origin.answer = sends(reply(b"ill", b"500 Ill"))
        assert said(await stage.ask(health())) == (500, None, b"ill")

    async def test_its_slot_counts_it_while_it_runs(self, stage: Stage) -> None:
        await stage.start()
        ignore(stage)
        let = await at_the_origin(stage)
        slot, before = stage.target.slots[0], traffic(stage)
        drained: list[str] = []
        stage.board.on_drained = drained.append
        wire = await stage.wire()
        wire.send(health())
        await until(lambda: bool(stage.origin.seen))
        assert (slot.in_flight, traffic(stage)) == (1, before)
        stage.board.drain("v1", slot.id)
        assert drained == []
        assert said(await stage.ask(health())) == (200, "sleeping", b"sleeping\n")
        let.set()
        assert (await wire.response()).body == b"slow"
        await until(lambda: drained == [slot.id])

    async def test_without_room_it_does_not_wait(self, stage: Stage) -> None:
        await stage.start()
        ignore(stage)
        stage.target.concurrency = 1
        let = await at_the_origin(stage)
        wire = await stage.wire()
        wire.send(ask())
        await until(lambda: bool(stage.origin.seen))
        assert said(await stage.ask(health())) == (200, "busy", b"busy\n")
        let.set()
        await wire.response()

    async def test_a_closed_connection_is_tried_again(self, stage: Stage) -> None:
        await stage.start()
        ignore(stage)
        calls = 0

        async def answer(_seen: Seen, line: Line) -> None:
            nonlocal calls
            calls += 1
            line.close() if calls == 2 else line.send(reply(b"ok"))

        stage.origin.answer = answer
        wire = await stage.wire()
        for _ in range(2):
            wire.send(health())
            assert (await wire.response()).status == 200
        assert (calls, stage.proxy.counters.retries, stage.target.arrivals) == (3, 1, 0)
        assert stage.target.slots[0].in_flight == 0

    async def test_a_dead_replica_is_passed_over(self, stage: Stage) -> None:
        await stage.start(ready=False)
        ignore(stage)
        stage.board.add_slot("v1", Slot("dead", "127.0.0.1", 1))
        stage.ready(stage.origin)
        assert said(await stage.ask(health())) == (200, None, b"ok")
        assert stage.target.arrivals == 0

    async def test_one_that_is_alone_is_no_sleeper(self, stage: Stage) -> None:
        await stage.start(ready=False)
        ignore(stage)
        slot = Slot("dead", "127.0.0.1", 1)
        stage.board.add_slot("v1", slot)
        assert (await stage.ask(health())).code == "upstream_refused"
        assert (await stage.ask(health())).code == "start_timeout"
        assert (slot.in_flight, stage.target.arrivals) == (0, 0)

    async def test_it_takes_no_turn_of_the_split_and_no_cookie(self, stage: Stage) -> None:
        await stage.start()
        origin = Origin()
        origin.answer = sends(reply(b"two"))
        await origin.start()
        stage._origins.append(origin)
        stage.board.target("v2", service="hello", version="hello-002")
        stage.board.add_slot("v2", Slot("r2", "127.0.0.1", origin.port))
        ignore(stage, split={"hello-001": 50, "hello-002": 50}, sticky=True)
        bodies = []
        for _ in range(4):
            assert (await stage.ask(health())).field("set-cookie") is None
            got = await stage.ask(ask())
            assert got.field("set-cookie")
            bodies.append(got.body)
        assert bodies == [b"ok", b"two", b"ok", b"two"]
        stayed = await stage.ask(health(b"Cookie: paas-version=hello-002"))
        assert stayed.body == b"two"


class TestAsleep:
    @pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
    async def test_the_proxy_answers_and_nothing_wakes(self, stage: Stage, method: str) -> None:
        await stage.start(ready=False)
        ignore(stage)
        told, before = demands(stage), traffic(stage)
        wire = await stage.wire()
        for _ in range(2):  # the connection goes on
            wire.send(health().replace(b"GET", method.encode(), 1))
            got = await wire.response(method)
            body = b"" if method == "HEAD" else b"sleeping\n"
            assert said(got) == (200, "sleeping", body)
            assert (got.field("content-length"), got.field("cache-control")) == ("9", "no-store")
        assert (told, traffic(stage)) == ([], before)
        assert not stage.target.waiters
        stage.ready(stage.origin)
        wire.send(health())
        assert (await wire.response()).body == b"ok"

    @pytest.mark.parametrize(
        ("status", "length", "body"),
        [
            (204, None, b""),
            (205, "0", b""),
            (299, "9", b"sleeping\n"),
            (503, "9", b"sleeping\n"),
        ],
    )
    async def test_with_the_status_of_its_rule(
        self, stage: Stage, status: int, length: str | None, body: bytes
    ) -> None:
        await stage.start(ready=False)
        ignore(stage, IgnoreRule(path_prefix="/", status=status))
        wire = await stage.wire()
        for _ in range(2):
            wire.send(ask())
            got = await wire.response()
            assert said(got) == (status, "sleeping", body)
            assert got.field("content-length") == length
            assert got.code is None

    async def test_a_body_is_no_obstacle(self, stage: Stage) -> None:
        await stage.start(ready=False)
        ignore(stage)
        wire = await stage.wire()
        wire.send(b"POST /healthz HTTP/1.1\r\nHost: hello.localhost\r\nContent-Length: 9\r\n\r\n1")
        got = await wire.response("POST")
        assert said(got) == (200, "sleeping", b"sleeping\n")
        assert got.field("connection") == "close"

    async def test_others_wait_for_the_start_as_ever(self, stage: Stage) -> None:
        await stage.start(ready=False)
        ignore(stage)
        told = demands(stage)
        wire = await stage.wire()
        wire.send(ask())
        await until(lambda: told == ["v1"])
        assert said(await stage.ask(health())) == (200, "sleeping", b"sleeping\n")
        stage.ready(stage.origin)
        assert (await wire.response()).status == 200
        assert stage.target.arrivals == 1

    async def test_a_version_that_cannot_start_does_not_sleep(self, stage: Stage) -> None:
        await stage.start(ready=False)
        ignore(stage)
        stage.board.fail("v1")
        got = await stage.ask(health())
        assert (got.status, got.code) == (503, "start_failed")

    async def test_a_websocket_wakes_it(self, stage: Stage) -> None:
        await stage.start(ready=False)
        ignore(stage)
        told = demands(stage)
        wire = await stage.wire()
        wire.send(health(*WS, b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="))
        await until(lambda: told == ["v1"])
        assert (stage.target.arrivals, stage.proxy.counters.ignored) == (1, 0)


class TestDoors:
    async def test_the_other_demands_come_first(self, stage: Stage) -> None:
        await stage.start(ready=False)
        ignore(stage, basic_auth=LOGIN)
        assert (await stage.ask(health())).status == 401
        assert said(await stage.ask(health(login(b"ann:s3cret"))))[:2] == (200, "sleeping")
        ignore(stage, maintenance=Maintenance.PAGE)
        assert (await stage.ask(health())).code == "maintenance"
        ignore(stage, allow=("10.0.0.0/8",))
        assert (await stage.ask(health())).code == "address_denied"
        ignore(stage, redirect_https=True)
        assert (await stage.ask(health())).status == 301
        ignore(stage, split={})
        assert (await stage.ask(health())).code == "no_traffic"
        assert stage.proxy.counters.ignored == 1

    async def test_on_all_hosts_and_routes_of_the_service(self, stage: Stage) -> None:
        await stage.start(ready=False, trusted=LOCAL)
        ignore(stage)
        for host in (b"hello-001.localhost", b"www.example"):
            got = await stage.ask(ask(host=host, target=b"/healthz"))
            assert got.field("x-paas-ignored") == "sleeping"
        got = await stage.ask(health(b"X-Paas-Route: hello-001"))
        assert got.field("x-paas-ignored") == "sleeping"

    async def test_changes_hold_from_the_next_request_on(self, stage: Stage) -> None:
        await stage.start()
        wire = await stage.wire()
        for rules, arrivals in (((), 1), ((HEALTH,), 1), ((ROBOT,), 2), ((), 3)):
            publish(stage, ignore=rules)
            wire.send(health())
            await wire.response()
            assert stage.target.arrivals == arrivals

    async def test_the_last_requests_say_so(self, stage: Stage) -> None:
        await stage.start()
        stage.board.requests.keep("hello")
        ignore(stage, request_log=True)
        wire = await stage.wire()
        for data in (ask(), health()):
            wire.send(data)
            await wire.response()
        stage.board.remove_slot("v1", "r1")
        wire.send(health())
        await wire.response()
        records = stage.board.requests.recent("hello", limit=9)
        found = [(one.ignored, one.replica, one.status, one.error) for one in records]
        assert found == [(True, "", 200, ""), (True, "r1", 200, ""), (False, "r1", 200, "")]
