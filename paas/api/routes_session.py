"""Calls on one's own session: sign in, who am I, sign out."""

import contextlib
from typing import Any

from aiohttp import web

from paas.api import answers_access as answers
from paas.api import render_access as render
from paas.api import schema_access as schema
from paas.api.call import Call, Route, reply
from paas.api.cookies import drop_cookie, read_cookie, set_cookie
from paas.api.origin import client_address, from_elsewhere
from paas.api.queries import NoQuery
from paas.api.schema import Nothing
from paas.core.access import Scope
from paas.errors import Denied, NotFound

OWN = "/v1/session"


async def sign_in(call: Call[NoQuery, schema.NewSession]) -> web.Response:
    """The cookie comes with the answer. A page of another site signs nobody in."""
    if from_elsewhere(call.request):
        raise Denied(
            "Another site's page may not sign anyone in here.",
            code="forged",
            advice="Sign in on the console's own page.",
        )
    access, body, address = call.context.access, call.body, client_address(call.request)
    if body.token is not None:
        session, secret = await access.sign_in_by_token(body.token, address=address)
    else:
        user, password = body.user or "", body.password or ""
        session, secret = await access.sessions.by_password(user, password, address=address)
    principal = access.by_session(secret)
    if principal is None:
        raise Denied("The session has ended.", code="session_ended", advice="Sign in again.")
    response = reply(render.caller(principal, session=session, secret=secret), status=201)
    set_cookie(call.request, response, secret)
    return response


async def who_am_i(call: Call[NoQuery, Nothing]) -> answers.Caller:
    secret = read_cookie(call.request)
    session = call.context.access.session(secret) if call.principal.session and secret else None
    return render.caller(call.principal, session=session, secret=secret)


async def sign_out(call: Call[NoQuery, Nothing]) -> web.Response:
    """Whoever came by token has no session, and nothing to end."""
    if call.principal.session is not None:
        with contextlib.suppress(NotFound):  # ended by somebody else meanwhile
            await call.context.access.sessions.end(call.principal.session, actor=call.actor)
    response = web.Response(status=204)
    drop_cookie(call.request, response)
    return response


ROUTES: tuple[Route[Any, Any], ...] = (
    Route(
        method="POST",
        path=OWN,
        operation="signIn",
        summary="Sign in by user and password, or by token; answers with a cookie",
        handler=sign_in,
        public=True,
        body=schema.NewSession,
        answer=answers.Caller,
        status=201,
        errors=(403, 422, 429, 507),
    ),
    Route(
        method="GET",
        path=OWN,
        operation="readSession",
        summary="Who calls, with which scope, and the token for changes by a session",
        handler=who_am_i,
        needs=Scope.READ,
        filtered=True,
        answer=answers.Caller,
    ),
    Route(
        method="DELETE",
        path=OWN,
        operation="signOut",
        summary="End the session of the cookie",
        handler=sign_out,
        needs=Scope.READ,
        filtered=True,
        status=204,
        errors=(507,),
    ),
)
