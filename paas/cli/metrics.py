"""The command that shows a service's figures: rows with their shape over time."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import click

from paas.cli.app import App, common
from paas.cli.client import segment
from paas.cli.logs import since
from paas.cli.output import moment, safe, size
from paas.cli.versions import full_name

Row = Sequence[float | None]
WIDE = 48
"""Characters of a line's picture."""
_VERSION_HEADS = ("VERSION", "REQUESTS", "5XX", "WORST P50", "WORST P95", "WORST P99")
_BARS = "▁▂▃▄▅▆▇█"


@click.command()
@click.argument("service")
@click.option("--version", metavar="VERSION", help="Only this version.")
@click.option("--since", "begin", metavar="TIME", default="1h", show_default=True)
@click.option("--until", metavar="TIME", help="An RFC 3339 time, or an age such as 10m, 2h, 1d.")
@click.option("--step", type=click.IntRange(1), help="Seconds of a point.")
@common
def metrics(app: App, service: str, **options: Any) -> None:
    """Show SERVICE's figures: requests, errors, latency, replicas, CPU, memory, cold starts.

    Examples:
      paas metrics shop
      paas metrics shop --version 3 --since 1d
      paas metrics shop --json --step 60

    """
    now, version = datetime.now(UTC), options["version"]
    answer = app.client().get(
        f"/v1/services/{segment(service)}/metrics",
        since=since(options["begin"], now),
        until=since(options["until"], now),
        step=options["step"],
        version=full_name(service, version) if version else None,
    )
    if app.json:
        app.out.json(answer)
        return
    _show(app, answer)


def _show(app: App, answer: dict[str, Any]) -> None:
    step, total = answer["step"], answer["total"]
    span = f"{moment(answer['since'])} to {moment(answer['until'])}, {step} s a point"
    app.out.line(app.out.paint("dim", span))
    app.out.table(("FIGURE", "ALL", "LAST", "HIGHEST", "OVER TIME"), _rows(total, step))
    versions = [
        (name, _sum(rows["requests"]), _sum(rows["classes"]["5xx"]), *_latency(rows))
        for name, rows in answer["versions"].items()
    ]
    if versions:
        app.out.line()
        app.out.table(_VERSION_HEADS, versions)
    errors = {code: _sum(row) for code, row in total["errors"].items()}
    if any(errors.values()):
        told = ", ".join(f"{safe(code)} {count}" for code, count in errors.items())
        app.out.line(f"\nOur own error answers: {told}")


def _rows(total: dict[str, Any], step: int) -> list[tuple[str, str, str, str, str]]:
    replicas, cold = total["replicas"], total["cold_starts"]
    rows = [_row("requests/s", _scaled(total["requests"], 1 / step), total["requests"])]
    for name in ("2xx", "3xx", "4xx", "5xx", "none"):
        row = total["classes"][name]
        if name == "2xx" or _sum(row):
            rows.append(_row(name, row, row))
    latency = total["latency"]
    rows += [_row(f"{name}, ms", _scaled(latency[name], 1000)) for name in ("p50", "p95", "p99")]
    rows += [_row("in flight", total["in_flight"]), _row("queued", total["queued"])]
    rows += [_row(name, replicas[name]) for name in ("ready", "frozen", "starting")]
    rows.append(_row("CPU, cores", total["cpu"]))
    rows.append(_memory(total["memory"]))
    rows.append(_row("cold starts", cold["count"], cold["count"]))
    rows.append(_row("cold, ms", cold["milliseconds"]))
    return rows


def _row(name: str, row: Row, count: Row | None = None) -> tuple[str, str, str, str, str]:
    known = [one for one in row if one is not None]
    last = _number(row[-1]) if row else ""
    most = _number(max(known)) if known else ""
    return name, str(_sum(count)) if count is not None else "", last, most, picture(row)


def _memory(row: Row) -> tuple[str, str, str, str, str]:
    known = [one for one in row if one is not None]
    return (
        "memory",
        "",
        size(row[-1] if row else None),
        size(max(known, default=None)),
        picture(row),
    )


def picture(row: Row) -> str:
    """A line of bars from 0 to the highest; a space where nothing is known."""
    cells = [_highest(part) for part in _parts(row)]
    most = max((one for one in cells if one is not None), default=0.0) or 1.0
    return "".join(
        " " if one is None else _BARS[min(int(one / most * len(_BARS)), len(_BARS) - 1)]
        for one in cells
    )


def _parts(row: Row) -> list[Row]:
    count = min(WIDE, len(row))
    return [row[at * len(row) // count : (at + 1) * len(row) // count] for at in range(count)]


def _highest(part: Row) -> float | None:
    return max((one for one in part if one is not None), default=None)


def _latency(rows: dict[str, Any]) -> list[str]:
    """The worst of each over time: quantiles cannot be added up here."""
    worst = [_highest(rows["latency"][name]) for name in ("p50", "p95", "p99")]
    return ["" if one is None else f"{_number(one * 1000)} ms" for one in worst]


def _scaled(row: Row, factor: float) -> Row:
    return [None if one is None else one * factor for one in row]


def _sum(row: Row) -> int:
    return int(sum(one or 0 for one in row))


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.0f}" if value >= 100 or value == int(value) else f"{value:.3g}"
