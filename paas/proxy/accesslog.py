"""The access log: one line for each request, written behind the data plane's back.

Appending costs a list append. Lines are formatted and written in batches by a
background task in a thread; when that falls behind or the disk is full, lines are
dropped and counted, and no request ever waits or fails. Whatever a client sent is
escaped, so that a line is a line and a terminal stays what it was.
"""

import asyncio
import json
import logging
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Protocol

from paas.live.requests import RequestRecord

log = logging.getLogger(__name__)

MOST_BUFFERED = 20_000
FLUSH_SECONDS = 0.5
LONGEST = 2048
"""Bytes of one text from a client that are logged."""

_UNSAFE = re.compile(rb"[^ !#-\[\]-~]")
Format = Callable[[RequestRecord], bytes]


class Sink(Protocol):
    """Where lines go. Called in a thread, by one caller at a time."""

    def write(self, lines: Sequence[bytes]) -> int:
        """Write what can be written without waiting long; how many lines were dropped."""


class AccessLog:
    """Buffers records for `sink`; `dropped` counts those that were never written."""

    def __init__(self, form: Format, sink: Sink) -> None:
        self._form = form
        self._sink = sink
        self._buffer: list[RequestRecord] = []
        self._flushing = asyncio.Lock()
        self._failing = False
        self.dropped = 0

    def add(self, record: RequestRecord) -> None:
        if len(self._buffer) < MOST_BUFFERED:
            self._buffer.append(record)
        else:
            self.dropped += 1

    async def run(self) -> None:
        """Write what was buffered, for ever."""
        while True:
            await asyncio.sleep(FLUSH_SECONDS)
            await self.flush()

    async def flush(self) -> None:
        """Write what is buffered now."""
        async with self._flushing:
            batch, self._buffer = self._buffer, []
            if batch:
                dropped = await asyncio.to_thread(self._write, batch)
                self._count(dropped)

    def _write(self, batch: list[RequestRecord]) -> int:
        return self._sink.write([self._form(record) for record in batch])

    def _count(self, dropped: int) -> None:
        self.dropped += dropped
        failing = dropped > 0
        if failing and not self._failing:
            log.warning("access log cannot be written, lines are dropped")
        elif self._failing and not failing:
            log.info("access log is written again", extra={"dropped": self.dropped})
        self._failing = failing


def json_line(record: RequestRecord) -> bytes:
    """One JSON object: times in seconds, sizes in bytes."""
    fields = {
        "time": _moment(record.time).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "client": _text(record.client),
        "scheme": _text(record.scheme),
        "method": _text(record.method),
        "host": _text(record.host),
        "target": _text(record.target),
        "protocol": _text(record.protocol),
        "status": record.status,
        "error": record.error,
        "service": record.service,
        "version": record.version,
        "replica": record.replica[:12],
        "seconds": round(record.seconds, 6),
        "waited": round(record.waited, 6),
        "received": record.received,
        "sent": record.sent,
        "referer": _text(record.referer),
        "agent": _text(record.agent),
        "ignored": record.ignored,
    }
    return json.dumps(fields, separators=(",", ":")).encode("ascii") + b"\n"


def combined_line(record: RequestRecord) -> bytes:
    """The combined format that Apache made known."""
    return b'%b - - [%b] "%b %b %b" %d %d "%b" "%b"\n' % (
        _escaped(record.client),
        _moment(record.time).strftime("%d/%b/%Y:%H:%M:%S +0000").encode("ascii"),
        _escaped(record.method),
        _escaped(record.target),
        record.protocol,
        record.status,
        record.sent,
        _escaped(record.referer),
        _escaped(record.agent),
    )


FORMATS: dict[str, Format] = {"json": json_line, "combined": combined_line}


def _moment(time: float) -> datetime:
    return datetime.fromtimestamp(time, UTC)


def _text(raw: bytes) -> str:
    """For `json.dumps`, which escapes whatever is no plain ASCII; delete is none."""
    return raw[:LONGEST].decode("utf-8", "backslashreplace").replace("\x7f", "\\x7f")


def _escaped(raw: bytes) -> bytes:
    return _UNSAFE.sub(lambda found: b"\\x%02X" % ord(found[0]), raw[:LONGEST]) or b"-"
