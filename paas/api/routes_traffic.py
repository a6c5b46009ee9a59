"""Calls that move traffic between versions."""

from typing import Any

from paas.api import answers, render, schema
from paas.api.call import Call, Route
from paas.api.queries import NoQuery
from paas.api.schema import Nothing
from paas.core.access import Scope

TRAFFIC = "/v1/services/{service}/traffic"
ROLLBACK = "/v1/services/{service}/rollback"


async def read_traffic(call: Call[NoQuery, Nothing]) -> answers.Traffic:
    return render.traffic(await call.context.services.read(call.path("service")))


async def set_traffic(call: Call[NoQuery, schema.NewSplit]) -> answers.Traffic:
    services, name = call.context.services, call.path("service")
    return render.traffic(await services.set_split(name, call.body.split, actor=call.actor))


async def roll_back(call: Call[NoQuery, schema.RollbackTo]) -> answers.Traffic:
    services, name = call.context.services, call.path("service")
    return render.traffic(
        await services.rollback(name, version=call.body.version, actor=call.actor)
    )


ROUTES: tuple[Route[Any, Any], ...] = (
    Route(
        method="GET",
        path=TRAFFIC,
        operation="readTraffic",
        summary="The split, and the one before it",
        handler=read_traffic,
        needs=Scope.READ,
        answer=answers.Traffic,
        errors=(404,),
    ),
    Route(
        method="PUT",
        path=TRAFFIC,
        operation="setTraffic",
        summary="Replace the split as a whole",
        handler=set_traffic,
        needs=Scope.DEPLOY,
        body=schema.NewSplit,
        answer=answers.Traffic,
        errors=(404, 409, 422, 507),
    ),
    Route(
        method="POST",
        path=ROLLBACK,
        operation="rollBack",
        summary="Back to the previous split, or all traffic to one version",
        handler=roll_back,
        needs=Scope.DEPLOY,
        body=schema.RollbackTo,
        answer=answers.Traffic,
        errors=(404, 409, 422, 507),
    ),
)
