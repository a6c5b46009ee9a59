"""The `FigureStore` port over SQLite: minutes and quarters of an hour, bounded.

A row is a small JSON array. What is added to a stretch that has a row already, after a
restart or to a quarter of an hour, is added to that row within the same transaction.
"""

import asyncio
import json
from collections.abc import Iterable, Mapping

from paas.adapters.database import Database, Row, Transaction
from paas.core.figures import Figures, Kept, Rollup
from paas.core.series import KEPT, MINUTE, QUARTER

MOST_ROWS = 500_000
"""Of each step; some 100 MB. 49 versions that are always awake fill it with a week."""
STEPS = (MINUTE, QUARTER)

Key = tuple[str, str]


class SqliteFigures:
    """On a database that somebody else opens and closes."""

    def __init__(self, database: Database, *, most_rows: int = MOST_ROWS) -> None:
        self._database = database
        self._most_rows = most_rows

    async def add(self, rollups: tuple[Rollup, ...]) -> None:
        """Add these minutes in one transaction. Raises `Unavailable`."""

        async def work(transaction: Transaction) -> None:
            for step in STEPS:
                for rollup in _grouped(rollups, step):
                    await _add(transaction, rollup, step)

        await self._database.write(work)

    async def read(self, service_id: str, *, step: int, since: int, until: int) -> Kept:
        """One service's figures of that time. Raises `Unavailable`."""
        rows = await self._database.read(
            "SELECT version, at, document FROM figures "
            "WHERE service_id = ? AND step = ? AND at >= ? AND at < ?",
            (service_id, step, since, until),
        )
        looks = await self._database.read(
            "SELECT at, looks FROM figure_looks WHERE step = ? AND at >= ? AND at < ?",
            (step, since, until),
        )
        return await asyncio.to_thread(_kept, rows, looks)

    async def trim(self, now: float) -> None:
        """Drop what is too old, and the oldest of what is too much. Raises `Unavailable`."""

        async def work(transaction: Transaction) -> None:
            for step in STEPS:
                bounds = (step, int(now) - KEPT[step])
                await transaction.run("DELETE FROM figures WHERE step = ? AND at < ?", bounds)
                await transaction.run("DELETE FROM figure_looks WHERE step = ? AND at < ?", bounds)
                await transaction.run(
                    "DELETE FROM figures WHERE step = ?1 AND at <= (SELECT at FROM figures "
                    "WHERE step = ?1 ORDER BY at DESC LIMIT 1 OFFSET ?2)",
                    (step, self._most_rows),
                )

        await self._database.write(work)


def _grouped(rollups: Iterable[Rollup], step: int) -> list[Rollup]:
    """The minutes put together to stretches of that step."""
    found: dict[int, Rollup] = {}
    for one in rollups:
        at = one.at - one.at % step
        moved = Rollup(at=at, looks=one.looks, rows=one.rows)
        found[at] = found[at] + moved if at in found else moved
    return list(found.values())


async def _add(transaction: Transaction, rollup: Rollup, step: int) -> None:
    await transaction.run(
        "INSERT INTO figure_looks (step, at, looks) VALUES (?, ?, ?) "
        "ON CONFLICT (step, at) DO UPDATE SET looks = looks + excluded.looks",
        (step, rollup.at, rollup.looks),
    )
    before = await transaction.rows(
        "SELECT service_id, version, document FROM figures WHERE step = ? AND at = ?",
        (step, rollup.at),
    )
    rows = await asyncio.to_thread(_merged, before, rollup.rows)
    await transaction.run_many(
        "INSERT OR REPLACE INTO figures (service_id, step, at, version, document) "
        "SELECT ?1, ?2, ?3, ?4, ?5 WHERE EXISTS (SELECT 1 FROM services WHERE id = ?1)",
        [(service, step, rollup.at, version, text) for service, version, text in rows],
    )


def _merged(before: Iterable[Row], rows: Mapping[Key, Figures]) -> list[tuple[str, str, str]]:
    known = {(service, version): document for service, version, document in before}
    return [
        (*key, _encoded(figures + _decoded(known[key]) if key in known else figures))
        for key, figures in rows.items()
    ]


def _kept(rows: Iterable[Row], looks: Iterable[Row]) -> Kept:
    return Kept(
        figures=tuple((version, at, _decoded(document)) for version, at, document in rows),
        looks=dict(looks),
    )


def _encoded(figures: Figures) -> str:
    """Short, in this order; durations to a microsecond."""
    fields = (
        figures.classes,
        figures.errors,
        figures.latency,
        round(figures.seconds, 6),
        figures.cold_starts,
        round(figures.cold_seconds, 6),
        [round(value, 4) for value in figures.gauges],
    )
    return json.dumps(fields, separators=(",", ":"))


def _decoded(document: str) -> Figures:
    classes, errors, latency, seconds, cold_starts, cold_seconds, gauges = json.loads(document)
    return Figures(
        classes=tuple(classes),
        errors=errors,
        latency={int(bucket): count for bucket, count in latency.items()},
        seconds=seconds,
        cold_starts=cold_starts,
        cold_seconds=cold_seconds,
        gauges=tuple(gauges),
    )
