"""Stored registry logins through the API: kept sealed, used for pulls and builds, never shown."""

import sqlite3
from contextlib import closing

import pytest

from paas.ports import Credentials
from tests.integration.api.rig import IMAGE, World, archive
from tests.integration.api.test_uploads_api import SPEC, URL, form

HOST = "registry.example"
PASSWORD = "open sesame"
LOGIN = {"user": "ann", "password": PASSWORD}


async def stored(paas: World, host: str = HOST, **fields: object) -> None:
    answer = await paas.call("PUT", f"/v1/registries/{host}", json=LOGIN | fields)
    assert answer.status == 200, answer.text
    assert PASSWORD not in answer.text


async def test_a_login_is_checked_listed_and_removed(paas: World) -> None:
    paas.engine.logins[HOST] = Credentials(**LOGIN)
    await stored(paas)
    (listed,) = (await paas.call("GET", "/v1/registries")).json["items"]
    assert (listed["host"], listed["user"]) == (HOST, "ann")
    assert listed.keys() == {"host", "user", "created"}
    assert (await paas.call("DELETE", f"/v1/registries/{HOST}")).status == 204
    assert (await paas.call("GET", "/v1/registries")).json["items"] == []
    gone = await paas.call("DELETE", f"/v1/registries/{HOST}")
    assert (gone.status, gone.json["code"]) == (404, "no_such_registry")
    events = (await paas.call("GET", "/v1/events")).json["items"]
    assert [one["kind"] for one in events[:2]] == ["registry.removed", "registry.added"]
    assert PASSWORD not in str(events)


async def test_a_login_that_the_registry_refuses_is_not_stored(paas: World) -> None:
    paas.engine.logins[HOST] = Credentials(user="ann", password="other")
    answer = await paas.call("PUT", f"/v1/registries/{HOST}", json=LOGIN)
    assert (answer.status, answer.json["code"]) == (422, "login_refused")
    assert PASSWORD not in answer.text
    answer = await paas.call("PUT", "/v1/registries/away.example", json=LOGIN)
    assert (answer.status, answer.json["code"]) == (502, "registry_unreachable")
    assert (await paas.call("GET", "/v1/registries")).json["items"] == []
    await stored(paas, "away.example", check=False)


@pytest.mark.parametrize(
    ("host", "body", "field"),
    [
        ("a%20b", LOGIN, "registry"),
        ("https:%2F%2Fa.example", LOGIN, "registry"),
        (HOST, {"user": "a:b", "password": "x"}, "user"),
        (HOST, {"user": "ann", "password": ""}, "password"),
        (HOST, {"user": "ann"}, "password"),
    ],
)
async def test_wrong_logins(paas: World, host: str, body: object, field: str) -> None:
    answer = await paas.call("PUT", f"/v1/registries/{host}", json=body)
    assert answer.status == 422
    assert field in answer.fields


async def test_a_pull_uses_the_stored_login_until_it_is_removed(paas: World) -> None:
    paas.engine.add_remote(IMAGE, login=Credentials(**LOGIN))
    assert (await paas.deploy())["error"]["code"] == "pull_denied"
    await stored(paas, check=False)
    assert (await paas.deploy())["status"] == "succeeded"
    wrong = {"type": "image", "image": IMAGE, "credentials": {"user": "ann", "password": "no"}}
    paas.engine.images.clear()
    assert (await paas.deploy(source=wrong))["error"]["code"] == "pull_denied"


async def test_builds_get_all_logins(paas: World) -> None:
    await stored(paas, check=False)
    await stored(paas, "index.docker.io", check=False, user="ben")
    parts = [("spec", SPEC.encode()), ("archive", archive())]
    made = await paas.call("POST", URL, data=form(*parts))
    await paas.ended(made.json["id"])
    assert paas.builder.builds[0].registries == {
        HOST: Credentials(**LOGIN),
        "docker.io": Credentials(user="ben", password=PASSWORD),
    }
    with closing(sqlite3.connect(paas.settings.data_dir / "paas.db")) as database:
        assert PASSWORD not in "\n".join(database.iterdump())
