"""Signing in, acting with a session, and what other sites cannot do, over real sockets."""

import asyncio
from typing import Any

import pytest
from aiohttp import web

from paas.api.auth import PRINCIPAL, Rule
from paas.api.cookies import csrf_token
from paas.core.access import Scope
from tests.integration.api.rig import TOKEN, Answer, World, events
from tests.integration.api.test_tokens_api import guarded

PASSWORD = "correct horse battery"
ANN = {"user": "ann", "password": PASSWORD}


@pytest.fixture
async def ann(paas: World) -> World:
    body = {"name": "ann", "role": "deploy", "password": PASSWORD}
    made = await paas.call("POST", "/v1/users", json=body)
    assert made.status == 201
    assert PASSWORD not in made.text
    return paas


async def sign_in(paas: World, body: dict[str, Any], **headers: str) -> Answer:
    return await paas.call("POST", "/v1/session", session=paas.tcp, json=body, headers=headers)


def cookie_of(answer: Answer) -> tuple[str, str, str]:
    """Name, value and the attributes."""
    pair, _, attributes = answer.headers["Set-Cookie"].partition("; ")
    name, _, value = pair.partition("=")
    return name, value, attributes


async def act(
    paas: World, method: str, path: str, answer: Answer, *, csrf: str | None = "", **headers: str
) -> Answer:
    """As a page of the console would; `csrf` "" sends the right one, None sends none."""
    name, value, _ = cookie_of(answer)
    own = f"http://{paas.server.address}"
    sent = {"Cookie": f"{name}={value}", "Origin": own, "Sec-Fetch-Site": "same-origin"}
    if csrf is not None:
        sent["X-CSRF-Token"] = csrf or answer.json["csrf"]
    sent |= headers
    sent = {key: text for key, text in sent.items() if text}
    body = {} if method in ("GET", "DELETE") else {"json": {"name": "shop"}}
    async with paas.tcp.request(method, own + path, headers=sent, **body) as response:
        text = await response.text()
        json = await response.json(content_type=None) if text else None
        return Answer(status=response.status, headers=response.headers, json=json, text=text)


async def test_signing_in_gives_a_cookie_that_acts_as_the_user(ann: World) -> None:
    signed = await sign_in(ann, ANN)
    assert signed.status == 201
    name, value, attributes = cookie_of(signed)
    assert (name, len(value)) == ("paas", 43)
    assert attributes.split("; ") == ["HttpOnly", "Max-Age=604800", "Path=/", "SameSite=Strict"]
    me = (await act(ann, "GET", "/v1/session", signed)).json
    assert (me["actor"], me["scope"], me["service"]) == ("user:ann", "deploy", None)
    assert me["csrf"] == signed.json["csrf"] == csrf_token(value)
    assert (await act(ann, "POST", "/v1/services", signed)).status == 201
    (event,) = (await ann.call("GET", "/v1/services/shop/events")).json["items"]
    assert event["actor"] == "user:ann"
    above = await act(ann, "DELETE", "/v1/services/shop", signed)
    assert (above.status, above.json["code"]) == (403, "forbidden")


async def test_over_tls_the_cookie_is_secure_and_only_that_one_counts(ann: World) -> None:
    own = f"https://{ann.server.address}"
    tls = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.9, 198.51.100.7"}
    signed = await sign_in(ann, ANN, Origin=own, **tls)
    name, _, attributes = cookie_of(signed)
    assert name == "__Host-paas"
    assert "Secure" in attributes.split("; ")
    assert "Domain" not in attributes
    inside = await act(ann, "POST", "/v1/services", signed, Origin=own, **tls)
    assert inside.status == 201
    assert (await act(ann, "GET", "/v1/session", signed)).status == 401
    (session,) = (await ann.call("GET", "/v1/sessions")).json["items"]
    assert (session["actor"], session["address"]) == ("user:ann", "198.51.100.7")


@pytest.mark.parametrize(
    "headers",
    [
        {"csrf": None},
        {"csrf": "0" * 64},
        {"csrf": "é"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "https://{own}"},
        {"Origin": "http://{own}.evil.example"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "", "Sec-Fetch-Site": ""},
    ],
)
async def test_another_site_s_page_changes_nothing(ann: World, headers: dict[str, Any]) -> None:
    signed = await sign_in(ann, ANN)
    sent = {
        key: text.replace("{own}", str(ann.server.address)) if text else text
        for key, text in headers.items()
    }
    forged = await act(ann, "POST", "/v1/services", signed, **sent)
    assert (forged.status, forged.json["code"]) == (403, "forged")
    assert (await ann.call("GET", "/v1/services")).json["items"] == []
    assert (await act(ann, "GET", "/v1/services", signed, **sent)).status == 200


async def test_another_site_s_page_signs_nobody_in(ann: World) -> None:
    for header in ({"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        refused = await sign_in(ann, ANN, **header)
        assert (refused.status, refused.json["code"]) == (403, "forged")
        assert "Set-Cookie" not in refused.headers


async def test_signing_in_again_asks_for_no_more_than_the_password(ann: World) -> None:
    first = await sign_in(ann, ANN)
    name, value, _ = cookie_of(first)
    second = await sign_in(ann, ANN, Cookie=f"{name}={value}")
    assert second.status == 201
    assert second.json["session"] != first.json["session"]


async def test_a_stream_ends_with_its_session(ann: World) -> None:
    await ann.call("POST", "/v1/services", json={"name": "shop"})
    name, value, _ = cookie_of(await sign_in(ann, ANN))
    headers = {"Cookie": f"{name}={value}", "Accept": "text/event-stream"}
    url = f"http://{ann.server.address}/v1/services/shop/logs"
    async with ann.tcp.get(url, headers=headers) as stream:
        assert stream.status == 200
        await ann.call("DELETE", "/v1/users/ann")
        async with asyncio.timeout(10):
            told = [event async for event in events(stream)]
    assert '"code": "session_ended"' in told[-1]["data"]


async def test_signing_out_ends_the_session(ann: World) -> None:
    signed = await sign_in(ann, ANN)
    out = await act(ann, "DELETE", "/v1/session", signed)
    assert out.status == 204
    assert "Max-Age=0" in out.headers["Set-Cookie"]
    after = await act(ann, "GET", "/v1/session", signed)
    assert (after.status, after.json["code"]) == (401, "session_ended")
    health = await act(ann, "GET", "/v1/health", signed)
    assert health.json.keys() == {"status", "version"}
    kinds = [one["kind"] for one in (await ann.call("GET", "/v1/events")).json["items"]]
    assert kinds == ["session.ended", "session.started", "user.created"]


@pytest.mark.parametrize("way", ["password", "deleted", "revoked"])
async def test_sessions_end_with_what_they_stand_for(ann: World, way: str) -> None:
    signed = await sign_in(ann, ANN)
    session = (await ann.call("GET", "/v1/sessions")).json["items"][0]["id"]
    call = {
        "password": ("PATCH", "/v1/users/ann", {"json": {"password": PASSWORD + "!"}}),
        "deleted": ("DELETE", "/v1/users/ann", {}),
        "revoked": ("DELETE", f"/v1/sessions/{session}", {}),
    }[way]
    assert (await ann.call(call[0], call[1], **call[2])).status in (200, 204)
    assert (await act(ann, "GET", "/v1/session", signed)).status == 401
    assert (await ann.call("GET", "/v1/sessions")).json["items"] == []


async def test_a_changed_role_counts_at_once(ann: World) -> None:
    signed = await sign_in(ann, ANN)
    changed = await ann.call("PATCH", "/v1/users/ann", json={"role": "read"})
    assert changed.json["role"] == "read"
    assert (await act(ann, "POST", "/v1/services", signed)).status == 403
    assert (await ann.call("PATCH", "/v1/users/ann", json={})).json["role"] == "read"
    kinds = [one["kind"] for one in (await ann.call("GET", "/v1/events")).json["items"]]
    assert kinds.count("user.changed") == 1


async def test_a_session_by_token_sees_what_the_token_sees(paas: World) -> None:
    body = {"name": "ci", "scope": "read", "service": "shop"}
    made = (await paas.call("POST", "/v1/tokens", json=body)).json
    signed = await sign_in(paas, {"token": made["token"]})
    assert (signed.json["actor"], signed.json["service"]) == ("token:ci", "shop")
    assert (await act(paas, "GET", "/v1/tokens", signed)).status == 403
    await paas.call("DELETE", f"/v1/tokens/{made['id']}")
    assert (await act(paas, "GET", "/v1/session", signed)).status == 401


async def test_the_first_token_signs_in_too(paas: World) -> None:
    signed = await sign_in(paas, {"token": TOKEN})
    assert (signed.json["actor"], signed.json["scope"]) == ("admin", "admin")
    me = await act(paas, "GET", "/v1/session", signed)
    assert me.json["session"] == signed.json["session"]


async def test_who_am_i_without_a_session(paas: World) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    by_token = await paas.call("GET", "/v1/session", session=paas.tcp, headers=headers)
    assert by_token.json == {
        "actor": "admin",
        "scope": "admin",
        "service": None,
        "session": None,
        "expires": None,
        "csrf": None,
    }
    assert (await paas.call("GET", "/v1/session")).json["actor"] == "socket"
    out = await paas.call("DELETE", "/v1/session", session=paas.tcp, headers=headers)
    assert out.status == 204
    assert (await paas.call("GET", "/v1/session", session=paas.tcp)).status == 401


async def test_wrong_and_unknown_read_alike_and_the_events_hold_no_secret(ann: World) -> None:
    wrong = await sign_in(ann, {"user": "ann", "password": "hunter2hunter2"})
    unknown = await sign_in(ann, {"user": "typed-my-passw0rd", "password": "hunter2hunter2"})
    bad = await sign_in(ann, {"token": "paas_guess"})
    assert {answer.status for answer in (wrong, unknown, bad)} == {401}
    assert wrong.text == unknown.text == bad.text
    assert "Set-Cookie" not in wrong.headers
    told = await ann.call("GET", "/v1/events")
    assert [one["kind"] for one in told.json["items"]].count("session.refused") == 2
    for secret in ("hunter2", "passw0rd", "guess"):
        assert secret not in told.text


async def test_guessing_is_slowed_down_by_address(ann: World) -> None:
    first = {"X-Forwarded-For": "2001:db8::1"}
    for _ in range(6):
        assert (await sign_in(ann, {"token": "paas_guess"}, **first)).status == 401
    slowed = await sign_in(ann, ANN, **(first | {"X-Forwarded-For": "2001:db8::2"}))
    assert (slowed.status, slowed.json["code"]) == (429, "too_many_attempts")
    assert int(slowed.headers["Retry-After"]) >= 1
    other = await sign_in(ann, ANN, **{"X-Forwarded-For": "2001:db8:0:1::1"})
    assert other.status == 201
    told = await ann.call("GET", "/v1/events")
    assert [one["kind"] for one in told.json["items"]].count("session.refused") == 3


@pytest.mark.parametrize(
    "body",
    [{}, {"user": "ann"}, {"password": "x"}, ANN | {"token": "x"}, {"user": "ann", "token": "x"}],
)
async def test_a_sign_in_is_a_user_with_password_or_a_token(paas: World, body: dict) -> None:
    assert (await sign_in(paas, body)).status == 422


async def test_users_are_checked_and_named_once(ann: World) -> None:
    short = await ann.call(
        "POST", "/v1/users", json={"name": "bob", "role": "read", "password": "short"}
    )
    assert (short.status, short.fields) == (422, {"password": "must be 10 to 1000 characters long"})
    again = {"name": "ann", "role": "read", "password": PASSWORD}
    assert (await ann.call("POST", "/v1/users", json=again)).json["code"] == "user_exists"
    for method in ("PATCH", "DELETE"):
        gone = await ann.call(
            method, "/v1/users/bob", **({"json": {}} if method == "PATCH" else {})
        )
        assert (gone.status, gone.json["code"]) == (404, "no_such_user")
    (listed,) = (await ann.call("GET", "/v1/users")).json["items"]
    assert (listed["name"], listed["role"], listed["creator"]) == ("ann", "deploy", "socket")
    assert (await ann.call("DELETE", "/v1/sessions/none")).json["code"] == "no_such_session"


async def test_a_form_carries_the_token_as_a_field(paas: World) -> None:
    async def change(request: web.Request) -> web.Response:
        return web.json_response({"actor": request[PRINCIPAL].actor})

    runner, port, access = await guarded(Rule(needs=Scope.ADMIN, form=True), "POST", "/f", change)
    session, secret = await access.sign_in_by_token(TOKEN, address="local")
    url = f"http://127.0.0.1:{port}/f"
    headers = {"Cookie": f"paas={secret}", "Origin": f"http://127.0.0.1:{port}"}
    statuses = []
    for field in (csrf_token(secret), "wrong", csrf_token(session.id)):
        async with paas.tcp.post(url, headers=headers, data={"csrf": field}) as answer:
            statuses.append(answer.status)
    assert statuses == [200, 403, 403]
    await runner.cleanup()
    await access.close()
