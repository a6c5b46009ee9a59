"""File systems of a test's own, and filling them up."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.e2e.daemon import short_folder


@contextmanager
def small_disk(size: str) -> Iterator[Path]:
    """A file system of that size, for as long."""
    with short_folder() as folder:
        place = folder / "d"
        place.mkdir()
        words = ["mount", "-t", "tmpfs", "-o", f"size={size},mode=700", "none", str(place)]
        subprocess.run(words, check=True, timeout=10)
        try:
            yield place
        finally:
            subprocess.run(["umount", "-l", str(place)], check=True, timeout=10)


@contextmanager
def filled(place: Path, left: int) -> Iterator[None]:
    """That file system with so many bytes left."""
    facts = os.statvfs(place)
    filler = place / "filler"
    with filler.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, facts.f_bavail * facts.f_frsize - left)
    try:
        yield
    finally:
        filler.unlink()
