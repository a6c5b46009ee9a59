"""Disk use stays flat over deployments, and what is not ours stays."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e import apps
from tests.e2e.daemon import Daemon, running, short_folder
from tests.e2e.disks import filled, small_disk
from tests.e2e.engine import RUN_LABEL, Engine
from tests.e2e.footprint import MIB, failing, heavy, image_bytes, staged
from tests.e2e.waiting import until
from tests.e2e.world import World

DEPLOYMENTS = 30
SETTINGS = {
    "PAAS_BUILDS__CACHE": "2MiB",
    "PAAS_LIMITS__DEPLOYMENTS_PER_SERVICE": "5",
    "PAAS_LIMITS__VERSIONS_PER_SERVICE": "2",
}


@pytest.fixture
def frugal() -> Iterator[World]:
    """A daemon that keeps little."""
    with short_folder() as data, running(Daemon(data, settings=SETTINGS)) as daemon:
        yield World(daemon)


def gc(world: World, *, dry_run: bool) -> dict:
    answer = world.api.post("/v1/gc", {"dry_run": dry_run})
    assert answer.status == 200, answer.text
    return answer.json


def settled(world: World) -> int:
    """Bytes of images and data once nothing more goes."""
    until(lambda: not gc(world, dry_run=False)["removed"], "all is clean", seconds=60, pause=0.5)
    return image_bytes() + data_bytes(world)


def data_bytes(world: World) -> int:
    """Without the database, whose file grows in steps and is reused, and the daemon's own log."""
    paths = (path for path in world.daemon.data.rglob("*") if path.is_file())
    return sum(
        path.stat().st_size for path in paths if not path.name.startswith(("paas.db", "daemon.log"))
    )


@pytest.mark.timeout(300)
def test_thirty_deployments_take_no_more_than_three(frugal: World) -> None:
    service, others = frugal.name(), image_bytes()
    sources = (heavy, failing, staged)
    seen = []
    for number in range(DEPLOYMENTS):
        make = sources[number % len(sources)]
        accepted = frugal.submit(service, make(f"text {number}", size=MIB // 4))
        ended = frugal.api.ended(accepted["id"], seconds=90)
        wanted = "failed" if make is failing else "succeeded"
        assert ended["status"] == wanted, (ended, frugal.api.log(accepted["id"]))
        if number == 0:
            frugal.api.patch(f"/v1/services/{service}", {"auto_prune": True})
        if number in (5, 17, 29):
            seen.append(settled(frugal))
    assert seen[-1] - others <= (seen[0] - others) * 1.3 + MIB, (seen, others)
    assert frugal.body(service) == "text 29"
    deployments = frugal.api.items(f"/v1/services/{service}/deployments")
    assert len(deployments) <= 7
    frugal.assert_tidy()
    assert frugal.api.delete(f"/v1/services/{service}", confirm=service).status == 204
    until(lambda: not frugal.containers(), "its containers are gone", seconds=60)
    assert settled(frugal) - others < 4 * MIB


@contextmanager
def stranger(engine: Engine, folder: Path, dockerfile: str) -> Iterator[str]:
    """An image of somebody else, with that Dockerfile."""
    name = f"stranger-{os.urandom(4).hex()}:1"
    folder.mkdir()
    (folder / "mine").write_bytes(os.urandom(64))
    (folder / "Dockerfile").write_text(f"{dockerfile}\nLABEL {RUN_LABEL}={apps.RUN}\nCOPY mine /\n")
    engine.run("build", "-q", "-t", name, str(folder))
    try:
        yield name
    finally:
        engine.run("rmi", "-f", name, check=False)


def test_a_dry_run_is_what_then_goes_and_strangers_stay(frugal: World, tmp_path: Path) -> None:
    service, engine = frugal.name(), frugal.engine
    frugal.succeed(service, heavy("mine"))
    image = frugal.api.version(f"{service}-001")["image"]
    with (
        stranger(engine, tmp_path / "alone", "FROM scratch") as alone,
        stranger(engine, tmp_path / "child", f"FROM {image}") as child,
    ):
        chain = engine.lines("history", "-q", "--no-trunc", child)
        assert gc(frugal, dry_run=True)["removed"] == []
        assert frugal.api.delete(f"/v1/services/{service}", confirm=service).status == 204
        until(lambda: not frugal.containers(), "its containers are gone", seconds=60)
        until(lambda: engine.tags(image) == [], "our tag is gone", seconds=60)
        again = frugal.name()
        frugal.succeed(again, heavy("again"))
        frugal.submit(again, failing("broken"))
        dry = gc(frugal, dry_run=True)
        done = gc(frugal, dry_run=False)
        assert done["removed"] == dry["removed"] or not done["removed"]  # its own round was first
        settled(frugal)
        for name in (alone, child):
            assert engine.tags(name) == [name]
        assert engine.lines("history", "-q", "--no-trunc", child) == chain


# ---- disks that are full


@pytest.fixture
def cramped() -> Iterator[World]:
    """A daemon whose data directory holds 64 MB. It looks at the engine's disk, too, which
    is as full as it is: only percent count.
    """
    settings = {"PAAS_DISK__REFUSE_FREE": "0"}
    with small_disk("64m") as data, running(Daemon(data, settings=settings)) as daemon:
        yield World(daemon)


def level(world: World) -> str:
    disks = world.api.get("/v1/health").json["disks"]
    return next(one["level"] for one in disks if one["path"] == str(world.daemon.data))


def test_a_full_disk_refuses_builds_and_recovers_by_itself(cramped: World) -> None:
    service = cramped.name()
    cramped.deploy(service, "served")
    with filled(cramped.daemon.data, 2 * MIB):
        until(lambda: level(cramped) == "full", "it is noticed", seconds=30)
        assert refused(cramped, service)
        assert cramped.body(service) == "served"
        until(lambda: disk_events(cramped)[:1] == ["disk.low"], "it was told", seconds=50)
    until(lambda: level(cramped) == "ok", "there is room again", seconds=30)
    assert not refused(cramped, service)
    until(lambda: disk_events(cramped)[:1] == ["disk.recovered"], "and told", seconds=50)
    assert cramped.body(service) == "next"
    cramped.assert_tidy()


def refused(world: World, service: str) -> bool:
    answer = world.api.upload(service, apps.web("next").targz())
    if answer.status == 202:
        world.api.ended(answer.json["id"])
        return False
    assert (answer.status, answer.json["code"]) == (507, "disk_low"), answer.text
    assert answer.json["advice"]
    return True


def disk_events(world: World) -> list[str]:
    found = [event["kind"] for event in world.api.items("/v1/events")]
    return [kind for kind in found if kind.startswith("disk.")]


def test_a_disk_that_fills_up_during_upload_and_build_leaves_the_daemon_serving(
    cramped: World,
) -> None:
    service = cramped.name()
    cramped.deploy(service, "served")
    large = heavy("large", size=12 * MIB)
    with filled(cramped.daemon.data, 8 * MIB):  # not enough for the upload
        answer = cramped.api.upload(service, large.targz())
        assert (answer.status, answer.json["code"]) == (507, "disk_full"), answer.text
    with filled(cramped.daemon.data, 18 * MIB):  # enough for the upload, not to unpack it
        ended = cramped.fail(service, large)
        assert ended["error"]["code"] == "disk_full"
        assert cramped.body(service) == "served"
    until(lambda: not refused(cramped, service), "builds are taken again", seconds=20)
    cramped.assert_tidy()
