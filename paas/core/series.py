"""Figures over time: how finely they are kept, and as rows of numbers for charts.

Kept are points of 5 s for an hour (in memory), of a minute for a week, and of a quarter of
an hour for 90 days. Every point begins at a multiple of its length since the epoch, so
finer ones add up to coarser ones.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from paas.core.figures import CLASSES, GAUGES, NOTHING, Figures, total
from paas.core.latency import quantile

POINT, MINUTE, QUARTER = 5, 60, 900
"""Seconds of the points that are kept."""
KEPT = {POINT: 3600, MINUTE: 7 * 86400, QUARTER: 90 * 86400}
"""For how many seconds."""
USUAL_SPAN = 3600
USUAL_POINTS = 360
MOST_POINTS = 1500
QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}

_STEPS = (5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 10800, 21600, 43200, 86400, 604800)

Number = float | int | None


@dataclass(frozen=True, slots=True)
class Grid:
    """`count` stretches of `step` seconds from `since` on (epoch, a multiple of the step),
    put together from points of `source` seconds.
    """

    since: int
    step: int
    count: int
    source: int

    @property
    def until(self) -> int:
        return self.since + self.step * self.count

    @property
    def times(self) -> list[int]:
        """Where each stretch begins."""
        return list(range(self.since, self.until, self.step))

    def place(self, at: int) -> int:
        """The number of the stretch that a point belongs to."""
        return (at - self.since) // self.step


@dataclass(slots=True)
class Row:
    """One version's figures by the beginning of their point."""

    points: dict[int, list[Figures]] = field(default_factory=dict)

    def add(self, at: int, figures: Figures) -> None:
        self.points.setdefault(at, []).append(figures)


def grid(now: float, *, since: float | None, until: float | None, step: int | None) -> Grid:
    """The stretches that are asked for; None: the last hour, and as many as make a chart.

    The step is raised to what is kept of that time, to a multiple of that, and until there
    are at most `MOST_POINTS`. The last stretch may not be over yet.
    """
    end = min(until if until is not None else now, now)
    begin = since if since is not None else end - USUAL_SPAN
    begin = max(min(begin, end), end - KEPT[QUARTER], now - KEPT[QUARTER])
    end = max(begin, end)
    span, finest = end - begin, _finest(now - begin)
    if step is None:
        step = next((one for one in _STEPS if one >= finest and span <= one * USUAL_POINTS), 0)
    least = max(finest, step, span / MOST_POINTS)
    source = max(one for one in KEPT if one <= max(finest, min(least, QUARTER)))
    step = int(-(-least // source)) * source
    first = int(begin // step) * step
    count = int((end - first) // step) + 1 if end == now else int(-(-(end - first) // step))
    return Grid(first, step, max(1, count), source)


def placed(rows: Iterable[Row], asked: Grid) -> list[Figures]:
    """All rows' figures added up for each stretch."""
    found: list[list[Figures]] = [[] for _ in range(asked.count)]
    for row in rows:
        for at, figures in row.points.items():
            if asked.since <= at < asked.until:
                found[asked.place(at)] += figures
    return [total(one) for one in found]


def looked(looks: Mapping[int, int], asked: Grid) -> list[int]:
    """How often everything was looked at in each stretch; 0 while no daemon ran."""
    found = [0] * asked.count
    for at, times in looks.items():
        if asked.since <= at < asked.until:
            found[asked.place(at)] += times
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Rows of numbers, one for each stretch; None where no daemon ran, and for a duration
    of nothing. Gauges are means, durations seconds.
    """

    requests: list[Number]
    classes: dict[str, list[Number]]
    errors: dict[str, list[Number]]
    latency: dict[str, list[Number]]
    gauges: dict[str, list[Number]]
    cold_starts: list[Number]
    cold_seconds: list[Number]


def series(figures: Sequence[Figures], looks: Sequence[int]) -> Series:
    """The figures of each stretch as rows."""

    def row(value: Callable[[Figures], Number]) -> list[Number]:
        return [
            value(one) if _known(one, n) else None for one, n in zip(figures, looks, strict=True)
        ]

    latency = {name: row(_quantile(part)) for name, part in QUANTILES.items()}
    return Series(
        requests=row(lambda one: one.requests),
        classes={name: row(_nth_class(at)) for at, name in enumerate(CLASSES)},
        errors={
            code: row(_error(code)) for code in sorted({c for one in figures for c in one.errors})
        },
        latency=latency | {"mean": row(_mean)},
        gauges={name: _gauge(figures, looks, at) for at, name in enumerate(GAUGES)},
        cold_starts=row(lambda one: one.cold_starts),
        cold_seconds=row(
            lambda one: one.cold_seconds / one.cold_starts if one.cold_starts else None
        ),
    )


def _finest(age: float) -> int:
    """The shortest points that reach so far back."""
    return next((point for point, kept in KEPT.items() if age <= kept), QUARTER)


def _known(figures: Figures, looks: int) -> bool:
    return looks > 0 or figures is not NOTHING


def _quantile(part: float) -> Callable[[Figures], Number]:
    return lambda figures: quantile(figures.latency, part)


def _nth_class(at: int) -> Callable[[Figures], Number]:
    return lambda figures: figures.classes[at]


def _error(code: str) -> Callable[[Figures], Number]:
    return lambda figures: figures.errors.get(code, 0)


def _mean(figures: Figures) -> Number:
    count = sum(figures.latency.values())
    return figures.seconds / count if count else None


def _gauge(figures: Sequence[Figures], looks: Sequence[int], at: int) -> list[Number]:
    pairs = zip(figures, looks, strict=True)
    return [one.gauges[at] / times if times else None for one, times in pairs]
