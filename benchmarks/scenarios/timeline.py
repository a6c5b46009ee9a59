"""What happened second by second: requests as their senders saw them, replicas as the API did."""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.e2e.api import Api

PACE = 1.0


@dataclass(slots=True, kw_only=True)
class Timeline:
    """`seen` are (seconds, replicas by state); `sent` is what arrived in each second and
    `failed` what of it got no 200; `marks` name moments.
    """

    title: str
    begin: float
    seen: list[tuple[float, dict[str, int]]] = field(default_factory=list)
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
            "replicas": [{"second": round(at, 2), **states} for at, states in self.seen],
            "requests": [{"second": at, "sent": count} for at, count in sorted(self.sent.items())],
            "failed": self.failed,
            "marks": self.marks,
        }

    def ready(self, begin: float, end: float) -> list[tuple[float, int]]:
        """How many were ready, for each look between those seconds."""
        return [(at, states.get("ready", 0)) for at, states in self.seen if begin <= at <= end]


@contextmanager
def recorded(timeline: Timeline, api: Api, version: str) -> Iterator[Timeline]:
    """Looks once a second from entering to leaving."""
    stop = threading.Event()

    def look() -> None:
        while not stop.wait(max(0.0, PACE - (time.monotonic() - timeline.begin) % PACE)):
            states: dict[str, int] = {}
            for one in api.replicas(version):
                states[one["state"]] = states.get(one["state"], 0) + 1
            timeline.seen.append((time.monotonic() - timeline.begin, states))

    thread = threading.Thread(target=look, name="timeline")
    thread.start()
    try:
        yield timeline
    finally:
        stop.set()
        thread.join(30)
