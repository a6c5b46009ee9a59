from collections.abc import AsyncIterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.integration.api.rig import World, world


@pytest.fixture
async def paas() -> AsyncIterator[World]:
    # A unix socket's path is at most 108 bytes: pytest's own folders can be longer.
    with TemporaryDirectory(prefix="paas-") as folder:
        async with world(Path(folder)) as made:
            yield made
