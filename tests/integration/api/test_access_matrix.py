"""Every call of the OpenAPI description, by every kind of caller."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from paas.api.openapi import document
from paas.api.table import ROUTES
from paas.control.accounts import NewToken
from paas.core.access import Scope
from tests.integration.api.rig import TOKEN, Answer, World, world

SHOP, BLOG, NOTHING = "orders", "blog", "nothing"
SCOPES = [scope.value for scope in Scope]
READING = frozenset({"get"})
OWN = frozenset({"sign_in_failed", "bad_signature", "no_fetch", "bad_ticket"})
"""Codes by which calls refuse what they are asked for, not who asks."""
MAKING = frozenset({"gitRefs"})
"""Reads what is going to be made, whether it is there or not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One call of the description; `path` still has its variables."""

    method: str
    path: str
    said: dict[str, Any]

    @property
    def public(self) -> bool:
        return {} in self.said["security"]

    @property
    def needs(self) -> str:
        (scope,) = self.said["security"][0]["token"]
        return str(scope)

    @property
    def bound(self) -> str:
        return str(self.said["x-paas-bound"])

    @property
    def name(self) -> str:
        return str(self.said["operationId"])


OPERATIONS = [
    Operation(method=method, path=path, said=said)
    for path, methods in document(ROUTES)["paths"].items()
    for method, said in methods.items()
]


@dataclass(kw_only=True)
class Scene:
    """Two services with a version each, and whose deployment `{deployment}` stands for."""

    paas: World
    names: dict[str, str]

    async def call(self, operation: Operation, token: str | None, *, service: str = SHOP) -> Answer:
        names = self.names | {"service": service}
        path = re.sub(r"\{(\w+)\}", lambda found: names.get(found[1], "none"), operation.path)
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        body = {} if operation.method in READING else {"json": {}}
        return await self.paas.call(
            operation.method.upper(), path, session=self.paas.tcp, headers=headers, **body
        )

    async def token(self, name: str, scope: str = "admin", **fields: Any) -> str:
        wanted = NewToken(name=name, scope=Scope(scope), **fields)
        return (await self.paas.access.tokens.create(wanted, actor="test"))[1]


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    with TemporaryDirectory(prefix="paas-") as folder:
        async with world(Path(folder)) as paas:
            await paas.deploy(BLOG)
            deployment = await paas.deploy(SHOP)
            names = {
                "version": f"{SHOP}-001",
                "deployment": deployment["id"],
                "domain": "orders.example.com",
            }
            yield Scene(paas=paas, names=names)


async def answers(scene: Scene, token: str | None, **fields: str) -> dict[str, Answer]:
    return {one.name: await scene.call(one, token, **fields) for one in OPERATIONS}


def refusals(found: dict[str, Answer]) -> dict[str, tuple[int, str]]:
    """The calls that the guard refused, with status and code."""
    return {
        name: (answer.status, answer.json["code"])
        for name, answer in found.items()
        if answer.status in (401, 403) and answer.json["code"] not in OWN
    }


async def test_without_a_token_only_public_calls_answer(scene: Scene) -> None:
    expected = {one.name: (401, "no_token") for one in OPERATIONS if not one.public}
    assert refusals(await answers(scene, None)) == expected


@pytest.mark.parametrize("kind", ["bad", "empty", "expired", "revoked"])
async def test_what_is_no_valid_token_is_refused_everywhere(scene: Scene, kind: str) -> None:
    code, access = "bad_token", scene.paas.access
    token = {"bad": "paas_" + "x" * 43, "empty": ""}.get(kind, "")
    if kind == "expired":
        token, code = await scene.token("old", expires_in=-1.0), "token_expired"
    if kind == "revoked":
        token = await scene.token("gone")
        await access.tokens.revoke(access.tokens.list()[0].id, actor="test")
    expected = {one.name: (401, code) for one in OPERATIONS}
    assert refusals(await answers(scene, token)) == expected


@pytest.mark.parametrize("scope", SCOPES)
async def test_a_scope_reaches_what_needs_it_or_less(scene: Scene, scope: str) -> None:
    found = await answers(scene, await scene.token("any", scope))
    above = SCOPES[SCOPES.index(scope) + 1 :]
    expected = {
        one.name: (403, "forbidden") for one in OPERATIONS if not one.public and one.needs in above
    }
    assert refusals(found) == expected
    for one in OPERATIONS:
        if one.name in expected:
            assert f"scope {one.needs}" in found[one.name].json["advice"]


async def test_the_first_token_reaches_everything_and_answers_as_described(scene: Scene) -> None:
    found = await answers(scene, TOKEN)
    assert refusals(found) == {}
    odd = {
        one.name: found[one.name].status
        for one in OPERATIONS
        if str(found[one.name].status) not in one.said["responses"]
    }
    assert odd == {}


@pytest.mark.parametrize("scope", SCOPES)
async def test_a_service_s_token_reaches_its_service_alone(scene: Scene, scope: str) -> None:
    found = await answers(scene, await scene.token("own", scope, service=SHOP))
    above = SCOPES[SCOPES.index(scope) + 1 :]
    expected = {
        one.name: (403, "forbidden")
        for one in OPERATIONS
        if not one.public and (one.needs in above or one.bound == "refused")
    }
    assert refusals(found) == expected
    for one in OPERATIONS:
        if one.name in expected:
            assert f"scope {one.needs}" in found[one.name].json["advice"]


@pytest.mark.parametrize("scope", SCOPES)
async def test_another_service_is_not_there(scene: Scene, scope: str) -> None:
    token = await scene.token("other", scope, service=BLOG)
    found = await answers(scene, token)
    unknown = await answers(scene, token, service=NOTHING)
    for one in OPERATIONS:
        answer = found[one.name]
        if "{service}" in one.path and not one.public:
            assert (answer.status, answer.json["code"]) == (404, "no_such_service"), one
            told = answer.text.replace(SHOP, NOTHING)
            assert (told, answer.status) == (unknown[one.name].text, 404)
        if "{deployment}" in one.path:
            reached = one.needs in SCOPES[: SCOPES.index(scope) + 1]
            code = (404, "no_such_deployment") if reached else (403, "forbidden")
            assert (answer.status, answer.json["code"]) == code, one


async def test_a_service_that_is_not_there_answers_just_the_same(scene: Scene) -> None:
    """For whoever sees everything, a name that nobody has reads like one out of sight."""
    token = await scene.token("other", service=BLOG)
    for one in OPERATIONS:
        if "{service}" in one.path and one.method in READING and one.name not in MAKING:
            hidden = await scene.call(one, token, service=SHOP)
            absent = await scene.call(one, TOKEN, service=NOTHING)
            assert hidden.text.replace(SHOP, NOTHING) == absent.text
            kept = {"Date"}
            assert {
                key: value for key, value in hidden.headers.items() if key not in kept
            }.keys() == {
                key: value for key, value in absent.headers.items() if key not in kept
            }.keys()


async def test_lists_and_events_show_the_own_service_alone(scene: Scene) -> None:
    token = await scene.token("other", service=BLOG)
    found = await answers(scene, token)
    for name in ("listServices", "listEvents"):
        assert found[name].status == 200
        assert BLOG in found[name].text
    hidden = [name for name, answer in found.items() if _shows(answer, SHOP)]
    assert hidden == []
    own = {item["service"] for item in found["listEvents"].json["items"]}
    assert own == {BLOG}


async def test_a_service_s_token_creates_no_other_service(scene: Scene) -> None:
    own = {"Authorization": f"Bearer {await scene.token('new', 'deploy', service='new')}"}
    call = scene.paas.call
    for name in (SHOP, "another"):
        refused = await call(
            "POST", "/v1/services", session=scene.paas.tcp, headers=own, json={"name": name}
        )
        assert (refused.status, refused.json["code"]) == (403, "forbidden")
    made = await call(
        "POST", "/v1/services", session=scene.paas.tcp, headers=own, json={"name": "new"}
    )
    assert made.status == 201
    (event,) = (await call("GET", "/v1/services/new/events")).json["items"]
    assert event["actor"] == "token:new"


async def test_unknown_paths_and_methods_show_only_to_callers(scene: Scene) -> None:
    token = {"Authorization": f"Bearer {await scene.token('r', 'read', service=BLOG)}"}
    for method, path, status in (("GET", "/v1/none", 404), ("PUT", "/v1/services", 405)):
        known = await scene.paas.call(method, path, session=scene.paas.tcp, headers=token)
        nobody = await scene.paas.call(method, path, session=scene.paas.tcp)
        assert (known.status, nobody.status) == (status, 401)


def _shows(answer: Answer, service: str) -> bool:
    """Whether something else than the echo of the asked-for name is told."""
    if answer.status in (401, 403, 404):
        return False
    return service in answer.text
