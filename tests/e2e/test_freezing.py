"""Frozen and woken by the real engine; the daemon may end and be killed meanwhile."""

import time
from concurrent.futures import ThreadPoolExecutor

from tests.e2e import apps
from tests.e2e.waiting import until
from tests.e2e.world import World

BOOST = 1.0


def freeze(world: World, service: str, **idle: int) -> str:
    """Let the service's only replica freeze soon; its container."""
    version = f"{service}-001"
    idle = {"freeze_after": 1, "stop_after": 3600, **idle}
    assert world.api.patch(f"/v1/services/{service}", {"idle": idle}).status == 200
    replica = world.replica(version)
    until(lambda: world.condition(version) == "idle", f"{version} is frozen")
    until(lambda: world.engine.inspect(replica)["State"]["Paused"], "its container is paused")
    return replica


def awake(world: World, service: str) -> None:
    """It shall not freeze any more."""
    idle = {"idle": {"freeze_after": 3600}}
    assert world.api.patch(f"/v1/services/{service}", idle).status == 200


def test_a_frozen_service_answers_from_the_same_replica(shared: World, service: str) -> None:
    shared.deploy(service, "frozen")
    for _ in range(3):
        replica = freeze(shared, service)
        began = time.monotonic()
        answer = shared.get(service)
        assert time.monotonic() - began < 2
        assert (answer.status, answer.text.strip()) == (200, "frozen")
        assert int(answer.headers["x-paas-cold-start"]) < 2000
    assert shared.containers(service) == [replica]
    assert len(shared.events(service, "replica.started")) == 1
    woken = until(lambda: len(shared.events(service, "replica.woken")) >= 3, "its events")
    assert woken
    (newest, *_older) = shared.events(service, "replica.woken")
    assert {"wake_seconds", "connect_seconds"} <= newest["data"].keys()
    awake(shared, service)


def test_many_at_once_wake_it_once(shared: World, service: str) -> None:
    shared.deploy(service, "crowd")
    replica = freeze(shared, service)
    awake(shared, service)
    with ThreadPoolExecutor(30) as pool:
        answers = list(pool.map(lambda _: shared.get(service), range(30)))
    assert [one.status for one in answers] == [200] * 30
    assert shared.containers(service) == [replica]
    assert len(shared.events(service, "replica.woken")) == 1


def test_requests_at_the_instant_of_freezing(shared: World, service: str) -> None:
    """One request a second, each about when the second without one is over."""
    shared.deploy(service, "edge")
    replica = freeze(shared, service)
    for step in range(12):
        assert shared.body(service) == "edge"
        time.sleep(0.95 + step * 0.1)
    assert shared.containers(service) == [replica]
    awake(shared, service)


def test_frozen_then_stopped_then_back(shared: World, service: str) -> None:
    shared.deploy(service, "ladder")
    version = f"{service}-001"
    freeze(shared, service, stop_after=4)
    until(lambda: shared.condition(version) == "zero", "it is at zero")
    until(lambda: not shared.containers(service), "its container is gone")
    idle = {"idle": {"freeze_after": 3600, "stop_after": 3600}}
    assert shared.api.patch(f"/v1/services/{service}", idle).status == 200
    assert shared.body(service) == "ladder"
    kinds = [
        len(shared.events(service, f"version.{kind}")) for kind in ("frozen", "stopped", "awake")
    ]
    assert kinds == [1, 1, 1]


def test_a_daemon_that_comes_back_finds_it_frozen(own: World, service: str) -> None:
    own.deploy(service, "kept")
    for end in (own.daemon.terminate, own.daemon.kill9):
        replica = freeze(own, service)
        end()
        own.daemon.start()
        until(lambda: own.condition(f"{service}-001") == "idle", "it is frozen still")
        assert own.engine.inspect(replica)["State"]["Paused"]
        answer = own.get(service)
        assert (answer.status, answer.text.strip()) == (200, "kept")
        assert own.containers(service) == [replica]
    assert own.events(service, "version.stopped") == []
    awake(own, service)


def test_a_restart_neither_delays_the_stop_nor_hastens_it(own: World, service: str) -> None:
    own.deploy(service, "clock")
    version = f"{service}-001"
    own.body(service)
    used = time.monotonic()
    freeze(own, service, freeze_after=3, stop_after=8)  # by then its idle time is stored
    own.daemon.restart()
    until(lambda: own.condition(version) == "zero", "it is at zero", seconds=20)
    assert 7 < time.monotonic() - used < 8 + 6
    until(lambda: own.events(service, "version.stopped"), "its event")
    assert len(own.events(service, "version.stopped")) == 1


def test_its_cpu_limit_holds_once_it_is_ready(shared: World, service: str) -> None:
    shared.submit(service, apps.web("boost", before="sleep 1"), cpu=0.25)
    found = until(lambda: shared.containers(service), "its container is there")
    assert _cpus(shared, found[0]) == BOOST
    until(lambda: shared.condition(f"{service}-001") == "serving", "it is ready")
    until(lambda: _cpus(shared, found[0]) == 0.25, "its own limit holds")
    assert shared.body(service) == "boost"


def _cpus(world: World, container: str) -> float:
    config = world.engine.inspect(container)["HostConfig"]
    nano = config["NanoCpus"] / 1e9
    return nano or config["CpuQuota"] / config["CpuPeriod"]
