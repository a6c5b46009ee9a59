"""One request of an HTTP/2 connection: what its exchange takes for its client.

An exchange writes HTTP/1.1. Here that is read again, by the parser that reads replicas'
answers, and goes out as frames while the client's windows have room. What waits for room
is bounded by telling the exchange that its client is full; a request's body is bounded by
not giving its window back while the exchange pauses.
"""

from typing import Protocol

from paas.core.routing import Route
from paas.http1.events import END, RequestHead, ResponseHead
from paas.http1.head import Onward, Peer
from paas.http1.limits import Limits
from paas.http1.parser import ResponseParser
from paas.http2.events import Body
from paas.http2.frames import ErrorCode
from paas.http2.heads import answer_block
from paas.http2.session import Session
from paas.live.board import Lease, OpenRequest
from paas.proxy.exchange import Exchange
from paas.proxy.plane import Plane
from paas.proxy.timers import NEVER
from paas.proxy.tunnel import Ended
from paas.proxy.upstream import Upstream

HIGH = 64 * 1024
"""Bytes that wait for room, from which on no more are wanted."""
LOW = 16 * 1024
_OURS = Limits(response_head_bytes=1024 * 1024, response_headers=2000)
"""What we wrote was within its limits before we added to it."""


class Carrier(Protocol):
    """The connection that it belongs to. `full`: its send buffer is."""

    full: bool
    onward: Onward
    peer: Peer
    spare: list[ResponseParser]
    """Of streams that ended: they know the heads that they read last."""

    @property
    def session(self) -> Session: ...

    def route(self, host: str) -> Route | None: ...

    def misdirected(self, host: str) -> bool: ...

    def rest(self) -> None: ...

    def go_on(self) -> None: ...

    def changed(self, stream: "Stream") -> None:
        """It has something to send: ask it to, once this turn is over."""

    def done(self, stream: "Stream") -> None:
        """Nothing more comes of it."""


class Stream:
    """`deadline` and `full` are its exchange's, see `Client`."""

    __slots__ = (
        "_answered",
        "_body",
        "_carrier",
        "_complete",
        "_ended",
        "_exchange",
        "_heads",
        "_held",
        "_parser",
        "_paused",
        "_plane",
        "_size",
        "deadline",
        "full",
        "number",
        "onward",
        "peer",
    )

    def __init__(self, plane: Plane, carrier: Carrier, number: int) -> None:
        self._plane = plane
        self._carrier = carrier
        self._exchange: Exchange | None = None
        self._parser = carrier.spare.pop() if carrier.spare else ResponseParser(_OURS)
        self._heads: list[bytes] = []
        self._body: list[bytes] = []
        self._size = 0
        self._held = 0
        self._complete = False
        self._answered = False
        self._ended = False
        self._paused = False
        self.number = number
        self.onward = carrier.onward
        self.peer = carrier.peer
        self.deadline = NEVER
        self.full = False
        plane.timers.watch(self)

    # ---- for the connection

    def begin(self, head: RequestHead, *, ended: bool) -> None:
        """Let an exchange answer that request; `ended`: all of it is there."""
        self._parser.expect(head.method)
        exchange = self._exchange = Exchange(self._plane, self, head)
        self._ended = ended
        if ended:
            exchange.request_end()
        exchange.begin()

    def answer(self, page: bytes, *, ended: bool) -> None:
        """Answer a request that is unusable."""
        self._ended = ended
        self.write(page)
        self.finished(keep_alive=False)

    def received(self, piece: Body) -> None:
        """The next piece of the request's body."""
        if self._exchange is not None and piece.data:
            self._exchange.request_body(piece.data)
        if self._exchange is not None and piece.ended:
            self._exchange.request_end()
        self._held += piece.size
        self._give_back()
        self._ended = piece.ended
        if self._ended and self._answered:
            self._leave()

    def send(self) -> None:
        """Write what there is room for."""
        if self._answered:
            return
        session, number, last = self._carrier.session, self.number, self._complete
        heads, self._heads = self._heads, []
        for at, block in enumerate(heads, start=1):
            session.head(number, block, ended=last and not self._body and at == len(heads))
        room = 0 if self._carrier.full else session.room(number)
        if self._body and room:
            self._send_body(room)
        elif last and not self._body and not heads:
            session.body(number, b"", ended=True)
        if last and not self._body:
            self._rest()
        elif last:
            self.deadline = self._plane.timers.after(self._plane.limits.write_seconds)
        else:
            self._set_full()

    @property
    def waiting(self) -> bool:
        """Whether it could send if there were room."""
        return bool(self._body)

    def gone(self) -> None:
        """The client gave it up, or is gone."""
        exchange, self._exchange = self._exchange, None
        self._leave()
        if exchange is not None:
            exchange.client_gone()

    def opened(self) -> OpenRequest | None:
        return self._exchange.opened() if self._exchange is not None else None

    # ---- for the exchange

    def route(self, host: str) -> Route | None:
        return self._carrier.route(host)

    def misdirected(self, host: str) -> bool:
        return self._carrier.misdirected(host)

    def write(self, data: bytes) -> None:
        parser = self._parser
        parser.receive(data)
        while (event := parser.next()) is not None and event is not END:
            if isinstance(event, ResponseHead):
                # heads repeat, and the parser hands the same one out again
                event.onward = event.onward or answer_block(event)
                self._heads.append(event.onward)
            else:
                assert isinstance(event, bytes)  # we wrote it
                self._body.append(event)
                self._size += len(event)
        self._carrier.changed(self)

    def pause(self) -> None:
        self._paused = True

    def resume(self) -> None:
        self._paused = False
        self._give_back()

    def rest(self) -> None:
        self._carrier.rest()

    def go_on(self) -> None:
        self._carrier.go_on()

    def finished(self, *, keep_alive: bool) -> None:  # noqa: ARG002 - the connection's own affair
        self._exchange = None
        self._complete = True
        self._paused = False
        self._give_back()
        self._carrier.changed(self)

    def abort(self) -> None:
        """Reset the stream, so that its answer is not taken for complete."""
        self._exchange = None
        self._reset(ErrorCode.INTERNAL_ERROR)

    def tunnel(
        self, upstream: Upstream, lease: Lease, *, answer: bytes, ended: Ended | None
    ) -> None:
        """Never: no request of HTTP/2 asks for an upgrade."""
        del upstream, lease, answer, ended
        self.abort()

    # ---- for the timers

    def expired(self) -> None:
        if self._exchange is not None:
            self._exchange.expired()
        elif self._answered:
            self._reset(ErrorCode.NO_ERROR)
        else:
            self._reset(ErrorCode.CANCEL)

    # ---- private

    def _send_body(self, room: int) -> None:
        data = self._body[0] if len(self._body) == 1 else b"".join(self._body)
        piece, rest = data[:room], data[room:]
        self._body = [rest] if rest else []
        self._size = len(rest)
        self._carrier.session.body(self.number, piece, ended=self._complete and not rest)

    def _rest(self) -> None:
        """The answer is out. What is still coming of the request is swallowed for a moment:
        clients are known to lose an answer over a reset that comes with it.
        """
        self._answered = True
        if self._parser.exhausted:
            self._parser.restart()
            self._carrier.spare.append(self._parser)
        if self._ended:
            self._leave()
        else:
            self.deadline = self._plane.timers.after(self._plane.limits.linger_seconds)

    def _reset(self, code: ErrorCode) -> None:
        self._carrier.session.reset(self.number, code)
        self._carrier.changed(self)
        self._leave()

    def _set_full(self) -> None:
        full = self._size > (LOW if self.full else HIGH)
        if full is not self.full:
            self.full = full
            if self._exchange is not None:
                self._exchange.client_full(full=full)

    def _give_back(self) -> None:
        """Let the client send as much again as was read, unless it shall wait."""
        if self._held and not self._paused:
            held, self._held = self._held, 0
            self._carrier.session.consumed(self.number, held)
            self._carrier.changed(self)

    def _leave(self) -> None:
        self._heads, self._body, self._size = [], [], 0
        self._paused = False
        self._give_back()
        self._plane.timers.forget(self)
        self._carrier.done(self)
