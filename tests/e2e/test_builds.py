"""Builds that need BuildKit: secrets, caches, arguments, private bases, and their end."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from paas.adapters.build import DockerBuilder
from paas.adapters.docker import DockerEngine
from paas.aio.tasks import Tasks
from paas.core.buildneeds import BuilderChoice
from paas.errors import Failed
from paas.ports import BuildSpec, Credentials
from tests.e2e import apps
from tests.e2e.engine import RUN_LABEL, Engine
from tests.e2e.registry import PASSWORD, USER, Registry, private_registry
from tests.e2e.waiting import until
from tests.e2e.world import World
from tests.fakes.replica import free_ports

TOKEN = "a-token-nobody-may-see"
STEP = "RUN --mount=type=cache,id={mark},target=/cache"
SECRET = "RUN --mount=type=secret,id=npm.token"


def mark() -> str:
    """Seconds to sleep that no other process sleeps; some hundredths more than two."""
    return f"2.0{int.from_bytes(os.urandom(4))}"


def sleeps(seconds: str) -> bool:
    return subprocess.run(["pgrep", "-f", f"^sleep {seconds}"], check=False).returncode == 0


def test_a_build_gets_its_secret_and_arguments_and_keeps_neither(
    shared: World, service: str
) -> None:
    lines = (
        "ARG GREETING=none",
        f"{SECRET} : {mark()}; cat /run/secrets/npm.token",
        "RUN echo $GREETING > /www/index.html",
    )
    asked = {
        "build_args": {"GREETING": "hello"},
        "build_secrets": {"npm.token": TOKEN},
        "target": "first",
    }
    source = apps.web("x", build="\n".join(lines))
    dockerfile = source.files["Dockerfile"].decode()
    named = dockerfile.replace("FROM scratch\n", "FROM scratch AS first\n")
    source = source.plus(Dockerfile=f"{named}FROM scratch AS last\n")
    ended = shared.succeed(service, source, **asked)
    assert shared.body(service) == "hello"
    log = shared.api.log(ended["id"])
    assert "***" in log
    version = shared.api.version(f"{service}-001")
    assert version["build_args"] == {"GREETING": "hello"}
    assert (version["build_secrets"], version["target"]) == (["npm.token"], "first")
    image = version["image"]
    history = shared.engine.run("history", "--no-trunc", image)
    inspected = str(shared.engine.inspect(image))
    for text in (log, history, inspected, str(version), str(ended), shared.daemon.log):
        assert TOKEN not in text
    assert shared.daemon.installation in inspected


def test_a_cache_is_kept_for_the_next_build(shared: World, service: str) -> None:
    step = STEP.format(mark=service)
    first = apps.web("x", build=f"{step} cat /cache/kept; echo first > /cache/kept")
    second = apps.web("x", build=f"{step} cp /cache/kept /www/index.html")
    shared.succeed(service, first)
    shared.succeed(service, second)
    assert shared.body(service) == "first"


def test_an_image_is_not_built(shared: World, service: str) -> None:
    request = {
        "create": True,
        "source": {"type": "image", "image": "x:1"},
        "build_args": {"A": "b"},
        "build_secrets": {"a": "b"},
        "target": "x",
    }
    answer = shared.api.post(f"/v1/services/{service}/deployments", request)
    assert answer.status == 422, answer.text
    assert {one["field"] for one in answer.json["errors"]} == {
        "build_args",
        "build_secrets",
        "target",
    }


def test_cancelling_ends_a_build_by_buildkit(shared: World, service: str) -> None:
    seconds = "60" + mark()[3:]
    step = STEP.format(mark=service)
    accepted = shared.submit(service, apps.web("x", build=f"{step} exec sleep {seconds}"))
    until(lambda: sleeps(seconds), "the build runs")
    answer = shared.api.post(f"/v1/deployments/{accepted['id']}/cancel")
    assert answer.json["status"] == "cancelled", answer.text
    until(lambda: not sleeps(seconds), "the build has ended", seconds=10)
    shared.assert_tidy()


def test_killed_while_buildkit_builds(own: World, service: str) -> None:
    seconds = mark()
    step = STEP.format(mark=service)
    accepted = own.submit(service, apps.web("built", build=f"{step} exec sleep {seconds}"))
    until(lambda: sleeps(seconds), "the build runs")
    own.daemon.kill9()
    until(lambda: not sleeps(seconds), "it ended with the daemon", seconds=1.5)
    own.daemon.start()
    ended = own.api.ended(accepted["id"])
    assert ended["status"] == "succeeded", (ended, own.api.log(accepted["id"]))
    assert own.body(service) == "built"
    own.assert_tidy()


# ---- private bases; where their logins come from is another matter


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    (port,) = free_ports(1, first=29_500)
    with private_registry(tmp_path_factory.mktemp("registry"), port) as found:
        yield found


@pytest.mark.parametrize("kind", [BuilderChoice.CLASSIC, BuilderChoice.BUILDKIT])
async def test_a_private_base_needs_its_login(
    registry: Registry, tmp_path: Path, kind: BuilderChoice
) -> None:
    engine, local = Engine(), f"paas-e2e-{apps.RUN}/base-{kind}:1"
    engine.run("build", "-q", "-t", local, str(apps.web("x").folder(tmp_path / "base")))
    base = registry.push(engine, local, f"base-{kind}:1")
    source = tmp_path / "source"
    source.mkdir()
    (source / "Dockerfile").write_text(f"FROM {base}\nLABEL {RUN_LABEL}={apps.RUN} kind={kind}\n")
    docker = DockerEngine("", installation=f"e2e{apps.RUN}", tasks=Tasks())
    builder = DockerBuilder(docker, kind)
    tag = f"paas/e2e-base:{kind}-{apps.RUN}"

    def spec(*logins: Credentials) -> BuildSpec:
        known = dict.fromkeys((registry.address,), *logins) if logins else {}
        return BuildSpec(
            root=source,
            dockerfile="Dockerfile",
            build_dir=".",
            tag=tag,
            timeout=30,
            registries=known,
        )

    lines: list[str] = []
    for logins in ((), (Credentials(user=USER, password="wrong"),)):
        with pytest.raises(Failed) as raised:
            await builder.build(spec(*logins), progress=lines.append)
        assert "credentials" in raised.value.advice, raised.value.message
    fact = await builder.build(
        spec(Credentials(user=USER, password=PASSWORD)), progress=lines.append
    )
    assert fact.labels["kind"] == kind
    assert PASSWORD not in "\n".join(lines)
    await docker.remove_image(tag)
    engine.run("rmi", "-f", base, check=False)
    await docker.close()
