"""What cannot be reached for want of our own means is no replica's fault."""

import asyncio
import errno

import pytest

from paas.aio.tasks import Tasks
from paas.http1.limits import Limits
from paas.live.board import Board, Slot
from paas.proxy import pages
from paas.proxy.approach import Approach
from paas.proxy.outbox import Outbox
from paas.proxy.pages import Problem
from paas.proxy.plane import Counters, Plane
from paas.proxy.proofs import Proofs
from paas.proxy.timers import Timers
from paas.proxy.upstream import Connected, Pools, Upstream


class FailingPools(Pools):
    """No connection succeeds."""

    error: int

    def connect(self, slot: Slot, done: Connected) -> None:
        asyncio.get_running_loop().call_soon(done, OSError(self.error, "as told"))


class Traveller:
    def __init__(self) -> None:
        self.failed: asyncio.Future[Problem] = asyncio.get_running_loop().create_future()

    def arrived(self, upstream: Upstream) -> None: ...

    def set_out(self) -> None: ...

    def fail(self, problem: Problem) -> None:
        self.failed.set_result(problem)


class Walk:
    """A request on its way to one of two replicas, none of which can be reached."""

    def __init__(self, error: int) -> None:
        self.board, limits, tasks = Board(lambda: 0.0), Limits(), Tasks()
        self.target = self.board.target("v1", service="hello", version="hello-001")
        for name in ("r1", "r2"):
            self.board.add_slot("v1", Slot(name, "127.0.0.1", 80))
        timers = Timers(tick=1.0, on_tick=self.board.expire)
        outbox = Outbox()
        pools = FailingPools(limits=limits, timers=timers, tasks=tasks, outbox=outbox)
        pools.error = error
        self.shortages = 0
        self.plane = Plane(
            board=self.board,
            limits=limits,
            timers=timers,
            pools=pools,
            outbox=outbox,
            counters=Counters(),
            instance=b"1",
            proofs=Proofs(tasks),
            on_shortage=self._short,
        )

    async def problem(self) -> Problem:
        traveller = Traveller()
        approach = Approach(self.plane, traveller)
        approach.begin("v1")
        problem = await asyncio.wait_for(traveller.failed, 5)
        approach.leave()
        return problem

    def _short(self) -> None:
        self.shortages += 1


@pytest.mark.parametrize(
    ("error", "shortages"),
    [
        (errno.EMFILE, 1),
        (errno.ENFILE, 1),
        (errno.ENOBUFS, 1),
        (errno.ENOMEM, 1),
        (errno.EADDRNOTAVAIL, 0),
    ],
)
async def test_our_own_shortage(error: int, shortages: int) -> None:
    walk = Walk(error)
    assert await walk.problem() == pages.OVERLOADED
    assert walk.shortages == shortages
    assert all(slot.accepting for slot in walk.target.slots)
    assert walk.plane.counters.retries == 0
    assert walk.target.in_flight == 0


async def test_a_refusal_is_the_replica_s() -> None:
    walk = Walk(errno.ECONNREFUSED)
    walk.board.fail("v1")
    suspects: list[str] = []
    walk.board.on_suspect = lambda _version, replica: suspects.append(replica)
    traveller = Traveller()
    approach = Approach(walk.plane, traveller)
    approach.begin("v1")
    async with asyncio.timeout(5):
        while len(suspects) < 2:
            await asyncio.sleep(0)
    approach.leave()
    assert walk.shortages == 0
