"""A place outside that output is sent to."""

from collections.abc import Sequence
from typing import Protocol

from paas.core.draining import SentLine


class LineSink(Protocol):
    """Takes lines in batches, one batch at a time."""

    async def send(self, lines: Sequence[SentLine]) -> None:
        """All of them, or `Unavailable`; then some of them may have arrived."""

    async def close(self) -> None: ...
