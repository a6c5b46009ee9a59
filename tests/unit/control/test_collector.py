"""Replica output on its way into the journal: each line once, none left out."""

import asyncio
import time
from collections.abc import AsyncGenerator
from dataclasses import replace

from paas.adapters.secrets import AesVault
from paas.aio.tasks import Tasks
from paas.control.catalog import Catalog
from paas.control.logs import (
    IN_A_ROW,
    LINES,
    MOST_RECENT,
    Collector,
    version_log,
)
from paas.control.replicas import Replica
from paas.core.model import LogLine
from paas.core.planning import Phase
from paas.errors import Unavailable
from paas.ports import ContainerState, ReplicaFact
from tests import builders
from tests.fakes.engine import FakeEngine
from tests.fakes.journal import FakeJournal
from tests.fakes.store import FakeStore

KEY = version_log("shop-id-1")


def line(time: float, text: str, stream: str = "stdout") -> LogLine:
    return LogLine(time=time, text=text, stream=stream)


class Telling(FakeEngine):
    """Its replica's log breaks after each of `told`, but for the last."""

    def __init__(self, *told: list[LogLine]) -> None:
        super().__init__()
        self.told = list(told)
        self.asked: list[float] = []

    async def logs(
        self, replica: str, *, since: float = 0.0, follow: bool = False
    ) -> AsyncGenerator[LogLine]:
        assert (replica, follow) == ("r1", True)
        self.asked.append(since)
        lines = self.told.pop(0)
        for one in lines:
            if one.time >= since:
                yield one
        if self.told:
            raise Unavailable("The engine went away.", code="engine_away")


async def collected(
    tmp_path, engine: Telling, journal: FakeJournal, *, lines: float = LINES, now=time.time
) -> list[tuple[str, str]]:
    catalog = Catalog(FakeStore(), Tasks())
    await catalog.create(builders.service(builders.version(1)))
    tasks = Tasks()
    collector = Collector(
        engine=engine,
        journal=journal,
        vault=AesVault(tmp_path / "secret.key"),
        catalog=catalog,
        tasks=tasks,
        now=now,
    )
    collector.lines = lines
    collector.watch(
        Replica(
            id="r1",
            service="shop",
            version="shop-001",
            version_id="shop-id-1",
            phase=Phase.READY,
            since=0.0,
        )
    )
    await asyncio.wait_for(collector.ended("r1"), 5)
    await tasks.close()
    return [(one.stream, one.text) for one in journal.lines.get(KEY, [])]


async def test_two_streams_need_not_be_in_order(tmp_path):
    told = [line(5.0, "a"), line(4.9999, "b", "stderr"), line(5.0, "c", "stderr"), line(5.0, "a")]
    found = await collected(tmp_path, Telling(told), FakeJournal())
    assert found == [("stdout", "a"), ("stderr", "b"), ("stderr", "c"), ("stdout", "a")]


async def test_after_a_break_nothing_is_told_twice_and_nothing_left_out(tmp_path):
    before = [line(1.0, "old"), line(5.0, "a"), line(5.01, "b")]
    after = [line(5.0, "a"), line(5.005, "late", "stderr"), line(5.01, "b"), line(5.02, "c")]
    engine = Telling(before, after)
    found = await collected(tmp_path, engine, FakeJournal())
    assert [text for _stream, text in found] == ["old", "a", "b", "late", "c"]
    assert engine.asked == [0.0, 5.0]


async def test_a_new_daemon_goes_on_where_the_last_one_stopped(tmp_path):
    journal = FakeJournal()
    for one in (line(5.0, "a"), line(5.01, "b")):
        journal.append(KEY, LogLine(time=one.time, text=one.text, replica="r1"))
    journal.append(KEY, LogLine(time=9.0, text="of another", replica="r2"))
    engine = Telling([line(4.0, "long ago"), line(5.01, "b"), line(5.01, "c")])
    found = await collected(tmp_path, engine, journal)
    assert [text for _stream, text in found] == ["a", "b", "of another", "c"]
    assert engine.asked == [5.0]


async def test_lines_go_on_when_the_clock_was_set_back(tmp_path):
    after = [line(3600.0 + number / 1e6, str(number)) for number in range(2 * MOST_RECENT)]
    found = await collected(tmp_path, Telling([line(7200.0, "x"), *after]), FakeJournal())
    assert found[-1] == ("stdout", after[-1].text)


async def test_whatever_breaks_the_stream_it_is_read_again(tmp_path):
    class Broken(Telling):
        async def logs(
            self, replica: str, *, since: float = 0.0, follow: bool = False
        ) -> AsyncGenerator[LogLine]:
            async for one in super().logs(replica, since=since, follow=follow):
                yield one
                if len(self.told) == 1:
                    raise ValueError("nobody thought of this")

    engine = Broken([line(1.0, "a")], [line(1.0, "a"), line(2.0, "b")])
    found = await collected(tmp_path, engine, FakeJournal())
    assert [text for _stream, text in found] == ["a", "b"]


async def test_a_flood_leaves_others_their_turn(tmp_path):
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    flood = [line(1.0 + number / 1e6, str(number)) for number in range(20 * IN_A_ROW)]
    beside = asyncio.create_task(other())
    assert len(await collected(tmp_path, Telling(flood), FakeJournal())) == len(flood)
    beside.cancel()
    assert turns > 20


MANY = 2600
"""More lines than may come at once when 500 a second are taken."""


async def test_too_many_lines_are_left_out_once_they_are_late(tmp_path):
    times = iter([1.0])  # until it has to wait
    flood = [line(1.0, str(number)) for number in range(MANY)]
    engine = Telling(flood, [line(99.0, "missed"), line(100.5, "and on")])
    found = await collected(
        tmp_path, engine, FakeJournal(), lines=500, now=lambda: next(times, 100.0)
    )
    remark = "[lines dropped: shop writes more than 500 a second]"
    assert found[-2:] == [("paas", remark), ("stdout", "and on")]
    assert 2500 <= len(found) < MANY
    assert engine.asked == [0.0, 100.0]


async def test_what_was_written_while_no_daemon_ran_is_caught_up_with(tmp_path):
    backlog = [line(1.0 + number, str(number)) for number in range(MANY)]
    found = await collected(
        tmp_path, Telling(backlog), FakeJournal(), lines=500, now=lambda: 9000.0
    )
    assert len(found) == MANY


async def test_an_exit_is_told_behind_the_last_lines(tmp_path):
    catalog, journal, tasks = Catalog(FakeStore(), Tasks()), FakeJournal(), Tasks()
    await catalog.create(builders.service(builders.version(1)))
    collector = Collector(
        engine=Telling([line(1.0, "going"), line(2.0, "gone", "stderr")]),
        journal=journal,
        vault=AesVault(tmp_path / "secret.key"),
        catalog=catalog,
        tasks=tasks,
        now=lambda: 3.0,
    )
    heard = []
    collector.on_line = lambda version_id, one: heard.append((version_id, one.text))
    fact = ReplicaFact(
        id="r1",
        service="shop",
        version="shop-001",
        version_id="shop-id-1",
        state=ContainerState.EXITED,
        exit_code=137,
        oom_killed=True,
    )
    collector.watch(
        Replica(
            id="r1",
            service="shop",
            version="shop-001",
            version_id="shop-id-1",
            phase=Phase.READY,
            since=0.0,
        )
    )
    await asyncio.wait_for(collector.exited(fact), 5)
    await collector.exited(replace(fact, id="r2", exit_code=1, oom_killed=False))
    told = [(one.stream, one.text, one.replica) for one in await journal.read(KEY)]
    killed = "[the program ended with exit code 137, killed for want of memory]"
    assert told == [
        ("stdout", "going", "r1"),
        ("stderr", "gone", "r1"),
        ("paas", killed, "r1"),
        ("paas", "[the program ended with exit code 1]", "r2"),
    ]
    assert heard == [("shop-id-1", text) for _, text, _ in told]
    await tasks.close()
