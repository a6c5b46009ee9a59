"""How many replicas each version should have.

Until the autoscaler comes: the minimum, or one where somebody asked for it. What
was asked for is kept until the version was idle for `stop_after` seconds, or, when
it has no weight, already for `freeze_after`: a rollback soon after a deployment
finds the old version warm, and later ones need no memory. A version without weight
and without recent requests ignores its minimum.
"""

from collections.abc import Callable

from paas.control.catalog import Catalog
from paas.core.model import Service, Version, VersionStatus
from paas.live.board import Board
from paas.settings import Idle


class Scaler:
    """Counts per version id; `poke` is called when a count may have risen."""

    def __init__(self, *, catalog: Catalog, board: Board, idle: Idle) -> None:
        self._catalog = catalog
        self._board = board
        self._idle = idle
        self._asked: set[str] = set()
        self.poke: Callable[[], None] = lambda: None

    def ask(self, version_id: str) -> None:
        """Somebody needs this version: a request, a deployment, a running replica."""
        self._asked.add(version_id)
        self.poke()

    def wants(self, now: float) -> dict[str, int]:
        """Replicas by version id, for every version that may run at all."""
        counts: dict[str, int] = {}
        for service in self._catalog.services():
            for version in service.versions:
                if version.status in (VersionStatus.STARTING, VersionStatus.READY):
                    counts[version.id] = self._count(service, version, now)
        self._asked &= counts.keys()
        return counts

    def _count(self, service: Service, version: Version, now: float) -> int:
        if version.status is VersionStatus.STARTING:
            return 1
        weighted = service.split.get(version.name, 0) > 0
        minimum = version.spec.replicas.min
        if version.id in self._asked and self._is_idle(service, version, now):
            self._asked.discard(version.id)
        asked = version.id in self._asked
        return max(minimum if weighted or asked else 0, 1 if asked else 0)

    def _is_idle(self, service: Service, version: Version, now: float) -> bool:
        limit = self._limit(service, version)
        target = self._board.targets.get(version.id)
        if not limit or target is None or target.in_flight or target.waiters:
            return False
        return now - target.idle_since >= limit

    def _limit(self, service: Service, version: Version) -> float:
        """Idle seconds after which nobody needs the version; 0 = never."""
        own = service.settings
        stop = self._idle.stop_after if own.stop_after is None else own.stop_after
        freeze = self._idle.freeze_after if own.freeze_after is None else own.freeze_after
        if service.split.get(version.name) or not freeze:
            return stop
        return min(stop, freeze) if stop else freeze
