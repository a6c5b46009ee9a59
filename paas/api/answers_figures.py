"""A service's figures as rows for charts."""

from pydantic import Field

from paas.api.answers import Shape, Time
from paas.core.series import Number, Series

Numbers = list[Number]


class Rows(Shape):
    """One number for each of `times`: null where no daemon ran, and for a duration of nothing.

    `requests` and `classes` count the requests that ended in that time: by the first digit
    of their status, `none` left before an answer. `errors` are our own error answers among
    them, by code. `latency` (p50, p95, p99, mean; seconds, with the wait) is of those that
    were at a replica; quantiles are off by less than a tenth of themselves. The others are
    averages: `in_flight` (held and running), `queued`, `replicas` (ready, frozen, starting),
    `cpu` (cores), `memory` (bytes). `cold_starts` has their `count`, and `milliseconds` that
    one took on average.
    """

    requests: Numbers
    classes: dict[str, Numbers]
    errors: dict[str, Numbers]
    latency: dict[str, Numbers]
    in_flight: Numbers
    queued: Numbers
    replicas: dict[str, Numbers]
    cpu: Numbers
    memory: Numbers
    cold_starts: dict[str, Numbers]


class FiguresAnswer(Shape):
    """`times` are the beginnings of stretches of `step` seconds; the last may not be over.
    `total` is of all versions, also of those that are gone, and of what reached none.
    """

    service: str
    since: Time
    until: Time
    step: int = Field(description="Seconds.")
    times: list[Time]
    total: Rows
    versions: dict[str, Rows]


def rows(series: Series) -> Rows:
    """As the API shows it."""
    gauges = {name: _rounded(row, 4) for name, row in series.gauges.items()}
    milliseconds = [None if one is None else one * 1000 for one in series.cold_seconds]
    return Rows(
        requests=series.requests,
        classes=series.classes,
        errors=series.errors,
        latency={name: _rounded(row, 6) for name, row in series.latency.items()},
        in_flight=gauges["in_flight"],
        queued=gauges["queued"],
        replicas={name: gauges[name] for name in ("ready", "frozen", "starting")},
        cpu=gauges["cpu"],
        memory=_rounded(series.gauges["memory"], 0),
        cold_starts={"count": series.cold_starts, "milliseconds": _rounded(milliseconds, 1)},
    )


def _rounded(row: Numbers, digits: int) -> Numbers:
    return [None if one is None else round(one, digits) for one in row]
