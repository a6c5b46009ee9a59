"""Where access log lines go: a file that is rotated by size, or standard output.

Both are called in a thread, by one caller at a time, and drop what cannot be written
(full disk, a reader that does not read) instead of waiting for it.
"""

import os
import select
from collections.abc import Sequence
from pathlib import Path

from paas.errors import Unavailable

KEPT = 4
"""Rotated files that are kept: `<file>.1` is the newest."""
MODE = 0o640
PIECE = 4096
"""A pipe that is ready takes so much without blocking (PIPE_BUF)."""
PATIENCE = 1.0


class FileSink:
    """Appends to `path`; from `limit` bytes on it begins a new file.

    A file that somebody else moved away is made anew, so logrotate needs no signal.
    """

    def __init__(self, path: Path, *, limit: int) -> None:
        self._path = path
        self._limit = limit
        self._file: int | None = None
        self._torn = False

    def check(self) -> None:
        """Open it, so that a wrong path shows at once. Raises `Unavailable` (`cannot_log`)."""
        try:
            self._open(0)
        except OSError as error:
            raise Unavailable(
                f"The access log {self._path} cannot be opened: {error.strerror}.",
                code="cannot_log",
                advice="Make its directory, or change the setting proxy.access_log_file.",
            ) from error

    def write(self, lines: Sequence[bytes]) -> int:
        """How many lines were dropped."""
        data = b"".join(lines)
        try:
            file = self._open(len(data))
            if self._torn:
                data = b"\n" + data
            written = os.write(file, data)
        except OSError:
            self.close()
            return len(lines)
        self._torn = written < len(data)
        return data[written:].count(b"\n")

    def close(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            os.close(file)

    def _open(self, more: int) -> int:
        if self._file is not None and not self._is_ours(self._file):
            self.close()
        if self._file is None:
            self._file = self._appending()
        size = os.fstat(self._file).st_size
        if size and size + more > self._limit:
            self.close()
            self._rotate()
            self._file = self._appending()
        return self._file

    def _appending(self) -> int:
        return os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, MODE)

    def _is_ours(self, file: int) -> bool:
        ours = os.fstat(file)
        try:
            there = self._path.stat()
        except FileNotFoundError:
            return False
        return (ours.st_dev, ours.st_ino) == (there.st_dev, there.st_ino)

    def _rotate(self) -> None:
        for number in range(KEPT - 1, 0, -1):
            old = self._numbered(number)
            if old.exists():
                old.replace(self._numbered(number + 1))
        self._path.replace(self._numbered(1))

    def _numbered(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}")


class StreamSink:
    """Writes to an open file descriptor, such as standard output, and never blocks on it."""

    def __init__(self, file: int) -> None:
        self._file = file
        self._torn = False

    def write(self, lines: Sequence[bytes]) -> int:
        """How many lines were dropped."""
        data = b"".join(lines)
        if self._torn:
            data = b"\n" + data
        position = 0
        try:
            while position < len(data) and self._ready():
                position += os.write(self._file, data[position : position + PIECE])
        except OSError:
            pass  # the reader is gone: what is left counts as dropped
        self._torn = 0 < position < len(data) or (self._torn and position == 0)
        return data[position:].count(b"\n")

    def close(self) -> None:
        """The descriptor belongs to the process."""

    def _ready(self) -> bool:
        poll = select.poll()
        poll.register(self._file, select.POLLOUT)
        return bool(poll.poll(PATIENCE * 1000))
