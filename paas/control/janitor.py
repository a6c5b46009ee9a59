"""Removes what no service needs any more: images we built, and old logs.

Only what this installation made, and only when nothing refers to it; the rest of
the disk's care is the engine owner's.
"""

import asyncio
import logging
from typing import NoReturn

from paas.control.catalog import Catalog
from paas.control.images import built_for
from paas.control.logs import version_log
from paas.core.model import Service
from paas.errors import PaasError
from paas.ports import Engine, Journal

log = logging.getLogger(__name__)

ROUND = 600.0
PATIENCE = 12
"""Rounds that follow closely while there still is something to remove."""
SETTLE = 5.0
"""Seconds after a deletion in which the keeper removes the containers that use an image."""


class Janitor:
    """Cleans after each deletion and every ten minutes."""

    def __init__(self, *, engine: Engine, journal: Journal, catalog: Catalog) -> None:
        self._engine = engine
        self._journal = journal
        self._catalog = catalog
        self._work = asyncio.Event()
        self._logs: set[str] = set()
        catalog.observe(self._changed)

    async def run(self) -> NoReturn:
        """Clean, for ever."""
        tries = 0
        while True:
            self._work.clear()
            tries = tries + 1 if await self.clean() else 0
            try:
                async with asyncio.timeout(SETTLE if 0 < tries <= PATIENCE else ROUND):
                    await self._work.wait()
                tries = 0
                await asyncio.sleep(SETTLE)
            except TimeoutError:
                continue

    async def clean(self) -> bool:
        """One round; whether there was something to remove, which may still be in use."""
        for version_id in list(self._logs):
            await self._journal.remove(version_log(version_id))
            self._logs.discard(version_id)
        try:
            return await self._clean_images()
        except PaasError as error:
            log.warning("images were not cleaned", extra={"code": error.code})
            return False

    async def _clean_images(self) -> bool:
        built = [image.pin.reference for image in await self._engine.built_images()]
        unneeded = [tag for tag in built if self._catalog.version(built_for(tag)) is None]
        for tag in unneeded:
            await self._engine.remove_image(tag)
        return bool(unneeded)

    def _changed(self, before: Service | None, after: Service | None) -> None:
        kept = {version.id for version in after.versions} if after else set()
        gone = {version.id for version in before.versions} - kept if before else set()
        if gone:
            self._logs |= gone
            self._work.set()
