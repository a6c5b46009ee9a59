"""Sources without a Dockerfile, from `paas init` to the answer, on images made locally."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.e2e import bases
from tests.e2e.world import World

LANGUAGES = {
    "go": "Go",
    "java": "Java",
    "node": "Node.js",
    "php": "PHP",
    "python": "Python",
    "static": "a static site",
}
BUILD_SECONDS = 120.0
pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module", autouse=True)
def _bases() -> None:
    bases.ensure(bases.BASES)


def paas(world: World, folder: Path, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "paas", *words],
        env=world.daemon.environment | {"PYTHONPATH": str(bases.ROOT)},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=BUILD_SECONDS,
        check=False,
    )
    assert done.returncode == 0, f"{done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.mark.parametrize("language", LANGUAGES)
def test_from_init_to_the_answer(
    shared: World, service: str, tmp_path: Path, language: str
) -> None:
    folder = tmp_path / service
    folder.mkdir()
    paas(shared, folder, "init", language)
    out = paas(shared, folder, "deploy")
    version = f"{service}-001"
    assert f"{version} is ready" in out
    page = shared.get(service)
    assert page.status == 200
    assert f"Hello from {LANGUAGES[language]}" in page.text
    if language != "static":
        assert version in page.text
    assert shared.body(service, "/healthz") == "ok"
    assert shared.get(service, "/none").status == 404
    read = shared.api.version(version)
    assert read["port"] == 8080
    assert read["generated_dockerfile"].startswith("# ")
    log = shared.api.log(shared.api.items(f"/v1/services/{service}/deployments")[0]["id"])
    assert "There is no Dockerfile. This is" in log
    assert _user(shared, version) not in ("", "root", "0")
    assert _seconds_to_end(shared, version) < 10


def _user(world: World, version: str) -> str:
    return str(world.engine.inspect(world.replica(version))["Config"]["User"])


def _seconds_to_end(world: World, version: str) -> float:
    """How long the program takes to end when it is told to; it must do so by itself."""
    replica = world.replica(version)
    began = time.monotonic()
    world.engine.run("stop", "--time", "20", replica)
    took = time.monotonic() - began
    code = world.engine.inspect(replica)["State"]["ExitCode"]
    assert code in (0, 143), code  # 143: a signal that was heeded
    return took
