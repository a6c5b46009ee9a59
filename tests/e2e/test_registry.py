"""Images from a private registry: logins, tags that move, pins that do not."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e import apps
from tests.e2e.engine import Engine
from tests.e2e.registry import Registry, private_registry
from tests.e2e.world import World
from tests.fakes.replica import free_ports


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    (port,) = free_ports(1, first=29_000)
    with private_registry(tmp_path_factory.mktemp("registry"), port) as found:
        yield found


@pytest.fixture
def pushed(registry: Registry, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Builds a program that answers `text` and pushes it as `name`; gives the reference."""
    engine, made = Engine(), set()

    def push(name: str, text: str) -> str:
        local = f"paas-e2e-{apps.RUN}/to-push:1"
        folder = apps.web(text).folder(tmp_path_factory.mktemp("image"))
        engine.run("build", "-q", "-t", local, str(folder))
        made.add(reference := registry.push(engine, local, name))
        return reference

    yield push
    for reference in made:
        engine.run("rmi", "-f", reference, check=False)


def deploy(shared: World, service: str, image: str, login: object = None) -> dict[str, Any]:
    source: dict[str, Any] = {"type": "image", "image": image}
    if login is not None:
        source["credentials"] = login
    request = {"create": True, "source": source}
    answer = shared.api.post(f"/v1/services/{service}/deployments", request)
    assert answer.status == 202, answer.text
    return shared.api.ended(answer.json["id"])


def test_a_private_image_is_pulled_and_pinned_by_digest(
    shared: World, service: str, registry: Registry, pushed: Any
) -> None:
    image = pushed(f"{service}:1", "first")
    ended = deploy(shared, service, image, registry.login)
    assert ended["status"] == "succeeded", (ended, shared.api.log(ended["id"]))
    first = shared.api.version(f"{service}-001")
    assert first["image"] == image
    assert first["image_digest"].startswith(f"{registry.address}/{service}@sha256:")
    assert shared.body(service) == "first"
    for answer in (shared.api.get(f"/v1/services/{service}"), first, ended):
        assert "sesame" not in str(answer)
    assert "sesame" not in shared.api.log(ended["id"])

    pushed(f"{service}:1", "second")
    again = deploy(shared, service, image, registry.login)
    assert again["status"] == "succeeded", (again, shared.api.log(again["id"]))
    assert shared.body(service) == "second"
    assert shared.body(f"{service}-001") == "first"
    second = shared.api.version(f"{service}-002")
    assert second["image_digest"] != first["image_digest"]


@pytest.mark.parametrize("login", [None, {"user": "ann", "password": "wrong"}])
def test_a_wrong_login_is_refused_with_advice(
    shared: World, service: str, pushed: Any, login: object
) -> None:
    image = pushed(f"{service}:1", "private")
    ended = deploy(shared, service, image, login)
    assert ended["status"] == "failed"
    assert ended["error"]["advice"]
    assert "wrong" not in str(ended)


def test_an_unknown_tag_says_so(shared: World, service: str, registry: Registry) -> None:
    ended = deploy(shared, service, f"{registry.address}/{service}:nope", registry.login)
    assert ended["status"] == "failed"
    assert f"{service}:nope" in ended["error"]["message"]
