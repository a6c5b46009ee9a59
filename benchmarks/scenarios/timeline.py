"""What happened second by second: requests as their senders saw them, replicas as the API did."""

import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.e2e.api import Api

PACE = 1.0


@dataclass(slots=True, kw_only=True)
class Timeline:
    """`seen` are (seconds, state by replica); `sent` is what arrived in each second and
    `failed` what of it got no 200; `marks` name moments.
    """

    title: str
    begin: float
    seen: list[tuple[float, dict[str, str]]] = field(default_factory=list)
    sent: dict[int, int] = field(default_factory=dict)
    failed: dict[int, int] = field(default_factory=dict)
    marks: list[tuple[float, str]] = field(default_factory=list)

    def note_requests(self, due: Sequence[float], failed: Sequence[float]) -> None:
        """Requests by the moment (monotonic) when they were sent."""
        for counts, moments in ((self.sent, due), (self.failed, failed)):
            for at in moments:
                second = int(at - self.begin)
                counts[second] = counts.get(second, 0) + 1

    def as_json(self) -> dict[str, object]:
        return {
            "title": self.title,
            "replicas": [{"second": round(at, 2), **counted(states)} for at, states in self.seen],
            "requests": [{"second": at, "sent": count} for at, count in sorted(self.sent.items())],
            "failed": self.failed,
            "marks": self.marks,
        }

    def ready(self, begin: float, end: float) -> list[tuple[float, int]]:
        """How many were ready, for each look between those seconds."""
        looks = ((at, counted(states)) for at, states in self.seen if begin <= at <= end)
        return [(at, counts.get("ready", 0)) for at, counts in looks]

    def lasted(self, state: str) -> dict[str, float]:
        """For how long each replica was seen in that state."""
        moments: dict[str, list[float]] = {}
        for at, states in self.seen:
            for replica in (one for one, found in states.items() if found == state):
                moments.setdefault(replica, []).append(at)
        return {replica: found[-1] - found[0] for replica, found in moments.items()}


def counted(states: Mapping[str, str]) -> dict[str, int]:
    """How many replicas are in each state."""
    return dict(Counter(states.values()))


@contextmanager
def recorded(timeline: Timeline, api: Api, version: str) -> Iterator[Timeline]:
    """Looks once a second from entering to leaving."""
    stop = threading.Event()

    def look() -> None:
        while not stop.wait(max(0.0, PACE - (time.monotonic() - timeline.begin) % PACE)):
            states = {str(one["id"]): str(one["state"]) for one in api.replicas(version)}
            timeline.seen.append((time.monotonic() - timeline.begin, states))

    thread = threading.Thread(target=look, name="timeline")
    thread.start()
    try:
        yield timeline
    finally:
        stop.set()
        thread.join(30)
