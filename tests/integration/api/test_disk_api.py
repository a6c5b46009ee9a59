"""What takes room, what goes, and what is refused when there is none."""

import json
import os
import time

from paas.control.intake import DeploymentRequest
from paas.core.model import Traffic
from paas.core.spec import VersionSource, VersionSpec
from paas.core.stock import StoredImage
from paas.core.watermarks import Space
from tests.integration.api.rig import IMAGE, World, archive, until
from tests.integration.api.test_uploads_api import SPEC, URL, form

FULL = Space(path="/", device=1, used=99 << 30, free=1 << 30)


async def built(paas: World) -> dict:
    answer = await paas.call(
        "POST", URL, data=form(("spec", SPEC.encode()), ("archive", archive()))
    )
    assert answer.status == 202, answer.text
    return await paas.ended(answer.json["id"])


async def collected(paas: World, *, dry_run: bool) -> dict:
    answer = await paas.call("POST", "/v1/gc", json={"dry_run": dry_run})
    assert answer.status == 200, answer.text
    return answer.json


async def test_a_dry_run_tells_what_then_goes(paas: World) -> None:
    made = await built(paas)
    await paas.journal.read(f"deployments/{made['id']}")  # it is on disk by then
    data = paas.settings.data_dir
    repository = f"git/{paas.control.catalog.get('shop').id}.git"
    for folder in ("uploads", "builds/dep_lost", "logs/versions", repository, "git/hooks"):
        (data / folder).mkdir(parents=True, exist_ok=True)
    (data / "uploads" / "old.part").write_bytes(b"x" * 5000)
    (data / "uploads" / "coming.part").write_bytes(b"x" * 5000)
    (data / "builds" / "dep_lost" / "file").write_bytes(b"x" * 5000)
    (data / "logs" / "versions" / "lost.jsonl").write_bytes(b"x" * 500)
    (data / repository / "pack").write_bytes(b"x" * 5000)
    hours_ago = time.time() - 4000
    os.utime(data / "uploads" / "old.part", (hours_ago, hours_ago))
    theirs = paas.engine.add_image("theirs:1", ours=False)
    lost = paas.engine.add_image("paas/gone:gone-001-ffff")

    dry = await collected(paas, dry_run=True)
    assert {(one["kind"], one["id"]) for one in dry["removed"]} == {
        ("image", "paas/gone:gone-001-ffff"),
        ("log", "versions/lost"),
        ("upload", "old.part"),
        ("build", "dep_lost"),
    }
    assert all(one["reason"] for one in dry["removed"])
    assert dry["bytes"] == sum(one["bytes"] for one in dry["removed"]) > 0
    kinds = {(one["service"], one["kind"]) for one in dry["uses"]}
    assert kinds >= {("shop", "image"), ("shop", "log"), ("shop", "deployment")}
    assert {("shop", "repository"), ("", "repository")} <= kinds
    assert lost.id in paas.engine.images

    done = await collected(paas, dry_run=False)
    assert (done["removed"], done["bytes"], done["kept"]) == (dry["removed"], dry["bytes"], [])
    assert lost.id not in paas.engine.images
    assert theirs.id in paas.engine.images
    assert (await collected(paas, dry_run=True))["removed"] == []
    assert [one.name for one in paas.uploads] == ["coming.part"]


async def test_only_images_that_we_pulled_go(paas: World) -> None:
    theirs = paas.engine.add_image("theirs.example/a:1", ours=False)
    paas.engine.add_remote("theirs.example/a:1")
    source = {"type": "image", "image": "theirs.example/a:1"}
    assert (await paas.deploy("theirs", source=source))["status"] == "succeeded"
    assert (await paas.deploy("pulled"))["status"] == "succeeded"
    assert (await collected(paas, dry_run=True))["removed"] == []
    uses = (await collected(paas, dry_run=True))["uses"]
    assert {one["service"] for one in uses if one["kind"] == "image"} == {"pulled"}
    for name in ("theirs", "pulled"):
        assert (await paas.call("DELETE", f"/v1/services/{name}?confirm={name}")).status == 204
    await until(lambda: _nothing_runs(paas))
    (gone,) = (await collected(paas, dry_run=False))["removed"]
    assert IMAGE in gone["reason"]
    assert theirs.id in paas.engine.images


async def test_layers_of_our_builds_are_kept_as_cache_up_to_its_bound(paas: World) -> None:
    made = StoredImage(id="sha256:" + "ab" * 32, created=time.time(), size=6 << 30)
    paas.storage.layers[made.id] = made
    paas.builder.lines = ("Step 2/2 : COPY a /a", " ---> " + "ab" * 6)
    assert (await built(paas))["status"] == "succeeded"
    (gone,) = (await collected(paas, dry_run=False))["removed"]
    assert (gone["kind"], gone["service"], gone["bytes"]) == ("layer", "shop", 6 << 30)
    small = StoredImage(id="sha256:" + "cd" * 32, created=time.time(), size=1 << 30)
    paas.storage.layers[small.id] = small
    paas.builder.lines = ("Step 2/2 : COPY a /a", " ---> " + "cd" * 6)
    await built(paas)
    found = await collected(paas, dry_run=False)
    assert found["removed"] == []
    assert ("shop", "layer", 1 << 30) in {
        (one["service"], one["kind"], one["bytes"]) for one in found["uses"]
    }


async def test_gc_needs_the_engine(paas: World) -> None:
    paas.engine.down = True
    assert (await paas.call("POST", "/v1/gc", json={})).status == 503


async def test_a_full_disk_refuses_what_needs_room_and_says_so(paas: World) -> None:
    first = await paas.deploy()
    paas.disk.now = FULL
    await paas.control.room.look()
    answer = await paas.call(
        "POST", URL, data=form(("spec", SPEC.encode()), ("archive", archive()))
    )
    assert (answer.status, answer.json["code"]) == (507, "disk_low")
    assert "gc --dry-run" in answer.json["advice"]
    pull = {"create": True, "source": {"type": "image", "image": IMAGE}}
    assert (await paas.call("POST", URL, json=pull)).status == 507
    assert paas.uploads == []
    again = await paas.control.deployments.submit(same_image(paas, first["version"]))
    assert (await paas.ended(again.id))["status"] == "succeeded"
    health = (await paas.call("GET", "/v1/health")).json
    assert health["status"] == "degraded"
    (disk,) = health["disks"]
    assert (disk["level"], disk["used_percent"]) == ("full", 99.0)
    assert "disks" not in (await paas.call("GET", "/v1/health", session=paas.tcp)).json

    paas.disk.now = Space(path="/", device=1, used=50 << 30, free=50 << 30)
    await paas.control.room.look()
    assert (await paas.deploy("other"))["status"] == "succeeded"
    assert json.dumps(health)


def same_image(paas: World, version: str) -> DeploymentRequest:
    """A deployment that needs no room: of the image that a version has."""
    found = paas.control.catalog.get("shop").version(version)
    assert found is not None
    assert found.image is not None
    source = VersionSource(version=version, image=found.image)
    return DeploymentRequest(
        service="shop",
        create=False,
        traffic=Traffic.ALL,
        actor="ann",
        spec=VersionSpec(source=source, port=found.port),
    )


async def _nothing_runs(paas: World) -> bool:
    return not paas.engine.containers
