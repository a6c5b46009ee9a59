"""The `Backups` port, on the fake and on a data directory."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from paas.adapters.backups import DataBackups
from paas.adapters.store import SqliteStore
from paas.core.backups import copy_name
from paas.ports import Backups
from tests.fakes.backups import FakeBackups

FIRST, SECOND = copy_name(1_700_000_000), copy_name(1_700_086_400)


@pytest.fixture(params=["fake", "real"])
async def backups(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Backups]:
    if request.param == "fake":
        yield FakeBackups()
        return
    store = await SqliteStore.open(tmp_path / "paas.db")
    yield DataBackups(tmp_path)
    await store.close()


async def test_copies_come_oldest_first(backups: Backups) -> None:
    assert await backups.copies() == []
    for name in (SECOND, FIRST):
        await backups.take(name)
    assert await backups.copies() == [FIRST, SECOND]


async def test_a_copy_of_that_name_is_replaced(backups: Backups) -> None:
    await backups.take(FIRST)
    await backups.take(FIRST)
    assert await backups.copies() == [FIRST]


async def test_removing_what_is_gone_is_fine(backups: Backups) -> None:
    await backups.take(FIRST)
    await backups.remove(FIRST)
    await backups.remove(FIRST)
    assert await backups.copies() == []


async def test_an_archive_is_a_file_while_the_context_lasts(backups: Backups) -> None:
    async def images() -> AsyncIterator[bytes]:
        yield b"one"
        yield b"two"

    async with backups.packed(key=True, git=True, images=images()) as path:
        assert path.is_file()
    async with backups.packed(key=False, git=False, images=None) as path:
        assert path.is_file()
