"""One daemon for most tests, fresh ones for those that break it.

Everything that the tests put on the engine carries their labels and is taken off again.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.apps import RUN
from tests.e2e.daemon import Daemon, running, short_folder
from tests.e2e.engine import RUN_LABEL, Engine
from tests.e2e.world import World

HERE = Path(__file__).parent


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "slow: takes a minute or so, mostly for downloads")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.docker)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """The end of the daemon's log beside a failure."""
    report = yield
    if report.failed:
        for value in getattr(item, "funcargs", {}).values():
            if isinstance(value, World):
                report.sections.append(("daemon log", value.daemon.log[-6000:]))
    return report


def pytest_sessionfinish() -> None:
    """Not in a fixture: it may take longer than any test."""
    Engine().wipe(f"{RUN_LABEL}={RUN}")


@pytest.fixture(scope="session")
def shared() -> Iterator[World]:
    """The daemon that most tests share; nobody may harm it."""
    with short_folder() as data, running(Daemon(data)) as daemon:
        yield World(daemon)


@pytest.fixture(scope="module")
def own() -> Iterator[World]:
    """The module's own daemon, which its tests may kill and must leave running."""
    with short_folder() as data, running(Daemon(data)) as daemon:
        yield World(daemon)


@pytest.fixture
def service() -> str:
    """A service name of the test's own."""
    return World.name()
