"""Calls about webhooks: those of git hosts, and those that set them up."""

from typing import Any

from aiohttp import web

from paas.api import answers_hooks, queries
from paas.api.call import Call, Route, reply
from paas.api.queries import NoQuery
from paas.api.render import moment, rfc3339
from paas.api.schema import Nothing
from paas.control.hooks import HookCall
from paas.core.access import Scope
from paas.core.deliveries import Delivery, Outcome
from paas.core.model import Hook

RECEIVE = "/hooks/{service}"
HOOK = "/v1/services/{service}/hook"
DELIVERIES = "/v1/services/{service}/deliveries"
ONE = DELIVERIES + "/{delivery}"


async def receive(call: Call[NoQuery, Nothing]) -> web.Response:
    """202 when it deploys, 200 when there is nothing to do."""
    request, context = call.request, call.context
    given = HookCall(
        headers={name.lower(): value for name, value in reversed(list(request.headers.items()))},
        content_type=request.content_type,
        body=await context.bodies.read(request),
        client=context.proxied.client(request),
    )
    done = await context.hooks.receive(call.path("service"), given)
    answer = answers_hooks.Taken.model_validate(
        {
            "delivery": done.id,
            "outcome": done.outcome.value,
            "reason": done.reason,
            "deployment": done.deployment,
        }
    )
    return reply(answer, status=202 if done.outcome is Outcome.DEPLOYED else 200)


async def read_hook(call: Call[NoQuery, Nothing]) -> answers_hooks.Hook:
    name = call.path("service")
    return answers_hooks.Hook(**_facts(call, name, call.context.hook_keys.read(name)))


async def renew_hook(call: Call[NoQuery, Nothing]) -> answers_hooks.NewHook:
    name = call.path("service")
    hook, secret = await call.context.hook_keys.renew(name, actor=call.actor)
    return answers_hooks.NewHook(**_facts(call, name, hook), secret=secret)


async def remove_hook(call: Call[NoQuery, Nothing]) -> None:
    await call.context.hook_keys.remove(call.path("service"), actor=call.actor)


async def list_deliveries(call: Call[queries.Page, Nothing]) -> answers_hooks.Deliveries:
    found = await call.context.hooks.list(call.path("service"), limit=call.query.limit)
    return answers_hooks.Deliveries(items=[_delivery(one) for one in found])


async def read_delivery(call: Call[NoQuery, Nothing]) -> answers_hooks.Delivery:
    hooks = call.context.hooks
    return _delivery(await hooks.find(call.path("service"), call.path("delivery")))


async def redeliver(call: Call[NoQuery, Nothing]) -> answers_hooks.Delivery:
    hooks, name = call.context.hooks, call.path("service")
    return _delivery(await hooks.redeliver(name, call.path("delivery"), actor=call.actor))


def _facts(call: Call[NoQuery, Nothing], name: str, hook: Hook | None) -> dict[str, Any]:
    reachable, url = call.context.hook_url(name)
    return {
        "enabled": hook is not None,
        "url": url,
        "reachable": reachable,
        "created": moment(hook.created if hook else None),
    }


def _delivery(known: Delivery) -> answers_hooks.Delivery:
    return answers_hooks.Delivery(
        id=known.id,
        service=known.service,
        time=rfc3339(known.time),
        host=known.host,
        event=known.event,
        delivery=known.delivery,
        outcome=known.outcome.value,
        reason=known.reason,
        deployment=known.deployment,
        ref=known.ref,
        commit=known.commit,
        subject=known.subject,
        pusher=known.pusher,
        client=known.client,
    )


ROUTES: tuple[Route[Any, Any], ...] = (
    Route(
        method="POST",
        path=RECEIVE,
        operation="receiveHook",
        summary="A git host's webhook, proved by its signature: a push deploys",
        handler=receive,
        answer=answers_hooks.Taken,
        status=202,
        errors=(404, 408, 409, 413, 422, 429, 507),
        public=True,
        raw=True,
    ),
    Route(
        method="GET",
        path=HOOK,
        operation="readHook",
        summary="A service's webhook, without its secret",
        handler=read_hook,
        needs=Scope.READ,
        answer=answers_hooks.Hook,
        errors=(404,),
    ),
    Route(
        method="POST",
        path=HOOK,
        operation="renewHook",
        summary="Switch the webhook on, or give it a new secret, which is shown this once",
        handler=renew_hook,
        needs=Scope.ADMIN,
        answer=answers_hooks.NewHook,
        status=201,
        errors=(404, 507),
    ),
    Route(
        method="DELETE",
        path=HOOK,
        operation="removeHook",
        summary="Switch the webhook off",
        handler=remove_hook,
        needs=Scope.ADMIN,
        status=204,
        errors=(404, 507),
    ),
    Route(
        method="GET",
        path=DELIVERIES,
        operation="listDeliveries",
        summary="What came over the webhook, newest first",
        handler=list_deliveries,
        needs=Scope.READ,
        query=queries.Page,
        answer=answers_hooks.Deliveries,
        errors=(404, 422),
    ),
    Route(
        method="GET",
        path=ONE,
        operation="readDelivery",
        summary="One delivery",
        handler=read_delivery,
        needs=Scope.READ,
        answer=answers_hooks.Delivery,
        errors=(404,),
    ),
    Route(
        method="POST",
        path=ONE + "/redeliver",
        operation="redeliver",
        summary="Deploy the delivery's commit again",
        handler=redeliver,
        needs=Scope.DEPLOY,
        answer=answers_hooks.Delivery,
        status=202,
        errors=(404, 409, 507),
    ),
)
