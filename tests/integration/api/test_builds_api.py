"""Build arguments, secrets and targets, from the request to the builder and back."""

import io
import json

import aiohttp
import pytest

from tests.fakes.replica import PORT
from tests.integration.api.rig import World, archive

PATH = "/v1/services/shop/deployments"
DOCKERFILE = {"Dockerfile": f"FROM scratch\nEXPOSE {PORT}\n"}
TOKEN = "nobody-may-see-this"


async def build(paas: World, **spec: object) -> dict[str, object]:
    """A version from an archive, as it reads."""
    form = aiohttp.FormData()
    wanted = {"create": True, "source": {"type": "archive"}, **spec}
    form.add_field("spec", json.dumps(wanted), content_type="application/json")
    form.add_field("archive", io.BytesIO(archive(**DOCKERFILE)), filename="shop.tar.gz")
    answer = await paas.call("POST", PATH, data=form)
    assert answer.status == 202, answer.text
    ended = await paas.ended(answer.json["id"])
    assert ended["status"] == "succeeded", ended
    return (await paas.call("GET", f"/v1/services/shop/versions/{ended['version']}")).json


async def test_the_builder_gets_all_and_the_answer_shows_no_secret(paas: World) -> None:
    paas.builder.lines = ("using", f"token {TOKEN} twice: {TOKEN}")
    made = await build(
        paas,
        build_args={"MODE": "prod", "PORT": "1"},
        build_secrets={"npm.token": TOKEN},
        target="last",
    )
    (spec,) = paas.builder.builds
    assert (dict(spec.args), spec.target) == ({"MODE": "prod", "PORT": "1"}, "last")
    assert spec.secrets == {"npm.token": TOKEN}
    assert TOKEN not in repr(spec)
    assert made["build_args"] == {"MODE": "prod", "PORT": "1"}
    assert (made["build_secrets"], made["target"]) == (["npm.token"], "last")
    assert TOKEN not in json.dumps(made)
    deployments = (await paas.call("GET", PATH)).json["items"]
    log = await paas.call("GET", f"/v1/deployments/{deployments[0]['id']}/log")
    assert "token *** twice: ***" in log.text
    assert TOKEN not in log.text


async def test_a_replica_gets_none_of_it(paas: World) -> None:
    await build(paas, build_args={"MODE": "prod"}, build_secrets={"token": TOKEN})
    (replica,) = paas.engine.containers.values()
    assert not {"MODE", "token"} & replica.spec.env.keys()
    assert TOKEN not in str(replica.spec.env)


async def test_inherit_takes_them_over_but_for_what_is_null(paas: World) -> None:
    await build(
        paas,
        build_args={"A": "1", "B": "2"},
        build_secrets={"kept": TOKEN, "dropped": "x"},
        target="last",
    )
    made = await build(
        paas, inherit=True, build_args={"A": None, "C": "3"}, build_secrets={"dropped": None}
    )
    assert made["build_args"] == {"B": "2", "C": "3"}
    assert (made["build_secrets"], made["target"]) == (["kept"], "last")
    assert paas.builder.builds[-1].secrets == {"kept": TOKEN}
    assert (await build(paas))["build_secrets"] == []


@pytest.mark.parametrize(
    ("more", "fields"),
    [
        ({"build_args": {"1": "x"}}, {"build_args.1"}),
        ({"build_args": {"A": None}}, {"build_args.A"}),
        ({"build_secrets": {"../x": "y"}}, {"build_secrets.../x"}),
        ({"build_secrets": {"a,b": "y"}}, {"build_secrets.a,b"}),
        ({"build_secrets": {"a": "x\0"}}, {"build_secrets.a"}),
        ({"target": "--x"}, {"target"}),
        ({"target": ""}, {"target"}),
    ],
)
async def test_odd_names_are_refused(
    paas: World, more: dict[str, object], fields: set[str]
) -> None:
    form = aiohttp.FormData()
    wanted = {"create": True, "source": {"type": "archive"}, **more}
    form.add_field("spec", json.dumps(wanted), content_type="application/json")
    form.add_field("archive", io.BytesIO(archive(**DOCKERFILE)), filename="shop.tar.gz")
    answer = await paas.call("POST", PATH, data=form)
    assert answer.status == 422, answer.text
    assert {one["field"] for one in answer.json["errors"]} == fields


@pytest.mark.parametrize("kind", ["image", "version"])
async def test_what_is_not_built_takes_none(paas: World, kind: str) -> None:
    source = {"type": kind, kind: "shop-001"}
    wanted = {"source": source, "build_args": {}, "build_secrets": {}, "target": "x"}
    answer = await paas.call("POST", PATH, json={"create": True, **wanted})
    assert answer.status == 422
    assert {one["field"] for one in answer.json["errors"]} == {
        "build_args",
        "build_secrets",
        "target",
    }
