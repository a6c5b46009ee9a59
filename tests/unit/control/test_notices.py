"""Those who are told of events: never waited for, tried again, bounded."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from paas.aio.tasks import Tasks
from paas.control.notices import OLDEST, PACE, QUEUE, Notices
from paas.core.model import Change, Event
from paas.core.notifying import Recipient
from tests.fakes.clock import FakeClock
from tests.fakes.messenger import FakeMessenger
from tests.fakes.store import FakeStore

ONE, OTHER = "https://one.example/hook", "https://other.example/hook"


class Scene:
    def __init__(self, *recipients: Recipient) -> None:
        self.clock, self.store, self.messenger = FakeClock(), FakeStore(), FakeMessenger()
        self.notices = Notices(
            recipients=recipients or (Recipient(url=ONE),),
            messenger=self.messenger,
            store=self.store,
            clock=self.clock,
            installation="apps.example",
        )

    async def happens(self, kind: str, message: str = "It happened.", *, ago: float = 0) -> None:
        event = Event(kind=kind, time=self.clock.time() - ago, message=message)
        await self.store.commit(Change(events=(event,)))

    async def goes_on(self, seconds: float = PACE) -> None:
        for _ in range(20):
            await asyncio.sleep(0)
        self.clock.advance(seconds)
        for _ in range(20):
            await asyncio.sleep(0)

    def told(self, url: str = ONE) -> list[str]:
        return [body["message"] for to, body in self.messenger.taken if to == url]


@asynccontextmanager
async def running(scene: Scene) -> AsyncIterator[Scene]:
    tasks = Tasks()
    tasks.heal("notices", scene.notices.run)
    await scene.goes_on()
    try:
        yield scene
    finally:
        await tasks.close()
        await scene.notices.close()
        assert scene.messenger.closed


async def test_only_what_happens_from_now_on_and_is_wanted():
    scene = Scene(
        Recipient(url=ONE), Recipient(url=OTHER, events=frozenset({"deployment.succeeded"}))
    )
    await scene.happens("deployment.failed", "before")
    async with running(scene):
        await scene.happens("deployment.failed", "bad")
        await scene.happens("deployment.succeeded", "good")
        await scene.happens("replica.started", "nobody's")
        await scene.goes_on()
        assert scene.told() == ["bad"]
        assert scene.told(OTHER) == ["good"]


async def test_a_place_that_is_away_gets_everything_later_in_order():
    async with running(Scene()) as scene:
        scene.messenger.status[ONE] = 503
        await scene.happens("disk.low", "first")
        await scene.happens("disk.low", "second")
        await scene.goes_on()
        await scene.goes_on(1.0)
        await scene.goes_on(2.0)
        tries = scene.messenger.tries
        assert 2 <= tries <= 4, "with growing pauses"
        (place,) = scene.notices.places
        assert place.problem
        scene.messenger.status.clear()
        for _ in range(4):
            await scene.goes_on(300.0)
        assert scene.told() == ["first", "second"]
        assert place.problem == ""
        assert (place.sent, place.dropped) == (2, 0)


async def test_what_is_refused_is_dropped_and_the_next_is_told():
    async with running(Scene()) as scene:
        scene.messenger.status[ONE] = 404
        await scene.happens("disk.low", "refused")
        await scene.goes_on()
        scene.messenger.status.clear()
        await scene.happens("disk.low", "taken")
        await scene.goes_on()
        assert scene.told() == ["taken"]
        assert scene.notices.places[0].dropped == 1


async def test_nobody_hears_of_it_after_an_hour():
    async with running(Scene()) as scene:
        scene.messenger.status[ONE] = 500
        await scene.happens("disk.low", "old", ago=OLDEST + 1)
        await scene.goes_on()
        assert scene.notices.places[0].dropped == 1
        assert not scene.notices.places[0].waiting


async def test_the_queue_is_bounded_and_one_place_holds_up_no_other():
    scene = Scene(Recipient(url=ONE), Recipient(url=OTHER))
    async with running(scene):
        scene.messenger.status[ONE] = 500
        for number in range(QUEUE + 5):
            await scene.happens("disk.low", str(number))
        await scene.goes_on()
        for _ in range(QUEUE + 5):
            await scene.goes_on(0)
        assert len(scene.told(OTHER)) >= QUEUE
        slow, _ = scene.notices.places
        assert len(slow.waiting) == QUEUE
        assert slow.dropped == 5


async def test_without_places_nothing_is_followed():
    scene = Scene()
    idle = Notices(
        recipients=(), messenger=None, store=scene.store, clock=scene.clock, installation="a"
    )
    task = asyncio.ensure_future(idle.run())
    await scene.goes_on()
    assert not task.done()
    task.cancel()
    await idle.close()
