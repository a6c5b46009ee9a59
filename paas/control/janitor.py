"""Removes what no service needs any more, on the engine and below the data directory.

Only what this installation made or fetched, and only when nothing refers to it; the rest
of the disk's care is the engine owner's. `inventory` says what there is and what may go.
"""

import asyncio
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from paas.control.catalog import Catalog
from paas.control.inventory import Inventory, Survey, Use
from paas.control.logs import deployment_log
from paas.core.disposal import Kind, Leftover
from paas.core.model import Change, Service, VersionStatus
from paas.errors import PaasError
from paas.ports import Disk, Journal, Storage, Store

log = logging.getLogger(__name__)

ROUND = 600.0
PATIENCE = 12
"""Rounds that follow closely while there still is something to remove."""
SETTLE = 5.0
"""Seconds after a change in which the keeper removes the containers that use an image."""
ENDED = (VersionStatus.READY, VersionStatus.FAILED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What takes room, what was (or with a dry run would be) removed, and what resisted."""

    uses: list[Use]
    removed: list[Leftover]
    kept: list[Leftover]


class Janitor:
    """Cleans after each deletion and deployment, every ten minutes, and when asked to."""

    def __init__(self, *, inventory: Inventory, catalog: Catalog) -> None:
        self._inventory = inventory
        self._bounds = inventory.bounds
        self._work = asyncio.Event()
        self._round = asyncio.Lock()
        self._removal = Removal(
            storage=inventory.storage,
            disk=inventory.disk,
            journal=inventory.journal,
            store=inventory.store,
            data_dir=inventory.data_dir,
        )
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
        """One round; whether there is more to remove, which is still in use."""
        try:
            async with self._round:
                survey = await self._inventory.survey(sizes=False)
                _, kept = await self._carry_out(survey)
                await self._forget(survey)
        except PaasError as error:
            log.warning("nothing was cleaned", extra={"code": error.code})
            return False
        return bool(kept) or survey.waiting

    async def collect(self, *, dry_run: bool) -> Outcome:
        """A whole round at once, with all sizes; with `dry_run` nothing is removed. `uses` is
        what there was before. Raises `Unavailable`.
        """
        async with self._round:
            survey = await self._inventory.survey(sizes=True)
            if dry_run:
                planned = survey.leftovers(self._bounds)
                return Outcome(uses=survey.uses(), removed=planned, kept=[])
            removed, kept = await self._carry_out(survey)
            await self._forget(survey)
        return Outcome(uses=survey.uses(), removed=removed, kept=kept)

    async def largest(self) -> list[Use]:
        """What takes most, as far as that can be seen now."""
        try:
            return (await self._inventory.survey(sizes=False)).uses()[:5]
        except PaasError:
            return []

    async def _carry_out(self, survey: Survey) -> tuple[list[Leftover], list[Leftover]]:
        """What went, and what did not."""
        removed: list[Leftover] = []
        kept: list[Leftover] = []
        for leftover in survey.leftovers(self._bounds):
            went = not self._needed(leftover) and await self._remove(leftover)
            (removed if went else kept).append(leftover)
        if removed:
            freed = sum(one.bytes for one in removed)
            log.info("cleaned", extra={"removed": len(removed), "bytes": freed})
        return removed, kept

    async def _remove(self, leftover: Leftover) -> bool:
        """A layer only between two builds: it may be what the next step is made on top of."""
        if leftover.kind is Kind.LAYER:
            holdings = self._inventory.holdings
            return await holdings.between_builds(lambda: self._removal.remove(leftover))
        return await self._removal.remove(leftover)

    def _needed(self, leftover: Leftover) -> bool:
        """Whether somebody came to need that image while others were removed."""
        if leftover.kind is not Kind.IMAGE:
            return False
        needs = self._inventory.needs()
        return leftover.id in needs.images or bool(leftover.names & needs.references)

    async def _forget(self, survey: Survey) -> None:
        """Strike out what somebody else, or the engine by itself, removed."""
        await self._inventory.holdings.let_go(survey.vanished)

    def _changed(self, before: Service | None, after: Service | None) -> None:
        """A version is gone, or its deployment has ended."""
        now = {one.id: one.status for one in after.versions} if after else {}
        then = {one.id: one.status for one in before.versions} if before else {}
        ended = any(status in ENDED and then.get(one) is not status for one, status in now.items())
        if then.keys() - now.keys() or (before is not None and ended):
            self._work.set()


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """Does away with one leftover of any kind."""

    storage: Storage
    disk: Disk
    journal: Journal
    store: Store
    data_dir: Path

    async def remove(self, leftover: Leftover) -> bool:
        """Whether it went; one that cannot go now stays for the next round."""
        try:
            return await self._remove(leftover.kind, leftover.id)
        except PaasError as error:
            fields = {"kind": leftover.kind.value, "id": leftover.id, "code": error.code}
            log.warning("leftover was not removed", extra=fields)
            return False

    async def _remove(self, kind: Kind, ident: str) -> bool:
        match kind:
            case Kind.IMAGE | Kind.LAYER:
                return await self.storage.discard(ident)
            case Kind.CACHE:
                return await self.storage.prune(ident) is not None
            case Kind.LOG:
                await self.journal.remove(ident)
            case Kind.DEPLOYMENT:
                await self.journal.remove(deployment_log(ident))
                await self.store.commit(Change(forgotten=(ident,)))
            case Kind.UPLOAD:
                await self.disk.remove(self.data_dir / "uploads" / ident)
            case Kind.BUILD:
                await self.disk.remove(self.data_dir / "builds" / ident)
            case Kind.REPOSITORY:
                return False
        return True
