import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paas.aio.limiter import Limiter, Urgency
from paas.aio.tasks import Tasks
from tests.waiting import until


class Starts:
    """Who asks for a place, who has one, and who gives it back when told."""

    def __init__(self, limiter):
        self.limiter = limiter
        self.tasks = Tasks()
        self.begun = []
        self.ends = {}
        self.running = {}

    async def ask(self, key, urgency=Urgency.SCALE_UP):
        self.running[key] = self.tasks.spawn(key, self._start(key, urgency))
        await asyncio.sleep(0)

    async def _start(self, key, urgency):
        async with self.limiter.place(key.partition("/")[0], urgency):
            self.begun.append(key)
            self.ends[key] = asyncio.Event()
            await self.ends[key].wait()

    async def end(self, key):
        self.ends[key].set()
        await self.running[key]
        await asyncio.sleep(0)

    async def cancel(self, key):
        self.running[key].cancel()
        with pytest.raises(asyncio.CancelledError):
            await self.running[key]
        await asyncio.sleep(0)


async def test_there_are_never_more_than_there_are_places():
    starts = Starts(Limiter(2))
    for key in ("a", "b", "c"):
        await starts.ask(key)
    assert starts.begun == ["a", "b"]
    assert (starts.limiter.taken, starts.limiter.queued) == (2, 1)
    await starts.end("a")
    assert starts.begun == ["a", "b", "c"]
    await starts.tasks.close()
    assert (starts.limiter.taken, starts.limiter.queued) == (0, 0)


async def test_the_most_urgent_goes_first_and_of_equals_the_first_to_come():
    starts = Starts(Limiter(1))
    await starts.ask("running")
    await starts.ask("later", Urgency.PREWARM)
    await starts.ask("more", Urgency.SCALE_UP)
    await starts.ask("first", Urgency.WAITING)
    await starts.ask("second", Urgency.WAITING)
    for key in ("running", "first", "second", "more", "later"):
        await starts.end(key)
    assert starts.begun == ["running", "first", "second", "more", "later"]


async def test_who_has_a_place_hurries_none_of_its_others():
    starts = Starts(Limiter(1))
    await starts.ask("mine/1")
    await starts.ask("other", Urgency.SCALE_UP)
    await starts.ask("mine/2", Urgency.SCALE_UP)
    starts.limiter.hurry("mine", Urgency.WAITING)
    for key in ("mine/1", "other", "mine/2"):
        await starts.end(key)
    assert starts.begun == ["mine/1", "other", "mine/2"]


async def test_the_oldest_of_a_version_can_be_hurried():
    starts = Starts(Limiter(1))
    await starts.ask("running")
    await starts.ask("other", Urgency.SCALE_UP)
    await starts.ask("mine/1", Urgency.PREWARM)
    await starts.ask("mine/2", Urgency.PREWARM)
    starts.limiter.hurry("mine", Urgency.WAITING)
    starts.limiter.hurry("mine", Urgency.SCALE_UP)
    starts.limiter.hurry("nobody", Urgency.WAITING)
    for key in ("running", "mine/1", "other", "mine/2"):
        await starts.end(key)
    assert starts.begun == ["running", "mine/1", "other", "mine/2"]


async def test_who_leaves_the_queue_takes_nothing_along():
    starts = Starts(Limiter(1))
    for key in ("a", "b", "c"):
        await starts.ask(key)
    await starts.cancel("b")
    assert starts.limiter.queued == 1
    await starts.end("a")
    assert starts.begun == ["a", "c"]
    await starts.end("c")


async def test_a_place_granted_to_who_is_cancelled_goes_to_the_next():
    limiter = Limiter(1)
    starts = Starts(limiter)
    async with limiter.place("a", Urgency.WAITING):
        await starts.ask("b")
        await starts.ask("c")
    assert (limiter.taken, limiter.queued) == (1, 1)  # b has it and does not know yet
    await starts.cancel("b")
    assert starts.begun == ["c"]
    await starts.end("c")
    assert limiter.taken == 0


async def test_who_was_cancelled_and_does_not_know_it_yet_is_passed_over():
    limiter = Limiter(1)
    starts = Starts(limiter)
    for key in ("a", "b", "c"):
        await starts.ask(key)
    starts.running["b"].cancel()
    limiter.resize(2)
    await until(lambda: "c" in starts.begun)
    assert (limiter.taken, limiter.queued) == (2, 0)
    await starts.tasks.close()
    assert limiter.taken == 0


async def test_places_can_be_added_and_taken_away():
    limiter = Limiter(0)
    starts = Starts(limiter)
    for key in ("a", "b", "c", "d"):
        await starts.ask(key)
    assert starts.begun == ["a"]
    limiter.resize(3)
    await asyncio.sleep(0)
    assert starts.begun == ["a", "b", "c"]
    limiter.resize(1)
    await starts.end("a")
    await starts.end("b")
    assert starts.begun == ["a", "b", "c"]
    await starts.end("c")
    assert starts.begun[-1] == "d"
    await starts.end("d")


async def test_a_start_that_fails_gives_its_place_back():
    limiter = Limiter(1)
    with pytest.raises(RuntimeError):
        async with limiter.place("a", Urgency.WAITING):
            raise RuntimeError
    assert limiter.taken == 0


steps = st.lists(
    st.tuples(
        st.sampled_from(["ask", "end", "cancel", "hurry", "resize", "turn"]), st.integers(0, 5)
    ),
    max_size=60,
)


@given(steps=steps)
def test_no_place_is_lost_or_given_twice_whatever_happens(steps):
    asyncio.run(whatever_happens(steps))


async def whatever_happens(steps):
    limiter, most = Limiter(2), 2
    starts = Starts(limiter)
    for number, (step, which) in enumerate(steps):
        asked = list(starts.running)
        key = asked[which % len(asked)] if asked else ""
        match step:
            case "ask":
                starts.running[f"{which}/{number}"] = starts.tasks.spawn(
                    f"{which}", starts._start(f"{which}/{number}", Urgency(which % 3))
                )
            case "end" if key in starts.ends:
                starts.ends[key].set()
            case "cancel" if key:
                starts.running[key].cancel()
            case "hurry":
                limiter.hurry(str(which), Urgency.WAITING)
            case "resize":
                limiter.resize(which)
                most = max(most, which, 1)
            case _:
                await asyncio.sleep(0)
        assert 0 <= limiter.taken <= most
    limiter.resize(100)
    await until(lambda: not limiter.queued)
    await starts.tasks.close()
    assert limiter.taken == 0
