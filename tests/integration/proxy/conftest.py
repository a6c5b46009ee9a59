"""A stage: board, proxy and recording origin over real sockets, on both event loops."""

import asyncio
from collections.abc import AsyncIterator, Callable
from functools import cache
from typing import Any

import pytest
import uvloop

from paas.core.routing import Route
from paas.http1.limits import Limits
from paas.live.board import Board, Slot, Target
from paas.proxy.listener import Listener
from paas.proxy.proxy import Proxy
from tests.certificates import Pair, issue, trusting
from tests.integration.proxy.origin import Origin, echo
from tests.integration.proxy.wire import DEADLINE, Got, Wire, until

QUICK = Limits(tick_seconds=0.02)
STEADY = 30
"""Round trips that a number has to stay the same."""


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Every test here runs on both event loops."""
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


over_both = pytest.mark.parametrize("stage", ["plain", "tls"], indirect=True)
"""The test runs over plain connections and over TLS."""


@cache
def hello() -> Pair:
    """The certificate of the stage's one host."""
    return issue("hello.localhost", "*.hello.localhost")


class Stage:
    """One service `hello` with one version `v1`; `replica` adds an origin as its slot.
    `secure`: its listener speaks TLS.
    """

    def __init__(self, *, secure: bool = False) -> None:
        self.secure = secure
        self.board = Board(asyncio.get_running_loop().time)
        self.route = Route(key="s1", service="hello", schedule=("v1",))
        self.board.put_routes("s1", {"hello.localhost": self.route})
        self.target: Target = self.board.target("v1", service="hello", version="hello-001")
        self.proxy = Proxy(self.board, limits=QUICK)
        self.origin = Origin()
        self.wires: list[Wire] = []
        self.listener: Listener | None = None
        self._origins: list[Origin] = [self.origin]
        self._prefaced = False

    async def start(self, limits: Limits = QUICK, *, ready: bool = True, **options: Any) -> None:
        """Listen with those limits; `ready`: the origin is a replica already. `options` are
        the proxy's.
        """
        self.proxy = Proxy(self.board, limits=limits, **options)
        self.proxy.certificates.put("hello", hello().certificate)
        self._prefaced = bool(options.get("proxy_protocol"))
        self.listener = await self.proxy.listen("127.0.0.1", 0, secure=self.secure)
        await self.origin.start()
        if ready:
            self.ready(self.origin)

    async def check_invariants(self) -> None:
        """What holds after every input: all that was forwarded was in order, nothing was
        forwarded that no client asked for, and a new request gets its answer.
        """
        for origin in self._origins:
            assert origin.problems == []
        counters = self.proxy.counters
        asked = counters.requests + counters.retries
        assert sum(len(origin.seen) for origin in self._origins) <= asked
        if self._can_answer():
            for origin in self._origins:
                origin.answer, origin.early = echo, False
            await until(lambda: self.target.in_flight == 0)
            got = await self.ask(b"GET /well HTTP/1.1\r\nHost: hello.localhost\r\n\r\n")
            assert got.status == 200, got

    def _can_answer(self) -> bool:
        """Whether listener, route and replicas are still as they were."""
        ports = {origin.port for origin in self._origins if origin.serving}
        slots = self.target.slots
        return (
            self.listener is not None
            and not self.listener.closed
            and not self._prefaced
            and (not self.secure or self._certified())
            and self.board.route("hello.localhost") is self.route
            and bool(slots)
            and all(slot.accepting and slot.port in ports for slot in slots)
        )

    def _certified(self) -> bool:
        return self.proxy.certificates.find("hello.localhost") is hello().certificate

    async def stop(self) -> None:
        for wire in self.wires:
            wire.drop()
        await self.proxy.drain(0.0)
        for origin in self._origins:
            await origin.stop()
        await until(lambda: self.proxy.connections == 0)
        for _ in range(3):
            await asyncio.sleep(0)  # aborted transports close in the loop's next rounds

    def ready(self, origin: Origin, name: str = "r1") -> Slot:
        slot = Slot(name, "127.0.0.1", origin.port)
        self.board.add_slot("v1", slot)
        return slot

    async def another(self, name: str) -> Origin:
        """One more replica."""
        origin = Origin()
        self._origins.append(origin)
        await origin.start()
        self.ready(origin, name)
        return origin

    async def wire(self, *, receive_buffer: int | None = None) -> Wire:
        assert self.listener is not None
        tls = {"tls": trusting(hello()), "name": "hello.localhost"} if self.secure else {}
        wire = await Wire.open(self.listener.port, receive_buffer=receive_buffer, **tls)
        self.wires.append(wire)
        return wire

    async def ask(self, data: bytes, method: str = "GET") -> Got:
        """One request on a connection of its own."""
        wire = await self.wire()
        wire.send(data)
        return await wire.response(method)

    async def steady(self, value: Callable[[], int]) -> int:
        """That number, once it stays the same over many turns of the proxy's loop: each is
        proved by a round trip on another connection.
        """
        wire, before, same = await self.wire(), value(), 0
        async with asyncio.timeout(DEADLINE):
            while same < STEADY:
                wire.send(b"OPTIONS * HTTP/1.1\r\nHost: hello.localhost\r\n\r\n")
                assert (await wire.response()).status == 204
                same, before = (same + 1 if value() == before else 0), value()
        wire.close()
        return before

    async def check_well(self) -> None:
        """A plain request on a new connection gets its 200, and nothing is held."""
        got = await self.ask(b"GET /well HTTP/1.1\r\nHost: hello.localhost\r\n\r\n")
        assert got.status == 200
        assert self.target.in_flight == 0
        assert not self.target.waiters
        assert self.target.share.queued_bytes == 0
        assert self.origin.problems == []


@pytest.fixture
async def stage(request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    stage = Stage(secure=getattr(request, "param", "plain") == "tls")
    yield stage
    try:
        for wire in stage.wires:
            wire.drop()
        await stage.check_invariants()
    finally:
        await stage.stop()
