"""What is remembered of one request while somebody wants to know: log or ring.

An exchange has a trace only then, so a request that nobody records pays nothing.
"""

import time

from paas.http1.events import RequestHead
from paas.http1.head import Peer
from paas.live.board import Lease
from paas.live.requests import RequestRecord
from paas.proxy import facts
from paas.proxy.pages import Problem
from paas.proxy.plane import Plane
from paas.proxy.tunnel import Ended

CLIENT_GONE = 499
"""How logs call a request whose client left before an answer."""


def unread(peer: Peer, problem: Problem, *, sent: int) -> RequestRecord:
    """The record of what was no usable request."""
    return RequestRecord(
        time=time.time(),
        seconds=0.0,
        waited=0.0,
        client=peer.address,
        service="",
        version="",
        replica="",
        scheme=peer.scheme,
        method=b"",
        host=b"",
        target=b"",
        protocol=peer.protocol or b"HTTP/1.1",
        status=problem.status,
        error=problem.code,
        received=0,
        sent=sent,
        referer=b"",
        agent=b"",
    )


class Trace:
    """`status` and `error` are of the answer, `sent` and `received` count bytes;
    `kept` is set when the service keeps its requests, `ignored` when it is no traffic.
    """

    __slots__ = (
        "_began",
        "_plane",
        "error",
        "ignored",
        "kept",
        "received",
        "sent",
        "service",
        "status",
    )

    def __init__(self, plane: Plane) -> None:
        self._plane = plane
        self._began = time.monotonic()
        self.service = ""
        self.kept = False
        self.ignored = False
        self.status = CLIENT_GONE
        self.error = ""
        self.sent = 0
        self.received = 0

    def tunnel(self, head: RequestHead, peer: Peer, *, lease: Lease, waited: float) -> Ended:
        """It goes on as a tunnel: what to call at its end."""
        self.status = 101

        def ended(received: int, sent: int) -> None:
            self.received, self.sent = received, sent
            self.end(head, peer, lease=lease, waited=waited)

        return ended

    def end(self, head: RequestHead, peer: Peer, *, lease: Lease | None, waited: float) -> None:
        """The request is over: hand its record to those who want it."""
        seconds = time.monotonic() - self._began
        client = facts.client(head, peer, self._plane.trusted) if peer.trusted else None
        record = RequestRecord(
            time=time.time() - seconds,
            seconds=seconds,
            waited=waited,
            client=str(client).encode("ascii") if client else peer.address,
            service=self.service,
            version=lease.target.version if lease is not None else "",
            replica=lease.slot.id if lease is not None else "",
            scheme=facts.scheme(head, peer),
            method=head.method,
            host=head.authority,
            target=head.target,
            protocol=peer.protocol or b"HTTP/1.%d" % head.minor,
            status=self.status,
            error=self.error,
            received=self.received,
            sent=self.sent,
            referer=facts.first(head, b"referer"),
            agent=facts.first(head, b"user-agent"),
            ignored=self.ignored,
        )
        if self._plane.access is not None:
            self._plane.access.add(record)
        if self.kept:
            self._plane.board.requests.add(record)
