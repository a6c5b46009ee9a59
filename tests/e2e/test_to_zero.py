"""Versions without replicas: going to zero, being removed by hand, cold starts."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.e2e import apps
from tests.e2e.waiting import until
from tests.e2e.world import World

MANY = 30


def test_a_replica_removed_by_hand_is_repaired_or_zero(shared: World, service: str) -> None:
    shared.deploy(service, "back")
    version = f"{service}-001"
    gone = shared.replica(version)
    shared.engine.run("rm", "-f", gone)
    until(
        lambda: all(one["id"] != gone for one in shared.api.replicas(version)),
        "the daemon sees that it is gone",
    )
    until(lambda: shared.condition(version) in ("serving", "zero"), "repaired or zero")
    assert shared.body(service) == "back"
    assert len(shared.containers(service)) == 1


def test_a_killed_program_is_replaced(shared: World, service: str) -> None:
    shared.deploy(service, "back")
    gone = shared.replica(f"{service}-001")
    shared.engine.run("kill", gone)
    until(lambda: gone not in shared.containers(service), "its container is removed")
    assert shared.body(service) == "back"


def test_a_request_at_zero_is_held_and_answered(shared: World, service: str) -> None:
    shared.deploy(service, "cold")
    version = f"{service}-001"
    shared.sleep(service, version)
    answer = shared.get(service)
    assert (answer.status, answer.text.strip()) == (200, "cold")
    assert 0 < int(answer.headers["x-paas-cold-start"]) < 10_000
    assert "x-paas-cold-start" not in shared.get(service).headers
    assert shared.condition(version) == "serving"
    (newest, *_older) = shared.events(service, "replica.started")
    assert {"create_seconds", "connect_seconds"} <= newest["data"].keys()


@pytest.mark.parametrize("path", ["service", "version"])
def test_many_at_zero_cost_one_start(shared: World, service: str, path: str) -> None:
    shared.deploy(service, "cold")
    version = f"{service}-001"
    shared.sleep(service, version)
    before = len(shared.events(service, "replica.started"))
    host = service if path == "service" else version
    with ThreadPoolExecutor(MANY) as pool:
        answers = list(pool.map(lambda _: shared.get(host), range(MANY)))
    assert [answer.status for answer in answers] == [200] * MANY
    until(lambda: len(shared.events(service, "replica.started")) > before, "its event")
    assert len(shared.events(service, "replica.started")) == before + 1
    assert len(shared.containers(service)) == 1


def test_a_minimum_keeps_it_awake(shared: World, service: str) -> None:
    shared.deploy(service, "awake", replicas={"min": 1})
    version = f"{service}-001"
    path = f"/v1/services/{service}"
    assert shared.api.patch(path, {"idle": {"stop_after": 1}}).status == 200
    gone = shared.replica(version)
    shared.engine.run("rm", "-f", gone)
    until(
        lambda: (
            [one["state"] for one in shared.api.replicas(version) if one["id"] != gone] == ["ready"]
        ),
        "another replica is ready without a request",
    )


def test_a_version_that_can_start_no_more_refuses_at_once(shared: World, service: str) -> None:
    other = World.name()
    shared.deploy(other, "needed")
    host, _, port = shared.api.version(f"{other}-001")["internal_address"].rpartition(":")
    need = f"nc -w 1 {host} {port} </dev/null || {{ echo it is gone; exit 9; }}"
    shared.succeed(service, apps.web("needs it", before=need))
    shared.sleep(service, f"{service}-001")
    assert shared.api.delete(f"/v1/services/{other}", confirm=other).status == 204
    refused = shared.get(service)
    assert (refused.status, refused.headers["x-paas-error"]) == (503, "start_failed")
    assert "retry-after" in refused.headers
    assert shared.condition(f"{service}-001") == "crashing"
    again = shared.get(service, timeout=2)
    assert (again.status, again.headers["x-paas-error"]) == (503, "start_failed")
    (event, *_rest) = until(lambda: shared.events(service, "version.crashing"), "its event")
    assert "exit code 9" in event["message"]
    assert "it is gone" in event["data"]["log"]
