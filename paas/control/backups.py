"""Copies the store once a day, keeps the newest ones, and packs archives on request."""

import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NoReturn

from paas.control.catalog import Catalog
from paas.control.outside import Outside
from paas.core.backups import copy_name, due, surplus
from paas.core.model import Change, Event
from paas.core.stock import is_built
from paas.errors import PaasError
from paas.settings import BackupTimes

log = logging.getLogger(__name__)

FIRST = 5.0
"""Seconds from the start to the first look: starting has other things to do."""
LOOK = 60.0
"""Seconds between two looks at the clock."""
AGAIN = 900.0
"""Seconds until a copy that failed is tried again."""
NOTHING: Mapping[str, object] = {}


class Safekeeping:
    """`keep` 0 in the settings: no copies are taken, those that are there stay."""

    def __init__(self, outside: Outside, catalog: Catalog, *, times: BackupTimes) -> None:
        self._backups = outside.backups
        self._saver = outside.saver
        self._engine = outside.engine
        self._store = outside.store
        self._catalog = catalog
        self._clock = outside.clock
        self._times = times
        self._failing = False

    async def run(self) -> NoReturn:
        """Look soon and then every minute, for ever."""
        await self._clock.sleep(FIRST)
        while True:
            await self.look()
            await self._clock.sleep(AGAIN if self._failing else LOOK)

    async def look(self) -> None:
        """Take a copy if one is due, then drop those beyond the limit."""
        if not self._times.keep:
            return
        try:
            await self._round()
        except PaasError as error:
            await self._failed(error)

    @asynccontextmanager
    async def archive(
        self, *, key: bool, git: bool, images: bool, actor: str
    ) -> AsyncIterator[Path]:
        """An archive as a file while the context lasts. Raises `NotFound`, `Unavailable`."""
        saved = await self._images() if images else None
        async with self._backups.packed(key=key, git=git, images=saved) as path:
            text = f"A backup was made, {'with' if key else 'without'} the key of the secrets."
            data = {"key": key, "git": git, "images": images}
            await self._tell("backup.made", text, actor=actor, data=data)
            yield path

    async def _round(self) -> None:
        now = self._clock.time()
        if due(now, await self._backups.copies(), self._times.hour):
            name = copy_name(now)
            await self._backups.take(name)
            log.info("store copied", extra={"copy": name})
            await self._recovered()
        for old in surplus(await self._backups.copies(), self._times.keep):
            await self._backups.remove(old)

    async def _recovered(self) -> None:
        if self._failing:
            self._failing = False
            await self._tell("backup.recovered", "The daily copy of the database works again.")

    async def _failed(self, error: PaasError) -> None:
        log.warning("store was not copied", extra={"code": error.code, "problem": error.message})
        if not self._failing:
            self._failing = True
            text = f"The daily copy of the database failed: {error.message} {error.advice}"
            await self._tell("backup.failed", text)

    async def _tell(
        self, kind: str, text: str, *, actor: str = "daemon", data: Mapping[str, object] = NOTHING
    ) -> None:
        now = self._clock.time()
        event = Event(kind=kind, time=now, message=text.strip(), actor=actor, data=data)
        try:
            await self._store.commit(Change(events=(event,)))
        except PaasError:
            log.warning("event lost", extra={"kind": kind})

    async def _images(self) -> AsyncIterator[bytes] | None:
        """Those of all versions that have one; what we built keeps our tag. One that the
        engine lost cannot be saved, and is no reason to save none.
        """
        wanted = {
            version.image.reference if is_built(version.image.reference) else version.image.id
            for service in self._catalog.services()
            for version in service.versions
            if version.image is not None
        }
        found = [name for name in sorted(wanted) if await self._engine.image(name) is not None]
        if len(found) < len(wanted):
            lost = sorted(wanted.difference(found))
            log.warning("images are gone and not in the backup", extra={"images": lost})
        return self._saver.save(found) if found else None
