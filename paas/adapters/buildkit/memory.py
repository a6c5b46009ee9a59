"""The memory of BuildKit's steps: read from the kernel, because the engine cannot limit it.

All steps of an engine are below one control group, whoever asked for them. What they hold
without the file cache is compared with the limit twice a second; a build that passes it in
between has had it until then.
"""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any

from paas.adapters.build_output import OUT_OF_MEMORY
from paas.aio.tasks import Tasks
from paas.errors import Failed

PAUSE = 0.5
CLOSE_SECONDS = 15.0
_ROOT = Path("/sys/fs/cgroup")
_GROUPS = (_ROOT / "memory" / "docker", _ROOT / "docker")
_COUNTED = frozenset({"total_rss", "total_shmem", "anon", "shmem"})
_HIERARCHICAL = "total_"


class StepMemory:
    """What an engine's build steps hold. `groups` are where its control group may be."""

    def __init__(self, groups: tuple[Path, ...] = _GROUPS) -> None:
        self._groups = groups

    @property
    def known(self) -> bool:
        """Whether it can be read on this host."""
        return any(group.is_dir() for group in self._groups)

    def used(self) -> int:
        """Bytes now; 0 while nothing is built."""
        for group in self._groups:
            with suppress(OSError):
                return counted((group / "buildkit" / "memory.stat").read_text())
        return 0


MEMORY = StepMemory()


def counted(stat: str) -> int:
    """The bytes of anonymous and shared memory of a `memory.stat`, with those below."""
    found = dict(line.split() for line in stat.splitlines() if len(line.split()) == 2)
    whole = any(name.startswith(_HIERARCHICAL) for name in found)
    names = [name for name in found if name.startswith(_HIERARCHICAL) or not whole]
    return sum(int(found[name]) for name in names if name in _COUNTED)


async def bounded(
    build: Coroutine[Any, Any, None],
    *,
    limit: Callable[[], int],
    memory: StepMemory = MEMORY,
) -> None:
    """Run a build until it ends or holds more than the limit of the moment, in bytes.
    Raises what the build raises, or `Failed` (`build_memory`).
    """
    tasks = Tasks()
    building = tasks.spawn("build", build, awaited=True)
    watching = tasks.spawn("build memory", _exceeded(limit, memory), awaited=True)
    try:
        await asyncio.wait({building, watching}, return_when=asyncio.FIRST_COMPLETED)
        if not building.done():
            raise _too_much(watching.result())
        building.result()
    finally:
        await tasks.close(grace=CLOSE_SECONDS)


async def _exceeded(limit: Callable[[], int], memory: StepMemory) -> int:
    while True:
        used = memory.used()
        if used > limit():
            return used
        await asyncio.sleep(PAUSE)


def _too_much(used: int) -> Failed:
    return Failed(
        f"The build used {used >> 20} MiB of memory, more than it may, and was ended.",
        code=OUT_OF_MEMORY,
        advice="Use less memory in the build's steps, or raise builds.memory.",
    )
