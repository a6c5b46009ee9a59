"""What build steps hold, from the kernel's files."""

import asyncio
from pathlib import Path

import pytest

from paas.adapters.buildkit.memory import StepMemory, bounded, counted
from paas.errors import Failed

FIRST = "cache 9\nrss 1\nshmem 2\nodd\ntotal_cache 900\ntotal_rss 30\ntotal_shmem 4\n"
SECOND = "anon 50\nfile 900\nshmem 7\nslab 3\n"


@pytest.mark.parametrize(("stat", "size"), [(FIRST, 34), (SECOND, 57), ("", 0)])
def test_the_file_cache_does_not_count(stat: str, size: int) -> None:
    assert counted(stat) == size


def test_the_group_that_is_there_counts(tmp_path: Path) -> None:
    memory = StepMemory((tmp_path / "none", tmp_path / "docker"))
    assert (memory.known, memory.used()) == (False, 0)
    (tmp_path / "docker" / "buildkit").mkdir(parents=True)
    assert (memory.known, memory.used()) == (True, 0)
    (tmp_path / "docker" / "buildkit" / "memory.stat").write_text(SECOND)
    assert memory.used() == 57


async def test_a_build_ends_at_its_limit(tmp_path: Path) -> None:
    stat = tmp_path / "docker" / "buildkit" / "memory.stat"
    stat.parent.mkdir(parents=True)
    memory = StepMemory((tmp_path / "docker",))
    ended = asyncio.Event()

    async def build() -> None:
        try:
            stat.write_text(SECOND)
            await asyncio.Event().wait()
        finally:
            ended.set()

    with pytest.raises(Failed) as raised:
        await bounded(build(), limit=lambda: 56, memory=memory)
    assert raised.value.code == "build_memory"
    assert ended.is_set()


async def test_a_build_below_its_limit_ends_as_it_ends(tmp_path: Path) -> None:
    async def build(error: Exception | None) -> None:
        await asyncio.sleep(0)
        if error is not None:
            raise error

    memory = StepMemory((tmp_path,))
    await bounded(build(None), limit=lambda: 0, memory=memory)
    with pytest.raises(Failed, match="it broke"):
        await bounded(build(Failed("it broke")), limit=lambda: 0, memory=memory)
