"""One cold start, phase by phase: what a request that waits for it waits for."""

from dataclasses import dataclass


@dataclass(slots=True, kw_only=True)
class ColdStart:
    """Monotonic seconds, None for what has not come yet (or never: a wake creates nothing).

    `asked`: the decision; `granted`: its turn came; `created` and `running`: the engine's
    part; `ready`: the probe passed. `served`: it served before, so this is no cold start.
    """

    asked: float
    woken: bool = False
    served: bool = False
    granted: float | None = None
    created: float | None = None
    running: float | None = None
    ready: float | None = None

    @property
    def seconds(self) -> float:
        """All of it; 0.0 while it lasts."""
        return 0.0 if self.ready is None else self.ready - self.asked

    def phases(self) -> dict[str, float]:
        """Seconds of each phase that is over, in order."""
        marks = (
            ("queue", self.granted),
            ("create", self.created),
            ("wake" if self.woken else "start", self.running),
            ("connect", self.ready),
        )
        found, before = {}, self.asked
        for name, at in marks:
            if at is not None:
                found[name] = round(at - before, 4)
                before = at
        return found
