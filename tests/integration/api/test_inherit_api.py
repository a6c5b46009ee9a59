import io
import json

import aiohttp

from paas.ports import ReplicaSpec
from tests.fakes.replica import PORT
from tests.integration.api.rig import IMAGE, World, archive, until

PATH = "/v1/services/shop/deployments"
DOCKERFILE = {"Dockerfile": f"FROM scratch\nEXPOSE {PORT}\n"}
AGAIN = {"source": {"type": "version", "version": "shop-001"}}


async def build(paas: World, **spec: object) -> None:
    """A version from an archive."""
    form = aiohttp.FormData()
    wanted = {"create": True, "source": {"type": "archive"}, **spec}
    form.add_field("spec", json.dumps(wanted), content_type="application/json")
    form.add_field("archive", io.BytesIO(archive(**DOCKERFILE)), filename="shop.tar.gz")
    answer = await paas.call("POST", PATH, data=form)
    assert answer.status == 202, answer.text
    assert (await paas.ended(answer.json["id"]))["status"] == "succeeded"


async def again(paas: World, **spec: object) -> dict[str, object]:
    answer = await paas.call("POST", PATH, json={**AGAIN, **spec})
    assert answer.status == 202, answer.text
    ended = await paas.ended(answer.json["id"])
    assert ended["status"] == "succeeded", ended
    return (await paas.call("GET", f"/v1/services/shop/versions/{ended['version']}")).json


def environment(paas: World, version: str) -> dict[str, str]:
    """What its replica got."""
    return dict(specification(paas, version).env)


def specification(paas: World, version: str) -> ReplicaSpec:
    """What its replica was started with."""
    (found,) = [one for one in paas.engine.containers.values() if one.spec.version == version]
    return found.spec


async def test_a_version_goes_on_from_another_without_a_build(paas: World) -> None:
    await build(paas, env={"A": "1", "B": "2"}, secrets={"KEY": "hidden", "OLD": "x"}, cpu=0.25)
    made = await again(paas, env={"A": None, "C": "3"}, secrets={"OLD": None}, note="again")
    assert made["name"] == "shop-002"
    assert made["env"] == {"B": "2", "C": "3"}
    assert made["secrets"] == ["KEY"]
    assert (made["cpu"], made["port"], made["note"]) == (0.25, PORT, "again")
    assert made["source"] == {"type": "version", "version": "shop-001"}
    assert len(paas.builder.builds) == 1
    seen = environment(paas, "shop-002")
    assert (seen["B"], seen["C"], seen["KEY"]) == ("2", "3", "hidden")
    assert not {"A", "OLD"} & seen.keys()


async def test_its_image_stays_when_the_first_version_goes(paas: World) -> None:
    await build(paas)
    await again(paas)
    assert (await paas.call("DELETE", "/v1/services/shop/versions/shop-001")).status == 204
    await paas.control.janitor.clean()

    async def only_one() -> bool:
        await paas.control.janitor.clean()
        built = [image.pin.reference for image in await paas.engine.built_images()]
        return len(built) == 1 and "shop-002" in built[0]

    assert await until(only_one)
    assert (await again(paas, source={"type": "version", "version": "shop-002"}))["name"]


async def test_inherit_takes_over_what_is_not_said(paas: World) -> None:
    await paas.deploy(inherit=True, env={"A": "1"}, secrets={"KEY": "hidden"}, memory="64MiB")
    await paas.deploy(inherit=True, secrets={"A": "now hidden"}, env={"KEY": "now plain"})
    read = (await paas.call("GET", "/v1/services/shop/versions/shop-002")).json
    assert (read["env"], read["secrets"]) == ({"KEY": "now plain"}, ["A"])
    assert read["memory"] == 64 * 2**20
    assert read["source"]["image"] == IMAGE
    seen = environment(paas, "shop-002")
    assert (seen["A"], seen["KEY"]) == ("now hidden", "now plain")


async def test_a_read_only_root_is_taken_over_until_it_is_said_otherwise(paas: World) -> None:
    await paas.deploy(read_only=True)
    await paas.deploy(inherit=True)
    await paas.deploy(inherit=True, read_only=False)
    for number, wanted in ((1, True), (2, True), (3, False)):
        name = f"shop-00{number}"
        read = (await paas.call("GET", f"/v1/services/shop/versions/{name}")).json
        assert read["read_only"] is wanted
        assert specification(paas, name).read_only is wanted


async def test_only_a_ready_version_can_be_gone_on_from(paas: World) -> None:
    unknown = await paas.call("POST", PATH, json=AGAIN)
    assert (unknown.status, unknown.json["code"]) == (404, "no_such_service")
    await paas.deploy()
    missing = {"source": {"type": "version", "version": "shop-009"}}
    answer = await paas.call("POST", PATH, json=missing)
    assert (answer.status, answer.json["code"]) == (404, "no_such_version")
    gone = "no-such-image:1"
    failed = await paas.deploy(source={"type": "image", "image": gone})
    assert failed["status"] == "failed"
    answer = await paas.call("POST", PATH, json={"source": {"type": "version", "version": "2"}})
    assert answer.status == 404
    answer = await paas.call(
        "POST", PATH, json={"source": {"type": "version", "version": "shop-002"}}
    )
    assert (answer.status, answer.json["code"]) == (409, "version_not_ready")


async def test_an_image_that_is_gone_is_told(paas: World) -> None:
    await build(paas)
    for replica in list(paas.engine.containers):
        await paas.engine.remove(replica)
    paas.engine.images.clear()
    answer = await paas.call("POST", PATH, json=AGAIN)
    ended = await paas.ended(answer.json["id"])
    assert ended["error"]["code"] == "image_gone"
