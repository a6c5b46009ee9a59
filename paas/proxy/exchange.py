"""One request from its head to the last byte of its answer: read this first.

    begin → route → board.choose → board.acquire → (wait in the queue)
          → a pooled or new connection → request and answer stream both ways
          → connection back to its pool → lease back to the board → client goes on

Callbacks only, no task. Each way out goes through `_settle`, which gives back
whatever is held (ticket, connection, lease) exactly once. A request is sent
again only while every byte of it that was sent is still here, no byte of an
answer came, and the method is idempotent; a refused connection sent nothing,
so then any request goes elsewhere.
"""

import errno
from typing import Protocol

from paas.core.routing import Route
from paas.http1.events import END, Bad, End, Framing, RequestHead, ResponseEvent, ResponseHead
from paas.http1.head import (
    LAST_CHUNK,
    MAX_HOPS,
    Peer,
    chunk,
    chunked_to,
    ends_by_close,
    interim_bytes,
    request_bytes,
    response_bytes,
)
from paas.live.board import Lease, Refusal, Ticket
from paas.proxy import pages
from paas.proxy.pages import Problem
from paas.proxy.plane import Plane
from paas.proxy.timers import NEVER
from paas.proxy.upstream import Upstream

_IDEMPOTENT = frozenset({b"GET", b"HEAD", b"OPTIONS", b"PUT", b"DELETE"})
_OUR_SHORTAGE = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


class Client(Protocol):
    """The client's connection as its exchange sees it."""

    deadline: float
    full: bool
    peer: Peer

    def route(self, host: str) -> Route | None: ...

    def write(self, data: bytes) -> None: ...

    def pause(self) -> None: ...

    def resume(self) -> None: ...

    def finished(self, *, keep_alive: bool) -> None:
        """The answer is complete; go on with the next request or close."""

    def abort(self) -> None:
        """Cut the connection so that the client sees that something is missing."""

    def tunnel(self, upstream: Upstream, lease: Lease, answer: bytes) -> None:
        """Both sides agreed on another protocol: pass raw bytes from now on."""


class Exchange:
    """The state of one request."""

    __slots__ = (
        "_avoid",
        "_body_due",
        "_client",
        "_done",
        "_elsewhere",
        "_head",
        "_head_sent",
        "_held",
        "_held_size",
        "_idle",
        "_keep_alive",
        "_lease",
        "_out",
        "_paused",
        "_plane",
        "_replay",
        "_request_done",
        "_retried",
        "_reusable",
        "_ticket",
        "_to_chunks",
        "_tries",
        "_upstream",
        "_version",
        "_waited",
    )

    def __init__(self, plane: Plane, client: Client, head: RequestHead) -> None:
        self._plane = plane
        self._client = client
        self._head = head
        self._version = ""
        self._lease: Lease | None = None
        self._ticket: Ticket | None = None
        self._upstream: Upstream | None = None
        self._held: list[bytes] = []
        self._held_size = 0
        self._replay: bytes | None = None
        self._out: list[bytes] = []
        self._avoid: str | None = None
        self._tries = 0
        self._waited = 0.0
        self._idle = 60.0
        self._body_due = NEVER
        self._request_done = False
        self._retried = False
        self._paused = False
        self._head_sent = False
        self._to_chunks = False
        self._reusable = False
        self._keep_alive = False
        self._done = False

    # ---- from the client

    def begin(self) -> None:
        """Route it and ask for a replica; what came of the body goes with the head."""
        head, board = self._head, self._plane.board
        self._body_due = self._plane.timers.after(self._plane.limits.body_seconds)
        if head.hops >= MAX_HOPS:
            return self._fail(pages.LOOP)
        if head.target == b"*":
            return self._answer_options()
        route = self._client.route(head.host)
        if route is None:
            return self._fail(pages.NO_SUCH_HOST)
        version = board.choose(route)
        if version is None:
            return self._fail(pages.NO_TRAFFIC)
        self._version = version
        return self._acquire()

    def request_body(self, data: bytes) -> None:
        """A piece of the request's body arrived."""
        limits = self._plane.limits
        self._body_due = min(
            self._body_due + len(data) / limits.body_rate,
            self._plane.timers.after(limits.body_seconds),
        )
        self._forward(chunk(data) if self._head.framing is Framing.CHUNKED else data)

    def request_end(self) -> None:
        """The request is complete."""
        self._request_done = True
        if self._head.framing is Framing.CHUNKED:
            self._forward(LAST_CHUNK)
        elif self._upstream is not None:
            self._touch()

    def request_bad(self, bad: Bad) -> None:
        """The body turned out malformed: neither side may take it for complete."""
        self._fail(pages.malformed(bad))

    def client_gone(self) -> None:
        """Nobody is left to answer."""
        self._plane.counters.client_gone += 1
        self._settle()

    def client_full(self, *, full: bool) -> None:
        """The client's send buffer is full, or has room again."""
        if self._upstream is None:
            return
        if full:
            self._upstream.pause()
            self._client.deadline = self._plane.timers.after(self._plane.limits.write_seconds)
        else:
            self._upstream.resume()
            self._touch()

    def expired(self) -> None:
        """The client connection's deadline passed while this exchange had it."""
        if self._client.full or self._head_sent:
            self._cut()
        elif self._waits_for_body():
            self._fail(pages.SLOW_REQUEST)
        else:
            self._fail(pages.TIMEOUT)

    # ---- from the board

    def _acquire(self) -> None:
        answer = self._plane.board.acquire(self._version, self._granted, avoid=self._avoid)
        if not isinstance(answer, Ticket):
            return self._granted(answer)
        self._client.deadline = NEVER  # the ticket has its own
        self._ticket = answer
        if not answer.hold(self._held_size):
            return self._fail(pages.QUEUE_FULL)
        return None

    def _granted(self, answer: Lease | Refusal) -> None:
        self._ticket = None
        if isinstance(answer, Refusal):
            return self._fail(pages.refusal(answer))
        self._lease = answer
        self._waited += answer.waited
        self._idle = answer.target.idle_timeout
        upstream = self._plane.pools.take(answer.slot)
        if upstream is not None:
            return self._send(upstream)
        return self._plane.pools.connect(answer.slot, self._connected)

    def _connected(self, result: Upstream | OSError) -> None:
        if self._done:
            if isinstance(result, Upstream):
                result.release(reusable=True)
        elif isinstance(result, Upstream):
            self._send(result)
        else:
            self._unreachable(result)

    def _unreachable(self, error: OSError) -> None:
        """Nothing was sent, so any request may try another replica."""
        self._tries += 1
        if error.errno in _OUR_SHORTAGE:
            return self._fail(pages.OVERLOADED)
        if self._lease is not None:
            self._plane.board.suspect(self._version, self._lease.slot.id)
        if self._tries >= self._plane.limits.tries:
            return self._fail(pages.UPSTREAM_REFUSED)
        return self._elsewhere()

    def _elsewhere(self) -> None:
        lease, self._lease = self._lease, None
        if lease is not None:
            self._plane.counters.retries += 1
            self._avoid = lease.slot.id
            lease.release()
        self._acquire()

    # ---- to the replica

    def _send(self, upstream: Upstream) -> None:
        self._upstream = upstream
        if self._replay is None:
            first = self._first_bytes(upstream)
            if self._head.method in _IDEMPOTENT:
                self._replay = first
        else:
            first = self._replay
        upstream.begin(self, self._head.method, first)
        self._unpause()
        self._touch()

    def _first_bytes(self, upstream: Upstream) -> bytes:
        head = request_bytes(
            self._head,
            self._client.peer,
            request_id=self._plane.request_id(),
            host=upstream.host,
        )
        if not self._held:
            return head
        first = b"".join([head, *self._held])
        self._held.clear()
        self._held_size = 0
        return first

    def _forward(self, piece: bytes) -> None:
        if self._upstream is None:
            return self._hold(piece)
        self._replay = None
        self._upstream.write(piece)
        return self._touch()

    def _hold(self, piece: bytes) -> None:
        self._held.append(piece)
        self._held_size += len(piece)
        if self._replay is not None:
            self._replay += piece
        if self._ticket is not None and not self._ticket.hold(len(piece)):
            self._fail(pages.QUEUE_FULL)
        elif self._held_size >= self._plane.limits.hold_bytes:
            self._pause()

    def upstream_full(self, *, full: bool) -> None:
        """The replica's send buffer is full, or has room again."""
        if full:
            self._pause()
        else:
            self._unpause()
        self._touch()

    # ---- from the replica

    def answered(self, event: ResponseEvent) -> None:
        """The next event of the answer. What it writes is collected until `flush`."""
        if isinstance(event, bytes):
            self._out.append(chunk(event) if self._to_chunks else event)
        elif isinstance(event, ResponseHead):
            self._answer_head(event)
        elif event is END:
            self._answer_end()
        else:
            self._answer_bad(event)

    def flush(self) -> None:
        out = self._out
        if out and not self._done:
            data = out[0] if len(out) == 1 else b"".join(out)
            self._out = []
            self._touch()
            self._client.write(data)

    def upstream_lost(self, *, silent: bool) -> None:
        """The connection ended before the answer did."""
        upstream, self._upstream = self._upstream, None
        if self._head_sent:
            self._cut()
        elif not silent or self._replay is None or self._retried:
            self._fail(pages.RESET)
        else:
            self._again(reused=upstream is not None and upstream.reused)

    def _again(self, *, reused: bool) -> None:
        """Once more: a pooled connection may have been closed while it was idle."""
        self._retried = True
        if not reused or self._lease is None:
            return self._elsewhere()
        self._plane.counters.retries += 1
        return self._plane.pools.connect(self._lease.slot, self._connected)
