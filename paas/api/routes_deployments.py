"""Calls on deployments: submit, list, read, cancel, log."""

from typing import Any

from aiohttp import web

from paas.api import answers, deployment_log, queries, render, schema, to_core
from paas.api.bodies import read_json, unsupported
from paas.api.call import EVENTS, JSON, PLAIN, Call, Route, preferred, reply
from paas.api.fields import checked, wrong_field
from paas.api.queries import NoQuery
from paas.api.schema import NewDeployment, Nothing
from paas.api.streams import send
from paas.api.uploads import MULTIPART, Upload, receive
from paas.control import logs
from paas.control.control import uploads_dir
from paas.control.intake import DeploymentRequest
from paas.control.usual import usual_spec
from paas.core.access import Scope
from paas.core.model import Traffic, Version

OF_SERVICE = "/v1/services/{service}/deployments"
ONE = "/v1/deployments/{deployment}"


async def submit(call: Call[NoQuery, Nothing]) -> web.Response:
    """What can be refused without the body is refused before it is read."""
    service = call.path("service")
    await call.context.deployments.check(service, create=True)
    if call.request.content_type == MULTIPART:
        return await _submit_archive(call, service)
    if call.request.can_read_body and call.request.content_type != JSON:
        raise unsupported(f"{JSON} or {MULTIPART}")
    wanted = checked(NewDeployment, await read_json(call.request))
    if isinstance(wanted.source, schema.FromArchive):
        message = f"must come as {MULTIPART} with the parts spec and archive"
        raise wrong_field("source", message)
    return await _accept(call, service, wanted)


async def list_deployments(call: Call[queries.Page, Nothing]) -> answers.Deployments:
    found = await call.context.deployments.list(call.path("service"), limit=call.query.limit)
    return answers.Deployments(items=[render.deployment(one) for one in found])


async def read_deployment(call: Call[NoQuery, Nothing]) -> answers.Deployment:
    found = await call.context.deployments.read(call.path("deployment"), view=call.view)
    return render.deployment(found)


async def cancel(call: Call[NoQuery, Nothing]) -> answers.Deployment:
    deployments = call.context.deployments
    ended = await deployments.cancel(call.path("deployment"), actor=call.actor, view=call.view)
    return render.deployment(ended)


async def read_log(
    call: Call[queries.DeploymentLogQuery, Nothing],
) -> answers.DeploymentLines | web.StreamResponse:
    deployment = await call.context.deployments.read(call.path("deployment"), view=call.view)
    media = preferred(call.request, (JSON, PLAIN, EVENTS))
    if media == EVENTS and call.request.method == "GET":
        given = call.request.headers.get("Last-Event-ID", "")
        resumed = given.isascii() and given.isdigit() and len(given) < 19
        after = int(given) if resumed else call.query.after
        events = deployment_log.stream(call.context, deployment.id, after=after)
        with call.context.streams.taken(deployment.service):
            return await send(call.request, events)
    key = logs.deployment_log(deployment.id)
    lines = await call.context.journal.read(key, after=call.query.after, limit=call.query.limit)
    if media == PLAIN:
        text = "".join(f"{line.text}\n" for line in lines)
        return web.Response(text=text, content_type=PLAIN)
    return answers.DeploymentLines(items=[render.deployment_line(line) for line in lines])


async def _submit_archive(call: Call[NoQuery, Nothing], service: str) -> web.Response:
    context = call.context
    await context.deployments.check_room()

    async def early(spec: object) -> None:
        wanted = _archive_spec(spec)
        await context.deployments.check(service, create=wanted.create)

    with context.uploads.taken(service):
        async with receive(
            call.request,
            folder=uploads_dir(context.settings.data_dir),
            limit=context.settings.limits.upload_bytes,
            on_spec=early,
        ) as upload:
            return await _accept(call, service, _archive_spec(upload.spec), upload=upload)


def _archive_spec(spec: object) -> NewDeployment:
    wanted = checked(NewDeployment, spec)
    if not isinstance(wanted.source, schema.FromArchive):
        raise wrong_field("source.type", "must be archive where an archive is uploaded")
    return wanted


async def _accept(
    call: Call[NoQuery, Nothing],
    service: str,
    wanted: NewDeployment,
    *,
    upload: Upload | None = None,
) -> web.Response:
    """Once submitted, the upload belongs to the deployment."""
    context = call.context
    to_core.check_repository(wanted, context.settings.git)
    name = upload.filename if upload and upload.filename else "archive"
    base = _base(call, service, wanted)
    source = to_core.source(wanted, filename=name, base=base)
    usual = usual_spec(base, context.settings.defaults, source)
    secrets, dropped = to_core.secrets(wanted)
    deployment = await context.deployments.submit(
        DeploymentRequest(
            service=service,
            create=wanted.create,
            traffic=Traffic(wanted.traffic),
            actor=call.actor,
            spec=to_core.version_spec(wanted, usual),
            base=base,
            secrets=secrets,
            dropped=dropped,
            build_secrets=dict(wanted.build_secrets or {}),
            credentials=to_core.credentials(wanted),
            upload=upload.keep() if upload else None,
        )
    )
    where = {"Location": f"/v1/deployments/{deployment.id}"}
    return reply(render.deployment(deployment), status=202, headers=where)


def _base(call: Call[NoQuery, Nothing], service: str, wanted: NewDeployment) -> Version | None:
    deployments = call.context.deployments
    if isinstance(wanted.source, schema.FromVersion):
        return deployments.base(service, wanted.source.version)
    return deployments.base(service) if wanted.inherit else None


ROUTES: tuple[Route[Any, Any], ...] = (
    Route(
        method="POST",
        path=OF_SERVICE,
        operation="deploy",
        summary="Deploy an image, an earlier version's, a repository or an archive (multipart)",
        handler=submit,
        needs=Scope.DEPLOY,
        body=NewDeployment,
        answer=answers.Deployment,
        status=202,
        errors=(404, 408, 409, 413, 415, 422, 507),
        upload=True,
    ),
    Route(
        method="GET",
        path=OF_SERVICE,
        operation="listDeployments",
        summary="A service's deployments, newest first",
        handler=list_deployments,
        needs=Scope.READ,
        query=queries.Page,
        answer=answers.Deployments,
        errors=(404, 422),
    ),
    Route(
        method="GET",
        path=ONE,
        operation="readDeployment",
        summary="A deployment with its steps",
        handler=read_deployment,
        needs=Scope.READ,
        filtered=True,
        answer=answers.Deployment,
        errors=(404,),
    ),
    Route(
        method="POST",
        path=ONE + "/cancel",
        operation="cancelDeployment",
        summary="Cancel a deployment that has not ended",
        handler=cancel,
        needs=Scope.DEPLOY,
        filtered=True,
        answer=answers.Deployment,
        errors=(404, 409, 507),
    ),
    Route(
        method="GET",
        path=ONE + "/log",
        operation="readDeploymentLog",
        summary="A deployment's log; as an event stream with what comes, until it ends",
        handler=read_log,
        needs=Scope.READ,
        filtered=True,
        query=queries.DeploymentLogQuery,
        answer=answers.DeploymentLines,
        media=(JSON, PLAIN, EVENTS),
        errors=(404, 422),
    ),
)
