"""Calls that read figures: for charts, and for Prometheus."""

import asyncio
from typing import Any

from aiohttp import web

from paas.adapters import exposition
from paas.api import answers_figures, render
from paas.api.call import PLAIN, Call, Route
from paas.api.exposed import families
from paas.api.queries import FigureQuery, NoQuery
from paas.api.schema import Nothing
from paas.core.access import Scope


async def read_metrics(
    call: Call[FigureQuery, Nothing],
) -> answers_figures.FiguresAnswer:
    query, name = call.query, call.path("service")
    chart = await call.context.recorder.read(
        name,
        version=query.version,
        since=query.since.timestamp() if query.since else None,
        until=query.until.timestamp() if query.until else None,
        step=query.step,
    )
    return answers_figures.FiguresAnswer(
        service=name,
        since=render.rfc3339(chart.grid.since),
        until=render.rfc3339(chart.grid.until),
        step=chart.grid.step,
        times=[render.rfc3339(at) for at in chart.grid.times],
        total=answers_figures.rows(chart.total),
        versions={one: answers_figures.rows(series) for one, series in chart.versions.items()},
    )


async def scrape(call: Call[NoQuery, Nothing]) -> web.Response:
    context = call.context
    accept = call.request.headers.get("Accept", "")
    disk = str(context.settings.data_dir)
    body, media = await asyncio.to_thread(
        exposition.text, families(context), accept=accept, disk=disk
    )
    return web.Response(body=body, headers={"Content-Type": media})


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
        media=(PLAIN,),
    ),
)
