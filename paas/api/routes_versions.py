"""Calls on versions and their replicas."""

from typing import Any

from paas.api import answers, render, schema, to_core
from paas.api.call import Call, Route
from paas.api.queries import NoQuery
from paas.api.schema import Nothing
from paas.core.access import Scope

BASE = "/v1/services/{service}/versions"
ONE = BASE + "/{version}"


async def list_versions(call: Call[NoQuery, Nothing]) -> answers.Versions:
    views = await call.context.services.versions(call.path("service"))
    return answers.Versions(items=[render.version(one) for one in views])


async def read_version(call: Call[NoQuery, Nothing]) -> answers.Version:
    services = call.context.services
    return render.version(await services.version(call.path("service"), call.path("version")))


async def edit_version(call: Call[NoQuery, schema.VersionChanges]) -> answers.Version:
    services = call.context.services
    service, version = call.path("service"), call.path("version")
    now = (await services.version(service, version)).version.spec
    wanted = call.body
    edits: dict[str, object] = {"replicas": to_core.replica_range(wanted.replicas, now.replicas)}
    if wanted.scaling is not None:
        edits["scaling"] = to_core.scaling_rules(wanted.scaling, now.scaling)
    if wanted.concurrency is not None:
        edits["concurrency"] = wanted.concurrency
    if wanted.note is not None:
        edits["note"] = wanted.note
    view = await services.edit_version(service, version, edits, actor=call.actor)
    return render.version(view)


async def delete_version(call: Call[NoQuery, Nothing]) -> None:
    services = call.context.services
    await services.delete_version(call.path("service"), call.path("version"), actor=call.actor)


async def list_replicas(call: Call[NoQuery, Nothing]) -> answers.Replicas:
    views = await call.context.services.replicas(call.path("service"), call.path("version"))
    now = call.context.clock.time()
    return answers.Replicas(items=[render.replica(view, now=now) for view in views])


ROUTES: tuple[Route[Any, Any], ...] = (
    Route(
        method="GET",
        path=BASE,
        operation="listVersions",
        summary="A service's versions in order of creation",
        handler=list_versions,
        needs=Scope.READ,
        answer=answers.Versions,
        errors=(404,),
    ),
    Route(
        method="GET",
        path=ONE,
        operation="readVersion",
        summary="One version",
        handler=read_version,
        needs=Scope.READ,
        answer=answers.Version,
        errors=(404,),
    ),
    Route(
        method="PATCH",
        path=ONE,
        operation="editVersion",
        summary="Change a version's scaling and note; what is left out stays",
        handler=edit_version,
        needs=Scope.DEPLOY,
        body=schema.VersionChanges,
        answer=answers.Version,
        errors=(404, 422, 507),
    ),
    Route(
        method="DELETE",
        path=ONE,
        operation="deleteVersion",
        summary="Delete a version without traffic",
        handler=delete_version,
        needs=Scope.DEPLOY,
        status=204,
        errors=(404, 409, 507),
    ),
    Route(
        method="GET",
        path=ONE + "/replicas",
        operation="listReplicas",
        summary="A version's replicas with what they use",
        handler=list_replicas,
        needs=Scope.READ,
        answer=answers.Replicas,
        errors=(404,),
    ),
)
