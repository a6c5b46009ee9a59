"""How many replicas each version should have: feeds the pure decision and keeps its memory.

Versions are looked at while something of them runs or somebody wants them: every two
seconds, and at once when a request queues. What sleeps without a minimum costs nothing.
Each change is told as an event with its reason.
"""

import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass

from paas.aio.tasks import Tasks
from paas.control.catalog import Catalog
from paas.control.meter import Meter
from paas.control.replicas import Replica
from paas.control.roster import Roster
from paas.core.idle import IdleSettings, Stage
from paas.core.lifecycle import RUNNABLE
from paas.core.model import Event, Service, Version, VersionStatus
from paas.core.planning import Phase
from paas.core.scaling import Decision, Memory, ScaleSettings, adopted, decide
from paas.core.schedules import ScheduledMin, scheduled_min
from paas.errors import PaasError
from paas.ports import Clock
from paas.settings import Settings

log = logging.getLogger(__name__)

PACE = 2.0
"""Seconds between two decisions when nothing happens."""
_ASLEEP = frozenset({Phase.FREEZING, Phase.FROZEN, Phase.WAKING})
_AWAKE = frozenset({Phase.STARTING, Phase.READY})
_ARRIVALS = {
    Stage.SERVING: "version.awake",
    Stage.FROZEN: "version.frozen",
    Stage.ZERO: "version.stopped",
}
"""Kinds of events for a version that came to that stage."""


@dataclass(frozen=True, slots=True)
class _State:
    """A version's last decision, when it was made, and what the next one must know."""

    at: float
    memory: Memory
    decision: Decision


@dataclass(frozen=True, slots=True)
class _Scheduled:
    """A minimum that was worked out at `at` (epoch)."""

    at: float
    found: ScheduledMin

    def holds(self, wall: float) -> bool:
        """Whether it is still true; not when the wall clock stepped back."""
        return self.at <= wall and (self.found.until is None or wall < self.found.until)


class Scaler:
    """Decisions by version id; `poke` is called when one may be due."""

    def __init__(
        self,
        *,
        catalog: Catalog,
        roster: Roster,
        meter: Meter,
        clock: Clock,
        settings: Settings,
        tasks: Tasks,
    ) -> None:
        self._catalog = catalog
        self._roster = roster
        self._meter = meter
        self._clock = clock
        self._idle = settings.idle
        self._utilisation = settings.scaling.utilisation
        self._tasks = tasks
        self._states: dict[str, _State] = {}
        self._scheduled: dict[str, _Scheduled] = {}
        self._due: set[str] = set()
        self._asked: set[str] = set()
        self._pinned: set[str] = set()
        self.poke: Callable[[], None] = lambda: None
        catalog.observe(self._changed)

    def ask(self, version_id: str) -> None:
        """Somebody needs this version now: a request that waits, a deployment."""
        self._asked.add(version_id)
        self._due.add(version_id)
        self.poke()

    def used(self, version_id: str) -> None:
        """It was of use just now, though not to a request: its idle time begins anew."""
        self._meter.touch(version_id)
        self.ask(version_id)

    def decisions(self, now: float) -> dict[str, Decision]:
        """By version id, for every version of which anything should or does run."""
        found: dict[str, Decision] = {}
        for version_id in self._roster.versions() | self._asked | self._pinned:
            known = self._catalog.version(version_id)
            if known is not None and known[1].status in RUNNABLE:
                found[version_id] = self._decision(*known, now)
        self._due.clear()
        self._asked = {one for one in found if found[one].stage is Stage.SERVING}
        self._forget(self._states.keys() - found.keys(), now)
        return found

    def last(self, version_id: str) -> Decision | None:
        """The decision that holds; None for a version at zero that nobody wants."""
        state = self._states.get(version_id)
        return state.decision if state else None

    def settings(self, service: Service, version: Version) -> ScaleSettings:
        """What the decision goes by at this moment."""
        spec, scheduled = version.spec, self.scheduled(version)
        least = max(spec.replicas.min, scheduled.min)
        return ScaleSettings(
            rules=spec.scaling,
            max=max(spec.replicas.max, least),
            idle=self._idle_settings(service, version, least),
            min_reason=scheduled.reason if scheduled.min > spec.replicas.min else "",
            concurrency=spec.concurrency,
            utilisation=self._utilisation,
            scale_down_delay=spec.scaling.scale_down_delay,
        )

    def scheduled(self, version: Version) -> ScheduledMin:
        """What its schedules say at this moment."""
        schedules, wall = version.spec.replicas.schedules, self._clock.time()
        if not schedules:
            return ScheduledMin()
        known = self._scheduled.get(version.id)
        if known is None or not known.holds(wall):
            known = self._scheduled[version.id] = _Scheduled(wall, scheduled_min(schedules, wall))
        return known.found

    # ---- private

    def _decision(self, service: Service, version: Version, now: float) -> Decision:
        state = self._states.get(version.id)
        if state is not None and version.id not in self._due and now - state.at < PACE:
            return state.decision
        was = state.memory if state else self._found(self._roster.of(version.id), now)
        observation = self._meter.observe(version, now)
        wanted = self.settings(service, version)
        decision, memory = decide(wanted, observation, memory=was, now=now)
        self._states[version.id] = _State(now, memory, decision)
        self._tell(service, version, was=was, now=memory, reason=decision.reason)
        return decision

    def _found(self, replicas: Collection[Replica], now: float) -> Memory:
        """The memory of a version that was not watched: what runs of it is kept at first."""
        running = sum(one.phase in _AWAKE for one in replicas)
        return adopted(running, frozen=sum(one.phase in _ASLEEP for one in replicas), now=now)

    def _idle_settings(self, service: Service, version: Version, least: int) -> IdleSettings:
        own, host = service.settings, self._idle
        return IdleSettings(
            freeze_after=host.freeze_after if own.freeze_after is None else own.freeze_after,
            stop_after=host.stop_after if own.stop_after is None else own.stop_after,
            min=least,
            weighted=service.split.get(version.name, 0) > 0,
        )

    def _changed(self, before: Service | None, after: Service | None) -> None:
        """Decide anew what was edited, and watch what has a minimum."""
        for version in before.versions if before else ():
            self._pinned.discard(version.id)
            self._scheduled.pop(version.id, None)
        for version in after.versions if after else ():
            self._due.add(version.id)
            replicas = version.spec.replicas
            weighted = after is not None and after.split.get(version.name, 0) > 0
            if version.status is VersionStatus.STARTING or (
                weighted and (replicas.min or replicas.schedules)
            ):
                self._pinned.add(version.id)

    def _forget(self, version_ids: Collection[str], now: float) -> None:
        self._meter.leave(version_ids, now)
        for version_id in version_ids:
            state, known = self._states.pop(version_id), self._catalog.version(version_id)
            if known is not None:
                reason = "its frozen replica was removed"
                self._tell(*known, was=state.memory, now=Memory(), reason=reason)

    def _tell(
        self, service: Service, version: Version, *, was: Memory, now: Memory, reason: str
    ) -> None:
        """One event per change; of a version that is not ready its deployment tells."""
        same = (was.count, was.stage) == (now.count, now.stage)
        if same or version.status is not VersionStatus.READY:
            return
        event = Event(
            kind="version.scaled" if was.stage is now.stage else _ARRIVALS[now.stage],
            time=self._clock.time(),
            service=service.name,
            version=version.name,
            message=f"{version.name}: {was.count} → {now.count} replicas: {reason}.",
            data={"from": was.count, "to": now.count, "stage": now.stage, "reason": reason},
        )
        self._tasks.spawn("scaling event", self._record(event))

    async def _record(self, event: Event) -> None:
        try:
            await self._catalog.record(event)
        except PaasError as error:
            log.warning("event was not kept", extra={"kind": event.kind, "code": error.code})
