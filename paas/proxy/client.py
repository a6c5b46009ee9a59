"""The client's connection as an exchange sees it."""

from typing import Protocol

from paas.core.routing import Route
from paas.http1.head import Onward, Peer
from paas.live.board import Lease
from paas.proxy.tunnel import Ended
from paas.proxy.upstream import Upstream


class Client(Protocol):
    """Where an answer goes. `full`: its send buffer is; `deadline` is the exchange's to
    set, on the timers' clock, while it has the connection.
    """

    deadline: float
    full: bool
    onward: Onward
    peer: Peer

    def route(self, host: str) -> Route | None: ...

    def misdirected(self, host: str) -> bool:
        """Whether there is no route because the certificate that was shown does not cover
        that host, which came on a connection for another one.
        """

    def write(self, data: bytes) -> None: ...

    def pause(self) -> None: ...

    def resume(self) -> None: ...

    def rest(self) -> None:
        """Read nothing from the connection until `go_on`, whoever pauses or resumes."""

    def go_on(self) -> None: ...

    def finished(self, *, keep_alive: bool) -> None:
        """The answer is complete; go on with the next request or close."""

    def abort(self) -> None:
        """Cut the connection so that the client sees that something is missing."""

    def tunnel(
        self, upstream: Upstream, lease: Lease, *, answer: bytes, ended: Ended | None
    ) -> None:
        """Both sides agreed on another protocol: pass raw bytes from now on."""
