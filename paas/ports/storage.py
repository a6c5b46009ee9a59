"""What takes room: on the engine, and below the data directory."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from paas.core.stock import Stock
from paas.core.watermarks import Space


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """What is directly below a directory: bytes and last change of each entry, by name."""

    sizes: Mapping[str, int] = field(default_factory=dict)
    changed: Mapping[str, float] = field(default_factory=dict)


class Storage(Protocol):
    """What the engine keeps on its disk, of every owner. It removes only what it is told
    to, by id or tag, and never by force: what is in use stays.
    """

    async def root(self) -> Path | None:
        """Where the engine keeps it, if that is on this host. Raises `Unavailable`."""

    async def stock(self, *, sizes: bool = False) -> Stock:
        """Images and cache. With `sizes` the engine works out what images share and what
        the cache holds, which can take it long; without, `cache` is empty.
        Raises `Unavailable`.
        """

    async def discard(self, image: str) -> bool:
        """Remove an image by id or take one tag off it, and nothing below it; whether it went.
        One that is in use or has others on top of it stays. Raises `Unavailable`.
        """

    async def prune(self, record: str) -> int | None:
        """Remove one record of the cache; the bytes that were freed, None when it stays.
        Raises `Unavailable`.
        """


class Disk(Protocol):
    """The file systems of this host."""

    async def space(self, path: Path) -> Space:
        """Of the file system that holds `path`. Raises `Unavailable` (`disk_unreadable`)."""

    async def folder(self, path: Path) -> Folder:
        """Its entries with all below them; a missing one is empty. Raises as `space`."""

    async def remove(self, path: Path) -> None:
        """A file, or a directory with all below it; gone is fine. Raises as `space`."""
