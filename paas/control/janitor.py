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
        while True:
            self._work.clear()
            await self.clean()
            try:
                async with asyncio.timeout(ROUND):
                    await self._work.wait()
                await asyncio.sleep(SETTLE)
            except TimeoutError:
                continue

    async def clean(self) -> None:
        """One round; what is still in use is left for the next."""
        for version_id in list(self._logs):
            await self._journal.remove(version_log(version_id))
            self._logs.discard(version_id)
        try:
            await self._clean_images()
        except PaasError as error:
            log.warning("images were not cleaned", extra={"code": error.code})

    async def _clean_images(self) -> None:
        for image in await self._engine.built_images():
            if self._catalog.version(built_for(image.pin.reference)) is None:
                await self._engine.remove_image(image.pin.reference)

    def _changed(self, before: Service | None, after: Service | None) -> None:
        kept = {version.id for version in after.versions} if after else set()
        gone = {version.id for version in before.versions} - kept if before else set()
        if gone:
            self._logs |= gone
            self._work.set()
