"""git over HTTP: pushes to a service's repository, and what its hook asks for then.

Only pushes: git's two calls for them, and an answer in words to fetches. Nothing of a
push is read before the caller is known, and no part of it is ever held as a whole.
"""

import asyncio
import logging
from typing import Any

from aiohttp import web

from paas.aio.tasks import Tasks
from paas.api import answers, answers_pushes, queries, render
from paas.api.bodies import SILENCE, invite, stalled, unsupported
from paas.api.call import Call, Route, reply
from paas.api.fields import checked
from paas.api.queries import NoQuery
from paas.api.schema import Nothing
from paas.api.schema_pushes import NewPush
from paas.api.uploads import MULTIPART, receive
from paas.control.control import uploads_dir
from paas.control.pushes import PushOrder
from paas.core.access import Scope
from paas.core.names import check_service_name
from paas.core.pktline import MOST, Commands, announcement
from paas.core.pushing import no_fetch
from paas.errors import Failed, Invalid, PaasError, TooLarge
from paas.ports import Receiving

log = logging.getLogger(__name__)

REPOSITORY = "/git/{service}.git"
REFS = "application/x-git-receive-pack-advertisement"
REQUEST = "application/x-git-receive-pack-request"
RESULT = "application/x-git-receive-pack-result"
SERVICE = "git-receive-pack"
PIECE = 64 * 1024
LONGEST = 4 * 3600.0
"""Seconds that a push may take, with its turn in the queue and its build."""
LONGEST_USER = 60


async def tell_refs(call: Call[queries.RefsQuery, Nothing]) -> web.Response:
    service = check_service_name(call.path("service"), field="service")
    if call.query.service != SERVICE:
        raise no_fetch()
    refs = await call.context.pushes.advertise(service)
    return web.Response(body=announcement(refs), content_type=REFS)


async def refuse_fetch(call: Call[NoQuery, Nothing]) -> web.Response:
    check_service_name(call.path("service"), field="service")
    raise no_fetch()


async def take_push(call: Call[NoQuery, Nothing]) -> web.StreamResponse:
    """Git's answer begins while its question still arrives."""
    service = check_service_name(call.path("service"), field="service")
    request = call.request
    if request.content_type != REQUEST:
        raise unsupported(REQUEST)
    limit = call.context.settings.limits.upload_bytes + MOST
    if (request.content_length or 0) > limit:
        raise _too_large(limit)
    await invite(request)
    commands = await _read_commands(request)
    if commands.probing:
        return web.Response(content_type=RESULT)
    response = web.StreamResponse()
    response.content_type = RESULT
    try:
        async with (
            asyncio.timeout(LONGEST),
            call.context.pushes.receive(service, actor=_actor(call)) as receiving,
        ):
            await _converse(request, response, receiving, begun=commands.data, limit=limit)
    except (PaasError, TimeoutError, ConnectionError) as error:
        if not response.prepared:
            raise
        fields = {"service": service, "problem": type(error).__name__}
        log.info("push was cut off", extra=fields)  # what git has said already stands
    return response


async def deploy_push(call: Call[NoQuery, Nothing]) -> web.Response:
    service, context = call.path("service"), call.context
    await context.deployments.check(service, create=True)
    await context.deployments.check_room()
    if call.request.content_type != MULTIPART:
        raise unsupported(MULTIPART)

    async def early(spec: object) -> None:
        await context.pushes.welcome(_order(call, service, spec))

    with context.uploads.taken(service):
        async with receive(
            call.request,
            folder=uploads_dir(context.settings.data_dir),
            limit=context.settings.limits.upload_bytes,
            on_spec=early,
        ) as upload:
            order = await context.pushes.welcome(_order(call, service, upload.spec))
            deployment = await context.pushes.deploy(order, upload.keep())
    where = {"Location": f"/v1/deployments/{deployment.id}"}
    return reply(render.deployment(deployment), status=202, headers=where)


async def read_push(call: Call[NoQuery, Nothing]) -> answers_pushes.Push:
    is_next = call.context.pushes.is_next(call.path("service"), call.path("ticket"))
    return answers_pushes.Push(is_next=is_next)


def _order(call: Call[NoQuery, Nothing], service: str, spec: object) -> PushOrder:
    wanted = checked(NewPush, spec)
    return PushOrder(
        service=service,
        branch=wanted.branch,
        revision=wanted.revision,
        actor=_actor(call),
        ticket=wanted.ticket,
    )


def _actor(call: Call[Any, Any]) -> str:
    """Who calls, and for whom, where the caller is the end of an SSH connection."""
    user = call.request.headers.get("Paas-User", "")
    told = "".join(letter for letter in user if letter.isprintable())[:LONGEST_USER]
    return f"{call.actor}:{told}" if told else call.actor


async def _read_commands(request: web.Request) -> Commands:
    """The lines before the pack. Raises `Invalid`, `TooLarge`."""
    commands = Commands()
    while not commands.complete:
        piece = await _piece(request)
        commands.feed(piece) if piece else commands.end()
    return commands


async def _converse(
    request: web.Request,
    response: web.StreamResponse,
    receiving: Receiving,
    *,
    begun: bytes,
    limit: int,
) -> None:
    """Both directions at once: git reads no more while nobody takes what it says."""
    tasks = Tasks()
    feeding = tasks.spawn(
        "feed push", _feed(request, receiving, begun=begun, limit=limit), awaited=True
    )
    telling = tasks.spawn("tell of push", _tell(request, response, receiving), awaited=True)
    try:
        done, _ = await asyncio.wait([feeding, telling], return_when=asyncio.FIRST_EXCEPTION)
        for task in done:
            task.result()
    finally:
        await tasks.close()


async def _feed(request: web.Request, receiving: Receiving, *, begun: bytes, limit: int) -> None:
    size = len(begun)
    await receiving.write(begun)
    while piece := await _piece(request):
        size += len(piece)
        if size > limit:
            raise _too_large(limit)
        await receiving.write(piece)
    receiving.finish()


async def _tell(request: web.Request, response: web.StreamResponse, receiving: Receiving) -> None:
    """Raises `Failed` when git says nothing at all."""
    while piece := await receiving.read():
        if not response.prepared:
            await response.prepare(request)
        await response.write(piece)
    if not response.prepared:
        raise Failed("git could not take the push.", code="git_failed", advice="Push again.")


async def _piece(request: web.Request) -> bytes:
    """The next bytes; b"" at the end. Raises `Invalid` (`upload_stalled`, `malformed_push`)."""
    try:
        async with asyncio.timeout(SILENCE):
            return await request.content.read(PIECE)
    except TimeoutError:
        raise stalled() from None
    except (web.RequestPayloadError, OSError, ValueError) as error:
        raise Invalid("The push was cut off or is damaged.", code="malformed_push") from error


def _too_large(limit: int) -> TooLarge:
    return TooLarge(
        f"The push is larger than {limit} bytes.",
        advice="Keep large files out of the repository, or raise limits.upload_bytes.",
    )


ROUTES: tuple[Route[Any, Any], ...] = (
    Route(
        method="POST",
        path="/v1/services/{service}/pushes",
        operation="deployPush",
        summary="Deploy a commit that was pushed (multipart: spec, archive); for hooks",
        handler=deploy_push,
        needs=Scope.DEPLOY,
        body=NewPush,
        answer=answers.Deployment,
        status=202,
        errors=(403, 404, 408, 409, 413, 415, 422, 507),
        upload=True,
    ),
    Route(
        method="GET",
        path="/v1/services/{service}/pushes/{ticket}",
        operation="readPush",
        summary="Whether the pushes before this one are over; for the daemon's own hook",
        handler=read_push,
        needs=Scope.DEPLOY,
        answer=answers_pushes.Push,
        errors=(403, 404),
    ),
    Route(
        method="GET",
        path=REPOSITORY + "/info/refs",
        operation="gitRefs",
        summary="git: begin a push; refusals are plain text for git itself",
        handler=tell_refs,
        needs=Scope.DEPLOY,
        basic=True,
        query=queries.RefsQuery,
        errors=(403, 404, 422),
    ),
    Route(
        method="POST",
        path=REPOSITORY + "/git-receive-pack",
        operation="gitPush",
        summary="git: a push, deployed while it lasts",
        handler=take_push,
        needs=Scope.DEPLOY,
        basic=True,
        errors=(400, 404, 408, 413, 415, 422),
    ),
    Route(
        method="POST",
        path=REPOSITORY + "/git-upload-pack",
        operation="gitFetch",
        summary="git: a fetch, which is refused with a word on what to do instead",
        handler=refuse_fetch,
        needs=Scope.DEPLOY,
        basic=True,
        errors=(403, 404, 422),
    ),
)
