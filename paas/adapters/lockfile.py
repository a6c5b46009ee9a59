"""One daemon per data directory: an advisory lock that ends with the process."""

import contextlib
import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from paas.errors import Conflict, Unavailable


class LockFile:
    """A context manager that holds the lock. The file stays; only the lock counts."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = -1

    def __enter__(self) -> Self:
        """Raises `Conflict` (`already_running`), `Unavailable` (`data_dir_unusable`)."""
        try:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise Unavailable(
                f"The lock {self._path} cannot be opened: {error.strerror}.",
                code="data_dir_unusable",
                advice="See that data_dir exists and is writable for the daemon.",
            ) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            owner = os.pread(descriptor, 20, 0).decode("ascii", "replace").strip() or "?"
            os.close(descriptor)
            raise Conflict(
                f"Another daemon (process {owner}) uses {self._path.parent}.",
                code="already_running",
                advice="Stop it first, or give this one its own data_dir.",
            ) from error
        self._descriptor = descriptor
        with contextlib.suppress(OSError):  # only a courtesy; a full disk must not stop us
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.close(self._descriptor)
        self._descriptor = -1
