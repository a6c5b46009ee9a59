"""Writes down what comes onto the engine because of us and bears no label of ours.

Only what is written down is ever removed, so a note is made as soon as a thing is known of,
not when the work that brought it ends. See `core/holdings.py`.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass

from paas.aio.tasks import Tasks
from paas.core.holdings import Held, Holding, StepReader
from paas.core.model import Change
from paas.core.stock import CacheRecord
from paas.errors import PaasError
from paas.ports import Clock, Engine, Storage, Store

log = logging.getLogger(__name__)

Say = Callable[[str], None]

COUNT_LIMIT = 120.0
"""Seconds that the engine may take to tell what a build left in its cache."""
SAVE_PAUSE = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Window:
    """A build from its begin to its end, by the engine's clock."""

    service: str
    begin: float
    end: float


class Holdings:
    """Owner of the list; `builds` that run are known so that strangers' can be told."""

    def __init__(
        self, *, store: Store, engine: Engine, storage: Storage, clock: Clock, tasks: Tasks
    ) -> None:
        self._store = store
        self._engine = engine
        self._storage = storage
        self._clock = clock
        self._tasks = tasks
        self._known: dict[tuple[Held, str, str], Holding] = {}
        self._unsaved: list[Holding] = []
        self._saving: asyncio.Task[None] | None = None
        self._building = 0
        self._looking = asyncio.Lock()
        self._beginning = asyncio.Lock()

    async def load(self) -> None:
        self._known = {_key(one): one for one in await self._store.holdings()}

    def all(self) -> list[Holding]:
        return list(self._known.values())

    def note(self, kind: Held, ident: str, *, name: str = "", service: str = "") -> None:
        """That is ours. It is durable soon after, however often the store refuses."""
        holding = Holding(kind=kind, id=ident, noted=self._clock.time(), name=name, service=service)
        if self._known.setdefault(_key(holding), holding) is not holding:
            return
        self._unsaved.append(holding)
        if self._saving is None or self._saving.done():
            self._saving = self._tasks.spawn("write down holdings", self._save())

    async def let_go(self, holdings: Collection[Holding]) -> None:
        """Those are gone. Raises `Unavailable`."""
        if holdings:
            await self._store.commit(Change(let_go=tuple(holdings)))
            for one in holdings:
                self._known.pop(_key(one), None)

    @property
    def building(self) -> bool:
        """Whether a build runs: then every layer of ours may be what it goes on from."""
        return self._building > 0

    async def between_builds(self, work: Callable[[], Awaitable[bool]]) -> bool:
        """Do that while no build runs and none begins; False, and nothing done, if one runs."""
        async with self._beginning:
            return not self.building and await work()

    @asynccontextmanager
    async def build(self, service: str, say: Say) -> AsyncIterator[Say]:
        """Around one build: gives where its output goes, and notes what it leaves."""
        reader = StepReader()

        def read(line: str) -> None:
            if made := reader.read(line):
                self.note(Held.LAYER, made, service=service)
            say(line)

        begin = await self._engine_time()
        busy = self._tasks.spawn("look at the build cache", self._in_use(), awaited=True)
        async with self._beginning:
            self._building += 1
        try:
            yield read
        finally:
            self._building -= 1
            if begin is not None and not reader.classic:
                work = self._count(service, begin, busy)
                self._tasks.spawn("count the build's cache", work)

    async def _count(self, service: str, begin: float, busy: asyncio.Task[frozenset[str]]) -> None:
        """Note the records that appeared in the build's time, unless somebody else's build
        is seen at work: then none can be told from theirs.
        """
        end = await self._engine_time()
        before, cache = await busy, await self._cache()
        window = _Window(service=service, begin=begin, end=end or begin)
        for record in cache if not self._strangers(cache, before) else ():
            if window.begin <= record.created <= window.end + 1:
                self.note(Held.CACHE, record.id, service=window.service)

    def _strangers(self, cache: Collection[CacheRecord], before: Collection[str]) -> bool:
        """Whether something is in use that was not when the build began: a build that was
        killed leaves records that stay in use until the engine ends.
        """
        return not self._building and any(
            record.in_use and record.id not in before for record in cache
        )

    async def _in_use(self) -> frozenset[str]:
        return frozenset(record.id for record in await self._cache() if record.in_use)

    async def _cache(self) -> tuple[CacheRecord, ...]:
        """Empty when the engine does not tell in time."""
        try:
            async with self._looking, asyncio.timeout(COUNT_LIMIT):
                return tuple((await self._storage.stock(sizes=True)).cache)
        except (PaasError, TimeoutError) as error:
            log.info("build cache was not counted", extra={"error": str(error)})
            return ()

    async def _engine_time(self) -> float | None:
        try:
            return (await self._engine.info()).time
        except PaasError:
            return None  # the build itself will say so

    async def _save(self) -> None:
        while self._unsaved:
            noted = tuple(self._unsaved)
            try:
                await self._store.commit(Change(held=noted))
            except PaasError as error:
                log.warning("holdings were not written down", extra={"code": error.code})
                await self._clock.sleep(SAVE_PAUSE)
            else:
                del self._unsaved[: len(noted)]


def _key(holding: Holding) -> tuple[Held, str, str]:
    return holding.kind, holding.id, holding.name
