"""What became of requests, counted where each of them ends anyway.

Integers that only grow; whoever wants figures of a time compares two looks. Of a request
that was at a replica only one number is noted when it ends: sorting it into its bucket at
once would cost it ten times as much as when many are sorted together, a few times a second.
"""

from bisect import bisect_left

from paas.core.latency import BOUNDS, BUCKETS

UNCOUNTED = -1
"""The status of a lease whose request is counted elsewhere, or is none."""
PACKED = 65536.0
"""A note is the status times this, plus the seconds: what lasts longer keeps its class."""


class Counted:
    """One version's requests, or those of a service that reached none of its versions.

    `classes[n]` were answered with a status of n hundred and something, `classes[0]` not at
    all: their client had left. `errors` are our own error answers by code, among them.
    `latency` (buckets of `core.latency`) and `seconds`, their sum, are of the requests that
    were at a replica, with their wait, until they were over; without WebSockets. Of these,
    the ones in `done` are counted by `settle`, and all by it before anybody looks.
    """

    __slots__ = ("classes", "done", "errors", "latency", "seconds")

    def __init__(self) -> None:
        self.classes = [0] * 10
        self.errors: dict[str, int] = {}
        self.latency = [0] * BUCKETS
        self.seconds = 0.0
        self.done: list[float] = []

    @property
    def untouched(self) -> bool:
        """Whether no request ever came."""
        return not (self.done or any(self.classes) or self.errors)

    def settle(self) -> None:
        """Count what ended since the last time."""
        if not self.done:
            return
        done, self.done = self.done, []
        classes, latency, total = self.classes, self.latency, 0.0
        for note in done:
            status, seconds = divmod(note, PACKED)
            hundreds = int(status) // 100
            classes[hundreds] += 1
            if hundreds:
                latency[bisect_left(BOUNDS, seconds)] += 1
                total += seconds
        self.seconds += total

    def answered(self, status: int) -> None:
        """We answered one ourselves, or it left (0), or it became a tunnel."""
        self.classes[status // 100] += 1

    def error(self, code: str) -> None:
        self.errors[code] = self.errors.get(code, 0) + 1


class TurnedAway:
    """By service name: requests that reached no version, such as those of a service that is
    offline. Entries stay until `forget`; names come from routes, so there are not many.
    """

    def __init__(self) -> None:
        self.services: dict[str, Counted] = {}

    def of(self, service: str) -> Counted:
        found = self.services.get(service)
        if found is None:
            found = self.services[service] = Counted()
        return found

    def forget(self, service: str) -> None:
        self.services.pop(service, None)
