"""Copies of a store, as names in memory; and an engine that gives images away."""

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from pathlib import Path

from paas.errors import PaasError


class FakeBackups:
    """`fails` is raised by `take` while it is set."""

    def __init__(self) -> None:
        self.names: set[str] = set()
        self.fails: PaasError | None = None

    async def copies(self) -> list[str]:
        return sorted(self.names)

    async def take(self, name: str) -> None:
        if self.fails is not None:
            raise self.fails
        self.names.add(name)

    async def remove(self, name: str) -> None:
        self.names.discard(name)

    @asynccontextmanager
    async def packed(
        self, *, key: bool, git: bool, images: AsyncIterator[bytes] | None
    ) -> AsyncIterator[Path]:
        if images is not None:
            async for _ in images:
                pass
        yield Path(__file__)


class FakeSaver:
    """Gives the images' names."""

    async def save(self, images: Collection[str]) -> AsyncIterator[bytes]:
        for image in sorted(images):
            yield image.encode()
