"""What an administrator's clean-up does to us, and a reboot: repaired, or told with what to do.

On an engine of its own, because `system prune` spares nobody.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e import apps
from tests.e2e.daemon import Daemon, free_port, running, short_folder
from tests.e2e.load import Load
from tests.e2e.registry import Registry, private_registry
from tests.e2e.second_engine import SecondEngine, second_engine
from tests.e2e.waiting import steady, until
from tests.e2e.world import World


@pytest.fixture(scope="module")
def engine() -> Iterator[SecondEngine]:
    with short_folder() as folder, second_engine(folder) as engine:
        yield engine


@pytest.fixture
def world(engine: SecondEngine) -> Iterator[World]:
    with short_folder() as data, running(Daemon(data, docker_host=engine.host)) as daemon:
        yield World(daemon)


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    with private_registry(tmp_path, free_port()) as found:
        yield found


def test_prune_takes_sleepers_images_and_a_registry_gives_theirs_back(
    world: World, registry: Registry, service: str, tmp_path: Path
) -> None:
    pulled, built = World.name(), World.name()
    image = to_registry(world, registry, tmp_path)
    source = {"type": "image", "image": image, "credentials": registry.login}
    answer = world.api.post(
        f"/v1/services/{pulled}/deployments", {"create": True, "source": source}
    )
    assert world.api.ended(answer.json["id"])["status"] == "succeeded"
    world.deploy(built, "built")
    world.deploy(service, "awake")
    for name in (pulled, built):
        world.sleep(name, f"{name}-001")
    world.engine.run("system", "prune", "-af")
    assert world.body(service) == "awake", "what runs is spared"
    assert world.body(pulled) == "pulled"
    refused = world.get(built)
    assert (refused.status, refused.headers["x-paas-error"]) == (503, "start_failed")
    told = json.dumps(world.api.get(f"/v1/services/{built}/explain").json)
    assert "no longer on this host" in told
    assert "Deploy the version again" in told
    world.deploy(built, "built again")
    assert world.body(built) == "built again"


def test_everything_removed_at_once(world: World, service: str) -> None:
    world.deploy(service, "one", replicas={"min": 1})
    network = f"paas-{world.daemon.installation[:8]}"
    for container in world.containers():
        world.engine.run("rm", "-fv", container)
        world.engine.run("network", "rm", network, check=False)
    until(lambda: world.get(service).text.strip() == "one", "it serves again", seconds=30)
    until(lambda: len(world.containers(service)) == 1, "from one replica")


def test_a_reboot(world: World, engine: SecondEngine, service: str) -> None:
    """What has a minimum runs again by itself, the rest when somebody asks for it."""
    asleep, free = World.name(), World.name()
    world.deploy(service, "one", replicas={"min": 1})
    world.deploy(service, "two", replicas={"min": 1}, traffic="none")
    world.deploy(free, "free")
    world.api.split(service, v1=50, v2=50)
    world.deploy(asleep, "asleep")
    world.sleep(asleep, f"{asleep}-001")
    world.daemon.kill9()
    for container in world.containers():
        world.engine.run("kill", container)
    engine.kill9()
    world.daemon.start(with_engine=False)
    engine.start()
    for version in (f"{service}-001", f"{service}-002"):
        until(lambda one=version: world.condition(one) == "serving", "back unaided", seconds=30)
    assert {world.body(f"{service}-001"), world.body(f"{service}-002")} == {"one", "two"}
    assert world.condition(f"{asleep}-001") == "zero"
    steady(lambda: str(world.containers(asleep)), "the sleeper sleeps on", seconds=1)
    assert world.containers(asleep) == []
    assert (world.body(asleep), world.body(free)) == ("asleep", "free")


@pytest.mark.timeout(120)
def test_an_engine_that_is_away_loses_no_request(
    world: World, engine: SecondEngine, service: str
) -> None:
    world.deploy(service, "one")
    with Load(world.daemon.proxy_port, f"{service}.localhost", rate=100) as load:
        until(lambda: load.total > 100, "traffic")
        engine.kill9()
        before = load.total
        until(lambda: load.total > before + 300, "traffic without an engine")
        assert load.failures == {}
        engine.start()
        until(lambda: world.api.get("/v1/health").json["engine"], "the engine is back")
        until(lambda: world.condition(f"{service}-001") == "serving", "it serves", seconds=30)
        before = load.total
        until(lambda: load.total > before + 100, "traffic again")
    assert load.failures == {}, load.failures


def to_registry(world: World, registry: Registry, folder: Path) -> str:
    """An image in the registry that answers `pulled`."""
    local = f"paas-e2e-{apps.RUN}/pulled:1"
    context = apps.web("pulled").folder(folder / "image")
    world.engine.run("build", "-q", "-t", local, str(context))
    reference = f"{registry.address}/pulled:1"
    words = ["--config", str(folder / "docker")]
    login = ["login", "-u", registry.login["user"], "-p", registry.login["password"]]
    world.engine.run(*words, *login, registry.address)
    world.engine.run("tag", local, reference)
    world.engine.run(*words, "push", reference)
    world.engine.run("rmi", reference, local)
    return reference
