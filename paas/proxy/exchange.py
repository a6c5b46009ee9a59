"""One request from its head to the last byte of its answer: read this first.

    begin → route → (guard) → board.choose → approach: a lease, perhaps after a wait,
          → a pooled or new connection → request and answer stream both ways
          → connection back to its pool → lease back to the board → client goes on

Callbacks only, no task. Each way out goes through `_settle`, which gives back whatever is held
(ticket, connection, lease) exactly once. A request is sent again only while every byte of it that
was sent is still here, no byte of an answer came, and the method is idempotent; a refused
connection sent nothing, so then any request goes elsewhere.
"""

from functools import partial

from paas.core.ignoring import Ignore
from paas.core.routing import Route
from paas.http1.events import (
    BY_CHUNKS,
    BY_LENGTH,
    END,
    Bad,
    RequestHead,
    ResponseEvent,
    ResponseHead,
)
from paas.http1.head import LAST_CHUNK, MAX_HOPS, chunk, response_bytes
from paas.live.board import OpenRequest
from paas.proxy import pages
from paas.proxy.answer import Answer
from paas.proxy.approach import Approach
from paas.proxy.client import Client
from paas.proxy.guard import Guard
from paas.proxy.pages import Page, Problem
from paas.proxy.plane import Plane
from paas.proxy.timers import NEVER
from paas.proxy.trace import Trace
from paas.proxy.upstream import Upstream

_IDEMPOTENT = frozenset({b"GET", b"HEAD", b"OPTIONS", b"PUT", b"DELETE"})


class Exchange:
    """The state of one request; `request_done` once all of it was read."""

    __slots__ = (
        "_answer",
        "_approach",
        "_body_due",
        "_client",
        "_done",
        "_guard",
        "_head",
        "_idle",
        "_outbound",
        "_paused",
        "_plane",
        "_received",
        "_trace",
        "_upstream",
        "request_done",
    )

    def __init__(self, plane: Plane, client: Client, head: RequestHead) -> None:
        self._plane = plane
        self._client = client
        self._head = head
        self._approach = Approach(plane, self)
        self._outbound = self._approach.outbound
        self._upstream: Upstream | None = None
        self._answer = Answer()
        self._guard: Guard | None = None
        self._trace: Trace | None = None
        self._received = 0
        self._idle = 60.0
        self._body_due = NEVER
        self.request_done = False
        self._paused = False
        self._done = False

    def probe(self) -> bytes:
        """What may be sent now to see if the client is there; empty when nothing may."""
        return self._answer.probe(self._head, whole=self.request_done)

    @property
    def missing(self) -> int:
        """Bytes that its body needs yet, at least."""
        if self.request_done or self._head.framing is not BY_LENGTH:
            return not self.request_done
        return self._head.length - self._received

    def opened(self) -> OpenRequest | None:
        return self._approach.opened(self._head, self._client.peer, begun=self._answer.begun)

    # ---- from the client

    def begin(self) -> None:
        """Route it and ask for a replica; what came of the body goes with the head."""
        head, plane = self._head, self._plane
        self._client.deadline = NEVER  # waiting and connecting have limits of their own
        if plane.access is not None:
            self._trace = Trace(plane)
        ours = plane.challenges.http or head.hops >= MAX_HOPS or head.target == b"*"
        if ours and self._answered_ourselves():
            return None
        route = self._client.route(head.host)
        if route is None:
            wrong = self._client.misdirected(head.host)  # RFC 9110, section 15.5.20
            return self.fail(pages.MISDIRECTED if wrong else pages.NO_SUCH_HOST)
        self._approach.service = route.service
        if self._trace is not None:
            self._trace.service = route.service
        if head.websocket and plane.tunnels.full(route.service):
            return self.fail(pages.TOO_MANY_TUNNELS)
        if route.policy is not None or self._client.peer.trusted:
            return self._ask_guard(route)
        version = plane.board.choose(route)
        if version is None:
            return self.fail(pages.NO_TRAFFIC)
        return self._approach.begin(version)

    def request_body(self, data: bytes) -> None:
        """A piece of the request's body arrived."""
        limits, timers = self._plane.limits, self._plane.timers
        earned = self._body_due + len(data) / limits.body_rate
        self._body_due = min(earned, timers.after(limits.body_seconds))
        self._received += len(data)
        guard = self._guard
        if guard is not None and 0 < guard.body_limit < self._received:
            return self.fail(pages.BODY_TOO_LARGE)
        return self._forward(chunk(data) if self._head.framing is BY_CHUNKS else data)

    def request_end(self) -> None:
        """The request is complete."""
        self.request_done = True
        if self._head.framing is BY_CHUNKS:
            self._forward(LAST_CHUNK)
        elif self._upstream is not None:
            self._touch()

    def request_bad(self, bad: Bad) -> None:
        """The body turned out malformed: neither side may take it for complete."""
        self.fail(pages.malformed(bad))

    def client_gone(self) -> None:
        """Nobody is left to answer."""
        self._plane.counters.client_gone += 1
        if self._trace is not None:
            self._trace.error = "client_gone"
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
        guard = self._guard
        if guard is not None and guard.waiting:
            guard.again(received=self._received)
        elif self._client.full or self._answer.begun:
            self._cut()
        else:
            silent = self.request_done or self._paused
            self.fail(pages.TIMEOUT if silent else pages.SLOW_REQUEST)

    # ---- from the guard

    def _ask_guard(self, route: Route) -> None:
        policy = route.policy
        if policy is not None and policy.request_log:
            trace = self._trace = self._trace or Trace(self._plane)
            trace.service, trace.kept = route.service, True
        guard = self._guard = Guard(self._plane, self._head, self._client, self)
        guard.ask(route, received=self._received)

    def admitted(self, version: str, *, cookie: bytes, rule: Ignore | None) -> None:
        """Go on with that version; `cookie` is for the answer; by `rule` it is no traffic."""
        self._answer.cookie = cookie
        self._client.deadline = NEVER
        if self._trace is not None:
            self._trace.ignored = rule is not None
        self._approach.begin(version, rule)

    def held(self) -> None:
        """The guard wants to be asked again, at the next tick."""
        self._client.deadline = self._plane.timers.after(0)
        if not self.request_done:
            self._pause()

    # ---- from the approach

    def set_out(self) -> None:
        self._client.deadline = NEVER

    def arrived(self, upstream: Upstream) -> None:
        """A connection is there: send what is held, then whatever comes."""
        approach, outbound = self._approach, self._outbound
        self._upstream = upstream
        if approach.lease is not None:
            self._idle = approach.lease.target.idle_timeout
        self._answer.waited = approach.waited
        if not outbound.started:
            outbound.start(self._request_bytes(upstream))
        method = self._head.method
        first = outbound.first(repeatable=method in _IDEMPOTENT)
        if not self.request_done:
            self._body_due = self._plane.timers.after(self._plane.limits.body_seconds)
        self._unpause()
        self._touch()
        upstream.begin(self, method, first)

    def fail(self, problem: Problem) -> None:
        """Answer with a page of our own, or cut an answer that has begun."""
        if self._done:
            return
        if self._answer.begun:
            self._cut()
            return
        if self._trace is not None:
            self._trace.error = problem.code
        self._approach.failed(problem, self._client)
        self.reply(partial(pages.page, problem), status=problem.status)

    def reply(self, page: Page, *, status: int) -> None:
        """Give an answer of our own."""
        keep_alive = self._may_keep_alive()
        answer = page(self._head, keep_alive=keep_alive)
        self._answer.status = status
        if self._trace is not None:
            self._trace.status, self._trace.sent = status, len(answer)
        self._settle(reusable=False)
        self._client.write(answer)
        self._client.finished(keep_alive=keep_alive)

    # ---- to the replica

    def _request_bytes(self, upstream: Upstream) -> bytes:
        client = self._client
        return client.onward.request_bytes(
            self._head, client.peer, request_id=self._plane.request_id(), host=upstream.host
        )

    def _forward(self, piece: bytes) -> None:
        if self._upstream is None:
            return self._hold(piece)
        self._outbound.replay = None
        self._touch()
        return self._upstream.write(piece)

    def _hold(self, piece: bytes) -> None:
        if not self._approach.hold(piece):
            self.fail(pages.QUEUE_FULL)
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
            self._answer.piece(event)
        elif isinstance(event, ResponseHead):
            self._answer_head(event)
        elif event is END:
            self._answer_end()
        else:
            self.fail(Problem(status=event.status, code=event.code))

    def flush(self) -> None:
        """Write what was collected in one piece."""
        data = b"" if self._done else self._answer.take()
        if data:
            self._touch()
            self._client.write(data)
            if self._trace is not None:
                self._trace.sent += len(data)

    def upstream_lost(self, *, silent: bool) -> None:
        """The connection ended before the answer did."""
        upstream, self._upstream = self._upstream, None
        sent, approach = self._outbound.replay, self._approach
        if silent and sent is not None and not approach.retried and upstream is not None:
            approach.again(sent, reused=upstream.reused)
        else:
            self.fail(pages.RESET)

    def _answer_head(self, head: ResponseHead) -> None:
        if head.interim:
            self._answer.interim(head, self._head)
        elif head.status == 101:
            self._switch(head)
        else:
            self._answer.begin(head, self._head.minor, keep_alive=self._may_keep_alive())
            if self._trace is not None:
                self._trace.status = head.status

    def _answer_end(self) -> None:
        answer = self._answer
        answer.end()
        self.flush()
        self._settle(reusable=answer.reusable and self.request_done)
        self._client.finished(keep_alive=answer.keep_alive)

    def _switch(self, head: ResponseHead) -> None:
        upstream, approach = self._upstream, self._approach
        both = self._head.websocket and head.websocket
        if upstream is None or approach.lease is None or not both:
            return self.fail(pages.INVALID)
        if self._plane.tunnels.full(approach.lease.target.service):
            return self.fail(pages.TOO_MANY_TUNNELS)
        trace, client = self._trace, self._client
        lease = approach.take_stream(self._head, client.peer)
        self._done, self._upstream, self._guard, self._trace = True, None, None, None
        answer = response_bytes(head, minor=1, keep_alive=True, extra=self._answer.cookie)
        ended = None
        if trace is not None:
            ended = trace.tunnel(self._head, client.peer, lease=lease, waited=approach.waited)
        return client.tunnel(upstream, lease, answer=answer, ended=ended)

    # ---- ways out

    def _answered_ourselves(self) -> bool:
        """An authority's check, a request that goes round in a circle, or about the server."""
        head = self._head
        proof = self._plane.challenges.http.get((head.host, head.target))
        if proof is not None:
            self.reply(partial(pages.proof, proof), status=200)
        elif head.hops >= MAX_HOPS:
            self.fail(pages.LOOP)
        elif head.target == b"*":
            self.reply(pages.options_answer, status=204)
        return self._done

    def _cut(self) -> None:
        """An answer that cannot be completed must not look complete."""
        self._plane.counters.cut += 1
        if self._trace is not None:
            self._trace.error = "cut"
        self._settle(reusable=False)
        self._client.abort()

    def _may_keep_alive(self) -> bool:
        return self._head.keep_alive and self.request_done and not self._plane.draining

    def _settle(self, *, reusable: bool) -> None:
        """Give back what is held, in the order in which the next waiter can use it."""
        self._done = True
        if self._guard is not None:
            self._guard.leave()
            self._guard = None
        if self._trace is not None:
            self._end_trace(self._trace)
        if self._upstream is not None:
            self._upstream.release(reusable=reusable)
            self._upstream = None
        self._approach.leave(self._answer.status)

    def _end_trace(self, trace: Trace) -> None:
        """Once: whatever happens now comes after the request."""
        self._trace = None
        trace.received = self._received
        approach = self._approach
        trace.end(self._head, self._client.peer, lease=approach.lease, waited=approach.waited)

    def _touch(self) -> None:
        """Something moved: the silence that is allowed begins anew."""
        client = self._client
        if client.full:
            return
        if self.request_done or self._paused or self._answer.begun:
            client.deadline = self._plane.timers.after(self._idle)
        else:
            client.deadline = self._body_due
