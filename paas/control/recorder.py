"""The figures of all versions over time: points in memory, minutes and quarters in the store.

Every five seconds a look, every minute one transaction; nothing of it is on the path of a
request. What is not written yet is kept here and tried again, at most an hour of it.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NoReturn

from paas.control.catalog import Catalog
from paas.control.census import Census
from paas.core.figures import Kept, Rollup
from paas.core.minutes import MinuteCounts
from paas.core.series import (
    KEPT,
    MINUTE,
    POINT,
    QUARTER,
    Grid,
    Row,
    Series,
    grid,
    looked,
    placed,
    series,
)
from paas.errors import NotFound, PaasError
from paas.ports import Clock, FigureStore

log = logging.getLogger(__name__)

MOST_POINTS = 100_000
"""Figures of one version in one point that are held; with more of them the points do not
reach back an hour."""
MOST_UNWRITTEN = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A service's rows, all versions together and each by itself."""

    grid: Grid
    total: Series
    versions: Mapping[str, Series]


class Recorder:
    """Looks and writes until it is told to close."""

    def __init__(
        self, *, census: Census, catalog: Catalog, store: FigureStore, clock: Clock
    ) -> None:
        self._census = census
        self._catalog = catalog
        self._store = store
        self._clock = clock
        self._points: deque[Rollup] = deque()
        self._held = 0
        self._minutes = MinuteCounts()
        self._unwritten: dict[int, Rollup] = {}
        self._writing = asyncio.Lock()
        self._trimmed = 0
        self._failing = False

    async def run(self) -> NoReturn:
        """Look and write, for ever."""
        while True:
            now = self._clock.time()
            after = (int(now) // POINT + 1) * POINT
            await self._clock.sleep(after - now)
            self.look(after - POINT)
            await self.write(before=after - after % MINUTE)
            await self._trim(after)

    async def close(self) -> None:
        """Write what is there, so that a restart loses nothing."""
        self._look_now()
        await self.write(before=self._now() + MINUTE)

    def look(self, at: int) -> None:
        """What was done since the last look counts for the point that begins then."""
        point = Rollup(at=at, looks=1, rows=self._census.take())
        self._held += len(point.rows)
        if self._points and self._points[-1].at == at:
            self._held -= len(self._points[-1].rows) + len(point.rows)
            self._points[-1] += point
            self._held += len(self._points[-1].rows)
        else:
            self._points.append(point)
        self._drop(at)
        for (service, _), figures in point.rows.items():
            self._minutes.add(service, at, figures.requests)
        minute = at - at % MINUTE
        moved = Rollup(at=minute, looks=1, rows=point.rows)
        before = self._unwritten.get(minute)
        self._unwritten[minute] = before + moved if before else moved

    async def write(self, *, before: int) -> None:
        """Make the minutes that begin before that durable; what fails is tried again."""
        async with self._writing:
            due = {at: one for at, one in self._unwritten.items() if at < before}
            if not due:
                return
            for at in due:
                del self._unwritten[at]
            try:
                await self._store.add(tuple(due.values()))
            except PaasError as error:
                self._failed(error, due)
            else:
                self._failing = False

    async def read(
        self,
        name: str,
        *,
        version: str | None = None,
        since: float | None = None,
        until: float | None = None,
        step: int | None = None,
    ) -> Chart:
        """A service's figures. Raises `NotFound` (`no_such_service`, `no_such_version`),
        `Unavailable`.
        """
        service = self._catalog.get(name)
        asked = grid(self._clock.time(), since=since, until=until, step=step)
        kept, held = await self._sources(service.id, asked)
        rows, looks = await asyncio.to_thread(_rows, service.id, kept, held)
        if version is not None:
            if service.version(version) is None and version not in rows:
                raise NotFound(
                    f"{name} has no version {version!r}, and no figures of one.",
                    code="no_such_version",
                    advice="List the versions of the service.",
                )
            rows = {version: rows.get(version, Row())}
        return await asyncio.to_thread(_chart, rows, looks, asked)

    def last_hour(self, service_id: str) -> tuple[int, ...]:
        """Requests of the last hour by the minute, as far as this daemon saw them."""
        return self._minutes.minutes(service_id, self._now())

    # ---- private

    async def _sources(self, service_id: str, asked: Grid) -> tuple[Kept, list[Rollup]]:
        """Figures from where they are kept, and from where they wait."""
        if asked.source == POINT:
            self._look_now()
            return Kept(), list(self._points)
        async with self._writing:
            kept = await self._store.read(
                service_id, step=asked.source, since=asked.since, until=asked.until
            )
            self._look_now()
            return kept, list(self._unwritten.values())

    def _look_now(self) -> None:
        self.look(self._now())

    def _now(self) -> int:
        now = int(self._clock.time())
        return now - now % POINT

    def _drop(self, now: int) -> None:
        self._minutes.forget(now)
        points = self._points
        while points and (points[0].at <= now - KEPT[POINT] or self._held > MOST_POINTS):
            self._held -= len(points.popleft().rows)
        while len(self._unwritten) > MOST_UNWRITTEN:
            del self._unwritten[min(self._unwritten)]

    async def _trim(self, now: int) -> None:
        if now - self._trimmed >= QUARTER:
            self._trimmed = now
            try:
                await self._store.trim(now)
            except PaasError as error:
                log.debug("old figures stay for now", extra={"code": error.code})

    def _failed(self, error: PaasError, due: Mapping[int, Rollup]) -> None:
        for at, one in due.items():
            later = self._unwritten.get(at)
            self._unwritten[at] = one + later if later else one
        if not self._failing:
            log.warning("figures are not written, trying again", extra={"code": error.code})
        self._failing = True


def _rows(
    service_id: str, kept: Kept, held: Iterable[Rollup]
) -> tuple[dict[str, Row], dict[int, int]]:
    """One service's figures by version, and looks. Long for many services: for a thread."""
    rows: dict[str, Row] = {}
    looks = dict(kept.looks)
    for version, at, figures in kept.figures:
        rows.setdefault(version, Row()).add(at, figures)
    for one in held:
        looks[one.at] = looks.get(one.at, 0) + one.looks
        for (service, version), figures in one.rows.items():
            if service == service_id:
                rows.setdefault(version, Row()).add(one.at, figures)
    return rows, looks


def _chart(rows: Mapping[str, Row], looks: Mapping[int, int], asked: Grid) -> Chart:
    """Long for busy services: for a thread."""
    times = looked(looks, asked)
    return Chart(
        grid=asked,
        total=series(placed(rows.values(), asked), times),
        versions={
            one: series(placed([row], asked), times) for one, row in sorted(rows.items()) if one
        },
    )
