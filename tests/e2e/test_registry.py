"""Images from a private registry: logins, tags that move, pins that do not."""

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e import apps
from tests.e2e.daemon import ROOT
from tests.e2e.engine import Engine
from tests.e2e.registry import Registry, private_registry
from tests.e2e.waiting import until
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


# ---- logins that the daemon keeps


def stored(shared: World, registry: Registry, **login: str) -> Any:
    return shared.api.put(f"/v1/registries/{registry.address}", {**registry.login, **login})


def test_a_stored_login_pulls_until_it_is_removed(
    shared: World, service: str, registry: Registry, pushed: Any
) -> None:
    image = pushed(f"{service}:1", "by a stored login")
    wrong = stored(shared, registry, password="wrong")
    assert (wrong.status, wrong.json["code"]) == (422, "login_refused")
    assert registry.address in wrong.json["detail"]
    assert shared.api.items("/v1/registries") == []

    kept = stored(shared, registry)
    assert kept.status == 200, kept.text
    try:
        ended = deploy(shared, service, image)
        assert ended["status"] == "succeeded", (ended, shared.api.log(ended["id"]))
        assert shared.body(service) == "by a stored login"
        assert "sesame" not in str(shared.api.items("/v1/registries"))
        database = (shared.daemon.data / "paas.db").read_bytes()
        assert b"sesame" not in database + shared.daemon.log.encode()
    finally:
        assert shared.api.delete(f"/v1/registries/{registry.address}").status == 204
    shared.engine.run("rmi", "-f", image, check=False)
    other = deploy(shared, f"{service}b", pushed(f"{service}:2", "private"))
    assert other["status"] == "failed"
    assert "paas registry login" in other["error"]["advice"]


@pytest.mark.parametrize("step", ["", "RUN --mount=type=cache,target=/cache true"])
def test_a_stored_login_opens_a_private_base(
    shared: World, service: str, registry: Registry, pushed: Any, step: str
) -> None:
    """By either builder: the step needs BuildKit."""
    base = pushed(f"{service}:1", "from a private base")
    source = apps.Source(files={"Dockerfile": f"FROM {base}\n{step}\n".encode()})
    refused = shared.fail(service, source)
    assert "paas registry login" in refused["error"]["advice"], refused
    assert stored(shared, registry).status == 200
    try:
        shared.succeed(service, source)
    finally:
        assert shared.api.delete(f"/v1/registries/{registry.address}").status == 204
    assert shared.body(service) == "from a private base"


def test_an_image_that_was_pulled_goes_with_its_service(
    shared: World, service: str, registry: Registry, pushed: Any
) -> None:
    image = pushed(f"{service}:1", "pulled")
    assert deploy(shared, service, image, registry.login)["status"] == "succeeded"
    ident = shared.api.version(f"{service}-001")["image_id"]
    assert shared.api.delete(f"/v1/services/{service}", confirm=service).status == 204
    until(lambda: not shared.containers(service), "its containers are gone", seconds=60)
    shared.api.post("/v1/gc", {})
    assert ident not in shared.engine.images(every=True)


def test_the_command_line_stores_logins(shared: World, registry: Registry) -> None:
    def paas(*words: str, **variables: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "paas", "registry", *words],
            env=shared.daemon.environment | variables,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    words = ("login", registry.address, "--user", registry.login["user"])
    assert "PAAS_REGISTRY_PASSWORD" in paas(*words).stderr
    refused = paas(*words, PAAS_REGISTRY_PASSWORD="wrong")
    assert (refused.returncode, "refused the login" in refused.stderr) == (4, True)
    done = paas(*words, PAAS_REGISTRY_PASSWORD=registry.login["password"])
    assert done.returncode == 0, done.stderr
    assert registry.address in paas("list").stdout
    assert paas("logout", registry.address).returncode == 0
    assert "No registry login" in paas("list").stdout
    assert paas("logout", registry.address).returncode == 4
