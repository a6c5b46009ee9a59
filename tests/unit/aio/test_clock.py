import time

from paas.aio.clock import SystemClock


def test_it_tells_the_time_of_this_host():
    clock = SystemClock()
    before, began = time.time(), time.monotonic()
    assert before <= clock.time() <= time.time()
    assert began <= clock.monotonic() <= time.monotonic()


async def test_it_sleeps_at_least_as_long_as_it_was_told():
    clock = SystemClock()
    began = clock.monotonic()
    await clock.sleep(0.005)
    assert clock.monotonic() - began >= 0.004
