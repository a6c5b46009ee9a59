"""`scripts/install` and `scripts/uninstall` in a root of their own.

`python` and `systemctl` are small programs of the test: the one makes a release without
a package index, the other starts and stops nothing but fails where it is told to.
"""

import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NEEDED = ("scripts", "systemd", "paas/__init__.py", "requirements.lock", "config.example.yaml")
OTHERS = ("pyproject.toml", "README.md", "LICENSE")

PYTHON = """#!/bin/sh
# -m venv FOLDER makes an environment of programs like this one; -m pip does nothing
if [ "$2" = venv ]; then
  mkdir -p "$3/bin" && cp "$0" "$3/bin/python" && cp "$0" "$3/bin/paas"
elif [ "$1" = --version ]; then
  echo "paas, made by a test"
fi
[ ! -e "$0.broken" ]
"""
SYSTEMCTL = """#!/bin/sh
echo "$@" >>"$CALLS"
current=$(readlink "$INSTALLED/opt/paas/current")
case "$1 $current" in
  "restart "*BAD*) [ ! -e "$MIGRATE" ] || sh "$MIGRATE"; exit 1 ;;
esac
"""


class Machine:
    """A root directory with systemd in it, and a checkout of which there are versions."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "root"
        self.checkout = folder / "checkout"
        self.calls = folder / "calls"
        self.migrate = folder / "migrate"
        self.bin = folder / "bin"
        self.data = self.root / "var/lib/paas"
        self.bin.mkdir()
        for name, text in (("python", PYTHON), ("systemctl", SYSTEMCTL)):
            (self.bin / name).write_text(text)
            (self.bin / name).chmod(0o755)
        for name in (*NEEDED, *OTHERS):
            target = self.checkout / name
            target.parent.mkdir(parents=True, exist_ok=True)
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy2
            copy(ROOT / name, target)

    def systemd(self) -> None:
        (self.root / "run/systemd/system").mkdir(parents=True)

    def version(self, version: str) -> None:
        text = f'"""Of a test."""\n\n__version__ = "{version}"\n'
        (self.checkout / "paas/__init__.py").write_text(text)

    def install(self, *options: str) -> "subprocess.CompletedProcess[str]":
        return self._run("install", "--python", str(self.bin / "python"), *options)

    def uninstall(self, *options: str) -> "subprocess.CompletedProcess[str]":
        return self._run("uninstall", *options)

    def link(self, name: str) -> str:
        """The version that `current` or `previous` names."""
        return (self.root / "opt/paas" / name).readlink().name.rpartition("-")[0]

    def called(self) -> list[str]:
        found = self.calls.read_text().splitlines() if self.calls.exists() else []
        self.calls.unlink(missing_ok=True)
        return found

    def _run(self, script: str, *options: str) -> "subprocess.CompletedProcess[str]":
        env = {
            "PATH": f"{self.bin}:{os.environ['PATH']}",
            "CALLS": str(self.calls),
            "MIGRATE": str(self.migrate),
            "INSTALLED": str(self.root),
        }
        return subprocess.run(
            [str(self.checkout / "scripts" / script), "--root", str(self.root), *options],
            env=env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=50,
            check=False,
        )


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_everything_is_put_in_place_once(machine: Machine) -> None:
    machine.version("1.0")
    first = machine.install()
    assert first.returncode == 0, first.stderr
    assert "systemd does not run here" in first.stdout
    config = machine.root / "etc/paas/config.yaml"
    assert '  http: [":80"]\n' in config.read_text()
    config.write_text("base_domain: apps.example.com\n")
    again = machine.install()
    assert again.returncode == 0, again.stderr
    assert "Making" not in again.stdout
    assert config.read_text() == "base_domain: apps.example.com\n"
    assert config.stat().st_mode & 0o777 == 0o640
    assert machine.data.stat().st_mode & 0o777 == 0o700
    command = machine.root / "usr/local/bin/paas"
    assert str(command.readlink()) == "/opt/paas/current/bin/paas"
    units = sorted(path.name for path in (machine.root / "etc/systemd/system").iterdir())
    assert units == ["paas-https.socket", "paas.service", "paas.socket"]


def test_an_upgrade_keeps_the_release_before_and_can_go_back(machine: Machine) -> None:
    machine.systemd()
    for version in ("1.0", "1.1", "1.2"):
        machine.version(version)
        done = machine.install()
        assert done.returncode == 0, done.stderr
    assert machine.called().count("restart paas.service") == 3
    assert (machine.link("current"), machine.link("previous")) == ("1.2", "1.1")
    assert len(list((machine.root / "opt/paas/releases").iterdir())) == 2
    back = machine.install("--back")
    assert back.returncode == 0, back.stderr
    assert (machine.link("current"), machine.link("previous")) == ("1.1", "1.2")
    assert "restart paas.service" in machine.called()


def test_a_release_that_does_not_start_gives_way_to_the_one_before(machine: Machine) -> None:
    machine.systemd()
    machine.version("1.0")
    assert machine.install().returncode == 0
    machine.called()
    machine.version("1.1BAD")
    done = machine.install()
    assert done.returncode == 1
    assert "going back to 1.0" in done.stdout
    assert "1.0" in done.stderr
    assert "serves again" in done.stderr
    assert machine.link("current") == "1.0"
    assert not (machine.root / "opt/paas/previous").is_symlink()
    assert machine.called()[-3:] == [
        "daemon-reload",
        "reset-failed paas.service",
        "restart paas.service",
    ]


def test_the_way_back_never_leads_to_a_release_that_failed(machine: Machine) -> None:
    machine.systemd()
    for version, code in (("1.0", 0), ("1.1", 0), ("1.2BAD", 1)):
        machine.version(version)
        assert machine.install().returncode == code
    assert (machine.link("current"), machine.link("previous")) == ("1.1", "1.0")
    assert machine.install("--back").returncode == 0
    assert (machine.link("current"), machine.link("previous")) == ("1.0", "1.1")


def test_a_migration_is_undone_with_it(machine: Machine) -> None:
    machine.systemd()
    machine.version("1.0")
    assert machine.install().returncode == 0
    database = machine.data / "paas.db"
    _database(database, "old")
    (machine.data / "lock").touch()
    _database(machine.data / "paas.db.before-3", "of an earlier upgrade")
    os.utime(machine.data / "paas.db.before-3", (1, 1))
    _database(machine.bin / "new", "migrated")
    machine.migrate.write_text(
        f"cp {database} {database}.before-9; cp {machine.bin / 'new'} {database}\n"
        f"echo rest >{database}-wal\n"
    )
    machine.version("1.1BAD")
    assert machine.install().returncode == 1
    assert _read(database) == "old"
    assert not database.with_name("paas.db-wal").exists()
    assert _read(machine.data / "paas.db.failed-upgrade") == "migrated"


def test_a_release_that_cannot_be_made_touches_nothing(machine: Machine) -> None:
    machine.version("1.0")
    assert machine.install().returncode == 0
    machine.version("1.1")
    (machine.bin / "python.broken").touch()
    done = machine.install()
    assert done.returncode == 1
    assert "what runs was not touched" in done.stderr
    assert machine.link("current") == "1.0"
    assert len(list((machine.root / "opt/paas/releases").iterdir())) == 1


def test_a_first_start_that_fails_says_where_to_look(machine: Machine) -> None:
    machine.systemd()
    machine.version("1.0BAD")
    done = machine.install()
    assert done.returncode == 1
    assert "journalctl -u paas" in done.stderr


def test_uninstalling_keeps_data_unless_told_otherwise(machine: Machine) -> None:
    machine.systemd()
    machine.version("1.0")
    assert machine.install().returncode == 0
    (machine.data / "precious").touch()
    machine.called()
    done = machine.uninstall()
    assert done.returncode == 0, done.stderr
    assert not (machine.root / "opt/paas").exists()
    assert not list((machine.root / "etc/systemd/system").iterdir())
    assert not list((machine.root / "usr/local/bin").iterdir())
    assert (machine.data / "precious").exists()
    assert machine.called()[0].startswith("disable --quiet --now paas.service")
    refused = machine.uninstall("--purge")
    assert refused.returncode == 1
    assert "--yes" in refused.stderr
    assert (machine.data / "precious").exists()
    assert machine.uninstall("--purge", "--yes").returncode == 0
    assert not machine.data.exists()
    assert not (machine.root / "etc/paas").exists()


def _database(path: Path, text: str) -> None:
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("CREATE TABLE t (text)")
        database.execute("INSERT INTO t VALUES (?)", (text,))


def _read(path: Path) -> str:
    with closing(sqlite3.connect(path)) as database:
        return str(database.execute("SELECT text FROM t").fetchone()[0])
