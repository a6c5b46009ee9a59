"""The engine dies, restarts or hangs: traffic goes on, and everything heals by itself."""

import time
from collections.abc import Iterator

import pytest

from tests.e2e import apps
from tests.e2e.daemon import Daemon, running, short_folder
from tests.e2e.second_engine import SecondEngine, second_engine
from tests.e2e.waiting import until
from tests.e2e.world import World


@pytest.fixture(scope="module")
def engine() -> Iterator[SecondEngine]:
    with short_folder() as folder, second_engine(folder) as engine:
        yield engine


@pytest.fixture(scope="module")
def world(engine: SecondEngine) -> Iterator[World]:
    with short_folder() as data, running(Daemon(data, docker_host=engine.host)) as daemon:
        yield World(daemon)


@pytest.fixture(autouse=True)
def _engine_answers(world: World, engine: SecondEngine) -> None:
    """Whatever the test before left behind."""
    engine.ensure()
    until(lambda: world.api.get("/v1/health").json["engine"], "the engine answers")


@pytest.mark.timeout(120)
def test_killed_and_started_again(world: World, engine: SecondEngine, service: str) -> None:
    cold = World.name()
    world.deploy(cold, "cold")
    world.sleep(cold, f"{cold}-001")
    world.deploy(service, "one")
    engine.kill9()
    _traffic_and_reads_go_on(world, service)
    _says_that_the_engine_is_away(world)
    accepted = world.submit(service, apps.web("lost"))
    ended = world.api.ended(accepted["id"])
    assert (ended["status"], ended["error"]["code"]) == ("failed", "engine_unreachable")
    assert world.body(service) == "one"
    engine.start()
    _heals(world, service, "one")
    assert world.body(cold) == "cold"
    world.deploy(service, "three")
    assert world.body(service) == "three"
    until(lambda: len(world.containers(service)) == 2, "one replica for each ready version")
    _all_is_known(world)


def test_stopped_in_order_and_started_again(
    world: World, engine: SecondEngine, service: str
) -> None:
    world.deploy(service, "one")
    engine.stop()
    _says_that_the_engine_is_away(world)
    held = world.get(service, timeout=15)
    assert (held.status, held.headers["x-paas-error"]) == (503, "start_timeout")
    assert "retry-after" in held.headers
    engine.start()
    _heals(world, service, "one")
    _all_is_known(world)


def test_a_build_that_the_engine_took_with_it(
    world: World, engine: SecondEngine, service: str
) -> None:
    world.deploy(service, "one")
    accepted = world.submit(service, apps.web("x", build='RUN ["sleep", "60"]'))
    until(lambda: "RUN" in world.api.log(accepted["id"]), "the build runs")
    engine.kill9()
    ended = world.api.ended(accepted["id"])
    assert ended["status"] == "failed"
    assert ended["error"]["code"] == "engine_unreachable", ended
    engine.start()
    _heals(world, service, "one")
    _all_is_known(world)


def test_an_engine_that_hangs(world: World, engine: SecondEngine, service: str) -> None:
    world.deploy(service, "one")
    begun = time.monotonic()
    with engine.frozen():
        _traffic_and_reads_go_on(world, service)
        _says_that_the_engine_is_away(world)
        assert world.body(service) == "one"
    assert time.monotonic() - begun < 15
    until(lambda: world.api.get("/v1/health").json["engine"], "the engine is back")
    _heals(world, service, "one")
    world.deploy(service, "two")
    assert world.body(service) == "two"


def test_a_daemon_that_starts_before_its_engine(
    world: World, engine: SecondEngine, service: str
) -> None:
    world.deploy(service, "one")
    engine.kill9()
    world.daemon.kill9()
    world.daemon.start(with_engine=False)
    _says_that_the_engine_is_away(world)
    assert world.api.service(service)["split"] == {f"{service}-001": 100}
    engine.start()
    _heals(world, service, "one")
    _all_is_known(world)


def _traffic_and_reads_go_on(world: World, service: str) -> None:
    assert world.body(service) == "one"
    assert world.api.version(f"{service}-001")["status"] == "ready"
    assert world.api.items("/v1/services")
    assert world.api.replicas(f"{service}-001")


def _says_that_the_engine_is_away(world: World) -> None:
    health = world.api.get("/v1/health")
    assert health.status == 200
    assert health.json["engine"] is False
    assert health.json["status"] == "degraded"
    assert health.json["problem"]


def _heals(world: World, service: str, text: str) -> None:
    """It serves again, from one replica."""

    def serves() -> bool:
        answer = world.get(service)
        return answer.status == 200 and answer.text.strip() == text

    until(serves, "it serves again", seconds=30)
    until(lambda: world.condition(f"{service}-001") == "serving", "the daemon says so")
    until(lambda: len(world.containers(service)) == 1, "from one replica")


def _all_is_known(world: World) -> None:
    """Each container of the installation is a replica that the daemon shows."""

    def known() -> bool:
        names = [item["name"] for item in world.api.items("/v1/services")]
        versions = [
            version["name"]
            for name in names
            for version in world.api.items(f"/v1/services/{name}/versions")
        ]
        shown = {one["id"] for version in versions for one in world.api.replicas(version)}
        return set(world.containers()) == shown

    until(known, "every container is a replica that the daemon shows")
    world.assert_tidy()
