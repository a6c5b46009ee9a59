"""Whether this host has memory for one more replica, and which sleepers make room for it.

What is being started counts as if it used already what it is expected to, and what is
being removed as if it had made room, so that no second sleeper goes for the same need.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace

from paas.control.catalog import Catalog
from paas.control.meter import Meter
from paas.control.replicas import Replica
from paas.control.roster import Roster
from paas.core.admission import Admission, Frozen, Need, Room, Verdict, admit
from paas.core.model import Service, Version
from paas.core.planning import Phase
from paas.core.sizes import parse_size
from paas.errors import PaasError
from paas.ports import Host, HostMemory
from paas.settings import HostScaling

UNKNOWN = 0.5
"""Part of its limit that a replica is expected to use while none was ever measured."""
_NOTHING = Need(limit=0, expected=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Headroom:
    """Asked before each start, wake and freezing. A host that cannot be read refuses
    nothing.
    """

    host: Host
    roster: Roster
    catalog: Catalog
    meter: Meter
    settings: HostScaling

    def for_start(self, service: Service, version: Version) -> Admission:
        """May one more replica of that version start? EVICT with nobody to evict: those
        that are being removed make the room.
        """
        return self._admit(self._need(service, version), self._sleepers())

    def for_wake(self, replica: Replica) -> tuple[str, ...]:
        """Which other sleepers have to go, now that this one needs its memory again."""
        others = [one for one in self._sleepers() if one is not replica]
        return self._admit(_NOTHING, others).evict

    def for_freeze(self, replica: Replica) -> tuple[str, ...]:
        """Which sleepers the host cannot spare the memory for, this new one among them."""
        return self._admit(_NOTHING, [*self._sleepers(), replica]).evict

    def _admit(self, need: Need, sleepers: Collection[Replica]) -> Admission:
        try:
            memory = self.host.memory()
        except PaasError:
            return Admission(verdict=Verdict.ALLOW)
        leaving = {one.id: one for one in self.roster.all() if self.roster.leaving(one)}
        frozen = [self._frozen(one, leaving) for one in (*sleepers, *leaving.values())]
        admission = admit(self._room(memory), need, frozen)
        evict = tuple(one for one in admission.evict if one not in leaving)
        return replace(admission, evict=evict)

    def _sleepers(self) -> list[Replica]:
        return [one for one in self.roster.all() if one.phase is Phase.FROZEN]

    def _room(self, memory: HostMemory) -> Room:
        replicas = [(one, self._limit(one.version_id)) for one in self.roster.all()]
        launching = [self._need(*found) for found in self._known(self.roster.launches())]
        running = sum(limit for one, limit in replicas if one.phase is not Phase.EXITED)
        return Room(
            total=memory.total,
            free=memory.available - sum(one.expected for one in launching) - self._claimed(),
            reserve=parse_size(self.settings.memory_reserve),
            committed=running + sum(one.limit for one in launching),
            overcommit=self.settings.overcommit,
        )

    def _frozen(self, replica: Replica, leaving: Collection[str]) -> Frozen:
        """What is leaving goes before all others."""
        idle_since = self.meter.idle_since(replica.version_id)
        return Frozen(
            replica=replica.id,
            idle_since=float("-inf") if replica.id in leaving else idle_since,
            limit=self._limit(replica.version_id),
            size=self.meter.most_memory(replica.version_id),
        )

    def _need(self, service: Service, version: Version) -> Need:
        limit = version.spec.memory
        seen = max(self.meter.most_memory(one.id) for one in service.versions)
        return Need(limit=limit, expected=min(limit, seen) if seen else int(limit * UNKNOWN))

    def _claimed(self) -> int:
        """What those that start have yet to take."""
        claimed = 0
        for one in self.roster.all():
            if one.fresh and one.phase is Phase.STARTING:
                needs = [self._need(*found) for found in self._known([one.version_id])]
                expected = sum(need.expected for need in needs)
                claimed += max(0, expected - self.meter.memory(one))
        return claimed

    def _known(self, version_ids: Collection[str]) -> list[tuple[Service, Version]]:
        found = (self.catalog.version(version_id) for version_id in version_ids)
        return [one for one in found if one is not None]

    def _limit(self, version_id: str) -> int:
        found = self.catalog.version(version_id)
        return found[1].spec.memory if found else 0
