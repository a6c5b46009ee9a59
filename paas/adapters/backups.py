"""The `Backups` port over the data directory.

Copies are `<data_dir>/backups/<name>`, made by `VACUUM INTO` beside their place, checked
and then moved there. An archive is a plain tar whose first member, `backup.json`, says
what is in it with the sums of all; `paas restore` reads it. What is half done lies in a
folder `.pack-…` and is swept away when the daemon starts.
"""

import asyncio
import hashlib
import io
import json
import os
import shutil
import sqlite3
import tarfile
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import paas
from paas.adapters.database import translated
from paas.adapters.store_schema import corrupt
from paas.core.backups import taken

FORMAT = 1
PLAIN = ("known_hosts",)
"""Files of the data directory that every archive has."""
WITH_KEY = ("secret.key",)
"""Files that open or prove something: only on request, and with them the certificates, whose
keys are sealed with it."""
PIECE = 1024**2

T = TypeVar("T")


class DataBackups:
    """`config` is the settings file that the daemon was started with."""

    def __init__(self, data: Path, *, config: Path | None = None) -> None:
        self._data = data
        self._folder = data / "backups"
        self._config = config

    def sweep(self) -> None:
        """Remove what an earlier process had begun."""
        for left in self._folder.glob(".pack-*"):
            shutil.rmtree(left, ignore_errors=True)

    async def copies(self) -> list[str]:
        """Names of the copies, oldest first."""
        return await self._thread(self._names)

    async def take(self, name: str) -> None:
        """See `Backups.take`."""
        await self._thread(lambda: self._take(name))

    async def remove(self, name: str) -> None:
        await self._thread(lambda: (self._folder / name).unlink(missing_ok=True))

    @asynccontextmanager
    async def packed(
        self, *, key: bool, git: bool, images: AsyncIterator[bytes] | None
    ) -> AsyncIterator[Path]:
        """See `Backups.packed`."""
        work = await self._thread(self._workplace)
        try:
            saved = work / "images.tar"
            if images is not None:
                await self._save(images, saved)
            found = [*self._files(key=key, git=git)]
            found += [("images.tar", saved)] if images is not None else []
            yield await self._thread(lambda: self._pack(work, found))
        finally:
            await asyncio.to_thread(shutil.rmtree, work, ignore_errors=True)

    # ---- private; in threads

    async def _thread(self, work: Callable[[], T]) -> T:
        try:
            return await asyncio.to_thread(work)
        except (OSError, sqlite3.Error) as error:
            raise translated(error, self._data / "paas.db") from error

    def _names(self) -> list[str]:
        if not self._folder.is_dir():
            return []
        return sorted(one.name for one in self._folder.iterdir() if taken(one.name) is not None)

    def _take(self, name: str) -> None:
        work = self._workplace()
        try:
            copy = self._copy(work)
            copy.replace(self._folder / name)
            _sync(self._folder)
        finally:
            shutil.rmtree(work, ignore_errors=True)

    def _workplace(self) -> Path:
        self._folder.mkdir(mode=0o700, exist_ok=True)
        return Path(tempfile.mkdtemp(prefix=".pack-", dir=self._folder))

    def _copy(self, work: Path) -> Path:
        """The store as of one moment, on disk and checked."""
        copy = work / "paas.db"
        with closing(sqlite3.connect(self._data / "paas.db", isolation_level=None)) as db:
            db.execute("VACUUM INTO ?", (str(copy),))
        with closing(sqlite3.connect(copy)) as db:
            answer = db.execute("PRAGMA quick_check(1)").fetchone()[0]
        if answer != "ok":
            raise corrupt(self._data / "paas.db", str(answer))
        copy.chmod(0o600)
        _sync(copy)
        return copy

    async def _save(self, images: AsyncIterator[bytes], into: Path) -> None:
        with into.open("wb") as file:
            async for piece in images:
                await self._thread(lambda piece=piece: file.write(piece))  # type: ignore[misc]

    def _files(self, *, key: bool, git: bool) -> Iterator[tuple[str, Path]]:
        """Names in the archive and where they are, but for the store and the images."""
        if self._config is not None and self._config.is_file():
            yield "config.yaml", self._config
        for name in (*PLAIN, *(WITH_KEY if key else ())):
            if (self._data / name).is_file():
                yield name, self._data / name
        folders = [*(["git"] if git else []), *(["certificates"] if key else [])]
        for folder in folders:
            for file in sorted((self._data / folder).rglob("*")):
                if file.is_file() and not file.is_symlink():
                    yield str(file.relative_to(self._data)), file

    def _pack(self, work: Path, found: list[tuple[str, Path]]) -> Path:
        files = [("paas.db", self._copy(work)), *found]
        sums = {name: _sum(path) for name, path in files}
        about = {
            "format": FORMAT,
            "release": paas.__version__,
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "sha256": sums,
        }
        archive = work / "backup.tar"
        with tarfile.open(archive, "w", format=tarfile.PAX_FORMAT) as tar:
            content = json.dumps(about, indent=2).encode()
            head = _info("backup.json", len(content))
            tar.addfile(head, io.BytesIO(content))
            for name, path in files:
                with path.open("rb") as file:
                    tar.addfile(_info(name, path.stat().st_size), file)
                if path.is_relative_to(work):
                    path.unlink()
        return archive


def _info(name: str, size: int) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size, info.mode = size, 0o600
    info.mtime = int(datetime.now(UTC).timestamp())
    return info


def _sum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
