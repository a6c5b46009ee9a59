"""What is installed by pipx or uv: everything that stands in the package, and its command."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.timeout(180)


def test_the_wheel_holds_the_whole_package(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-input"]
    subprocess.run([*command, "--wheel-dir", str(tmp_path), str(ROOT)], check=True, timeout=150)
    [built] = tmp_path.glob("paas-*.whl")
    listed = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "paas"], capture_output=True, text=True, check=True
    )
    with zipfile.ZipFile(built) as wheel:
        held = set(wheel.namelist())
        entries = next(name for name in held if name.endswith("entry_points.txt"))
        assert "paas = paas.__main__:main" in wheel.read(entries).decode()
    assert set(listed.stdout.split()) - held == set()
    assert {name.partition("/")[0] for name in held if ".dist-info" not in name} == {"paas"}
