"""Backups with the real engine: a move to another machine, and a damaged database."""

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e import apps
from tests.e2e.daemon import ROOT, Daemon, running, short_folder
from tests.e2e.waiting import until
from tests.e2e.world import World


@pytest.fixture
def old() -> Iterator[World]:
    """An installation of the test's own."""
    with short_folder() as data, running(Daemon(data)) as daemon:
        yield World(daemon)


def paas(daemon: Daemon, *words: str, code: int = 0) -> str:
    """All that the command writes."""
    done = subprocess.run(
        [sys.executable, "-m", "paas", *words],
        env=daemon.environment,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
    return done.stdout + done.stderr


@pytest.mark.timeout(120)
def test_an_installation_moves_to_another_machine(old: World, tmp_path: Path) -> None:
    service, archive = old.name(), tmp_path / "moved.tar"
    old.succeed(service, apps.web("one"), secrets={"TOKEN": "abcdef"})
    paas(old.daemon, "backup", str(archive), "--with-images")
    assert archive.stat().st_mode & 0o777 == 0o600
    key = old.daemon.data / "secret.key"
    kept = shutil.copy2(key, tmp_path / "kept.key")
    installation = old.daemon.installation
    old.daemon.wipe()
    label = f"paas.installation={installation}"
    assert old.engine.images(label) == []
    with short_folder() as data:
        new = Daemon(data)
        new.installation = installation
        told = paas(new, "restore", str(archive), "--data-dir", str(data))
        assert "secret.key" in told
        refused = paas(new, "serve", code=1)
        assert "is missing, and secrets sealed with it are stored" in refused
        assert str(data / "secret.key") in refused
        shutil.copy2(kept, data / "secret.key")
        with running(new) as daemon:
            world = World(daemon)
            assert world.body(service) == "one"
            assert world.engine.tags(f"paas/{service}")
            assert "TOKEN=abcdef" in world.body(service, "/cgi-bin/env").splitlines()


@pytest.mark.timeout(120)
def test_a_damaged_database_is_repaired_with_the_command_it_tells(old: World) -> None:
    service, daemon = old.name(), old.daemon
    old.deploy(service, "one")
    daemon.restart()  # the first copy of the day is taken soon after a start
    folder = daemon.data / "backups"
    until(lambda: list(folder.glob("paas-*.db")), "the day's copy")
    assert daemon.terminate() == 0
    database = daemon.data / "paas.db"
    content = bytearray(database.read_bytes())
    for page in range(4096, len(content), 4096):
        content[page : page + 2048] = b"\xff" * 2048
    database.write_bytes(content)
    refused = paas(daemon, "serve", code=1)
    assert "is damaged" in refused
    found = re.search(r"paas (restore .* --force)", refused)
    assert found is not None
    paas(daemon, *shlex.split(found[1]))
    daemon.start()
    assert old.body(service) == "one"
