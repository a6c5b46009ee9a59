"""File systems and directories of this host, looked at in threads: a disk can be slow."""

import asyncio
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from paas.core.watermarks import Space
from paas.errors import Unavailable
from paas.ports import Folder

PATIENCE = 30.0
"""Seconds that a file system may take to say how full it is, or a directory to be counted."""
BLOCK = 512
"""`st_blocks` counts these, whatever the file system's own are."""

T = TypeVar("T")


class LocalDisk:
    """The `Disk` of the host that the daemon runs on."""

    async def space(self, path: Path) -> Space:
        return await _looked(path, _space)

    async def folder(self, path: Path) -> Folder:
        return await _looked(path, _folder)

    async def remove(self, path: Path) -> None:
        await _looked(path, _remove)


async def _looked(path: Path, look: Callable[[Path], T]) -> T:
    try:
        async with asyncio.timeout(PATIENCE):
            return await asyncio.to_thread(look, path)
    except (OSError, TimeoutError) as error:
        reason = getattr(error, "strerror", None) or "it does not answer"
        raise Unavailable(
            f"{path} cannot be looked at: {reason}.",
            code="disk_unreadable",
            advice="See that the disk is mounted, and that the daemon's user may read it.",
        ) from error


def _space(path: Path) -> Space:
    facts = os.statvfs(path)
    return Space(
        path=str(path),
        device=path.stat().st_dev,
        used=(facts.f_blocks - facts.f_bfree) * facts.f_frsize,
        free=facts.f_bavail * facts.f_frsize,
    )


def _folder(path: Path) -> Folder:
    try:
        entries = list(os.scandir(path))
    except FileNotFoundError:
        return Folder()
    sizes: dict[str, int] = {}
    changed: dict[str, float] = {}
    for entry in entries:
        with suppress(FileNotFoundError):
            changed[entry.name] = entry.stat(follow_symlinks=False).st_mtime
            sizes[entry.name] = _bytes(entry)
    return Folder(sizes=sizes, changed=changed)


def _bytes(entry: "os.DirEntry[str]") -> int:
    """What it takes on disk, with all below it."""
    total = entry.stat(follow_symlinks=False).st_blocks * BLOCK
    if entry.is_dir(follow_symlinks=False):
        with suppress(FileNotFoundError), os.scandir(entry.path) as below:
            total += sum(_bytes(one) for one in below)
    return total


def _remove(path: Path) -> None:
    with suppress(FileNotFoundError):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
