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

from paas.http1.events import BY_CHUNKS, END, Bad, RequestHead, ResponseEvent, ResponseHead
from paas.http1.head import (
    LAST_CHUNK,
    MAX_HOPS,
    chunk,
    chunked_to,
    ends_by_close,
    interim_bytes,
    response_bytes,
)
from paas.live.board import Lease, Refusal, Ticket
from paas.proxy import pages
from paas.proxy.client import Client
from paas.proxy.outbound import Outbound
from paas.proxy.pages import Problem
from paas.proxy.plane import Plane
from paas.proxy.timers import NEVER
from paas.proxy.upstream import Upstream

_IDEMPOTENT = frozenset({b"GET", b"HEAD", b"OPTIONS", b"PUT", b"DELETE"})
_OUR_SHORTAGE = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


class Exchange:
    """The state of one request; `request_done` once all of it was read."""

    __slots__ = (
        "_avoid",
        "_body_due",
        "_client",
        "_done",
        "_head",
        "_head_sent",
        "_idle",
        "_keep_alive",
        "_lease",
        "_out",
        "_outbound",
        "_paused",
        "_plane",
        "_retried",
        "_reusable",
        "_ticket",
        "_to_chunks",
        "_tries",
        "_upstream",
        "_version",
        "_waited",
        "request_done",
    )

    def __init__(self, plane: Plane, client: Client, head: RequestHead) -> None:
        self._plane = plane
        self._client = client
        self._head = head
        self._version = ""
        self._lease: Lease | None = None
        self._ticket: Ticket | None = None
        self._upstream: Upstream | None = None
        self._outbound = Outbound()
        self._out: list[bytes] = []
        self._avoid: str | None = None
        self._tries = 0
        self._waited = 0.0
        self._idle = 60.0
        self._body_due = NEVER
        self.request_done = False
        self._retried = False
        self._paused = False
        self._head_sent = False
        self._to_chunks = False
        self._reusable = False
        self._keep_alive = False
        self._done = False

    @property
    def may_probe(self) -> bool:
        """Whether an interim answer may be sent now, to see if the client is there."""
        return not self._head_sent and self._head.minor > 0

    # ---- from the client

    def begin(self) -> None:
        """Route it and ask for a replica; what came of the body goes with the head."""
        head, board = self._head, self._plane.board
        self._client.deadline = NEVER  # waiting and connecting have limits of their own
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
        limits, timers = self._plane.limits, self._plane.timers
        earned = self._body_due + len(data) / limits.body_rate
        self._body_due = min(earned, timers.after(limits.body_seconds))
        self._forward(chunk(data) if self._head.framing is BY_CHUNKS else data)

    def request_end(self) -> None:
        """The request is complete."""
        self.request_done = True
        if self._head.framing is BY_CHUNKS:
            self._forward(LAST_CHUNK)
        elif self._upstream is not None:
            self._touch()

    def request_bad(self, bad: Bad) -> None:
        """The body turned out malformed: neither side may take it for complete."""
        self._fail(pages.malformed(bad))

    def client_gone(self) -> None:
        """Nobody is left to answer."""
        self._plane.counters.client_gone += 1
        self._settle(reusable=False)

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
        """The client connection's deadline passed while this exchange set it."""
        if self._client.full or self._head_sent:
            self._cut()
        elif self.request_done or self._paused:
            self._fail(pages.TIMEOUT)
        else:
            self._fail(pages.SLOW_REQUEST)

    # ---- from the board

    def _acquire(self) -> None:
        answer = self._plane.board.acquire(self._version, self._granted, avoid=self._avoid)
        if not isinstance(answer, Ticket):
            return self._granted(answer)
        self._ticket = answer
        if not answer.hold(self._outbound.size):
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

    # ---- connecting

    def _connected(self, result: Upstream | OSError) -> None:
        if self._done:
            if isinstance(result, Upstream):
                result.release(reusable=True)
        elif isinstance(result, Upstream):
            self._send(result)
        else:
            self._unreachable(result)

    def _unreachable(self, error: OSError) -> None:
        """Nothing was sent on it, so whatever is held may go to another replica."""
        self._tries += 1
        if error.errno in _OUR_SHORTAGE:
            return self._fail(pages.OVERLOADED)
        if self._lease is not None:
            self._plane.board.suspect(self._version, self._lease.slot.id)
        if self._tries >= self._plane.limits.tries:
            return self._fail(pages.REFUSED)
        return self._elsewhere()

    def _elsewhere(self) -> None:
        """Ask for another replica; with none there, wait as for a cold start."""
        lease, self._lease = self._lease, None
        self._plane.counters.retries += 1
        if lease is not None:
            self._avoid = lease.slot.id
            lease.release()
        self._client.deadline = NEVER
        self._acquire()

    def _again(self, sent: bytes, *, reused: bool) -> None:
        """The connection ended in silence: send the same bytes once more.

        A pooled one was probably closed while it was idle, so the replica is well.
        """
        self._retried = True
        self._outbound.again(sent)
        if not reused or self._lease is None:
            return self._elsewhere()
        self._client.deadline = NEVER
        self._plane.counters.retries += 1
        return self._plane.pools.connect(self._lease.slot, self._connected)

    # ---- to the replica

    def _send(self, upstream: Upstream) -> None:
        self._upstream = upstream
        outbound, method = self._outbound, self._head.method
        if not outbound.started:
            outbound.start(self._request_bytes(upstream))
        first = outbound.first(repeatable=method in _IDEMPOTENT)
        if not self.request_done:
            self._body_due = self._plane.timers.after(self._plane.limits.body_seconds)
        self._unpause()
        self._touch()
        upstream.begin(self, method, first)

    def _request_bytes(self, upstream: Upstream) -> bytes:
        client = self._client
        return client.onward.request_bytes(
            self._head,
            client.peer,
            request_id=self._plane.request_id(),
            host=upstream.host,
        )

    def _forward(self, piece: bytes) -> None:
        if self._upstream is None:
            return self._hold(piece)
        self._outbound.replay = None
        self._touch()
        return self._upstream.write(piece)

    def _hold(self, piece: bytes) -> None:
        self._outbound.hold(piece)
        if self._ticket is not None and not self._ticket.hold(len(piece)):
            self._fail(pages.QUEUE_FULL)
        elif self._outbound.size >= self._plane.limits.hold_bytes:
            self._pause()

    def upstream_full(self, *, full: bool) -> None:
        """The replica's send buffer is full, or has room again."""
        if full:
            self._pause()
        else:
            self._unpause()
        self._touch()

    def _pause(self) -> None:
        if not self._paused:
            self._paused = True
            self._client.pause()

    def _unpause(self) -> None:
        if self._paused:
            self._paused = False
            self._body_due = self._plane.timers.after(self._plane.limits.body_seconds)
            self._client.resume()

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
            self._fail(Problem(status=event.status, code=event.code))

    def flush(self) -> None:
        """Write what was collected in one piece."""
        out = self._out
        if out and not self._done:
            self._out = []
            self._touch()
            self._client.write(out[0] if len(out) == 1 else b"".join(out))

    def upstream_lost(self, *, silent: bool) -> None:
        """The connection ended before the answer did."""
        upstream, self._upstream = self._upstream, None
        sent = self._outbound.replay
        if silent and sent is not None and not self._retried and upstream is not None:
            self._again(sent, reused=upstream.reused)
        else:
            self._fail(pages.RESET)

    def _answer_head(self, head: ResponseHead) -> None:
        ours = self._head
        if head.interim:
            if ours.minor and (head.status != 100 or ours.expect_continue):
                self._out.append(interim_bytes(head))
            return
        if head.status == 101:
            self._switch(head)
            return
        self._head_sent = True
        self._reusable = head.keep_alive
        self._to_chunks = chunked_to(head, ours.minor)
        self._keep_alive = self._may_keep_alive() and not ends_by_close(head, ours.minor)
        waited = self._waited
        extra = b"X-Paas-Cold-Start: %d\r\n" % max(1, round(waited * 1000)) if waited else b""
        self._out.append(
            response_bytes(head, minor=ours.minor, keep_alive=self._keep_alive, extra=extra)
        )

    def _answer_end(self) -> None:
        if self._to_chunks:
            self._out.append(LAST_CHUNK)
        self.flush()
        self._settle(reusable=self._reusable and self.request_done)
        self._client.finished(keep_alive=self._keep_alive)

    def _switch(self, head: ResponseHead) -> None:
        upstream, lease = self._upstream, self._lease
        if upstream is None or lease is None or not (self._head.websocket and head.websocket):
            return self._fail(pages.INVALID)
        self._done, self._upstream, self._lease = True, None, None
        answer = response_bytes(head, minor=1, keep_alive=True)
        return self._client.tunnel(upstream, lease, answer)

    # ---- ways out

    def _answer_options(self) -> None:
        keep_alive = self._may_keep_alive()
        self._settle(reusable=False)
        self._client.write(pages.options_answer(self._head, keep_alive=keep_alive))
        self._client.finished(keep_alive=keep_alive)

    def _fail(self, problem: Problem) -> None:
        if self._done:
            return
        if self._head_sent:
            self._cut()
            return
        keep_alive = self._may_keep_alive()
        self._settle(reusable=False)
        self._plane.counters.error(problem.code)
        self._client.write(pages.page(problem, self._head, keep_alive=keep_alive))
        self._client.finished(keep_alive=keep_alive)

    def _cut(self) -> None:
        """An answer that cannot be completed must not look complete."""
        self._plane.counters.cut += 1
        self._settle(reusable=False)
        self._client.abort()

    def _may_keep_alive(self) -> bool:
        return self._head.keep_alive and self.request_done and not self._plane.draining

    def _settle(self, *, reusable: bool) -> None:
        """Give back ticket, connection and lease, in the order in which the next waiter
        can use them.
        """
        self._done = True
        self._outbound.clear()
        if self._ticket is not None:
            self._ticket.cancel()
        if self._upstream is not None:
            self._upstream.release(reusable=reusable)
        if self._lease is not None:
            self._lease.release()
        self._ticket = self._upstream = self._lease = None

    def _touch(self) -> None:
        """Something moved: the silence that is allowed begins anew."""
        client = self._client
        if client.full:
            return
        if self.request_done or self._paused or self._head_sent:
            client.deadline = self._plane.timers.after(self._idle)
        else:
            client.deadline = self._body_due
