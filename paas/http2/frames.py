"""Frames on the wire (RFC 9113, sections 4 and 6): read one by one, and written."""

from enum import IntEnum
from typing import Final, NamedTuple

PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
"""What a client's bytes begin with (section 3.4)."""
MAX_FRAME: Final = 16 * 1024
"""Longest payload that everybody takes, and the longest that we do (section 4.2)."""
MAX_WINDOW: Final = 2**31 - 1
MAX_STREAM: Final = 2**31 - 1
FIRST_WINDOW: Final = 65535
"""Of a connection, and of its streams until its settings say otherwise (section 6.9.2)."""

DATA: Final = 0
HEADERS: Final = 1
PRIORITY: Final = 2
RST_STREAM: Final = 3
SETTINGS: Final = 4
PUSH_PROMISE: Final = 5
PING: Final = 6
GOAWAY: Final = 7
WINDOW_UPDATE: Final = 8
CONTINUATION: Final = 9

ACK: Final = 0x1
END_STREAM: Final = 0x1
END_HEADERS: Final = 0x4
PADDED: Final = 0x8
PRIORITISED: Final = 0x20

SET_HEADER_TABLE_SIZE: Final = 1
SET_ENABLE_PUSH: Final = 2
SET_MAX_CONCURRENT_STREAMS: Final = 3
SET_INITIAL_WINDOW_SIZE: Final = 4
SET_MAX_FRAME_SIZE: Final = 5
SET_MAX_HEADER_LIST_SIZE: Final = 6

_HEAD = 9
_SETTING = 6


class ErrorCode(IntEnum):
    """Why a stream or a connection ends (section 7)."""

    NO_ERROR = 0x0
    PROTOCOL_ERROR = 0x1
    INTERNAL_ERROR = 0x2
    FLOW_CONTROL_ERROR = 0x3
    SETTINGS_TIMEOUT = 0x4
    STREAM_CLOSED = 0x5
    FRAME_SIZE_ERROR = 0x6
    REFUSED_STREAM = 0x7
    CANCEL = 0x8
    COMPRESSION_ERROR = 0x9
    CONNECT_ERROR = 0xA
    ENHANCE_YOUR_CALM = 0xB


class Broken(Exception):
    """The connection cannot go on (section 5.4.1). The text never holds the peer's bytes."""

    def __init__(self, code: ErrorCode, detail: str) -> None:
        super().__init__(detail)
        self.code = code


class Frame(NamedTuple):
    """One frame; `stream` is 0 where it is about the connection."""

    kind: int
    flags: int
    stream: int
    payload: bytes


class FrameReader:
    """Frames out of what a client sends, after its preface."""

    __slots__ = ("_at", "_begun", "_buffer")

    def __init__(self) -> None:
        self._buffer = b""
        self._at = 0
        self._begun = False

    @property
    def partial(self) -> bool:
        """Whether bytes are left that were not yielded."""
        return self._at < len(self._buffer)

    def receive(self, data: bytes) -> None:
        self._buffer = self._buffer[self._at :] + data
        self._at = 0

    def next(self) -> Frame | None:
        """The next frame, None when it is not all there. Raises `Broken`."""
        buffer, at = self._buffer, self._at
        if not self._begun:
            return self._begin()
        if len(buffer) < at + _HEAD:
            return None
        size = int.from_bytes(buffer[at : at + 3], "big")
        if size > MAX_FRAME:
            raise Broken(ErrorCode.FRAME_SIZE_ERROR, "frame over limit")
        end = at + _HEAD + size
        if len(buffer) < end:
            return None
        self._at = end
        stream = int.from_bytes(buffer[at + 5 : at + 9], "big") & MAX_STREAM
        return Frame(buffer[at + 3], buffer[at + 4], stream, buffer[at + _HEAD : end])

    def _begin(self) -> Frame | None:
        buffer = self._buffer
        if not PREFACE.startswith(buffer[: len(PREFACE)]):
            raise Broken(ErrorCode.PROTOCOL_ERROR, "no preface")
        if len(buffer) < len(PREFACE):
            return None
        self._begun = True
        self._at = len(PREFACE)
        return self.next()


def unpadded(frame: Frame) -> bytes:
    """The payload of DATA or HEADERS without its padding (section 6.1). Raises `Broken`."""
    payload = frame.payload
    if not frame.flags & PADDED:
        return payload
    if not payload:
        raise Broken(ErrorCode.FRAME_SIZE_ERROR, "padded frame without a length")
    padding = payload[0]
    if padding >= len(payload):
        raise Broken(ErrorCode.PROTOCOL_ERROR, "more padding than payload")
    return payload[1 : len(payload) - padding]


def settings_of(payload: bytes) -> list[tuple[int, int]]:
    """Identifiers and values of a SETTINGS frame (section 6.5.1). Raises `Broken`."""
    if len(payload) % _SETTING:
        raise Broken(ErrorCode.FRAME_SIZE_ERROR, "settings cut short")
    starts = range(0, len(payload), _SETTING)
    return [(_number(payload, at, 2), _number(payload, at + 2, 4)) for at in starts]


def frame_bytes(kind: int, stream: int, payload: bytes, *, flags: int = 0) -> bytes:
    """One frame as it is sent; the payload is at most `MAX_FRAME` long."""
    head = (len(payload) << 48 | kind << 40 | flags << 32 | stream).to_bytes(_HEAD, "big")
    return head + payload


def head_frames(stream: int, block: bytes, *, ended: bool) -> bytes:
    """A header block as HEADERS and as many CONTINUATION frames as it needs."""
    flags = END_STREAM if ended else 0
    if len(block) <= MAX_FRAME:
        return frame_bytes(HEADERS, stream, block, flags=flags | END_HEADERS)
    out = [frame_bytes(HEADERS, stream, block[:MAX_FRAME], flags=flags)]
    for at in range(MAX_FRAME, len(block), MAX_FRAME):
        last = END_HEADERS if at + MAX_FRAME >= len(block) else 0
        out.append(frame_bytes(CONTINUATION, stream, block[at : at + MAX_FRAME], flags=last))
    return b"".join(out)


def settings_frame(settings: dict[int, int]) -> bytes:
    payload = b"".join(
        number.to_bytes(2, "big") + value.to_bytes(4, "big") for number, value in settings.items()
    )
    return frame_bytes(SETTINGS, 0, payload)


def reset_frame(stream: int, code: ErrorCode) -> bytes:
    return frame_bytes(RST_STREAM, stream, code.to_bytes(4, "big"))


def window_frame(stream: int, more: int) -> bytes:
    return frame_bytes(WINDOW_UPDATE, stream, more.to_bytes(4, "big"))


def goaway_frame(last: int, code: ErrorCode) -> bytes:
    """`last`: streams after it were not and will not be handled."""
    return frame_bytes(GOAWAY, 0, last.to_bytes(4, "big") + code.to_bytes(4, "big"))


# ---- private


def _number(payload: bytes, at: int, size: int) -> int:
    return int.from_bytes(payload[at : at + size], "big")
