"""A request's way to a replica: a lease from the board, then a connection.

A refused connection sent nothing, so any request goes on to another replica; one
that ended in silence is tried once more, when its bytes allow it. `leave` gives
ticket and lease back, whatever happened.
"""

import errno
import time
from functools import partial
from typing import Protocol

from paas.core.ignoring import Ignore
from paas.http1.events import RequestHead
from paas.http1.head import Peer
from paas.live.board import Absence, Lease, OpenRequest, Refusal, Ticket
from paas.live.counted import UNCOUNTED, Counted
from paas.live.requests import RequestKind
from paas.proxy import facts, pages
from paas.proxy.outbound import Outbound
from paas.proxy.pages import Page, Problem
from paas.proxy.plane import Plane
from paas.proxy.turns import Reader
from paas.proxy.upstream import Upstream

_NO_DESCRIPTORS = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
_NO_PORTS = frozenset({errno.EADDRNOTAVAIL, errno.EAGAIN})


class Traveller(Protocol):
    """The exchange as its approach sees it."""

    def arrived(self, upstream: Upstream) -> None:
        """Here is a connection."""

    def fail(self, problem: Problem) -> None:
        """There will be none."""

    def reply(self, page: Page, *, status: int) -> None:
        """There will be none, and nothing is wrong."""

    def set_out(self) -> None:
        """Waiting and connecting begin, which have limits of their own."""


class Approach:
    """`outbound` is what the request has to send; `waited` are seconds in queues.
    `lease` is held from the grant on. `service` is whose request it is, as far as is known.
    """

    __slots__ = (
        "_avoid",
        "_began",
        "_exchange",
        "_left",
        "_plane",
        "_rule",
        "_since",
        "_ticket",
        "_tries",
        "_version",
        "lease",
        "outbound",
        "retried",
        "service",
        "waited",
    )

    _began: float

    def __init__(self, plane: Plane, exchange: Traveller) -> None:
        self._plane = plane
        self._exchange = exchange
        self._version = ""
        self._rule: Ignore | None = None
        self._since = plane.timers.now
        self._ticket: Ticket | None = None
        self._avoid: str | None = None
        self._tries = 0
        self._left = False
        self.outbound = Outbound()
        self.lease: Lease | None = None
        self.retried = False
        self.service = ""
        self.waited = 0.0

    def begin(self, version: str, rule: Ignore | None = None) -> None:
        """Go to a replica of that version; by that rule it is no traffic."""
        self._version = version
        if rule is None:
            self._acquire()
        else:
            self._rule = rule
            self._borrow(rule)

    def again(self, sent: bytes, *, reused: bool) -> None:
        """The connection ended in silence: send the same bytes once more.

        A pooled one was probably closed while it was idle, so the replica is well.
        """
        self.retried = True
        self.outbound.again(sent)
        if not reused or self.lease is None:
            return self._elsewhere()
        self._exchange.set_out()
        self._plane.counters.retries += 1
        return self._plane.pools.connect(self.lease.slot, self._connected)

    def hold(self, piece: bytes) -> bool:
        """Keep a piece of the body until there is a connection; False when no more may be."""
        self.outbound.hold(piece)
        return self._ticket is None or self._ticket.hold(len(piece))

    def opened(self, head: RequestHead, peer: Peer, *, begun: bool) -> OpenRequest | None:
        """The request as the survey tells it, its answer `begun` or not; None while it asks
        for no replica, or is none that keeps a version awake.
        """
        kind = RequestKind.STREAM if begun else RequestKind.REQUEST
        asks = self.lease is not None or self._ticket is not None
        return self._described(head, peer, kind) if asks and self._rule is None else None

    def take_stream(self, head: RequestHead, peer: Peer) -> Lease:
        """Leave with the lease that was granted, as a tunnel's; whoever takes it releases it."""
        lease, self.lease = self.lease, None
        assert lease is not None
        lease.begin_stream(self._described(head, peer, RequestKind.WEBSOCKET))
        self.leave()
        return lease

    def failed(self, problem: Problem, client: Reader) -> None:
        """It gets an error answer of ours."""
        self._plane.counters.error(problem.code)
        if problem.retry_after is not None:
            self._plane.refusals.refused(self.service, client)
        counted = self._counted()
        if counted is not None:
            counted.error(problem.code)

    def leave(self, status: int = UNCOUNTED) -> None:
        """Wait no longer and hold nothing, the exchange neither: two that hold each other
        would be work for the garbage collector with every request. Its answer had that
        status (0: there was none). A second call does nothing.
        """
        if self._left:
            return
        self._left = True
        del self._exchange
        self.outbound.clear()
        if self._ticket is not None:
            self._ticket.cancel()
            self._ticket = None
        if self.lease is not None:
            lease, self.lease = self.lease, None
            lease.status = status
            lease.release()
        elif status >= 0 and (counted := self._counted()) is not None:
            counted.answered(status)

    # ---- private

    def _counted(self) -> Counted | None:
        """Where it counts: with its version, else with its service; None for what is no
        traffic or knows neither.
        """
        if self._rule is not None:
            return None
        target = self._plane.board.targets.get(self._version)
        if target is not None:
            return target.counted
        return self._plane.board.turned_away.of(self.service) if self.service else None

    def _described(self, head: RequestHead, peer: Peer, kind: RequestKind) -> OpenRequest:
        plane = self._plane
        client = facts.client(head, peer, plane.trusted)
        return OpenRequest(
            version_id=self._version,
            kind=kind,
            client=str(client).encode("ascii") if client else peer.address,
            since=time.time() - (plane.timers.now - self._since),
            method=head.method,
            path=head.target.partition(b"?")[0],
            queued=self._ticket is not None,
        )

    def _acquire(self) -> None:
        answer = self._plane.board.acquire(self._version, self._granted, avoid=self._avoid)
        if not isinstance(answer, Ticket):
            return self._granted(answer)
        self._ticket = answer
        if not answer.hold(self.outbound.size):
            return self._exchange.fail(pages.QUEUE_FULL)
        return None

    def _borrow(self, rule: Ignore) -> None:
        answer = self._plane.board.borrow(self._version, avoid=self._avoid)
        if self._avoid is not None and not isinstance(answer, Lease):
            return self._exchange.fail(pages.REFUSED)  # a replica was there, and failed
        if isinstance(answer, Absence):
            page = partial(pages.stand_in, answer, rule.status)
            return self._exchange.reply(page, status=rule.status)
        return self._granted(answer)

    def _granted(self, answer: Lease | Refusal) -> None:
        self._ticket = None
        if isinstance(answer, Refusal):
            return self._exchange.fail(pages.refusal(answer))
        self.lease = answer
        self.waited += answer.waited
        if self._avoid is not None:
            answer.began = self._began
        upstream = self._plane.pools.take(answer.slot)
        if upstream is not None:
            return self._exchange.arrived(upstream)
        return self._plane.pools.connect(answer.slot, self._connected)

    def _connected(self, result: Upstream | OSError) -> None:
        if self._left:
            if isinstance(result, Upstream):
                result.release(reusable=True)
        elif isinstance(result, Upstream):
            self._exchange.arrived(result)
        else:
            self._unreachable(result)

    def _unreachable(self, error: OSError) -> None:
        """Nothing was sent on it, so whatever is held may go to another replica; but what
        we are short of is no replica's fault, and no other one would help.
        """
        self._tries += 1
        if error.errno in _NO_DESCRIPTORS:
            self._plane.on_shortage()
        if error.errno in _NO_DESCRIPTORS | _NO_PORTS:
            return self._exchange.fail(pages.OVERLOADED)
        if self.lease is not None:
            self._plane.board.suspect(self._version, self.lease.slot.id)
        if self._tries >= self._plane.limits.tries:
            return self._exchange.fail(pages.REFUSED)
        return self._elsewhere()

    def _elsewhere(self) -> None:
        """Ask for another replica; with none there, wait as for a cold start."""
        lease, self.lease = self.lease, None
        self._plane.counters.retries += 1
        if lease is not None:
            self._avoid, self._began = lease.slot.id, lease.began
            lease.release()
        self._exchange.set_out()
        if self._rule is None:
            self._acquire()
        else:
            self._borrow(self._rule)
