"""The units, judged by systemd's own tools; nothing of it has to run."""

import os
import re
import shutil
import subprocess
import sys
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
    done = _analyze("security", "--offline=true", "--threshold=22", service)
    assert done.returncode == 0, done.stdout[-600:]
    level = re.search(r"exposure level for paas\.service: ([\d.]+)", done.stdout)
    assert level is not None
    assert float(level[1]) <= 2.2


def test_the_sockets_are_named_as_the_daemon_knows_them() -> None:
    pattern = re.compile(r"^FileDescriptorName=(.+)$", re.MULTILINE)
    names = {name: pattern.search((ROOT / "systemd" / name).read_text()) for name in UNITS[1:]}
    found = {name: match[1] for name, match in names.items() if match}
    assert found == {"paas.socket": "http", "paas-https.socket": "https"}


def _analyze(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["systemd-analyze", *arguments], capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize(
    ("command", "code", "told"),
    [
        (("git", "--version"), 0, "git version"),
        (("git", "ls-remote", "https://127.0.0.1:1/x.git"), 128, "onnect"),
        (("ssh", "-o", "BatchMode=yes", "-p", "1", "x@127.0.0.1"), 255, "Connection refused"),
    ],
)
def test_git_is_confined_under_the_filter_of_system_calls(
    command: tuple[str, ...], code: int, told: str
) -> None:
    """With the words that the daemon puts before git; each of them sets something."""
    before = ("prlimit", "--fsize=1000000", "--as=4000000000", "--core=0")
    before += ("setpriv", "--no-new-privs", "--pdeathsig", "TERM", "timeout", "20")
    done = _confined(*before, *command)
    assert done.returncode == code, done.stderr
    assert told in done.stdout + done.stderr


def test_what_the_service_may_not_do_is_refused() -> None:
    """So the filter is really there."""
    done = _confined("nice", "-n", "5", "unshare", "--user", "true")
    assert "ermitted" in done.stderr


def _confined(*command: str) -> "subprocess.CompletedProcess[str]":
    helper, unit = ROOT / "tests/integration/confined.py", ROOT / "systemd/paas.service"
    return subprocess.run(
        [sys.executable, str(helper), str(unit), *command],
        env={"PATH": os.environ["PATH"], "HOME": "/nonexistent"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
