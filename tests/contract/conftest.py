"""The engines that the suites of the `Engine` and `Builder` ports run on."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.contract.engine_kits import DockerKit, FakeKit, Kit


@pytest.fixture(params=["fake", pytest.param("docker", marks=pytest.mark.docker)])
async def kit(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Kit]:
    if request.param == "fake":
        made: FakeKit | DockerKit = FakeKit()
    else:
        made = DockerKit(tmp_path)
        await made.open()
    try:
        yield made
    finally:
        await made.close()
