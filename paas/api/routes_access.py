"""Calls on tokens, users and everybody's sessions: for administrators of the host."""

from typing import Any

from paas.api import answers_access as answers
from paas.api import render_access as render
from paas.api import schema_access as schema
from paas.api.call import Call, Route
from paas.api.queries import NoQuery
from paas.api.schema import Nothing
from paas.control.accounts import NewToken, NewUser
from paas.core.access import Scope

TOKENS, USERS, SESSIONS = "/v1/tokens", "/v1/users", "/v1/sessions"


async def list_tokens(call: Call[NoQuery, Nothing]) -> answers.Tokens:
    found = call.context.access.tokens.list()
    return answers.Tokens(items=[render.token(one) for one in found])


async def create_token(call: Call[NoQuery, schema.NewToken]) -> answers.CreatedToken:
    body = call.body
    wanted = NewToken(
        name=body.name,
        scope=Scope(body.scope),
        service=body.service,
        note=body.note,
        expires_in=body.expires_in,
    )
    token, secret = await call.context.access.tokens.create(wanted, actor=call.actor)
    return render.created_token(token, secret)


async def revoke_token(call: Call[NoQuery, Nothing]) -> None:
    await call.context.access.tokens.revoke(call.path("token"), actor=call.actor)


async def list_users(call: Call[NoQuery, Nothing]) -> answers.Users:
    return answers.Users(items=[render.user(one) for one in call.context.access.users.list()])


async def create_user(call: Call[NoQuery, schema.NewUser]) -> answers.User:
    body = call.body
    wanted = NewUser(
        name=body.name, password=body.password, role=Scope(body.role), service=body.service
    )
    return render.user(await call.context.access.users.create(wanted, actor=call.actor))


async def change_user(call: Call[NoQuery, schema.UserChanges]) -> answers.User:
    role = None if call.body.role is None else Scope(call.body.role)
    user = await call.context.access.users.change(
        call.path("user"), actor=call.actor, password=call.body.password, role=role
    )
    return render.user(user)


async def delete_user(call: Call[NoQuery, Nothing]) -> None:
    await call.context.access.users.delete(call.path("user"), actor=call.actor)


async def list_sessions(call: Call[NoQuery, Nothing]) -> answers.Sessions:
    found = call.context.access.open_sessions()
    return answers.Sessions(items=[render.session(*one) for one in found])


async def end_session(call: Call[NoQuery, Nothing]) -> None:
    await call.context.access.sessions.end(call.path("session"), actor=call.actor)


ROUTES: tuple[Route[Any, Any], ...] = (
    Route(
        method="GET",
        path=TOKENS,
        operation="listTokens",
        summary="All API tokens but the first one, without their texts",
        handler=list_tokens,
        needs=Scope.ADMIN,
        answer=answers.Tokens,
    ),
    Route(
        method="POST",
        path=TOKENS,
        operation="createToken",
        summary="Make an API token; its text is in this answer only",
        handler=create_token,
        needs=Scope.ADMIN,
        body=schema.NewToken,
        answer=answers.CreatedToken,
        status=201,
        errors=(409, 422, 507),
    ),
    Route(
        method="DELETE",
        path=TOKENS + "/{token}",
        operation="revokeToken",
        summary="Refuse a token from now on, and end its sessions",
        handler=revoke_token,
        needs=Scope.ADMIN,
        status=204,
        errors=(404, 507),
    ),
    Route(
        method="GET",
        path=USERS,
        operation="listUsers",
        summary="Everybody who can sign in by password",
        handler=list_users,
        needs=Scope.ADMIN,
        answer=answers.Users,
    ),
    Route(
        method="POST",
        path=USERS,
        operation="createUser",
        summary="Make a user who signs in by password",
        handler=create_user,
        needs=Scope.ADMIN,
        body=schema.NewUser,
        answer=answers.User,
        status=201,
        errors=(409, 422, 507),
    ),
    Route(
        method="PATCH",
        path=USERS + "/{user}",
        operation="changeUser",
        summary="Change a user's password, which ends the user's sessions, or role",
        handler=change_user,
        needs=Scope.ADMIN,
        body=schema.UserChanges,
        answer=answers.User,
        errors=(404, 422, 507),
    ),
    Route(
        method="DELETE",
        path=USERS + "/{user}",
        operation="deleteUser",
        summary="Delete a user with all sessions",
        handler=delete_user,
        needs=Scope.ADMIN,
        status=204,
        errors=(404, 507),
    ),
    Route(
        method="GET",
        path=SESSIONS,
        operation="listSessions",
        summary="Browsers that are signed in",
        handler=list_sessions,
        needs=Scope.ADMIN,
        answer=answers.Sessions,
    ),
    Route(
        method="DELETE",
        path=SESSIONS + "/{session}",
        operation="endSession",
        summary="Sign a browser out",
        handler=end_session,
        needs=Scope.ADMIN,
        status=204,
        errors=(404, 507),
    ),
)
