"""Where WebSocket frames end in a byte stream (RFC 6455, section 5.2).

Only the boundaries and the close frame are followed, so that a close frame of
our own can be put between two frames and never into one.
"""

CLOSE_GOING_AWAY = b"\x88\x02\x03\xe9"
"""A server's close frame with status 1001."""
CLOSE_GOING_AWAY_MASKED = b"\x88\x82\x00\x00\x00\x00\x03\xe9"
"""The same as a client sends it."""

_CLOSE = 0x8
_LENGTH_BYTES = {126: 2, 127: 8}


class Frames:
    """Follows one direction of a connection."""

    __slots__ = ("_head", "_skip", "closed")

    def __init__(self) -> None:
        self._head = b""
        self._skip = 0
        self.closed = False

    @property
    def between(self) -> bool:
        """True when the last byte ended a frame (or none came yet)."""
        return not self._head and not self._skip

    def feed(self, data: bytes) -> None:
        """These bytes passed."""
        position = 0
        while position < len(data):
            position = self._step(data, position)

    def finish(self, data: bytes) -> int:
        """How many of these bytes, all of which passed, end the frame under way, as far
        as they do.
        """
        position = 0
        while position < len(data) and not self.between:
            position = self._step(data, position)
        return position

    # ---- private

    def _step(self, data: bytes, position: int) -> int:
        if self._skip:
            step = min(self._skip, len(data) - position)
            self._skip -= step
            return position + step
        missing = _head_size(self._head) - len(self._head)
        self._head += data[position : position + missing]
        self._complete()
        return min(position + missing, len(data))

    def _complete(self) -> None:
        head = self._head
        if len(head) < _head_size(head):
            return
        if head[0] & 0x0F == _CLOSE:
            self.closed = True
        size = head[1] & 0x7F
        extended = _LENGTH_BYTES.get(size, 0)
        self._skip = int.from_bytes(head[2 : 2 + extended], "big") if extended else size
        self._head = b""


def _head_size(head: bytes) -> int:
    """Bytes of a frame's head, as far as its beginning tells."""
    if len(head) < 2:
        return 2
    return 2 + _LENGTH_BYTES.get(head[1] & 0x7F, 0) + (4 if head[1] & 0x80 else 0)
