"""The daily copies, with a clock that the test moves."""

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, cast

from paas.aio.tasks import Tasks
from paas.control.backups import AGAIN, FIRST, LOOK, Safekeeping
from paas.control.catalog import Catalog
from paas.control.outside import Outside
from paas.core.backups import DAY, copy_name
from paas.errors import Unavailable
from paas.settings import BackupTimes
from tests.fakes.backups import FakeBackups, FakeSaver
from tests.fakes.clock import FakeClock
from tests.fakes.engine import FakeEngine
from tests.fakes.store import FakeStore
from tests.waiting import until

FULL = Unavailable("The disk is full.", code="disk_full", advice="Free some space.")


@dataclass
class Scene:
    backups: FakeBackups
    clock: FakeClock
    store: FakeStore
    keeping: Safekeeping

    async def kinds(self) -> list[str]:
        return [event.kind for event in reversed(await self.store.events())]


def scene(*, keep: int = 2) -> Scene:
    backups, clock, store = FakeBackups(), FakeClock(), FakeStore()
    outside: Any = SimpleNamespace(
        backups=backups, saver=FakeSaver(), store=store, clock=clock, engine=FakeEngine()
    )
    keeping = Safekeeping(
        cast(Outside, outside), Catalog(store, Tasks()), times=BackupTimes(keep=keep, hour=3)
    )
    return Scene(backups, clock, store, keeping)


async def test_one_copy_a_day_and_the_newest_are_kept() -> None:
    at = scene()
    for _ in range(3):
        await at.keeping.look()
        await at.keeping.look()
        at.clock.advance(DAY)
    now = at.clock.time()
    assert await at.backups.copies() == [copy_name(now - 2 * DAY), copy_name(now - DAY)]
    assert await at.kinds() == []


async def test_none_is_taken_where_none_is_kept() -> None:
    at = scene(keep=0)
    at.backups.names.add("paas-20200101T000000Z.db")
    await at.keeping.look()
    assert await at.backups.copies() == ["paas-20200101T000000Z.db"]


async def test_a_failure_is_told_once_and_so_is_its_end() -> None:
    at = scene()
    at.backups.fails = FULL
    await at.keeping.look()
    await at.keeping.look()
    assert await at.kinds() == ["backup.failed"]
    at.backups.fails = None
    await at.keeping.look()
    assert await at.kinds() == ["backup.failed", "backup.recovered"]
    assert len(await at.backups.copies()) == 1


async def test_the_loop_looks_every_minute_and_later_after_a_failure() -> None:
    at, tasks = scene(), Tasks()
    at.backups.fails = FULL
    tasks.spawn("backups", at.keeping.run())
    await until(lambda: at.clock.sleeping == 1)
    at.clock.advance(FIRST)
    await until(lambda: at.clock.sleeping == 1)
    assert await at.kinds() == ["backup.failed"]
    at.backups.fails = None
    at.clock.advance(AGAIN - 1)
    await until(lambda: at.clock.sleeping == 1)
    assert await at.backups.copies() == []
    at.clock.advance(1)
    await until(lambda: bool(at.backups.names))
    await until(lambda: at.clock.sleeping == 1)
    at.backups.names.clear()
    at.clock.advance(LOOK)
    await until(lambda: bool(at.backups.names))
    await tasks.close()


async def test_an_archive_is_an_event_with_its_maker() -> None:
    at = scene()
    async with at.keeping.archive(key=True, git=False, images=True, actor="token:ops") as path:
        assert path.exists()
    (event,) = await at.store.events()
    assert (event.kind, event.actor) == ("backup.made", "token:ops")
    assert event.data == {"key": True, "git": False, "images": True}
    assert "with the key" in event.message
