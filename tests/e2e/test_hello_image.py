"""The image that is there without any registry."""

import platform
import subprocess
from pathlib import Path

from tests.e2e.daemon import ROOT
from tests.e2e.test_command_line import run
from tests.e2e.waiting import until
from tests.e2e.world import World


def test_it_is_deployed_by_its_name(shared: World, service: str) -> None:
    run(shared, "deploy", "--image", "paas/hello", "--service", service)
    page = shared.get(service)
    assert page.status == 200
    assert f"Hello from {service}" in page.text
    assert f"{service}-001" in page.text
    read = shared.api.version(f"{service}-001")
    assert read["source"] == {"type": "image", "image": "paas/hello"} | {
        name: None for name in read["source"] if name not in ("type", "image")
    }
    assert read["port"] == 8080
    size = shared.engine.inspect(read["image_id"])["Size"]
    assert size < 100 * 1024


def test_each_version_has_its_own_and_it_goes_with_the_service(shared: World, service: str) -> None:
    for _ in range(2):
        run(shared, "deploy", "--image", "paas/hello:latest", "--service", service)
    assert f"{service}-002" in shared.get(service).text
    assert shared.get(f"{service}-001").status == 200
    assert len(shared.engine.tags(f"paas/{service}")) == 2
    shared.api.delete(f"/v1/services/{service}?confirm={service}")
    until(lambda: not shared.engine.tags(f"paas/{service}"), "its images are gone", seconds=40)


def test_the_programs_are_what_the_script_makes(tmp_path: Path) -> None:
    subprocess.run([ROOT / "scripts" / "hello", str(tmp_path)], check=True, timeout=60)
    made = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert f"hello-{platform.machine()}" in made
    for name, content in made.items():
        assert content == (ROOT / "paas" / "hello" / name).read_bytes(), name
