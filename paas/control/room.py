"""Watches how full the disks are, and refuses to begin what needs room when there is none.

What runs goes on whatever the disk: only uploads, pulls and builds are refused.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NoReturn

from paas.control.inventory import Use
from paas.core.model import Change, Event
from paas.core.watermarks import Level, Marks, Space, judge, worst
from paas.errors import PaasError, Unavailable
from paas.ports import Clock, Disk, Storage, Store

log = logging.getLogger(__name__)

ROUND = 10.0
FRESH = 2.0
"""Seconds for which what was seen is believed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A file system and its level, as it was looked at last."""

    space: Space
    level: Level


class Room:
    """The disks of the data directory and, where it is on this host, of the engine."""

    def __init__(
        self,
        *,
        disk: Disk,
        storage: Storage,
        store: Store,
        clock: Clock,
        marks: Marks,
        data_dir: Path,
    ) -> None:
        self._disk = disk
        self._storage = storage
        self._store = store
        self._clock = clock
        self._marks = marks
        self._data_dir = data_dir
        self._root: Path | None = None
        self._seen: dict[int, Seen] = {}
        self._looked = float("-inf")
        self._told = Level.OK
        self._telling = asyncio.Lock()
        self._changed = asyncio.Event()
        self._unseen: set[Path] = set()
        self.largest: Callable[[], Awaitable[Sequence[Use]]] = _nothing

    async def run(self) -> NoReturn:
        """Watch, for ever, and at once when somebody else has seen a change."""
        while True:
            await self.watch()
            self._changed.clear()  # here, so that a store that refuses is not asked in a row
            with suppress(TimeoutError):
                async with asyncio.timeout(ROUND):
                    await self._changed.wait()

    async def watch(self) -> None:
        """Look once, and tell of what changed."""
        async with self._telling:
            await self.look()
            await self._tell()

    @property
    def seen(self) -> list[Seen]:
        """The disks as they were looked at last."""
        return list(self._seen.values())

    async def admit(self) -> None:
        """Raises `Unavailable` (`disk_low`) while there is too little room to begin."""
        if self._clock.monotonic() - self._looked > FRESH:
            await self.look()
        full = next((one.space for one in self.seen if one.level is Level.FULL), None)
        if full is not None:
            raise Unavailable(
                f"The disk of {full.path} is too full to begin: {full.percent:.0f} % used, "
                f"{full.free >> 20} MiB free.",
                code="disk_low",
                advice="See what takes room with `paas gc --dry-run`, delete versions or services, "
                "or make the disk larger; disk.refuse_percent and disk.refuse_free set the limits.",
            )

    async def look(self) -> None:
        """See how full they are now. One that cannot be looked at stays as it was seen."""
        for path in (self._data_dir, await self._engine_root()):
            if path is None:
                continue
            try:
                space = await self._disk.space(path)
            except PaasError as error:
                if path not in self._unseen:
                    log.warning("disk cannot be looked at", extra={"problem": error.message})
                self._unseen.add(path)
                continue
            known = self._seen.get(space.device)
            level = judge(space, self._marks, known.level if known else Level.OK)
            if known is not None:  # one file system, one name
                space = replace(space, path=known.space.path)
            self._seen[space.device] = Seen(space=space, level=level)
        self._looked = self._clock.monotonic()
        if self._level is not self._told:
            self._changed.set()

    @property
    def _level(self) -> Level:
        return worst([one.level for one in self.seen])

    async def _engine_root(self) -> Path | None:
        """Asked until the engine has told it once."""
        if self._root is None:
            try:
                self._root = await self._storage.root()
            except PaasError:
                return None
        return self._root

    async def _tell(self) -> None:
        """An event for each change, kept as soon as the store takes it."""
        level = self._level
        if level is self._told:
            return
        try:
            await self._store.commit(Change(events=(await self._event(level),)))
        except PaasError as error:
            log.warning("disk event was not kept", extra={"code": error.code})
            return
        log.warning("disk level changed", extra={"was": self._told.value, "now": level.value})
        self._told = level

    async def _event(self, level: Level) -> Event:
        fullest = max(self.seen, key=lambda one: (one.level is level, one.space.percent)).space
        state = f"{fullest.percent:.0f} % used, {fullest.free >> 20} MiB free"
        messages = {
            Level.OK: f"The disk of {fullest.path} has room again: {state}.",
            Level.LOW: f"The disk of {fullest.path} is getting full: {state}.",
            Level.FULL: f"The disk of {fullest.path} is full: {state}. Nothing is built until "
            "there is room.",
        }
        better = worst([level, self._told]) is not level
        if better and level is Level.LOW:
            messages[level] = f"The disk of {fullest.path} has some room again: {state}."
        uses = () if better else await self.largest()
        return Event(
            kind="disk.recovered" if better else "disk.low",
            time=self._clock.time(),
            message=messages[level],
            data={
                "level": level.value,
                "path": fullest.path,
                "used_percent": round(fullest.percent, 1),
                "free": fullest.free,
                "largest": [
                    {"service": one.service, "kind": one.kind.value, "bytes": one.bytes}
                    for one in uses
                ],
            },
        )


async def _nothing() -> Sequence[Use]:
    return ()
