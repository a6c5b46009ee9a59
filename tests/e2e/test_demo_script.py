"""`scripts/demo` in a fresh clone, twice, and then nothing of it is left."""

import os
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.api import Api
from tests.e2e.daemon import ROOT, short_folder
from tests.e2e.engine import Engine
from tests.e2e.waiting import until

SECOND_RUN_SECONDS = 20.0


@pytest.fixture
def clone() -> Iterator[Path]:
    with short_folder() as folder:
        path = folder / "clone"
        words = ["git", "clone", "--quiet", "--no-hardlinks", str(ROOT), str(path)]
        subprocess.run(words, check=True, timeout=60)
        yield path
        demo(path, "clean")


def demo(clone: Path, *words: str) -> str:
    clean = {key: value for key, value in os.environ.items() if not key.startswith("PAAS_")}
    done = subprocess.run(
        [str(clone / "scripts" / "demo"), *words],
        cwd=clone,
        env=clean,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_twice_then_stopped_then_cleaned(clone: Path) -> None:
    engine = Engine()
    _shows_all(demo(clone), 1)
    begun = time.monotonic()
    _shows_all(demo(clone), 3)
    assert time.monotonic() - begun < SECOND_RUN_SECONDS
    health = Api(clone / ".demo" / "data" / "api.sock").get("/v1/health").json
    label = f"paas.installation={engine.installation(health['gateway'])}"
    demo(clone, "stop")
    assert engine.containers(label)
    demo(clone, "clean")
    assert not (clone / ".demo").exists()
    until(lambda: not engine.containers(label), "no container is left")
    assert engine.networks(label) == []
    assert engine.images(label) == []


def _shows_all(output: str, number: int) -> None:
    first, second = f"hello-{number:03d}", f"hello-{number + 1:03d}"
    assert f"answered by: {first}=9 {second}=1" in output
    assert f"answered by: {first}=10" in output
    assert re.search(r"http://hello\.localhost:\d+/", output)
