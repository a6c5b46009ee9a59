"""Calls that read what happened and what is: output, events, health."""

from typing import Any

from aiohttp import web

from paas import __version__
from paas.api import answers, logs, render
from paas.api.call import EVENTS, JSON, Call, Route, preferred
from paas.api.queries import EventPage, LogQuery, NoQuery, Page
from paas.api.schema import Nothing
from paas.api.streams import send
from paas.core.access import EVERYTHING, Scope


async def read_logs(call: Call[LogQuery, Nothing]) -> answers.Lines | web.StreamResponse:
    context, query, name = call.context, call.query, call.path("service")
    service = (await context.services.read(name)).service
    if query.version is not None:
        await context.services.version(name, query.version)
    wanted = logs.Wanted(
        version=query.version,
        replica=query.replica,
        stream=query.stream,
        text=query.q or None,
        since=query.since.timestamp() if query.since else None,
        until=query.until.timestamp() if query.until else None,
    )
    streamed = preferred(call.request, (JSON, EVENTS)) == EVENTS or query.follow is True
    if streamed and call.request.method == "GET":
        after = call.request.headers.get("Last-Event-ID", query.after)
        live = query.follow is not False
        events = logs.stream(context, name, wanted, after=after, limit=query.limit, live=live)
        with context.streams.taken(name):
            return await send(call.request, events)
    position = logs.Position.parse(query.after, service.id)
    items = await logs.history(context, service, wanted, position=position, limit=query.limit)
    return answers.Lines(items=items)


async def service_events(call: Call[EventPage, Nothing]) -> answers.Events:
    query = call.query
    found = await call.context.history.of_service(
        call.path("service"), after=query.after, before=query.before, limit=query.limit
    )
    return answers.Events(items=[render.event(one) for one in found])


async def service_requests(call: Call[Page, Nothing]) -> answers.Requests:
    service = (await call.context.services.read(call.path("service"))).service
    found = call.context.requests.recent(service.name, limit=call.query.limit)
    items = [render.request(record) for record in found]
    return answers.Requests(enabled=service.settings.request_log, items=items)


async def all_events(call: Call[EventPage, Nothing]) -> answers.Events:
    query = call.query
    found = await call.context.history.events(
        view=call.view, after=query.after, before=query.before, limit=query.limit
    )
    return answers.Events(items=[render.event(one) for one in found])


async def health(call: Call[NoQuery, Nothing]) -> answers.Health:
    """Anyone may see that it lives; what it sees is for those who may call it."""
    if call.principal.scope is None or call.view != EVERYTHING:
        return answers.Health(status="ok", version=__version__)
    return render.health(await call.context.status.health(), call.context.usage())


ROUTES: tuple[Route[Any, Any], ...] = (
    Route(
        method="GET",
        path="/v1/services/{service}/logs",
        operation="readLogs",
        summary="What the replicas wrote; as an event stream with what comes",
        handler=read_logs,
        needs=Scope.READ,
        query=LogQuery,
        answer=answers.Lines,
        media=(JSON, EVENTS),
        errors=(404, 422),
    ),
    Route(
        method="GET",
        path="/v1/services/{service}/events",
        operation="listServiceEvents",
        summary="What happened to a service, newest first",
        handler=service_events,
        needs=Scope.READ,
        query=EventPage,
        answer=answers.Events,
        errors=(404, 422),
    ),
    Route(
        method="GET",
        path="/v1/services/{service}/requests",
        operation="listServiceRequests",
        summary="A service's last requests while its `request_log` is on, newest first",
        handler=service_requests,
        needs=Scope.READ,
        query=Page,
        answer=answers.Requests,
        errors=(404, 422),
    ),
    Route(
        method="GET",
        path="/v1/events",
        operation="listEvents",
        summary="What happened, newest first",
        handler=all_events,
        needs=Scope.READ,
        filtered=True,
        query=EventPage,
        answer=answers.Events,
        errors=(422,),
    ),
    Route(
        method="GET",
        path="/v1/health",
        operation="readHealth",
        summary="Whether the daemon lives, and what it sees",
        handler=health,
        answer=answers.Health,
        public=True,
    ),
)
