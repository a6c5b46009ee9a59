"""Copies of what must survive."""

from collections.abc import AsyncIterator, Collection
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Protocol


class Backups(Protocol):
    """Copies of the store beside it, and archives of the whole installation."""

    async def copies(self) -> list[str]:
        """Names of the copies, oldest first. Raises `Unavailable`."""

    async def take(self, name: str) -> None:
        """Copy the store as of one moment, checked, whole or not at all.
        Raises `Unavailable` (`disk_full`, `store_corrupt`, …).
        """

    async def remove(self, name: str) -> None:
        """Gone is fine."""

    def packed(
        self, *, key: bool, git: bool, images: AsyncIterator[bytes] | None
    ) -> AbstractAsyncContextManager[Path]:
        """An archive (tar) as a file, for as long as the context lasts: the store as of one
        moment, the settings file; with `key` what opens secrets, with `git` the pushed
        repositories, with `images` what the engine saved. Raises `Unavailable`.
        """


class ImageSaver(Protocol):
    """Gives images of the engine away."""

    def save(self, images: Collection[str]) -> AsyncIterator[bytes]:
        """Those images, by id or tag, as one archive that an engine can load. Raises `NotFound`
        (`image_gone`), `Unavailable`.
        """
