"""Puts together why a service has the replicas it has, from those who know.

Nothing is decided here and nothing is changed: it can be asked at any time.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from paas.control.catalog import Catalog
from paas.control.explanation import (
    Explanation,
    Queue,
    Sleep,
    Starts,
    ToldFailure,
    VersionExplanation,
)
from paas.control.lives import Lives
from paas.control.meter import Meter
from paas.control.scaler import Scaler
from paas.control.views import Views
from paas.core.idle import Activity, Stage, ladder
from paas.core.lifecycle import RUNNABLE
from paas.core.model import Event, Failure, Service, Version
from paas.core.scaling import Decision
from paas.live.board import Board, OpenRequest
from paas.live.requests import KEPT
from paas.ports import Clock, Store

SHOWN_REQUESTS = 20
SHOWN_COLD_STARTS = 5
SHOWN_FAILURES = 5
SHOWN_ERRORS = 10
READ_EVENTS = 200
COLD_STARTS = frozenset({"replica.started", "replica.woken"})
FAILURES = frozenset(
    {"replica.failed", "version.crashing", "version.no_memory", "deployment.failed"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Explain:
    """Reads memory, and the events that it shows."""

    catalog: Catalog
    views: Views
    scaler: Scaler
    meter: Meter
    lives: Lives
    board: Board
    store: Store
    clock: Clock

    async def service(self, name: str) -> Explanation:
        """Raises `NotFound`."""
        self.catalog.get(name)
        starts = await self._events(name, COLD_STARTS)
        failures = await self._events(name, FAILURES)
        service = self.catalog.get(name)
        opened = self.board.survey()
        return Explanation(
            service=service,
            time=self.clock.time(),
            versions=tuple(
                self._version(service, version, opened, starts=starts, failures=failures)
                for version in service.versions
            ),
            errors=tuple(
                [one for one in self.board.requests.recent(name, limit=KEPT) if one.error][
                    :SHOWN_ERRORS
                ]
            ),
        )

    # ---- private

    async def _events(self, name: str, kinds: frozenset[str]) -> Sequence[Event]:
        return await self.store.events(service=name, kinds=kinds, limit=READ_EVENTS)

    def _version(
        self,
        service: Service,
        version: Version,
        opened: Sequence[OpenRequest],
        *,
        starts: Sequence[Event],
        failures: Sequence[Event],
    ) -> VersionExplanation:
        now = self.clock.monotonic()
        settings = self.scaler.settings(service, version)
        decision, activity = self._decision(version), self.meter.activity(version, now)
        stage = decision.stage if decision else Stage.ZERO
        idle = ladder(settings.idle, activity, stage=stage, now=now)
        own = sorted((one for one in opened if one.version_id == version.id), key=_age)
        told = [_told(event, version) for event in failures if _is_of(version, event)]
        return VersionExplanation(
            view=self.views.version(service, version),
            decision=decision,
            settings=settings,
            scheduled=self.scaler.scheduled(version),
            idle=idle,
            activity=activity,
            sleep=Sleep(
                since=self._idle_since(version, activity),
                freezes_at=self._wall(idle.freezes_at),
                stops_at=self._wall(idle.stops_at),
            ),
            requests=tuple(own[:SHOWN_REQUESTS]),
            queue=self._queue(version, now),
            starts=self._starts(version, now),
            cold_starts=tuple(
                [event for event in starts if _is_of(version, event)][:SHOWN_COLD_STARTS]
            ),
            failures=tuple(told[:SHOWN_FAILURES]),
        )

    def _decision(self, version: Version) -> Decision | None:
        """The one that holds; what failed or is deleted has none any more."""
        return self.scaler.last(version.id) if version.status in RUNNABLE else None

    def _idle_since(self, version: Version, activity: Activity) -> float | None:
        if version.id not in self.board.targets or activity.in_flight or activity.queued:
            return None
        return self._wall(activity.last_active)

    def _queue(self, version: Version, now: float) -> Queue:
        target = self.board.targets.get(version.id)
        if target is None:
            return Queue()
        return Queue(
            waiting=len(target.waiters),
            oldest=now - target.waiters[0].queued_at if target.waiters else 0.0,
            limit=target.queue_limit,
            wait_limit=target.wait_limit,
        )

    def _starts(self, version: Version, now: float) -> Starts:
        if version.status not in RUNNABLE:
            return Starts()  # it is not tried again
        health = self.lives.health
        next_try = health.not_before(version.id)
        return Starts(
            failures=health.failures(version.id),
            next_try=self._wall(next_try) if next_try > now else None,
            no_memory=self.lives.lacks_memory(version.id),
        )

    def _wall(self, moment: float | None) -> float | None:
        """A moment of the monotonic clock as people's clocks show it."""
        if moment is None:
            return None
        return self.clock.time() + (moment - self.clock.monotonic())


def _age(request: OpenRequest) -> float:
    return request.since


def _is_of(version: Version, event: Event) -> bool:
    """A service of the same name may have had a version of that name before."""
    return event.version == version.name and event.time >= version.created


def _told(event: Event, version: Version) -> ToldFailure:
    """What its event says; that of a deployment is the version's own."""
    data = event.data
    log = data.get("log")
    failure = Failure(
        code=str(data.get("code", "")),
        message=event.message,
        advice=str(data.get("advice", "")),
        log=tuple(str(line) for line in log) if isinstance(log, list | tuple) else (),
    )
    if event.kind == "deployment.failed" and version.failure is not None:
        failure = version.failure
    return ToldFailure(time=event.time, kind=event.kind, failure=failure)
