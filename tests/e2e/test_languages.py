"""Sources without a Dockerfile, from `paas init` to the answer, on images made locally."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.e2e import apps, bases, vendored
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
    _works_read_only(shared, service, version, f"Hello from {LANGUAGES[language]}")


def test_requirements_with_wheels_beside_them(shared: World, service: str) -> None:
    _deploy(shared, service, vendored.flask_application())
    assert shared.body(service) == "from the wheels"
    assert "Python 3.13 (Flask)" in _dockerfile(shared, service)


def test_a_lock_file_and_a_build_of_npm(shared: World, service: str) -> None:
    _deploy(shared, service, vendored.node_application())
    assert shared.body(service) == "from the tarball and built"
    assert '"npm", "ci"' in _dockerfile(shared, service)


def test_a_procfile_says_how_it_starts(shared: World, service: str) -> None:
    files = {
        "requirements.txt": b"",
        "Procfile": b"web: python -m http.server --directory site $PORT\nworker: python w.py\n",
        "site/index.html": b"by the Procfile",
    }
    log = _deploy(shared, service, files)
    assert shared.body(service) == "by the Procfile"
    assert "The Procfile's worker is not run" in log


def test_a_dockerfile_is_written_out_and_then_rules(
    shared: World, service: str, tmp_path: Path
) -> None:
    folder = tmp_path / service
    paas(shared, tmp_path, "init", "static", service)
    out = paas(shared, folder, "deploy", "--eject")
    assert "Static site" in out
    text = (folder / "Dockerfile").read_text() + "ENV MINE=1\n"
    (folder / "Dockerfile").write_text(text)
    paas(shared, folder, "deploy")
    assert "Hello from a static site" in shared.body(service)
    assert _dockerfile(shared, service) == ""


def test_a_template_is_deployed_at_once(shared: World, service: str) -> None:
    paas(shared, bases.ROOT, "deploy", "--template", "python", "--service", service)
    assert "Hello from Python" in shared.body(service)


def _deploy(world: World, service: str, files: dict[str, bytes]) -> str:
    """Deploy the files; the deployment's log."""
    accepted = world.submit(service, apps.Source(files=files))
    ended = world.api.ended(accepted["id"], seconds=BUILD_SECONDS)
    log = world.api.log(ended["id"])
    assert ended["status"] == "succeeded", log
    return log


def _dockerfile(world: World, service: str) -> str:
    return str(world.api.version(f"{service}-001")["generated_dockerfile"])


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


def _works_read_only(world: World, service: str, version: str, greeting: str) -> None:
    again = {"source": {"type": "version", "version": version}, "read_only": True}
    accepted = world.api.post(f"/v1/services/{service}/deployments", again).json
    ended = world.api.ended(accepted["id"])
    assert ended["status"] == "succeeded", ended
    assert greeting in world.body(service)
