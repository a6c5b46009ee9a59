import asyncio

from tests.fakes.clock import FakeClock
from tests.waiting import until


async def test_it_stands_still_until_it_is_moved():
    clock = FakeClock(time=1000.0, monotonic=5.0)
    clock.advance(1.5)
    assert (clock.time(), clock.monotonic()) == (1001.5, 6.5)


async def test_sleepers_wake_in_the_order_of_their_time():
    clock, woken = FakeClock(), []

    async def sleep(seconds):
        await clock.sleep(seconds)
        woken.append(seconds)

    sleepers = [asyncio.ensure_future(sleep(seconds)) for seconds in (3, 1, 2, 0)]
    await until(lambda: clock.sleeping == 3)
    clock.advance(2)
    await until(lambda: len(woken) == 3)
    assert (woken, clock.sleeping) == ([0, 1, 2], 1)
    sleepers[0].cancel()
    await asyncio.wait(sleepers)
    clock.advance(1)
    assert clock.sleeping == 0
