"""Requests and responses out of byte streams, strictly.

A parser is fed with `receive` and asked with `next` until it answers None. It
stops after END or `Bad`; `restart` goes on with the bytes that are left, so
pipelined requests come one at a time. Head bytes are counted before anything is read.
Field lines are read by the parser library, through `fields`; first lines and bodies
never reach it: patterns and one decoder per message do those.

The library checks field syntax; the rest is refused here and in `message`: HTTP/0.9
and 2.0, several spaces, fragments, missing, duplicate or malformed Host, codings other
than `chunked`, codings in HTTP/1.0, unknown methods, CONNECT, TRACE.
"""

import re
from abc import ABC, abstractmethod
from enum import Enum
from typing import Generic, TypeVar

from paas.http1.body import CLOSE_BODY, NO_BODY, Body, ChunkedBody, LengthBody
from paas.http1.events import (
    BY_CHUNKS,
    BY_LENGTH,
    END,
    NO_FRAMING,
    Bad,
    End,
    Framing,
    Refused,
    RequestHead,
    ResponseHead,
)
from paas.http1.fields import REQUEST_FIELDS, RESPONSE_FIELDS, Fields, FieldTable
from paas.http1.limits import Limits
from paas.http1.message import request_head, response_head
from paas.http1.syntax import BROKEN_LINE, REQUEST_LINE, status_line

Head = TypeVar("Head", RequestHead, ResponseHead)

_LONGEST_METHOD = 32
_LINE_FRAME = len(b"  HTTP/1.1") + _LONGEST_METHOD
"""Room for method and version beside the target while the line is not complete."""


_REMEMBERED = 4 * 1024
"""Longest fields that a connection remembers: idle ones stay small."""


class _At(Enum):
    HEAD = "head"
    BODY = "body"
    STOPPED = "stopped"


_HEAD, _BODY, _STOPPED = _At.HEAD, _At.BODY, _At.STOPPED


class _Parser(ABC, Generic[Head]):
    """The part that both directions share: the buffer, head boundaries and bodies."""

    __slots__ = ("_at", "_body", "_buffer", "_limits", "_scanned")

    _table: FieldTable

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._buffer = b""
        self._scanned = 0
        self._at = _HEAD
        self._body: Body = NO_BODY

    @property
    def buffered(self) -> int:
        """Bytes received and not yet yielded."""
        return len(self._buffer)

    @property
    def in_head(self) -> bool:
        """True while part of a head is there, so that its deadline runs."""
        return self._at is _HEAD and bool(self._buffer)

    @property
    def exhausted(self) -> bool:
        """True when a message ended and nothing came after it."""
        return self._at is _STOPPED and not self._buffer

    def receive(self, data: bytes) -> None:
        self._buffer = self._buffer + data if self._buffer else data

    def rest(self) -> bytes:
        """Take what was received and not yielded: tunnel bytes after an upgrade."""
        rest, self._buffer = self._buffer, b""
        return rest

    def next(self) -> Head | bytes | End | Bad | None:
        """The next event, or None when more input (or `restart`) is needed first."""
        at = self._at
        if at is _BODY:
            event, self._buffer = self._body.read(self._buffer)
            if event is END:
                self._at = _STOPPED
            elif event is None:
                return self._starved()
            elif isinstance(event, Bad):
                return self._refuse(event)
            return event
        if at is _STOPPED or not self._buffer:
            return None
        try:
            return self._head()
        except Refused as refused:
            return self._refuse(refused.bad)

    def restart(self) -> None:
        """Go on with the next message on this connection."""
        self._at = _HEAD
        self._scanned = 0

    # ---- private

    def _refuse(self, bad: Bad) -> Bad:
        self._at = _STOPPED
        return bad

    def _starved(self) -> End | Bad | None:
        """What a body that is not complete comes to for now."""
        return None

    @abstractmethod
    def _head(self) -> Head | None:
        """The head at the buffer's beginning, None while it is not all there."""

    def _find_end(self, start: int) -> int:
        """The index after the head's empty line, 0 while it is not there."""
        end = self._buffer.find(b"\r\n\r\n", max(start, self._scanned - 3))
        return end + 4 if end >= 0 else 0

    def _check_partial(self, start: int) -> None:
        """A head that is not all there yet: refuse early what cannot become good
        (RFC 9112, section 2.2: a bare CR or LF is no line end).
        """
        if BROKEN_LINE.search(self._buffer, max(start, self._scanned - 1)):
            raise Refused("malformed head")
        self._scanned = len(self._buffer)

    def _fields(self, first: int, end: int) -> Fields:
        """The header fields of one whole head; the first of them begins at `first`."""
        if first + 2 == end:
            return []
        fields = self._table.read(self._buffer[first : end - 4].split(b"\r\n"))
        if fields is None:
            raise Refused("malformed head")
        return fields

    def _begin_body(self, end: int, framing: Framing, length: int) -> None:
        self._buffer = self._buffer[end:]
        self._at = _BODY
        if framing is NO_FRAMING:
            self._body = NO_BODY
            return
        if framing is BY_LENGTH:
            self._body = LengthBody(length)
        elif framing is BY_CHUNKS:
            self._body = ChunkedBody(self._limits)
        else:
            self._body = CLOSE_BODY


class RequestParser(_Parser[RequestHead]):
    """What a client sends.

    Clients repeat their fields on a connection, byte for byte: their meaning is kept
    and read anew only when they differ. Heads may share what they hold.
    """

    __slots__ = ("_known", "_known_fields")

    _table = REQUEST_FIELDS

    def __init__(self, limits: Limits) -> None:
        super().__init__(limits)
        self._known: RequestHead | None = None
        self._known_fields = b""

    def _head(self) -> RequestHead | None:
        buffer, limits = self._buffer, self._limits
        start = 2 if buffer.startswith(b"\r\n") else 0  # one empty line: B 2.2
        end = self._find_end(start)
        line = REQUEST_LINE.match(buffer, start)
        self._check_sizes(start, end, len(line[2]) if line else None)
        if not end:
            self._check_partial(start)
            return None
        if line is None:
            raise Refused("malformed request line")
        if line[3] != b"1" or line[4] not in (b"0", b"1"):
            raise Refused("unsupported HTTP version", status=505)
        head = self._read(line, buffer, end)
        limit = limits.body_bytes
        if limit is not None and head.framing is BY_LENGTH and head.length > limit:
            raise Refused("declared body over limit", status=413, code="body_too_large")
        self._begin_body(end, head.framing, head.length)
        return head

    def _read(self, line: "re.Match[bytes]", buffer: bytes, end: int) -> RequestHead:
        fields, known, target = buffer[line.end() : end], self._known, line[2]
        if known is not None and fields == self._known_fields and _alike(line, known):
            return known if target == known.target else known.at(target)
        head = request_head(line, self._fields(line.end(), end))
        if head.keep_alive and len(fields) <= _REMEMBERED and target == head.target:
            self._known, self._known_fields = head, fields
        return head

    def _check_sizes(self, start: int, end: int, target: int | None) -> None:
        """Sizes first, before any parsing. `target`: its length once its line is there."""
        buffer, limits = self._buffer, self._limits
        if target is None:
            target = _first_line(buffer, start) - _LINE_FRAME
        if target > limits.uri_bytes:
            _check_method(buffer, start)
            # RFC 9112, section 3
            raise Refused("request target over limit", status=414, code="uri_too_long")
        if (end or len(buffer)) - start > limits.head_bytes:
            _check_method(buffer, start)
            raise Refused("request head over limit", status=431, code="head_too_large")
        if end and buffer.count(b"\r\n", start, end - 4) > limits.headers:
            raise Refused("too many request headers", status=431, code="head_too_large")


class ResponseParser(_Parser[ResponseHead]):
    """What an origin sends. `expect` names the request's method before each answer.

    Under load an origin's heads repeat, byte for byte, until its clock's next second:
    the last one is kept as it was read. Heads may share what they hold.
    """

    __slots__ = ("_bodiless", "_ended", "_interim", "_known", "_known_bytes")

    _table = RESPONSE_FIELDS

    def __init__(self, limits: Limits) -> None:
        super().__init__(limits)
        self._bodiless = False
        self._ended = False
        self._interim = 0
        self._known: ResponseHead | None = None
        self._known_bytes = b""

    def expect(self, method: bytes) -> None:
        bodiless = method == b"HEAD"
        if bodiless is not self._bodiless:
            self._bodiless, self._known = bodiless, None
        self._interim = 0

    def eof(self) -> None:
        """The stream ended: a body that runs until then is complete, others are cut."""
        self._ended = True

    # ---- private

    def _refuse(self, bad: Bad) -> Bad:
        return super()._refuse(Bad(status=502, code="upstream_invalid", detail=bad.detail))

    def _starved(self) -> End | Bad | None:
        if not self._ended:
            return None
        self._at = _STOPPED
        if self._body is CLOSE_BODY:
            return END
        return Bad(status=502, code="upstream_reset", detail="answer cut short")

    def _head(self) -> ResponseHead | None:
        buffer, limits = self._buffer, self._limits
        end = self._find_end(0)
        if (end or len(buffer)) > limits.response_head_bytes:
            raise Refused("answer's head over limit")
        if not end:
            self._check_partial(0)
            return None
        head = self._known
        if head is None or buffer[:end] != self._known_bytes:
            head = self._read(buffer, end)
        if head.interim:
            self._count_interim(end)
        else:
            self._begin_body(end, head.framing, head.length)
        return head

    def _read(self, buffer: bytes, end: int) -> ResponseHead:
        if buffer.count(b"\r\n", 0, end - 4) > self._limits.response_headers:
            raise Refused("too many headers in the answer")
        first = buffer.find(b"\r\n")
        line = status_line(buffer[:first])
        if line is None:
            raise Refused("malformed status line")
        head = response_head(line, self._fields(first + 2, end), bodiless=self._bodiless)
        if end <= _REMEMBERED:
            self._known, self._known_bytes = head, buffer[:end]
        return head

    def _count_interim(self, end: int) -> None:
        self._buffer = self._buffer[end:]
        self._scanned = 0
        self._interim += 1
        if self._interim > self._limits.interim_responses:
            raise Refused("too many interim answers")


# ---- private


def _alike(line: "re.Match[bytes]", known: RequestHead) -> bool:
    """Whether this request line, too, leaves everything to the fields."""
    target = line[2]
    plain = target.startswith(b"/") and b"#" not in target
    return plain and line[1] == known.method and int(line[4]) == known.minor


def _check_method(buffer: bytes, start: int) -> None:
    """Of what is too long: refuse it as malformed where not even the method ends."""
    if b" " not in buffer[start : start + _LONGEST_METHOD + 1]:
        raise Refused("malformed request line")


def _first_line(buffer: bytes, start: int) -> int:
    end = buffer.find(b"\r\n", start)
    return (end if end >= 0 else len(buffer)) - start
