"""One log on disk: `<key>.jsonl` and, older, `<key>.jsonl.1`; a line is a JSON object.

A line's cursor is its byte offset in the whole log since its beginning, plus one.
So cursors grow across rotations and restarts without an index, and reading on
from a cursor is one seek. Lines that a crash cut short are skipped. All functions
block: call them in a thread.
"""

import json
import os
import re
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from paas.core.model import LogLine

PAGE = 1000
"""Lines a follower is given at a time."""

_CURSOR = re.compile(rb'\{"c":([0-9]{1,18}),')
_END = re.compile(rb'\{"c":[0-9]+,"end":true\}\n\Z')
_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}(/[A-Za-z0-9][A-Za-z0-9_-]{0,99}){0,2}")


def is_key(key: str) -> bool:
    """Whether the key can name a log: one to three plain words joined by `/`."""
    return _KEY.fullmatch(key) is not None


def sizes(root: Path) -> dict[str, int]:
    """Bytes of all logs below `root`, by key. Raises `OSError`."""
    found: dict[str, int] = {}
    for folder, _, names in os.walk(root):
        for name in names:
            key, log, _ = name.partition(".jsonl")
            path = Path(folder) / name
            if log:
                key = str((path.parent / key).relative_to(root))
                with suppress(FileNotFoundError):
                    found[key] = found.get(key, 0) + path.stat().st_size
    return found


@dataclass(frozen=True, slots=True)
class End:
    """The record that says that no more lines will come."""


class LogFiles:
    """Both files of one key, together at most about `limit` bytes."""

    def __init__(self, root: Path, key: str, *, limit: int) -> None:
        self.path = root / f"{key}.jsonl"
        self._older = root / f"{key}.jsonl.1"
        self._half = limit // 2
        self._rotating = threading.Lock()

    def append(self, records: Iterable[LogLine | End]) -> None:
        """Write all records or none. Raises `OSError`, also for a full disk."""
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._rotating:
            descriptor = self._open_to_write()
            try:
                size = os.fstat(descriptor).st_size
                data = _encoded(records, self._start(descriptor, size) + size)
                if size and size + len(data) > self._half:
                    os.close(descriptor)
                    self.path.replace(self._older)
                    descriptor, size = self._open_to_write(), 0
                _write_all(descriptor, data, size)
            finally:
                os.close(descriptor)

    def last(self, *, after: int, limit: int) -> list[LogLine]:
        """The last `limit` lines with a cursor above `after`, oldest first."""
        with ExitStack() as stack:
            raw = deque(self._raw(stack, after), maxlen=limit + 1)  # one may be an end
        lines = [record for record in _decoded(raw, after) if isinstance(record, LogLine)]
        return lines[-limit:] if limit > 0 else []

    def page(self, *, after: int) -> tuple[list[LogLine], bool]:
        """The first lines above `after`, and whether the log ends behind them."""
        ended = self._ended()  # asked first: what is written meanwhile must not be skipped
        with ExitStack() as stack:
            records = _decoded(self._raw(stack, after), after)
            lines = list(islice((item for item in records if isinstance(item, LogLine)), PAGE))
        return lines, ended and not lines

    def remove(self) -> None:
        """Delete both files; gone is fine."""
        with self._rotating:
            self.path.unlink(missing_ok=True)
            self._older.unlink(missing_ok=True)

    def _open_to_write(self) -> int:
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        size = os.fstat(descriptor).st_size
        if size and os.pread(descriptor, 1, size - 1) != b"\n":
            os.write(descriptor, b"\n")  # a crash cut the last line short
        return descriptor

    def _start(self, descriptor: int, size: int) -> int:
        """The offset in the whole log at which this file begins."""
        first = _first_offset(os.pread(descriptor, 64, 0)) if size else None
        if first is not None:
            return first
        try:
            with self._older.open("rb") as older:
                begin = _first_offset(older.read(64)) or 0
                return begin + os.fstat(older.fileno()).st_size
        except FileNotFoundError:
            return 0

    def _ended(self) -> bool:
        """Whether the newest record is an end."""
        with ExitStack() as stack:
            for path in (self.path, self._older):
                file = _opened(stack, path)
                size = os.fstat(file.fileno()).st_size if file is not None else 0
                if file is not None and size:
                    return _END.search(os.pread(file.fileno(), 64, max(size - 64, 0))) is not None
        return False

    def _raw(self, stack: ExitStack, after: int) -> Iterator[bytes]:
        """Encoded lines from the cursor on, or a little before it."""
        with self._rotating:
            files = [_opened(stack, path) for path in (self._older, self.path)]
        for file in files:
            if file is not None:
                first = _first_offset(file.read(64))
                end = os.fstat(file.fileno()).st_size  # a cursor may be any number
                file.seek(min(max(after - 1 - first, 0), end) if first is not None else 0)
                yield from file


def _opened(stack: ExitStack, path: Path) -> BinaryIO | None:
    try:
        return stack.enter_context(path.open("rb"))
    except FileNotFoundError:
        return None


def _first_offset(head: bytes) -> int | None:
    found = _CURSOR.match(head)
    return int(found.group(1)) - 1 if found else None


def _encoded(records: Iterable[LogLine | End], offset: int) -> bytes:
    data = bytearray()
    for record in records:
        data += _line(record, offset + len(data) + 1)
    return bytes(data)


def _line(record: LogLine | End, cursor: int) -> bytes:
    fields: dict[str, object] = {"c": cursor}
    if isinstance(record, End):
        fields["end"] = True
    else:
        fields |= {"t": record.time, "s": record.stream, "x": record.text}
        if record.replica is not None:
            fields["r"] = record.replica
    text = json.dumps(fields, separators=(",", ":"), ensure_ascii=False)
    return text.encode("utf-8", "backslashreplace") + b"\n"  # makes JSON escapes of surrogates


def _write_all(descriptor: int, data: bytes, size: int) -> None:
    left = memoryview(data)
    try:
        while left:
            left = left[os.write(descriptor, left) :]
    except OSError:
        os.ftruncate(descriptor, size)
        raise


def _decoded(raw: Iterable[bytes], after: int) -> Iterator[LogLine | End]:
    for line in raw:
        try:
            fields = json.loads(line)
            cursor = int(fields["c"])
            if cursor <= after:
                continue
            if "end" in fields:
                yield End()
                continue
            yield LogLine(
                time=fields["t"],
                text=fields["x"],
                stream=fields["s"],
                replica=fields.get("r"),
                cursor=cursor,
            )
        except (ValueError, KeyError, TypeError):
            continue  # cut short by a crash, or met in its middle
