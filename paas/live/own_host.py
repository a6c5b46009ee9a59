"""The API as a place that requests can go to: a host on the board, beside the services'.

To the proxy it is one more route, with one slot that is always there, so a request for a
service costs nothing more. It wakes nobody: there is nothing to start.
"""

from collections.abc import Callable

from paas.core.policy import Policy
from paas.core.routing import Route
from paas.live.board import Board, Slot

NAME = "console"
"""Id and name of the target, which no service and no version has."""
IDLE_TIMEOUT = 3600.0
"""A push to git may build for long before the next byte."""

Later = Callable[[Callable[[], None]], None]
"""Calls a function a moment later, when the board is not at work."""


class OwnHost:
    """Claims `host` when it is made; who comes before `open` is told that there is nothing.

    Make it before any service has its routes, so that none of them has the host.
    """

    def __init__(self, board: Board, host: str, *, policy: Policy | None, later: Later) -> None:
        self._board = board
        self._later = later
        route = Route(key=NAME, service=NAME, schedule=(NAME,), policy=policy)
        board.put_routes(NAME, {host: route})

    def open(self, host: str, port: int) -> None:
        """The API listens there. Takes over those of the board's hooks that are about it."""
        board = self._board
        target = board.target(NAME, service=NAME, version=NAME)
        target.idle_timeout = IDLE_TIMEOUT
        board.add_slot(NAME, Slot(NAME, host, port))
        suspected, demanded = board.on_suspect, board.on_demand

        def on_suspect(version: str, replica: str) -> None:
            if version == NAME:
                self._later(self._restore)
            else:
                suspected(version, replica)

        def on_demand(version: str) -> None:
            if version != NAME:
                demanded(version)

        board.on_suspect, board.on_demand = on_suspect, on_demand

    def _restore(self) -> None:
        """It did not answer once, which says nothing about the next time."""
        self._board.restore(NAME, NAME)
