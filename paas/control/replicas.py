"""The keeper's own record of each replica."""

from dataclasses import dataclass

from paas.core.model import ReplicaState
from paas.core.planning import Phase, Seen

STATES = {
    Phase.STARTING: ReplicaState.STARTING,
    Phase.READY: ReplicaState.READY,
    Phase.FREEZING: ReplicaState.FROZEN,
    Phase.FROZEN: ReplicaState.FROZEN,
    Phase.WAKING: ReplicaState.STARTING,
    Phase.DRAINING: ReplicaState.DRAINING,
    Phase.EXITED: ReplicaState.STOPPED,
}


@dataclass(slots=True, kw_only=True)
class Replica:
    """One container that exists. `since` (monotonic) is when it took its phase,
    `started` (epoch) when its program was started, `drain_limit` how long it may finish
    requests after its version was deleted, `cpu` its limit of the moment (None: unknown),
    `freeze_at` (monotonic) when to try again to freeze it, after that failed. `fresh`:
    started by this daemon, so that it has yet to take its memory while it starts. Only
    the keeper changes it.
    """

    id: str
    service: str
    version: str
    version_id: str
    phase: Phase
    since: float
    host: str | None = None
    started: float | None = None
    cpu: float | None = None
    drain_limit: float = 30.0
    freeze_at: float = 0.0
    fresh: bool = False

    def enter(self, phase: Phase, now: float) -> None:
        self.phase = phase
        self.since = now

    def seen(self, in_flight: int) -> Seen:
        return Seen(
            replica=self.id,
            version_id=self.version_id,
            phase=self.phase,
            in_flight=in_flight,
            since=self.since,
        )
