"""A drain never waits, never forgets what it can hold, and says what it could not."""

import asyncio
from collections.abc import Sequence

import pytest

from paas.aio.tasks import Tasks
from paas.control.catalog import Catalog
from paas.control.drain import BATCH_LINES, HELD_BYTES, LINE_WEIGHT, Drain
from paas.core.draining import SentLine
from paas.core.model import LogLine
from paas.errors import Unavailable
from tests import builders
from tests.fakes.clock import FakeClock
from tests.fakes.store import FakeStore

VERSION = "shop-id-1"


class Sink:
    """Takes lines unless it is `away`."""

    def __init__(self) -> None:
        self.lines: list[SentLine] = []
        self.batches: list[int] = []
        self.tries = 0
        self.away = False
        self.stuck = False
        self.closed = False

    async def send(self, lines: Sequence[SentLine]) -> None:
        self.tries += 1
        if self.stuck:
            await asyncio.Event().wait()
        if self.away:
            raise Unavailable("Nobody listens.", code="drain_away")
        self.lines += lines
        self.batches.append(len(lines))

    async def close(self) -> None:
        self.closed = True


async def made(sink: Sink, clock: FakeClock) -> Drain:
    catalog = Catalog(FakeStore(), Tasks())
    await catalog.create(builders.service(builders.version(1)))
    return Drain(sink=sink, catalog=catalog, clock=clock)


def line(text: str) -> LogLine:
    return LogLine(time=1.0, text=text, stream="stdout", replica="r1")


async def turn(clock: FakeClock, seconds: float) -> None:
    for _ in range(5):
        await asyncio.sleep(0)
    clock.advance(seconds)
    for _ in range(5):
        await asyncio.sleep(0)


async def test_lines_are_sent_in_batches_and_in_order() -> None:
    sink, clock = Sink(), FakeClock()
    drain = await made(sink, clock)
    for number in range(BATCH_LINES + 5):
        drain.add(VERSION, line(str(number)))
    drain.add("gone", line("of nobody"))
    await drain.close()
    assert [one.text for one in sink.lines] == [str(n) for n in range(BATCH_LINES + 5)]
    assert sink.batches == [BATCH_LINES, 5]
    assert {(one.service, one.version, one.replica) for one in sink.lines} == {
        ("shop", "shop-001", "r1")
    }
    assert drain.counts() == {"sent": BATCH_LINES + 5, "dropped": 0}
    assert sink.closed


async def test_a_place_that_is_away_is_tried_again_ever_later() -> None:
    sink, clock, tasks = Sink(), FakeClock(), Tasks()
    drain = await made(sink, clock)
    tasks.spawn("drain", drain.run())
    sink.away = True
    drain.add(VERSION, line("a"))
    await turn(clock, 0.3)
    assert sink.tries == 1
    await turn(clock, 0.6)
    await turn(clock, 0.3)
    assert sink.tries == 2
    await turn(clock, 0.6)
    await turn(clock, 0.3)
    assert sink.tries == 2
    sink.away = False
    await turn(clock, 1.0)
    await turn(clock, 0.3)
    assert [one.text for one in sink.lines] == ["a"]
    drain.add(VERSION, line("b"))
    await turn(clock, 0.3)
    assert [one.text for one in sink.lines] == ["a", "b"]
    await tasks.close()


async def test_what_is_too_much_is_dropped_counted_and_told() -> None:
    sink, clock = Sink(), FakeClock()
    drain = await made(sink, clock)
    fits = HELD_BYTES // (1000 + LINE_WEIGHT) + 1
    for number in range(fits + 50):
        drain.add(VERSION, line(f"{number:<1000}"))
    assert drain._size <= HELD_BYTES + LINE_WEIGHT
    assert drain.dropped >= 49
    dropped = drain.dropped
    await drain.close()
    told = [one.text for one in sink.lines if one.stream == "paas"]
    assert told == [f"[{dropped} lines dropped: the drain did not take them in time]"]
    assert sink.lines[-1].text == told[0]
    assert drain._size == 0


async def test_a_place_that_takes_nothing_does_not_hold_up_the_end(
    caplog: pytest.LogCaptureFixture,
) -> None:
    sink, clock = Sink(), FakeClock()
    drain = await made(sink, clock)
    sink.stuck = True
    drain.add(VERSION, line("a"))
    await asyncio.wait_for(drain.close(), 5)
    assert sink.closed
    assert "drain took no last lines" in caplog.text
