"""Ending what is under way, and removing what is there: nothing of it stays."""

import json

import pytest

from tests.e2e import apps
from tests.e2e.http_calls import get
from tests.e2e.waiting import until
from tests.e2e.world import World

WHO = "paas.e2e.who"


def slow_build(who: str) -> apps.Source:
    """A build that takes longer than any test; its container is found by `who`."""
    return apps.web("slow", build=f'LABEL {WHO}={who}\nRUN ["sleep", "120"]')


def test_cancelling_a_build_ends_its_container(shared: World, service: str) -> None:
    shared.deploy(service, "one")
    accepted = shared.submit(service, slow_build(service))
    builder = f"{WHO}={service}"
    until(lambda: shared.engine.containers(builder), "the build's container runs")
    answer = shared.api.post(f"/v1/deployments/{accepted['id']}/cancel")
    assert answer.status == 200, answer.text
    assert answer.json["status"] == "cancelled"
    steps = {step["name"]: step["status"] for step in answer.json["steps"]}
    assert (steps["build"], steps["start"]) == ("cancelled", "skipped")
    until(lambda: not shared.engine.containers(builder), "the build's container is gone")
    shared.assert_tidy()
    assert shared.api.version(f"{service}-002")["status"] == "failed"
    assert shared.body(service) == "one"
    again = shared.api.post(f"/v1/deployments/{accepted['id']}/cancel")
    assert (again.status, again.json["code"]) == (409, "deployment_ended")
    assert shared.deploy(service, "three")["version"] == f"{service}-003"


def test_cancelling_a_queued_deployment(shared: World, service: str) -> None:
    first = shared.submit(service, slow_build(service))
    second = shared.submit(service, apps.web("second"))
    assert shared.api.deployment(second["id"])["status"] == "queued"
    answer = shared.api.post(f"/v1/deployments/{second['id']}/cancel")
    assert (answer.status, answer.json["status"]) == (200, "cancelled")
    assert shared.api.post(f"/v1/deployments/{first['id']}/cancel").status == 200
    shared.assert_tidy()
    assert shared.containers(service) == []


def test_cancelling_while_it_starts(shared: World, service: str) -> None:
    shared.deploy(service, "one")
    accepted = shared.submit(service, apps.program("exec sleep 1000"))
    until(lambda: _step(shared, accepted["id"], "check") == "running", "it is being checked")
    assert shared.api.post(f"/v1/deployments/{accepted['id']}/cancel").json["status"] == "cancelled"
    until(lambda: len(shared.containers(service)) == 1, "its replica is removed", seconds=30)
    assert shared.body(service) == "one"


def test_deleting_a_version(shared: World, service: str) -> None:
    shared.deploy(service, "one")
    shared.deploy(service, "two")
    old = shared.api.version(f"{service}-001")
    assert shared.api.delete(f"/v1/services/{service}/versions/{service}-001").status == 204
    until(lambda: len(shared.containers(service)) == 1, "its replica is removed")
    until(lambda: not _has_image(shared, old["image"]), "its image is removed", seconds=30)
    assert shared.get(f"{service}-001").headers["x-paas-error"] == "no_such_host"
    _nobody_answers(old["internal_address"])
    assert shared.body(service) == "two"


@pytest.mark.parametrize("state", ["serving", "asleep"])
def test_deleting_a_service(shared: World, service: str, state: str) -> None:
    shared.deploy(service, "one")
    shared.deploy(service, "two", traffic="none")
    if state == "asleep":
        shared.sleep(service, f"{service}-001")
    inside = [shared.api.version(f"{service}-00{number}") for number in (1, 2)]
    address = shared.api.service(service)["internal_address"]
    ids = shared.containers(service)
    path = f"/v1/services/{service}"
    assert shared.api.delete(path, confirm=service).status == 204
    assert shared.api.get(path).status == 404
    until(lambda: not shared.containers(service), "no container is left")
    assert not set(ids) & _attached(shared)
    for version in inside:
        image = version["image"]
        until(lambda image=image: not _has_image(shared, image), "no image is left", seconds=30)
    assert shared.get(service).headers["x-paas-error"] == "no_such_host"
    for one in (address, *(version["internal_address"] for version in inside)):
        _nobody_answers(one)
    shared.assert_tidy()


def test_deleting_a_service_that_is_deploying(shared: World, service: str) -> None:
    shared.submit(service, slow_build(service))
    builder = f"{WHO}={service}"
    until(lambda: shared.engine.containers(builder), "the build's container runs")
    assert shared.api.delete(f"/v1/services/{service}", confirm=service).status == 204
    until(lambda: not shared.engine.containers(builder), "the build's container is gone")
    shared.assert_tidy()


def test_a_new_service_of_an_old_name_starts_afresh(shared: World, service: str) -> None:
    shared.deploy(service, "before")
    assert shared.api.delete(f"/v1/services/{service}", confirm=service).status == 204
    assert shared.deploy(service, "after")["version"] == f"{service}-001"
    assert shared.body(service) == shared.body(f"{service}-001") == "after"
    until(lambda: len(shared.containers(service)) == 1, "the old replica is removed")
    assert shared.api.items(f"/v1/services/{service}/deployments")[1:] == []


def test_only_our_own_things_are_touched(shared: World, service: str) -> None:
    """A container made by hand from our image: it inherits the image's labels."""
    shared.deploy(service, "ours")
    image = shared.api.version(f"{service}-001")["image_id"]
    by_hand = shared.engine.run("run", "-d", "--label", "mine=1", image, "sleep", "1000")
    try:
        assert shared.api.delete(f"/v1/services/{service}", confirm=service).status == 204
        until(lambda: not shared.containers(service), "the replica is removed")
        assert by_hand in shared.containers()
        shared.deploy(service, "again")
        assert shared.engine.inspect(by_hand)["State"]["Running"]
    finally:
        shared.engine.run("rm", "-f", by_hand)


def _step(world: World, ident: str, name: str) -> str:
    steps = world.api.deployment(ident)["steps"]
    return str(next(step["status"] for step in steps if step["name"] == name))


def _has_image(world: World, image: str) -> bool:
    """By its name, which the version shows, or its id."""
    return bool(world.engine.run("image", "inspect", image, "--format", "x", check=False))


def _attached(world: World) -> set[str]:
    label = f"paas.installation={world.daemon.installation}"
    networks = world.engine.networks(label)
    found = json.loads(world.engine.run("network", "inspect", *networks))
    return {container for network in found for container in network["Containers"]}


def _nobody_answers(address: str) -> None:
    host, _, port = address.rpartition(":")

    def refused() -> bool:
        try:
            get(host, int(port), timeout=2)
        except OSError:
            return True
        return False

    until(refused, f"nobody answers on {address}")
