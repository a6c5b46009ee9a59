"""Whether this host has memory for one more replica, and which sleepers make room for it."""

from dataclasses import dataclass

from paas.control.catalog import Catalog
from paas.control.meter import Meter
from paas.control.roster import Roster
from paas.core.admission import Admission, Frozen, Need, Room, Verdict, admit
from paas.core.model import Service, Version
from paas.core.planning import Phase
from paas.core.sizes import parse_size
from paas.errors import PaasError
from paas.ports import Host
from paas.settings import HostScaling

UNKNOWN = 0.5
"""Part of its limit that a replica is expected to use while none was ever measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Headroom:
    """Asked before each start and each freezing. A host that cannot be read refuses
    nothing. What is being started counts as if it ran.
    """

    host: Host
    roster: Roster
    catalog: Catalog
    meter: Meter
    settings: HostScaling

    def for_start(self, service: Service, version: Version) -> Admission:
        """May one more replica of that version start?"""
        return self._admit(self._need(service, version))

    def for_freeze(self, replica_id: str) -> Admission:
        """Which sleepers the host cannot spare the memory for, this new one among them."""
        return self._admit(Need(limit=0, expected=0), freezing=replica_id)

    def _admit(self, need: Need, *, freezing: str = "") -> Admission:
        try:
            memory = self.host.memory()
        except PaasError:
            return Admission(verdict=Verdict.ALLOW)
        replicas = [(one, self._limit(one.version_id)) for one in self.roster.all()]
        launching = [self._need(*found) for found in self._launching()]
        running = sum(limit for one, limit in replicas if one.phase is not Phase.EXITED)
        room = Room(
            total=memory.total,
            free=memory.available - sum(one.expected for one in launching),
            reserve=parse_size(self.settings.memory_reserve),
            committed=running + sum(one.limit for one in launching),
            overcommit=self.settings.overcommit,
        )
        frozen = [
            Frozen(
                replica=one.id,
                idle_since=one.since,
                limit=limit,
                size=self.meter.most_memory(one.version_id),
            )
            for one, limit in replicas
            if one.phase is Phase.FROZEN or one.id == freezing
        ]
        return admit(room, need, frozen)

    def _need(self, service: Service, version: Version) -> Need:
        limit = version.spec.memory
        seen = max(self.meter.most_memory(one.id) for one in service.versions)
        return Need(limit=limit, expected=min(limit, seen) if seen else int(limit * UNKNOWN))

    def _launching(self) -> list[tuple[Service, Version]]:
        found = (self.catalog.version(version_id) for version_id in self.roster.launches())
        return [one for one in found if one is not None]

    def _limit(self, version_id: str) -> int:
        found = self.catalog.version(version_id)
        return found[1].spec.memory if found else 0
