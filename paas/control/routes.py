"""Publishes every service's hosts to the board, in step with the catalog, and which
services keep their requests.
"""

from paas.control.catalog import Catalog
from paas.core.model import Service
from paas.core.routing import service_hosts
from paas.live.board import Board


class Routes:
    """An observer of the catalog; holds no state of its own."""

    def __init__(self, *, catalog: Catalog, board: Board, base_domain: str) -> None:
        self._board = board
        self._base_domain = base_domain
        catalog.observe(self._changed)

    def _changed(self, before: Service | None, after: Service | None) -> None:
        if after is not None:
            hosts = service_hosts(after, base_domain=self._base_domain)
            self._board.put_routes(after.id, hosts)
        elif before is not None:
            self._board.put_routes(before.id, {})
        known = after or before
        if after is not None and after.settings.request_log:
            self._board.requests.keep(after.name)
        elif known is not None:
            self._board.requests.forget(known.name)
