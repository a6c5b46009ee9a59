"""A client's side of HTTP/2 as bytes, and what a session made of them."""

from hpack import Encoder

from paas.http2 import frames
from paas.http2.events import NOTHING, Event
from paas.http2.frames import Frame
from paas.http2.session import Session

GET = [
    (b":method", b"GET"),
    (b":scheme", b"https"),
    (b":authority", b"a.example"),
    (b":path", b"/"),
]
POST = [(b":method", b"POST"), *GET[1:]]
HELLO = frames.PREFACE + frames.settings_frame({})


def frame(kind: int, stream: int = 0, payload: bytes = b"", flags: int = 0) -> bytes:
    return frames.frame_bytes(kind, stream, payload, flags=flags)


def data(stream: int, payload: bytes, *, ended: bool = False) -> bytes:
    return frame(frames.DATA, stream, payload, frames.END_STREAM if ended else 0)


class Client:
    """One connection of it."""

    def __init__(self, *, head_bytes: int = 32 * 1024) -> None:
        self.session = Session(head_bytes=head_bytes, now=0.0)
        self.encoder = Encoder()
        self.now = 0.0

    def begun(self) -> "Client":
        assert self.says(HELLO) == []
        self.answered()
        return self

    def head(
        self, stream: int, fields: list[tuple[bytes, bytes]] | None = None, *, ended: bool = True
    ) -> bytes:
        block = self.encoder.encode(GET if fields is None else fields)
        return frames.head_frames(stream, block, ended=ended)

    def says(self, raw: bytes) -> list[Event]:
        """The events, without those that mean nothing."""
        self.session.receive(raw)
        found = []
        while (event := self.session.next(self.now)) is not None:
            if event is not NOTHING:
                found.append(event)
        return found

    def answered(self) -> list[Frame]:
        """What the session wants to write, frame by frame."""
        raw, found = self.session.take(), []
        while raw:
            size = int.from_bytes(raw[:3], "big")
            stream = int.from_bytes(raw[5:9], "big")
            found.append(Frame(raw[3], raw[4], stream, raw[9 : 9 + size]))
            raw = raw[9 + size :]
        return found

    def error(self) -> frames.ErrorCode | None:
        """The code of the GOAWAY that ended the connection, None while it goes on."""
        last = [one for one in self.answered() if one.kind == frames.GOAWAY]
        assert bool(last) is self.session.closed
        return frames.ErrorCode(int.from_bytes(last[-1].payload[4:8], "big")) if last else None

    def resets(self) -> dict[int, frames.ErrorCode]:
        return {
            one.stream: frames.ErrorCode(int.from_bytes(one.payload, "big"))
            for one in self.answered()
            if one.kind == frames.RST_STREAM
        }
