"""Calls on stored registry logins."""

from typing import Any

from paas.api import answers_registries as answers
from paas.api.call import Call, Route
from paas.api.fields import wrong_field
from paas.api.queries import NoQuery
from paas.api.render import rfc3339
from paas.api.schema import Nothing
from paas.api.schema_registries import NewLogin
from paas.core import registries
from paas.core.access import Scope
from paas.ports import Credentials

ALL = "/v1/registries"
ONE = ALL + "/{registry}"


async def list_registries(call: Call[NoQuery, Nothing]) -> answers.Registries:
    return answers.Registries(items=[_shown(one) for one in call.context.registries.list()])


async def store_login(call: Call[NoQuery, NewLogin]) -> answers.Registry:
    login = Credentials(user=call.body.user, password=call.body.password)
    stored = await call.context.registries.put(
        _host(call), login, check=call.body.check, actor=call.actor
    )
    return _shown(stored)


async def remove_login(call: Call[NoQuery, Nothing]) -> None:
    await call.context.registries.remove(_host(call), actor=call.actor)


def _host(call: Call[Any, Any]) -> str:
    try:
        return registries.parse_registry(call.path("registry"))
    except ValueError as error:
        raise wrong_field("registry", f"must be {error}") from None


def _shown(known: registries.Registry) -> answers.Registry:
    return answers.Registry(host=known.host, user=known.user, created=rfc3339(known.created))


ROUTES: tuple[Route[Any, Any], ...] = (
    Route(
        method="GET",
        path=ALL,
        operation="listRegistries",
        summary="Registries that a login is stored for",
        handler=list_registries,
        needs=Scope.ADMIN,
        answer=answers.Registries,
    ),
    Route(
        method="PUT",
        path=ONE,
        operation="storeRegistryLogin",
        summary="Store a registry's login, for pulls and builds",
        handler=store_login,
        needs=Scope.ADMIN,
        body=NewLogin,
        answer=answers.Registry,
        errors=(422, 502, 507),
    ),
    Route(
        method="DELETE",
        path=ONE,
        operation="removeRegistryLogin",
        summary="Forget a registry's login",
        handler=remove_login,
        needs=Scope.ADMIN,
        status=204,
        errors=(404, 422, 507),
    ),
)
