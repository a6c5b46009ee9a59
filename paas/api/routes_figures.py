"""Calls that read figures: for charts, and for Prometheus."""

import asyncio
from typing import Any

from aiohttp import web

from paas.api import answers_figures, render
from paas.api.call import JSON, PLAIN, Call, Route
from paas.api.exposed import families
from paas.api.queries import FigureQuery, NoQuery
from paas.api.schema import Nothing
from paas.control.recorder import Chart
from paas.core.access import Scope
from paas.core.metrics import Family

OPEN_METRICS = "application/openmetrics-text"
"""To whom asks for it."""


async def read_metrics(call: Call[FigureQuery, Nothing]) -> web.Response:
    query, name = call.query, call.path("service")
    chart = await call.context.recorder.read(
        name,
        version=query.version,
        since=query.since.timestamp() if query.since else None,
        until=query.until.timestamp() if query.until else None,
        step=query.step,
    )
    text = await asyncio.to_thread(_figures, name, chart)
    return web.Response(body=text, content_type=JSON)


async def scrape(call: Call[NoQuery, Nothing]) -> web.Response:
    context = call.context
    accept = call.request.headers.get("Accept", "")
    disk = str(context.settings.data_dir)
    body, media = await asyncio.to_thread(_exposed, families(context), accept=accept, disk=disk)
    return web.Response(body=body, headers={"Content-Type": media})


def _exposed(told: list[Family], *, accept: str, disk: str) -> tuple[bytes, str]:
    """Most daemons are never scraped: what it takes is loaded when one is."""
    from paas.adapters import exposition  # noqa: PLC0415 - see above

    return exposition.text(told, accept=accept, disk=disk)


def _figures(name: str, chart: Chart) -> bytes:
    """A busy service has some hundred thousand numbers: for a thread."""
    answer = answers_figures.FiguresAnswer(
        service=name,
        since=render.rfc3339(chart.grid.since),
        until=render.rfc3339(chart.grid.until),
        step=chart.grid.step,
        times=[render.rfc3339(at) for at in chart.grid.times],
        total=answers_figures.rows(chart.total),
        versions={one: answers_figures.rows(series) for one, series in chart.versions.items()},
    )
    return answer.model_dump_json(exclude_unset=True).encode()


ROUTES: tuple[Route[Any, Any], ...] = (
    Route(
        method="GET",
        path="/v1/services/{service}/metrics",
        needs=Scope.READ,
        operation="readMetrics",
        summary="A service's figures over time, by version and in all",
        handler=read_metrics,
        query=FigureQuery,
        answer=answers_figures.FiguresAnswer,
        errors=(404, 422, 503),
    ),
    Route(
        method="GET",
        path="/metrics",
        needs=Scope.READ,
        operation="scrapeMetrics",
        summary="All figures of the moment for Prometheus",
        handler=scrape,
        media=(PLAIN, OPEN_METRICS),
    ),
)
