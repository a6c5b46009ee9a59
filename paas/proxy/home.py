"""The listener that accepted a connection, as the connection sees it."""

from typing import Final, Protocol

from paas.core.routing import Route
from paas.http1.head import Peer
from paas.proxy.registry import Member

NOBODY: Final = Peer(address=b"")
"""Until it is known who it is."""


class Home(Protocol):
    """Where its requests go, and where it is counted."""

    def route(self, host: str) -> Route | None: ...

    def admit(self, member: Member, address: bytes) -> Peer | None:
        """Who it is, or None when there are too many connections."""

    def leave(self, member: Member) -> None: ...
