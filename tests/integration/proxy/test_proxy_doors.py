"""What a service's settings demand of visitors, and who may say who they are."""

import asyncio
import gc
from dataclasses import replace

import pytest

from paas.core.model import Maintenance
from paas.live.board import Slot
from paas.proxy.approach import Approach
from paas.proxy.exchange import Exchange
from paas.proxy.guard import Guard
from tests.integration.proxy.conftest import QUICK, Stage
from tests.integration.proxy.doors import LOCAL, LOGIN, ask, login, publish
from tests.integration.proxy.origin import Line, Origin, Seen, reply
from tests.integration.proxy.wire import Wire, until
from tests.unit.http1.hostile import chunked, post


async def second_version(stage: Stage) -> Origin:
    """v2 has a replica of its own, which says so."""
    origin = Origin()

    async def answer(_seen: Seen, line: Line) -> None:
        line.send(reply(b"two"))

    origin.answer = answer
    await origin.start()
    stage._origins.append(origin)
    stage.board.target("v2", service="hello", version="hello-002")
    stage.board.add_slot("v2", Slot("r2", "127.0.0.1", origin.port))
    return origin


class TestSticky:
    async def test_new_visitors_are_split_exactly_and_get_a_cookie(self, stage: Stage) -> None:
        await stage.start()
        await second_version(stage)
        publish(stage, {"hello-001": 90, "hello-002": 10}, sticky=True)
        wire = await stage.wire()
        cookies = []
        for turn in range(40):
            # visitors with a cookie come in between, and take no turn of the others
            wire.send(ask(b"Cookie: paas-version=hello-002"))
            known = await wire.response()
            assert (known.body, known.field("set-cookie")) == (b"two", None), turn
            wire.send(ask())
            new = await wire.response()
            cookies.append(new.field("set-cookie"))
        line = "paas-version=hello-00%d; Path=/; HttpOnly; SameSite=Lax"
        assert cookies.count(line % 1) == 36
        for start in range(31):
            assert cookies[start : start + 10].count(line % 2) == 1

    @pytest.mark.parametrize("name", [b"hello-002", b"other-001", b"hello-009", b"", b"x\xff"])
    async def test_a_cookie_without_weight_is_replaced(self, stage: Stage, name: bytes) -> None:
        await stage.start()
        await second_version(stage)
        publish(stage, {"hello-001": 100, "hello-002": 0}, sticky=True)
        got = await stage.ask(ask(b"Cookie: paas-version=" + name))
        assert got.body == b"ok"
        assert "hello-001" in (got.field("set-cookie") or "")

    async def test_our_own_errors_set_none(self, stage: Stage) -> None:
        await stage.start()
        publish(stage, {}, sticky=True)
        got = await stage.ask(ask(b"Cookie: paas-version=hello-001"))
        assert (got.code, got.field("set-cookie")) == ("no_traffic", None)


class TestRoute:
    async def test_a_trusted_proxy_may_name_a_version(self, stage: Stage) -> None:
        await stage.start(trusted=LOCAL)
        origin = await second_version(stage)
        publish(stage)
        assert (await stage.ask(ask(b"X-Paas-Route: hello-002"))).body == b"two"
        assert origin.seen[0].field("x-paas-route") is None
        assert (await stage.ask(ask())).body == b"ok"
        got = await stage.ask(ask(b"X-Paas-Route: other-001"))
        assert (got.status, got.code) == (404, "no_such_version")

    async def test_from_others_it_counts_for_nothing(self, stage: Stage) -> None:
        await stage.start(trusted=["10.0.0.0/8"])
        await second_version(stage)
        publish(stage)
        for name in (b"X-Paas-Route", b"X_Paas_Route", b"x-paas-route"):
            assert (await stage.ask(ask(name + b": hello-002"))).body == b"ok"
        assert all("paas-route" not in key for seen in stage.origin.seen for key, _ in seen.fields)
        assert all("paas_route" not in key for seen in stage.origin.seen for key, _ in seen.fields)

    async def test_it_opens_no_door(self, stage: Stage) -> None:
        await stage.start(trusted=LOCAL)
        publish(stage, basic_auth=LOGIN)
        assert (await stage.ask(ask(b"X-Paas-Route: hello-001"))).status == 401


class TestRedirects:
    async def test_to_https_unless_a_trusted_proxy_says_it_is(self, stage: Stage) -> None:
        await stage.start(trusted=LOCAL)
        publish(stage, redirect_https=True)
        wire = await stage.wire()
        wire.send(ask(target=b"/a?b", host=b"hello.localhost:8080"))
        got = await wire.response()
        assert (got.status, got.field("location")) == (301, "https://hello.localhost/a?b")
        assert got.code is None
        wire.send(ask(b"X-Forwarded-Proto: https"))
        assert (await wire.response()).status == 200
        wire.send(ask(b"X-Forwarded-Proto: gopher"))
        assert (await wire.response()).status == 301

    async def test_an_untrusted_claim_of_https_is_no_claim(self, stage: Stage) -> None:
        await stage.start()
        publish(stage, redirect_https=True)
        assert (await stage.ask(ask(b"X-Forwarded-Proto: https"))).status == 301

    async def test_to_the_main_domain_and_not_from_it(self, stage: Stage) -> None:
        await stage.start()
        publish(stage, main_domain="www.example")
        got = await stage.ask(ask(host=b"Hello.localhost:81"))
        assert got.field("location") == "http://www.example:81/x"
        for host in (b"www.example", b"WWW.example.:81", b"hello-001.localhost"):
            assert (await stage.ask(ask(host=host))).status == 200

    async def test_a_body_is_not_lost_on_the_way(self, stage: Stage) -> None:
        await stage.start()
        publish(stage, redirect_https=True)
        got = await stage.ask(post(b"Content-Length: 5", body=b"12345"), "POST")
        assert got.status == 308


class TestAddresses:
    @pytest.mark.parametrize(
        ("trusted", "forwarded", "status"),
        [
            ((), b"10.0.0.1", 403),
            (LOCAL, b"10.0.0.1", 200),
            (LOCAL, b"192.0.2.1", 403),
            (LOCAL, b"10.0.0.1, 192.0.2.1", 403),
            (LOCAL, b"192.0.2.1, 10.0.0.1", 200),
            (LOCAL, b"10.0.0.1, 127.0.0.9", 200),
            (LOCAL, b"nonsense", 403),
        ],
    )
    async def test_only_those_on_the_list(
        self, stage: Stage, trusted: tuple[str, ...], forwarded: bytes, status: int
    ) -> None:
        await stage.start(trusted=trusted)
        publish(stage, allow=("10.0.0.0/8",))
        got = await stage.ask(ask(b"X-Forwarded-For: " + forwarded))
        assert got.status == status
        assert got.code == (None if status == 200 else "address_denied")


class TestLogin:
    async def test_with_the_right_one_and_never_without(self, stage: Stage) -> None:
        await stage.start()
        publish(stage, basic_auth=LOGIN)
        wire = await stage.wire()
        for pair in (None, b"ann:wrong", b"bob:s3cret", b"ann:", b":s3cret"):
            wire.send(ask(*([login(pair)] if pair else [])))
            got = await wire.response()
            assert (got.status, got.code) == (401, "unauthorized")
            assert got.field("www-authenticate") == 'Basic realm="hello", charset="UTF-8"'
        wire.send(ask(login(b"ann:s3cret")))
        assert (await wire.response()).status == 200
        (seen,) = stage.origin.seen
        assert seen.field("authorization") is None
        wire.send(ask(login(b"ann:s3cret"), login(b"ann:s3cret")))
        assert (await wire.response()).status == 401

    async def test_it_keeps_the_versions_own_host_too(self, stage: Stage) -> None:
        await stage.start()
        publish(stage, basic_auth=LOGIN)
        for host in (b"hello-001.localhost", b"www.example"):
            assert (await stage.ask(ask(host=host))).status == 401

    async def test_other_requests_go_on_while_passwords_are_proved(self, stage: Stage) -> None:
        await stage.start()
        publish(stage, basic_auth=LOGIN)
        wires = [await stage.wire() for _ in range(40)]
        for number, wire in enumerate(wires):
            wire.send(ask(login(b"ann:guess%d" % number)))
        await until(lambda: stage.proxy.counters.errors.get("too_many_logins", 0) > 0)
        publish(stage)
        assert (await stage.ask(ask())).status == 200
        publish(stage, basic_auth=LOGIN)
        codes = [(await wire.response()).code for wire in wires]
        assert set(codes) == {"too_many_logins", "unauthorized"}
        assert codes.count("unauthorized") <= 16

    async def test_a_client_that_leaves_meanwhile_leaves_nothing(self, stage: Stage) -> None:
        await stage.start()
        publish(stage, basic_auth=LOGIN)
        wire = await stage.wire()
        wire.send(ask(login(b"ann:s3cret")))
        await until(lambda: stage.proxy.counters.requests == 1)
        wire.reset()
        await until(lambda: stage.proxy.counters.client_gone == 1)
        got = await stage.ask(ask(login(b"ann:s3cret")))
        assert got.status == 200
        assert len(stage.origin.seen) == 1
        assert stage.target.in_flight == 0

    async def test_a_changed_password_holds_at_once(self, stage: Stage) -> None:
        await stage.start()
        publish(stage, basic_auth=LOGIN)
        assert (await stage.ask(ask(login(b"ann:s3cret")))).status == 200
        publish(stage, basic_auth=replace(LOGIN, user="bob"))
        assert (await stage.ask(ask(login(b"ann:s3cret")))).status == 401


class TestMaintenance:
    async def test_the_page(self, stage: Stage) -> None:
        await stage.start()
        publish(stage, maintenance=Maintenance.PAGE)
        got = await stage.ask(ask(b"Accept: text/html"))
        assert (got.status, got.code) == (503, "maintenance")
        assert got.field("retry-after") == "30"
        assert b"worked on" in got.body
        assert stage.origin.seen == []

    async def test_requests_wait_through_a_pause(self, stage: Stage) -> None:
        await stage.start()
        publish(stage, maintenance=Maintenance.HOLD)
        plain, with_body = await stage.wire(), await stage.wire()
        plain.send(ask())
        with_body.send(post(b"Content-Length: 200000", body=b"x" * 200_000))
        await until(lambda: stage.proxy._plane.held["hello"] == 2)
        await asyncio.sleep(4 * QUICK.tick_seconds)  # it is asked again, and held again
        assert stage.origin.seen == []
        publish(stage)
        assert (await plain.response()).status == 200
        assert (await with_body.response()).body == b"x" * 200_000
        assert stage.proxy._plane.held["hello"] == 0

    async def test_not_for_ever_and_not_too_many(self, stage: Stage) -> None:
        await stage.start(replace(QUICK, pause_seconds=0.2, pause_requests=1))
        publish(stage, maintenance=Maintenance.HOLD)
        first = await stage.wire()
        first.send(ask())
        await until(lambda: stage.proxy._plane.held["hello"] == 1)
        assert (await stage.ask(ask())).code == "maintenance"
        got = await first.response()
        assert (got.status, got.code) == (503, "maintenance")
        assert stage.proxy._plane.held["hello"] == 0

    async def test_one_that_leaves_or_whose_service_goes(self, stage: Stage) -> None:
        await stage.start()
        publish(stage, maintenance=Maintenance.HOLD)
        leaves, stays = await stage.wire(), await stage.wire()
        for wire in (leaves, stays):
            wire.send(ask())
        await until(lambda: stage.proxy._plane.held["hello"] == 2)
        leaves.reset()
        await until(lambda: stage.proxy._plane.held["hello"] == 1)
        stage.board.put_routes("s1", {})
        assert (await stays.response()).code == "no_such_host"
        assert stage.proxy._plane.held["hello"] == 0

    async def test_a_shutdown_ends_the_wait(self, stage: Stage) -> None:
        await stage.start()
        publish(stage, maintenance=Maintenance.HOLD)
        wire = await stage.wire()
        wire.send(ask())
        await until(lambda: stage.proxy._plane.held["hello"] == 1)
        await stage.proxy.drain(3.0)
        assert (await wire.response()).code == "maintenance"


class TestBodyLimit:
    async def whole(self, wire: Wire, data: bytes) -> tuple[int, str | None]:
        wire.send(data)
        got = await wire.response("POST")
        return got.status, got.code

    @pytest.mark.parametrize("size", [0, 9, 10])
    async def test_up_to_it(self, stage: Stage, size: int) -> None:
        await stage.start()
        publish(stage, body_limit=10)
        wire = await stage.wire()
        body = b"x" * size
        framed = post(b"Content-Length: %d" % size, body=body)
        assert await self.whole(wire, framed) == (200, None)
        chunks = chunked(b"".join(b"1\r\nx\r\n" for _ in range(size)) + b"0\r\n\r\n")
        assert await self.whole(wire, chunks) == (200, None)

    async def test_a_declared_length_is_refused_before_a_byte_goes_on(self, stage: Stage) -> None:
        await stage.start()
        publish(stage, body_limit=10)
        wire = await stage.wire()
        head = post(b"Content-Length: 11", body=b"")
        assert await self.whole(wire, head) == (413, "body_too_large")
        assert stage.origin.bytes_seen == 0

    async def test_chunks_that_came_with_the_head(self, stage: Stage) -> None:
        await stage.start()
        publish(stage, body_limit=10)
        wire = await stage.wire()
        data = chunked(b"b\r\n12345678901\r\n0\r\n\r\n")
        assert await self.whole(wire, data) == (413, "body_too_large")
        assert stage.origin.bytes_seen == 0

    async def test_chunks_that_come_later_never_complete(self, stage: Stage) -> None:
        await stage.start()
        publish(stage, body_limit=10)
        wire = await stage.wire()
        wire.send(chunked(b"9\r\n123456789\r\n"))
        await until(lambda: bool(stage.origin.seen))
        wire.send(b"2\r\n12\r\n0\r\n\r\n")
        got = await wire.response("POST")
        assert (got.status, got.code) == (413, "body_too_large")
        await until(lambda: stage.origin.open == 0)
        assert not stage.origin.seen[0].complete
        assert stage.target.in_flight == 0


async def test_no_demands_cost_no_guard(stage: Stage) -> None:
    await stage.start()
    publish(stage)
    route = stage.board.route("hello.localhost")
    assert route is not None
    assert route.policy is None
    await stage.check_well()


async def test_requests_leave_no_garbage(stage: Stage) -> None:
    """What is not freed at once would be collected with a pause, under load all the time."""
    await stage.start()
    wire = await stage.wire()
    for settings in ({}, {"sticky": True, "request_log": True}):
        publish(stage, **settings)
        for _ in range(3):
            wire.send(ask())
            await wire.response()
    gc.collect()
    alive = [one for one in gc.get_objects() if isinstance(one, Exchange | Approach | Guard)]
    assert alive == []
    gc.disable()
    try:
        for host in (b"hello.localhost", b"nobody.localhost"):
            wire.send(ask(host=host))
            await wire.response()
        alive = [one for one in gc.get_objects() if isinstance(one, Exchange | Approach | Guard)]
    finally:
        gc.enable()
    assert alive == []
