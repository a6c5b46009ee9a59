"""The command line as its users run it: another process, its output and its exit code."""

import json
import os
import statistics
import subprocess
import sys
import time
import venv
from pathlib import Path
from typing import Any

import pytest

from tests.e2e import apps
from tests.e2e.daemon import ROOT
from tests.e2e.waiting import until
from tests.e2e.world import World

DONE, FAILED, USAGE, UNREACHABLE, REFUSED = 0, 1, 2, 3, 4
HELP_SECONDS = 0.3


def run(world: World, *words: str, code: int = DONE, stdin: str = "") -> str:
    """What `paas` writes on stdout, or with another code on both; it ends with `code`."""
    done = subprocess.run(
        [sys.executable, "-m", "paas", *words],
        env=world.daemon.environment,
        cwd=ROOT,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
    return done.stdout + (done.stderr if code else "")


def run_json(world: World, *words: str) -> Any:
    return json.loads(run(world, *words, "--json"))


def folder(path: Path, source: apps.Source, name: str) -> str:
    return str(source.folder(path / name))


def test_a_folder_becomes_a_service(shared: World, service: str, tmp_path: Path) -> None:
    one = folder(tmp_path, apps.web("one"), service)
    out = run(
        shared, "deploy", one, "--env", "MODE=prod", "--secret", "TOKEN=abcdef", "--note", "n"
    )
    assert f"http://{service}.localhost:{shared.daemon.proxy_port}/" in out
    assert shared.body(service) == "one"
    seen = shared.body(service, "/cgi-bin/env").splitlines()
    assert {"MODE=prod", "TOKEN=abcdef"} <= set(seen)
    two = folder(tmp_path, apps.web("two"), "second")
    out = run(shared, "deploy", two, "--service", service, "--traffic", "none")
    assert f"{service}-002" in out
    assert shared.body(service) == "one"
    assert shared.body(f"{service}-002") == "two"


def test_the_environment_changes_without_a_build(
    shared: World, service: str, tmp_path: Path
) -> None:
    one = folder(tmp_path, apps.web("one"), service)
    run(shared, "deploy", one, "--env", "MODE=prod", "--env", "OLD=1", "--secret", "TOKEN=abcdef")
    run(shared, "env", service, "set", "MODE=test", "--traffic", "none")
    run(shared, "delete", service, "1", "--yes", code=REFUSED)
    run(shared, "env", service, "unset", "OLD")
    seen = shared.body(service, "/cgi-bin/env").splitlines()
    assert {"MODE=test", "TOKEN=abcdef"} <= set(seen)
    assert not any(line.startswith("OLD=") for line in seen)
    run(shared, "delete", service, "1", "--yes")
    shared.sleep(service, f"{service}-003")
    assert shared.body(service) == "one", "the image outlives the version it was built for"
    assert run(shared, "env", service).split()[-2:] == ["TOKEN", "(secret)"]


def test_an_archive_and_an_image(shared: World, service: str, tmp_path: Path) -> None:
    archive = tmp_path / "source.zip"
    archive.write_bytes(apps.web("zipped").zip())
    ended = run_json(shared, "deploy", str(archive), "--service", service, "--min", "1")
    assert (ended["status"], ended["version"]) == ("succeeded", f"{service}-001")
    version = shared.api.version(f"{service}-001")
    assert version["replicas"]["min"] == 1
    ended = run_json(shared, "deploy", "--image", version["image"], "--service", service)
    assert ended["status"] == "succeeded"
    assert shared.body(f"{service}-002") == "zipped"


def test_moving_traffic(shared: World, service: str) -> None:
    shared.deploy(service, "one")
    shared.deploy(service, "two", traffic="none")
    run(shared, "traffic", service, "set", f"{service}-001=90", "2=10")
    split = run_json(shared, "traffic", service)["split"]
    assert split == {f"{service}-001": 90, f"{service}-002": 10}
    run(shared, "rollback", service)
    assert run_json(shared, "traffic", service)["split"] == {f"{service}-001": 100}
    run(shared, "rollback", service, f"{service}-002")
    assert shared.body(service) == "two"
    told = run(shared, "traffic", service, "set", "1=50", code=REFUSED)
    assert "100" in told


def test_looking_at_things(shared: World, service: str) -> None:
    shared.succeed(service, apps.web("x", before="echo hello from inside"))
    assert service in run(shared, "services")
    assert service in [item["name"] for item in run_json(shared, "services")["items"]]
    assert f"{service}-001" in run(shared, "versions", service)
    shown = run_json(shared, "versions", service, "1")
    assert (shown["status"], len(shown["running"])) == ("ready", 1)
    assert "hello from inside" in run(shared, "logs", service)
    assert "is ready" in run(shared, "events", service)
    assert run_json(shared, "events", service)["items"]
    assert run_json(shared, "deployments", service)["items"][0]["status"] == "succeeded"
    assert service in run(shared, "open", service)
    assert run_json(shared, "version")["daemon"]["engine"] is True


def test_settings_scaling_and_domains(shared: World, service: str) -> None:
    shared.deploy(service, "x")
    run(shared, "services", "set", service, "stop_after=7200", "auto_prune=true")
    read = shared.api.service(service)
    assert read["auto_prune"] is True
    assert read["idle"]["stop_after"] == 7200
    run(shared, "scale", service, "1", "--min", "1", "--max", "4", "--note", "sale")
    version = shared.api.version(f"{service}-001")
    assert version["replicas"] == {"min": 1, "max": 4, "schedules": []}
    assert version["note"] == "sale"
    weekdays = "2: 0 8 * * mon-fri .. 0 20 * * mon-fri @ Europe/Berlin"
    out = run(shared, "scale", service, "--delay", "30", "--schedule", weekdays)
    assert f"schedule   at least {weekdays}" in out
    assert run_json(shared, "scale", service, "--no-schedules")["replicas"]["schedules"] == []
    assert "because" in run(shared, "explain", service)
    # while the schedule was open it may have started a second one
    until(lambda: _explained(shared, service)["awake"]["keeps"] == "min", "a minimum of 1")
    explained = _explained(shared, service)
    assert explained["cold_starts"][0]["phases"].keys() == {"queue", "create", "start", "connect"}
    domain = f"{service}.example.com"
    assert domain in run(shared, "domains", service, "add", domain)
    assert shared.body(domain) == "x"
    assert domain not in run(shared, "domains", service, "remove", domain)


def test_deleting(shared: World, service: str) -> None:
    shared.deploy(service, "one")
    shared.deploy(service, "two")
    run(shared, "delete", service, "1", "--yes")
    assert shared.api.get(f"/v1/services/{service}/versions/{service}-001").status == 404
    run(shared, "delete", service, code=USAGE)
    assert shared.body(service) == "two"
    run(shared, "delete", service, "--yes")
    assert shared.api.get(f"/v1/services/{service}").status == 404


def test_a_failed_deployment(shared: World, service: str, tmp_path: Path) -> None:
    broken = apps.web("x", build='RUN ["sh", "-c", "echo before it broke; exit 3"]')
    path = folder(tmp_path, broken, service)
    told = run(shared, "deploy", path, code=FAILED)
    assert "before it broke" in told
    told = run(shared, "deploy", path, "--json", code=FAILED)
    assert "build_failed" in told


def test_detached_and_cancelled(shared: World, service: str, tmp_path: Path) -> None:
    slow = apps.web("x", build='RUN ["sleep", "60"]')
    accepted = run_json(shared, "deploy", folder(tmp_path, slow, service), "--detach")
    run(shared, "cancel", accepted["id"])
    assert shared.api.deployment(accepted["id"])["status"] == "cancelled"
    run(shared, "cancel", accepted["id"], code=REFUSED)


def test_exit_codes_of_mistakes(shared: World, service: str, tmp_path: Path) -> None:
    run(shared, "deploy", str(tmp_path / "missing"), code=USAGE)
    run(shared, "no-such-command", code=USAGE)
    run(shared, "services", service, code=REFUSED)
    error = json.loads(run(shared, "services", service, "--json", code=REFUSED))
    assert error["error"]["code"] == "no_such_service"
    url = f"unix://{tmp_path}/none.sock"
    run(shared, "services", "--url", url, code=UNREACHABLE)


def test_over_tcp_with_the_token(shared: World) -> None:
    address = next(
        line.partition("api='")[2].partition("'")[0]
        for line in shared.daemon.log.splitlines()
        if "api='" in line
    )
    token = (shared.daemon.data / "admin.token").read_text().strip()
    url = f"http://{address}"
    assert "items" in run_json(shared, "services", "--url", url, "--token", token)
    told = run(shared, "services", "--url", url, "--token", "wrong", code=REFUSED)
    assert token not in told
    assert (shared.daemon.data / "admin.token").stat().st_mode & 0o077 == 0


def test_doctor(shared: World) -> None:
    checks = run_json(shared, "doctor")
    assert checks["ok"] is True
    assert {check["level"] for check in checks["checks"]} <= {"ok", "warn"}
    assert "0 failures" in run(shared, "doctor")


def test_help_comes_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    seconds = []
    for _ in range(5):
        begun = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "paas", "--help"], cwd=ROOT, capture_output=True, check=True
        )
        seconds.append(time.perf_counter() - begun)
    median = statistics.median(seconds)
    with capsys.disabled():
        sys.stdout.write(f"\n`paas --help`: {median * 1000:.0f} ms, the median of 5\n")
    assert median < HELP_SECONDS


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_an_installed_package_works(tmp_path: Path) -> None:
    """Into an empty environment, with the locked versions of what it needs."""
    target = tmp_path / "env"
    venv.create(target, with_pip=True)
    pip = [str(target / "bin" / "python"), "-m", "pip", "install", "-q"]
    clean = {key: value for key, value in os.environ.items() if not key.startswith("PAAS_")}
    for words in (["-r", str(ROOT / "requirements.lock")], ["--no-deps", str(ROOT)]):
        subprocess.run([*pip, *words], env=clean, cwd=tmp_path, check=True, timeout=200)
    paas = str(target / "bin" / "paas")
    shown = subprocess.run(
        [paas, "--help"], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert "deploy" in shown.stdout
    data = tmp_path / "d"
    settings = {"PAAS_DATA_DIR": str(data), "PAAS_PROXY__HTTP": "127.0.0.1:0"}
    doctor = subprocess.run(
        [paas, "doctor", "--json"],
        env=clean | settings | {"PAAS_API__LISTEN": "127.0.0.1:0"},
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert json.loads(doctor.stdout)["checks"]


def _explained(world: World, service: str) -> dict[str, Any]:
    (version,) = run_json(world, "explain", service)["versions"]
    return dict(version)
