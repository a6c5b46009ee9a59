"""Making, using and revoking tokens over real sockets."""

import asyncio
import base64
import sqlite3

import pytest
from aiohttp import web

from paas.api.app import ApiServer, build_app
from paas.api.auth import PRINCIPAL, Guard, Rule, guard_middleware
from paas.api.problems import answer_problems
from paas.control.access import Access
from paas.core.access import Scope
from tests.fakes.clock import FakeClock
from tests.fakes.store import FakeStore
from tests.integration.api.rig import TOKEN, Master, World, events


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def test_a_token_is_shown_once_and_stored_as_a_hash(paas: World) -> None:
    body = {"name": "ci", "scope": "deploy", "note": "of the build server", "expires_in": 3600}
    made = await paas.call("POST", "/v1/tokens", json=body)
    assert made.status == 201
    secret = made.json["token"]
    assert secret.startswith("paas_")
    assert len(secret) == len("paas_") + 43
    listed = await paas.call("GET", "/v1/tokens")
    assert secret not in listed.text
    (item,) = listed.json["items"]
    assert item == {key: value for key, value in made.json.items() if key != "token"}
    assert (item["name"], item["scope"], item["service"]) == ("ci", "deploy", None)
    assert (item["creator"], item["note"], item["last_used"]) == ("socket", body["note"], None)
    assert item["expires"] > item["created"]
    with sqlite3.connect(paas.settings.data_dir / "paas.db") as db:
        assert secret.removeprefix("paas_") not in "".join(db.iterdump())
    db.close()


async def test_what_a_token_does_is_told_by_its_name_never_by_itself(paas: World) -> None:
    body = {"name": "ci", "scope": "deploy", "service": "shop"}
    secret = (await paas.call("POST", "/v1/tokens", json=body)).json["token"]
    made = await paas.call(
        "POST", "/v1/services", session=paas.tcp, headers=bearer(secret), json={"name": "shop"}
    )
    assert made.status == 201
    told = await paas.call("GET", "/v1/events")
    assert [(one["kind"], one["actor"]) for one in told.json["items"]] == [
        ("service.created", "token:ci"),
        ("token.created", "socket"),
    ]
    assert told.json["items"][1]["data"]["service"] == "shop"
    assert secret not in told.text


async def test_a_revoked_token_is_refused_at_once(paas: World) -> None:
    made = (await paas.call("POST", "/v1/tokens", json={"name": "ci", "scope": "read"})).json
    headers = bearer(made["token"])
    assert (await paas.call("GET", "/v1/services", session=paas.tcp, headers=headers)).status == 200
    used = (await paas.call("GET", "/v1/tokens")).json["items"][0]
    assert used["last_used"] is None  # coarse: written with the next flush
    await paas.access.ledger.flush()
    assert (await paas.call("GET", "/v1/tokens")).json["items"][0]["last_used"] is not None
    assert (await paas.call("DELETE", f"/v1/tokens/{made['id']}")).status == 204
    refused = await paas.call("GET", "/v1/services", session=paas.tcp, headers=headers)
    assert (refused.status, refused.json["code"]) == (401, "bad_token")
    again = await paas.call("DELETE", f"/v1/tokens/{made['id']}")
    assert (again.status, again.json["code"]) == (404, "no_such_token")
    newest = (await paas.call("GET", "/v1/events")).json["items"][0]
    assert (newest["kind"], newest["data"]["token"]) == ("token.revoked", made["id"])


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"name": "a b"}, "name"),
        ({"name": ""}, "name"),
        ({"name": "x" * 61}, "name"),
        ({"name": "\u202eci"}, "name"),
        ({"scope": "root"}, "scope"),
        ({"service": "No"}, "service"),
        ({"service": "shop-001"}, "service"),
        ({"expires_in": 0}, "expires_in"),
        ({"expires_in": 1e12}, "expires_in"),
        ({"expires_in": "30d"}, "expires_in"),
        ({"hash": "x"}, "hash"),
    ],
)
async def test_a_wrong_token_is_refused_by_field(paas: World, wrong: dict, field: str) -> None:
    answer = await paas.call("POST", "/v1/tokens", json={"name": "ci", "scope": "read"} | wrong)
    assert answer.status == 422
    assert answer.fields.keys() == {field}


async def test_a_name_belongs_to_one_token(paas: World) -> None:
    body = {"name": "ci", "scope": "read"}
    first = await paas.call("POST", "/v1/tokens", json=body)
    taken = await paas.call("POST", "/v1/tokens", json=body)
    assert (taken.status, taken.json["code"]) == (409, "token_exists")
    await paas.call("DELETE", f"/v1/tokens/{first.json['id']}")
    assert (await paas.call("POST", "/v1/tokens", json=body)).status == 201


async def test_a_stream_ends_with_its_token(paas: World) -> None:
    await paas.call("POST", "/v1/services", json={"name": "shop"})
    made = (await paas.call("POST", "/v1/tokens", json={"name": "ci", "scope": "read"})).json
    headers = bearer(made["token"]) | {"Accept": "text/event-stream"}
    url = f"http://{paas.server.address}/v1/services/shop/logs"
    async with paas.tcp.get(url, headers=headers) as stream:
        assert stream.status == 200
        await paas.call("DELETE", f"/v1/tokens/{made['id']}")
        async with asyncio.timeout(10):
            told = [event async for event in events(stream)]
    assert told[-1]["event"] == "error"
    assert '"code": "bad_token"' in told[-1]["data"]


async def test_tokens_outlive_the_daemon(paas: World) -> None:
    made = (await paas.call("POST", "/v1/tokens", json={"name": "ci", "scope": "read"})).json
    await paas.access.ledger.load()
    headers = bearer(made["token"])
    assert (await paas.call("GET", "/v1/services", session=paas.tcp, headers=headers)).status == 200


async def test_health_tells_a_service_s_token_no_more_than_anyone(paas: World) -> None:
    body = {"name": "ci", "scope": "admin", "service": "shop"}
    secret = (await paas.call("POST", "/v1/tokens", json=body)).json["token"]
    seen = await paas.call("GET", "/v1/health", session=paas.tcp, headers=bearer(secret))
    assert seen.json.keys() == {"status", "version"}


async def guarded(rule: Rule, method: str, path: str, handler) -> tuple[web.AppRunner, int, Access]:
    """An app with one route that has that rule, on a port of its own."""
    access = Access(store=FakeStore(), clock=FakeClock(), master=Master())
    guard = Guard(access, hosts=[], rules={handler: rule})
    app = web.Application(middlewares=[answer_problems, guard_middleware(guard)])
    app.router.add_route(method, path, handler)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return runner, runner.addresses[0][1], access


async def test_basic_takes_the_token_as_password_where_the_route_says_so(paas: World) -> None:
    async def whoever(request: web.Request) -> web.Response:
        return web.json_response({"actor": request[PRINCIPAL].actor})

    rule = Rule(needs=Scope.DEPLOY, basic=True)
    runner, port, access = await guarded(rule, "GET", "/git/{service}.git/info/refs", whoever)
    url = f"http://127.0.0.1:{port}/git/shop.git/info/refs"
    async with paas.tcp.get(url) as none:
        assert none.status == 401
        assert none.headers["WWW-Authenticate"] == 'Basic realm="paas", charset="UTF-8"'
    for header in ("Basic", "Basic !", "Basic " + base64.b64encode(b"nobody").decode()):
        async with paas.tcp.get(url, headers={"Authorization": header}) as bad:
            assert (bad.status, bad.headers["WWW-Authenticate"][:5]) == (401, "Basic")
    for user in ("", "git", "anyone"):
        raw = base64.b64encode(f"{user}:{TOKEN}".encode()).decode()
        async with paas.tcp.get(url, headers={"Authorization": f"Basic {raw}"}) as right:
            assert await right.json() == {"actor": "admin"}
    async with paas.tcp.get(url, headers=bearer(TOKEN)) as right:
        assert right.status == 200
    await runner.cleanup()
    await access.close()


async def test_a_handler_without_a_rule_is_for_administrators(paas: World) -> None:
    async def forgotten(_: web.Request) -> web.Response:
        return web.Response()

    made = (await paas.call("POST", "/v1/tokens", json={"name": "d", "scope": "deploy"})).json
    app = build_app_with(paas, forgotten)
    await paas.server.close()
    server = ApiServer(app, paas.settings)
    await server.start()
    url = f"http://{server.address}/extra"
    statuses = []
    for token in (made["token"], TOKEN):
        async with paas.tcp.get(url, headers=bearer(token)) as answer:
            statuses.append(answer.status)
    async with paas.tcp.get(url) as answer:
        statuses.append(answer.status)
    assert statuses == [403, 200, 401]
    await server.close()


def build_app_with(paas: World, handler) -> web.Application:
    app = build_app(paas.context)
    app.router.add_get("/extra", handler)
    return app
