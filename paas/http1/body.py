"""Body decoders: each takes the bytes at hand and returns one event and the rest.

They never look past the end of their own message, so what follows it (a
pipelined request, tunnel bytes, surplus from a bad origin) stays in the rest.
Chunk extensions and trailers are checked, counted and dropped (RFC 9112, sections
7.1.1 and 7.1.2): no trailer ever becomes a header field (RFC 9110, section 6.5.1).
"""

from enum import Enum

from paas.http1.events import END, Bad, End
from paas.http1.limits import Limits
from paas.http1.syntax import BROKEN_LINE, CHUNK_LINE, MAX_LENGTH, TRAILER_LINE

Piece = tuple[bytes | End | Bad | None, bytes]


class NoBody:
    """A message that ends with its head."""

    __slots__ = ()

    def read(self, data: bytes) -> Piece:
        return END, data


class LengthBody:
    """Exactly `length` bytes."""

    __slots__ = ("_remaining",)

    def __init__(self, length: int) -> None:
        self._remaining = length

    def read(self, data: bytes) -> Piece:
        remaining = self._remaining
        if not remaining:
            return END, data
        if len(data) <= remaining:
            self._remaining = remaining - len(data)
            return data or None, b""
        self._remaining = 0
        return data[:remaining], data[remaining:]


class CloseBody:
    """Everything until the connection ends; the parser adds END at its end of stream."""

    __slots__ = ()

    def read(self, data: bytes) -> Piece:
        return data or None, b""


class _At(Enum):
    SIZE = "size"
    DATA = "data"
    DATA_END = "data end"
    TRAILERS = "trailers"
    END = "end"


class ChunkedBody:
    """Chunks; all data that is at hand comes as one piece."""

    __slots__ = ("_at", "_extensions", "_failed", "_limits", "_remaining", "_total", "_trailers")

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._at = _At.SIZE
        self._remaining = 0
        self._extensions = 0
        self._trailers = 0
        self._total = 0
        self._failed: Bad | None = None

    def read(self, data: bytes) -> Piece:
        pieces: list[bytes] = []
        position = 0
        while self._at is not _At.END and self._failed is None:
            step = self._step(data, position, pieces)
            if step is None:
                break
            position = step
        rest = data[position:]
        if pieces:
            return b"".join(pieces), rest
        if self._failed is not None:
            return self._failed, rest
        return (END if self._at is _At.END else None), rest

    def _step(self, data: bytes, position: int, pieces: list[bytes]) -> int | None:
        """The position after one element, None when it is not all there or wrong."""
        if self._at is _At.DATA:
            return self._data(data, position, pieces)
        end = data.find(b"\r\n", position)
        if end < 0 or end - position > self._limits.chunk_line_bytes:
            self._unfinished(data, position)
            return None
        line = data[position:end]
        if self._at is _At.SIZE:
            self._size(line)
        elif self._at is _At.TRAILERS:
            self._trailer(line)
        elif line:
            self._fail("chunk data does not end with CRLF")
        else:
            self._at = _At.SIZE
        return None if self._failed else end + 2

    def _data(self, data: bytes, position: int, pieces: list[bytes]) -> int | None:
        piece = data[position : position + self._remaining]
        if not piece:
            return None
        pieces.append(piece)
        self._remaining -= len(piece)
        if not self._remaining:
            self._at = _At.DATA_END
        return position + len(piece)

    def _size(self, line: bytes) -> None:
        match = CHUNK_LINE.fullmatch(line)
        if match is None:
            return self._fail("malformed chunk size")
        self._remaining = int(match[1], 16)
        self._extensions += len(match[2])
        self._total += self._remaining
        limit = self._limits.body_bytes
        if self._remaining > MAX_LENGTH:
            return self._fail("chunk size out of range")
        if self._extensions > self._limits.chunk_extension_bytes:
            return self._fail("too many chunk extensions")
        if limit is not None and self._total > limit:
            self._failed = Bad(status=413, code="body_too_large", detail="chunked body over limit")
            return None
        self._at = _At.DATA if self._remaining else _At.TRAILERS
        return None

    def _trailer(self, line: bytes) -> None:
        if not line:
            self._at = _At.END
            return
        self._trailers += len(line)
        if not TRAILER_LINE.fullmatch(line):
            self._fail("malformed trailer")
        elif self._trailers > self._limits.trailer_bytes:
            self._fail("too many trailers")

    def _unfinished(self, data: bytes, position: int) -> None:
        if len(data) - position > self._limits.chunk_line_bytes:
            self._fail("chunk line too long")
        elif self._at is _At.DATA_END and data[position : position + 1] not in (b"", b"\r"):
            self._fail("chunk data does not end with CRLF")
        elif BROKEN_LINE.search(data, position):
            self._fail("broken chunk line")

    def _fail(self, detail: str) -> None:
        self._failed = Bad(status=400, code="bad_request", detail=detail)


Body = NoBody | LengthBody | CloseBody | ChunkedBody
NO_BODY = NoBody()
CLOSE_BODY = CloseBody()
