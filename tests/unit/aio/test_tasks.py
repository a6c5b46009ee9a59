import asyncio
import gc
import logging

import pytest

from paas.aio.backoff import Backoff
from paas.aio.tasks import Tasks
from tests.waiting import until

SOON = Backoff(first=0.001, cap=0.004)


@pytest.fixture
async def tasks():
    tasks = Tasks()
    yield tasks
    await tasks.close()


async def forever():
    await asyncio.Event().wait()


async def broken():
    raise RuntimeError("broken")


def messages(caplog):
    return [record.getMessage() for record in caplog.records]


async def test_a_task_has_a_name_and_gives_its_result(tasks):
    async def answer():
        return 42

    task = tasks.spawn("deep thought", answer())
    assert task.get_name() == "deep thought"
    assert await task == 42


async def test_a_running_task_is_referenced(tasks):
    ended = []

    async def work():
        await wake.wait()
        ended.append(True)

    wake = asyncio.Event()
    tasks.spawn("work", work())
    gc.collect()
    wake.set()
    await until(lambda: ended)


async def test_a_failure_is_logged_once_with_the_task_that_failed(tasks, caplog):
    task = tasks.spawn("work", broken())
    await asyncio.wait([task])
    await until(lambda: caplog.records)
    (record,) = caplog.records
    assert (record.levelno, record.task) == (logging.ERROR, "work")
    assert str(record.exc_info[1]) == "broken"


async def test_an_awaited_failure_is_its_awaiters(tasks, caplog):
    with pytest.raises(RuntimeError, match="broken"):
        await tasks.spawn("work", broken(), awaited=True)
    assert not caplog.records


async def test_closing_cancels_and_waits(tasks, caplog):
    ended = []

    async def work():
        try:
            await forever()
        finally:
            await asyncio.sleep(0)
            ended.append(True)

    task = tasks.spawn("work", work())
    await asyncio.sleep(0)
    await tasks.close()
    assert task.cancelled()
    assert ended
    assert not caplog.records


async def test_closing_with_nothing_running(tasks):
    await tasks.close()


async def test_closing_ends_what_is_spawned_meanwhile(tasks):
    later = []

    async def work():
        try:
            await forever()
        finally:
            later.append(tasks.spawn("later", forever()))

    tasks.spawn("work", work())
    await asyncio.sleep(0)
    await tasks.close()
    assert later[0].cancelled()


async def test_closing_does_not_wait_for_ever_and_names_what_does_not_end(tasks, caplog):
    release = asyncio.Event()

    async def stubborn():
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                continue

    task = tasks.spawn("stubborn", stubborn())
    await asyncio.sleep(0)
    await tasks.close(grace=0.01)
    assert not task.done()
    assert [record.tasks for record in caplog.records] == [["stubborn"]]
    release.set()
    await task


async def test_a_loop_that_fails_or_ends_is_started_again(tasks, caplog):
    runs = []

    async def loop():
        runs.append(True)
        if len(runs) == 1:
            raise RuntimeError("broken")
        if len(runs) == 2:
            return
        await forever()

    tasks.heal("watch", loop, backoff=SOON)
    await until(lambda: len(runs) == 3)
    assert messages(caplog) == ["loop failed, restarting", "loop ended, restarting"]
    assert {record.task for record in caplog.records} == {"watch"}


@pytest.mark.parametrize(("cap", "in_a_row"), [(60.0, [1, 2, 3]), (0.0, [1, 1, 1])])
async def test_a_run_as_long_as_the_cap_ends_a_row_of_failures(tasks, cap, in_a_row):
    asked = []

    class Recorded(Backoff):
        def delay(self, failures):
            asked.append(failures)
            return 0.0

    async def loop():
        if len(asked) == 3:
            await forever()
        raise RuntimeError("broken")

    tasks.heal("watch", loop, backoff=Recorded(cap=cap))
    await until(lambda: len(asked) == 3)
    assert asked == in_a_row


async def test_a_healing_loop_ends_when_it_is_cancelled(tasks):
    started = asyncio.Event()

    async def loop():
        started.set()
        await forever()

    task = tasks.heal("watch", loop)
    await started.wait()
    await tasks.close()
    assert task.cancelled()
