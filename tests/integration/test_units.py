"""The units, judged by systemd's own tools; nothing of it has to run."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
UNITS = ("paas.service", "paas.socket", "paas-https.socket")
PROGRAM = "/opt/paas/current/bin/paas"


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """Copies whose program exists on this machine."""
    for name in UNITS:
        text = (ROOT / "systemd" / name).read_text()
        (tmp_path / name).write_text(text.replace(PROGRAM, shutil.which("true") or "/bin/true"))
    return tmp_path


def test_systemd_finds_nothing_wrong(units: Path) -> None:
    done = _analyze("verify", *(str(units / name) for name in UNITS))
    assert done.returncode == 0, done.stderr
    ours = [line for line in done.stderr.splitlines() if "paas" in line]
    assert ours == []


def test_the_service_is_hardened(units: Path) -> None:
    service = str(units / "paas.service")
    done = _analyze("security", "--offline=true", "--threshold=20", service)
    assert done.returncode == 0, done.stdout[-600:]
    level = re.search(r"exposure level for paas\.service: ([\d.]+)", done.stdout)
    assert level is not None
    assert float(level[1]) <= 2.0


def test_the_sockets_are_named_as_the_daemon_knows_them() -> None:
    pattern = re.compile(r"^FileDescriptorName=(.+)$", re.MULTILINE)
    names = {name: pattern.search((ROOT / "systemd" / name).read_text()) for name in UNITS[1:]}
    found = {name: match[1] for name, match in names.items() if match}
    assert found == {"paas.socket": "http", "paas-https.socket": "https"}


def _analyze(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["systemd-analyze", *arguments], capture_output=True, text=True, timeout=60, check=False
    )
