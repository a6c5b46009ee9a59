"""Calls on services: list, create, read, change, delete, and their domains."""

from typing import Any

from aiohttp import web

from paas.api import answers, explained, queries, render, schema, to_core
from paas.api.call import JSON, Call, Route
from paas.api.fields import wrong_field
from paas.api.queries import NoQuery
from paas.api.schema import Nothing
from paas.core.access import EVERYTHING, Scope
from paas.core.names import normal_host

BASE = "/v1/services"
ONE = BASE + "/{service}"
DOMAINS = ONE + "/domains"


async def list_services(call: Call[NoQuery, Nothing]) -> web.Response:
    found = await call.context.services.list(view=call.view)
    text = await call.context.service_list.render(found, whole=call.view == EVERYTHING)
    return web.Response(body=text, content_type=JSON)


async def create_service(call: Call[NoQuery, schema.NewService]) -> answers.Service:
    services = call.context.services
    to_core.check_repository(call.body, call.context.settings.git)
    settings = to_core.service_settings(call.body)
    view = await services.create(
        call.body.name, actor=call.actor, view=call.view, settings=settings
    )
    return render.service(view)


async def read_service(call: Call[NoQuery, Nothing]) -> answers.Service:
    return render.service(await call.context.services.read(call.path("service")))


async def change_service(call: Call[NoQuery, schema.ServiceChanges]) -> answers.Service:
    services, name = call.context.services, call.path("service")
    to_core.check_repository(call.body, call.context.settings.git)
    settings = to_core.service_settings(call.body)
    return render.service(await services.configure(name, settings, actor=call.actor))


async def delete_service(call: Call[queries.Confirmation, Nothing]) -> None:
    confirm = call.query.confirm
    await call.context.services.delete(call.path("service"), confirm=confirm, actor=call.actor)


async def explain_service(call: Call[NoQuery, Nothing]) -> explained.ExplainedService:
    return explained.service(await call.context.explain.service(call.path("service")))


async def list_domains(call: Call[NoQuery, Nothing]) -> answers.Domains:
    view = await call.context.services.read(call.path("service"))
    return answers.Domains(items=[render.domain(one, view) for one in view.service.domains])


async def add_domain(call: Call[NoQuery, schema.NewDomain]) -> answers.Domain:
    services, name = call.context.services, call.path("service")
    if normal_host(call.body.domain.strip()) == call.context.settings.public_host:
        raise wrong_field("domain", "must not be the API's own host (api.public_host)")
    domain = await services.add_domain(name, call.body.domain, actor=call.actor)
    return render.domain(domain, await services.read(name))


async def remove_domain(call: Call[NoQuery, Nothing]) -> None:
    services, name = call.context.services, call.path("service")
    await services.remove_domain(name, call.path("domain"), actor=call.actor)


ROUTES: tuple[Route[Any, Any], ...] = (
    Route(
        method="GET",
        path=BASE,
        operation="listServices",
        summary="All services by name",
        handler=list_services,
        needs=Scope.READ,
        filtered=True,
        answer=answers.Services,
    ),
    Route(
        method="POST",
        path=BASE,
        operation="createService",
        summary="Create a service without versions",
        handler=create_service,
        needs=Scope.DEPLOY,
        filtered=True,
        body=schema.NewService,
        answer=answers.Service,
        status=201,
        errors=(409, 422, 507),
    ),
    Route(
        method="GET",
        path=ONE,
        operation="readService",
        summary="One service",
        handler=read_service,
        needs=Scope.READ,
        answer=answers.Service,
        errors=(404,),
    ),
    Route(
        method="PATCH",
        path=ONE,
        operation="changeService",
        summary="Change a service's settings; what is left out stays",
        handler=change_service,
        needs=Scope.ADMIN,
        body=schema.ServiceChanges,
        answer=answers.Service,
        errors=(404, 422, 507),
    ),
    Route(
        method="DELETE",
        path=ONE,
        operation="deleteService",
        summary="Delete a service with all that is its own; `confirm` repeats its name",
        handler=delete_service,
        needs=Scope.ADMIN,
        query=queries.Confirmation,
        status=204,
        errors=(404, 422, 507),
    ),
    Route(
        method="GET",
        path=ONE + "/explain",
        operation="explainService",
        summary="Why it has the replicas it has, what keeps it awake, why recent starts failed",
        handler=explain_service,
        needs=Scope.READ,
        answer=explained.ExplainedService,
        errors=(404,),
    ),
    Route(
        method="GET",
        path=DOMAINS,
        operation="listDomains",
        summary="A service's custom domains",
        handler=list_domains,
        needs=Scope.READ,
        answer=answers.Domains,
        errors=(404,),
    ),
    Route(
        method="POST",
        path=DOMAINS,
        operation="addDomain",
        summary="Bind a custom domain to the service",
        handler=add_domain,
        needs=Scope.ADMIN,
        body=schema.NewDomain,
        answer=answers.Domain,
        status=201,
        errors=(404, 409, 422, 507),
    ),
    Route(
        method="DELETE",
        path=DOMAINS + "/{domain}",
        operation="removeDomain",
        summary="Unbind a custom domain",
        handler=remove_domain,
        needs=Scope.ADMIN,
        status=204,
        errors=(404, 507),
    ),
)
