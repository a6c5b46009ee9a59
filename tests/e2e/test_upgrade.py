"""Upgrades by the installer, with real daemons and a service manager of the test."""

from collections.abc import Iterator

import pytest

from tests.e2e.daemon import short_folder
from tests.e2e.http_calls import get
from tests.e2e.system import Machine


@pytest.fixture
def machine() -> Iterator[Machine]:
    with short_folder() as folder:
        made = Machine(folder)
        yield made
        made.run("uninstall", "--purge", "--yes")


@pytest.mark.timeout(120)
def test_a_release_that_fails_after_its_migration_leaves_the_old_one_serving(
    machine: Machine,
) -> None:
    first = machine.install("1.0")
    assert first.returncode == 0, (first.stdout, first.stderr)
    assert machine.api.post("/v1/services", {"name": "kept"}).status == 201
    second = machine.install("1.1")
    assert second.returncode == 0, (second.stdout, second.stderr)
    assert machine.release == "1.1"
    failed = machine.install("1.2bad")
    assert failed.returncode == 1, (failed.stdout, failed.stderr)
    assert "Putting the database back" in failed.stdout
    assert "1.1" in failed.stderr
    assert "serves again" in failed.stderr
    assert machine.release == "1.1"
    assert [one["name"] for one in machine.api.items("/v1/services")] == ["kept"]
    assert get("127.0.0.1", machine.port, "/", name="kept.localhost").status == 503
    # and as after a downgrade by hand, an old release says what it needs
    machine.systemctl("stop")
    (machine.data / "paas.db.failed-upgrade").replace(machine.data / "paas.db")
    assert machine.systemctl("restart") == 1
    assert "newer than this paas" in machine.log
    assert "paas restore FILE --force" in machine.log
