"""All figures of the moment, by service and version, as families of samples."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping

from paas.control.catalog import Catalog
from paas.control.census import Census
from paas.control.meter import Meter, Sampled
from paas.control.pulse import Pulse
from paas.control.replicas import STATES
from paas.control.roster import Roster
from paas.core.figures import CLASSES
from paas.core.latency import cumulated
from paas.core.metrics import Distribution, Family, Kind
from paas.core.model import DeploymentStatus, ReplicaState
from paas.live.board import Board, Target
from paas.live.counted import Counted

EVERY = 4
"""Of our buckets one in so many is told: each ends at twice the end of the one before."""
TOLD = slice(3, 20)
"""Of these the ones from 0.8 ms to 52 s."""
_OF = ("service", "version")
_STATES = (ReplicaState.STARTING, ReplicaState.READY, ReplicaState.FROZEN, ReplicaState.DRAINING)


class Telemetry:
    """Reads what others own. `engine_calls` tells counts by method and outcome,
    `drained` by outcome.
    """

    def __init__(
        self,
        *,
        board: Board,
        roster: Roster,
        catalog: Catalog,
        meter: Meter,
        census: Census,
        pulse: Pulse,
    ) -> None:
        self._board = board
        self._roster = roster
        self._catalog = catalog
        self._meter = meter
        self._census = census
        self._pulse = pulse
        self.engine_calls: Callable[[], Mapping[tuple[str, str], int]] = dict
        self.drained: Callable[[], Mapping[str, int]] = dict

    def replica(self, replica_id: str) -> Sampled | None:
        """What a replica was last seen to use, while it runs."""
        return self._meter.sampled(replica_id)

    def families(self) -> list[Family]:
        """Everything, counters exact to this moment. Versions of which there is nothing to
        tell (no traffic, no replica, no request since the daemon's start) are left out.
        """
        targets = self._told()
        counted = [(one.service, one.version, one.counted) for one in targets]
        away = self._board.turned_away.services
        counted += [(service, "", one) for service, one in away.items()]
        for _service, _version, one in counted:
            one.settle()
        return [
            *_requests(counted),
            *self._load(targets),
            *self._cold_starts(targets),
            *self._replicas(targets),
            *self._daemon(),
        ]

    # ---- private

    def _told(self) -> list[Target]:
        services = self._catalog.services()
        with_traffic = {name for one in services for name, weight in one.split.items() if weight}
        there = self._roster.versions()
        return [
            one
            for one in self._board.targets.values()
            if one.version in with_traffic
            or one.version_id in there
            or not one.counted.untouched
            or one.in_flight
            or one.waiters
        ]

    def _load(self, targets: Iterable[Target]) -> Iterator[Family]:
        told: tuple[tuple[str, str, Callable[[Target], float]], ...] = (
            ("in_flight", "Requests at a replica now.", lambda one: one.in_flight),
            ("queued", "Requests that wait for a replica now.", lambda one: len(one.waiters)),
            ("streams", "WebSockets that are open now.", lambda one: one.streams),
        )
        for name, help_text, value in told:
            family = Family(f"paas_requests_{name}", Kind.GAUGE, help_text, _OF)
            for one in targets:
                family.add(value(one), one.service, one.version)
            yield family

    def _cold_starts(self, targets: Iterable[Target]) -> Iterator[Family]:
        count = Family("paas_cold_starts", Kind.COUNTER, "Starts and wakes of replicas.", _OF)
        took = Family("paas_cold_start_seconds", Kind.COUNTER, "How long all took.", _OF)
        for one in targets:
            cold = self._census.cold.get(one.version_id)
            if cold is not None:
                count.add(cold.count, one.service, one.version)
                took.add(cold.seconds, one.service, one.version)
        return iter((count, took))

    def _replicas(self, targets: Iterable[Target]) -> Iterator[Family]:
        states = Family("paas_replicas", Kind.GAUGE, "Replicas by state.", (*_OF, "state"))
        cpu = Family("paas_replica_cpu_cores", Kind.GAUGE, "Cores that replicas use.", _OF)
        memory = Family("paas_replica_memory_bytes", Kind.GAUGE, "Memory of running replicas.", _OF)
        for one in targets:
            replicas = self._roster.of(one.version_id)
            found = Counter(STATES[replica.phase] for replica in replicas)
            for state in _STATES:
                states.add(found[state], one.service, one.version, state)
            seen = [sample for each in replicas if (sample := self._meter.sampled(each.id))]
            if seen:
                memory.add(sum(sample.usage.memory for sample in seen), one.service, one.version)
                cpu.add(sum(map(self._census.cpu, replicas)), one.service, one.version)
        return iter((states, cpu, memory))

    def _daemon(self) -> Iterator[Family]:
        services = self._catalog.services()
        yield _single("paas_services", "Services.", len(services))
        lag = "The longest delay of the event loop within the last minute."
        yield _single("paas_loop_lag_seconds", lag, self._pulse.worst)
        deployments = Family(
            "paas_deployments", Kind.GAUGE, "Services by state of their last one.", ("status",)
        )
        latest = [self._catalog.latest_deployment(one) for one in services]
        found = Counter(one.status for one in latest if one is not None)
        for status in DeploymentStatus:
            deployments.add(found[status], status)
        yield deployments
        calls = Family(
            "paas_engine_calls", Kind.COUNTER, "Calls of the engine.", ("method", "outcome")
        )
        for (method, outcome), count in sorted(self.engine_calls().items()):
            calls.add(count, method, outcome)
        yield calls
        drained = Family("paas_drain_lines", Kind.COUNTER, "Lines for logs.drain.", ("outcome",))
        for outcome, count in self.drained().items():
            drained.add(count, outcome)
        yield drained


def _requests(counted: Iterable[tuple[str, str, Counted]]) -> Iterator[Family]:
    requests = Family(
        "paas_requests", Kind.COUNTER, "Requests that ended, by class of status.", (*_OF, "class")
    )
    errors = Family("paas_errors", Kind.COUNTER, "Our own error answers.", (*_OF, "code"))
    seconds = Family(
        "paas_request_seconds", Kind.HISTOGRAM, "Duration at a replica, with the wait.", _OF
    )
    for service, version, one in counted:
        for name, count in zip(CLASSES, one.classes, strict=False):
            if count:
                requests.add(count, service, version, name)
        for code, count in one.errors.items():
            errors.add(count, service, version, code)
        total = sum(one.latency)
        if total:
            latency = {at: count for at, count in enumerate(one.latency) if count}
            buckets = tuple(cumulated(latency, every=EVERY)[TOLD])
            seconds.add(Distribution(buckets, total, one.seconds), service, version)
    return iter((requests, errors, seconds))


def _single(name: str, help_text: str, value: float) -> Family:
    family = Family(name, Kind.GAUGE, help_text)
    family.add(value)
    return family
