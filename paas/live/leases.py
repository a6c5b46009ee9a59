"""What the board hands out and keeps count in: slots, targets, leases, tickets, refusals.

Only the board changes them; each lease and each ticket gets back to it once.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from paas.core.windows import Tally
from paas.live.counted import UNCOUNTED, Counted
from paas.live.requests import OpenRequest

MIN_QUEUE = 100
QUEUE_PER_CONCURRENCY = 10
QUEUE_BYTES = 64 * 1024 * 1024
"""Most bytes of bodies held for one service's waiting requests."""
HOST_QUEUE_BYTES = 256 * 1024 * 1024
"""The same for all services together."""
NO_LIMIT = 1 << 62
SWITCHED = 101


class RefusalCode(StrEnum):
    """Why a request gets no replica; the codes of PRODUCT.md, section 5."""

    QUEUE_FULL = "queue_full"
    SERVICE_FULL = "service_full"
    START_TIMEOUT = "start_timeout"
    START_FAILED = "start_failed"
    NO_MEMORY = "no_memory"
    GONE = "no_such_host"


@dataclass(frozen=True, slots=True)
class Refusal:
    """No replica: `retry_after` seconds, or None when a retry cannot help."""

    code: RefusalCode
    retry_after: int | None = None


class Absence(StrEnum):
    """Why a request that is no traffic gets no replica, although nothing is wrong."""

    SLEEPING = "sleeping"
    BUSY = "busy"


class Slot:
    """One replica that can be dialled. `in_flight` counts its leases, quiet ones too.

    `accepting` is False while it is ejected, frozen or draining: leases under way
    go on, new ones go elsewhere.
    """

    __slots__ = ("accepting", "draining", "host", "id", "in_flight", "port")

    def __init__(self, replica_id: str, host: str, port: int) -> None:
        self.id = replica_id
        self.host = host
        self.port = port
        self.in_flight = 0
        self.accepting = True
        self.draining = False

    def __repr__(self) -> str:
        state = "draining" if self.draining else "accepting" if self.accepting else "ejected"
        return f"<Slot {self.id[:12]} {self.host}:{self.port} {state} {self.in_flight} in flight>"


class Total:
    """What all services hold together: `queued_bytes` of bodies, at most `limit`."""

    __slots__ = ("limit", "queued_bytes")

    def __init__(self, limit: int = HOST_QUEUE_BYTES) -> None:
        self.limit = limit
        self.queued_bytes = 0


class Share:
    """What one service holds, whatever its version: `open` requests in flight or queued,
    at most `limit`, and `queued_bytes` of bodies. A WebSocket is one request until it ends.
    """

    __slots__ = ("__weakref__", "limit", "open", "queued_bytes", "total")

    def __init__(self, total: Total, *, limit: int = NO_LIMIT) -> None:
        self.total = total
        self.limit = limit
        self.open = 0
        self.queued_bytes = 0

    def hold(self, size: int) -> bool:
        """Account for so many bytes more; False when that would be too many."""
        total = self.total
        if self.queued_bytes + size > QUEUE_BYTES or total.queued_bytes + size > total.limit:
            return False
        self.queued_bytes += size
        total.queued_bytes += size
        return True

    def drop(self, size: int) -> None:
        """So many bytes went on or are given up."""
        self.queued_bytes -= size
        self.total.queued_bytes -= size


class Target:
    """One version's slots, waiters and counters.

    `arrivals` counts every request that ever came, refused ones too, each once;
    `concurrency` is the most in flight per slot (0 = no limit); `broken` refuses at
    once when no slot is there; `idle_timeout` bounds the silence of a replica within
    one request, in seconds. `idle_since` is when the last request ended, however it
    ended: it says nothing while one is in flight or waits. `entered` is the sum of the
    times at which those came that are here, less how long all before them stayed;
    `streams` are the ones in flight that became tunnels. None of these know of requests
    that are no traffic, and while it is `resting` those reach no replica.
    """

    __slots__ = (
        "arrivals",
        "broken",
        "concurrency",
        "counted",
        "entered",
        "idle_since",
        "idle_timeout",
        "in_flight",
        "resting",
        "service",
        "serving",
        "share",
        "slots",
        "streams",
        "version",
        "version_id",
        "wait_limit",
        "waiters",
    )

    def __init__(self, version_id: str, *, service: str, version: str, share: Share) -> None:
        self.version_id = version_id
        self.share = share
        self.service = service
        self.version = version
        self.concurrency = 0
        self.wait_limit = 10.0
        self.idle_timeout = 60.0
        self.broken = False
        self.resting = False
        self.slots: list[Slot] = []
        self.waiters: deque[Ticket] = deque()
        self.in_flight = 0
        self.arrivals = 0
        self.entered = 0.0
        self.streams = 0
        self.idle_since = 0.0
        self.serving = False
        self.counted = Counted()

    def tally(self, now: float) -> Tally:
        """What came so far, and for how long all of it stayed (held and running)."""
        here = self.in_flight + len(self.waiters)
        return Tally(arrivals=self.arrivals, busy=max(0.0, here * now - self.entered))

    @property
    def queue_limit(self) -> int:
        return max(MIN_QUEUE, QUEUE_PER_CONCURRENCY * self.concurrency)

    @property
    def hopeless(self) -> bool:
        """Whether a request would wait in vain: no slot but draining ones, and no start works."""
        return self.broken and all(slot.draining for slot in self.slots)

    def least_busy(self, avoid: str | None) -> Slot | None:
        """The accepting slot with the fewest in flight and room for one more."""
        best: Slot | None = None
        spare: Slot | None = None
        limit = self.concurrency
        for slot in self.slots:
            if not slot.accepting or (limit and slot.in_flight >= limit):
                continue
            if slot.id == avoid:
                spare = slot
            elif best is None or slot.in_flight < best.in_flight:
                best = slot
        return best or spare

    def __repr__(self) -> str:
        return (
            f"<Target {self.version} {len(self.slots)} slots, "
            f"{self.in_flight} in flight, {len(self.waiters)} queued>"
        )


class Lease:
    """One request's right to one slot; give it back exactly once with `release()`.

    `waited` is the seconds it was queued, 0.0 when a slot was free at once. `began` is when
    the request came, `status` that of its answer: with it the request is counted when it
    gives the lease back (0: it left before an answer), without one it is not. `stream` is the
    request, from `begin_stream` on.
    """

    __slots__ = ("_open", "_released", "began", "slot", "status", "stream", "target", "waited")

    stream: OpenRequest

    def __init__(
        self,
        released: Callable[["Lease"], None],
        target: Target,
        slot: Slot,
        waited: float,
        began: float,
    ) -> None:
        self._released = released
        self._open = True
        self.target = target
        self.slot = slot
        self.waited = waited
        self.began = began
        self.status = UNCOUNTED

    def begin_stream(self, request: OpenRequest) -> None:
        """It becomes a tunnel; whoever says so says `end_stream` before the release. It is
        counted now, since it may last for days.
        """
        self.target.counted.answered(SWITCHED)
        self.stream = request
        self.target.streams += 1

    def end_stream(self) -> None:
        self.target.streams -= 1

    def release(self) -> None:
        """Hand the slot to the next waiter. A second call does nothing."""
        if self._open:
            self._open = False
            self._released(self)


Grant = Callable[[Lease | Refusal], None]


class Ticket:
    """A place in a target's queue. `granted` is called once, unless cancelled before.

    `size` is the bytes of body the proxy holds for it meanwhile.
    """

    __slots__ = ("_left", "deadline", "granted", "queued_at", "size", "target")

    def __init__(
        self, left: Callable[["Ticket"], None], target: Target, granted: Grant, now: float
    ) -> None:
        self._left = left
        self.target = target
        self.granted: Grant | None = granted
        self.queued_at = now
        self.deadline = now + target.wait_limit
        self.size = 0

    def cancel(self) -> None:
        """Leave the queue, for instance because the client went away."""
        self._left(self)

    def hold(self, size: int) -> bool:
        """Account for `size` more buffered bytes; False when those of its service or of
        the host are used up.

        A ticket that has left the queue accounts for nothing.
        """
        if self.granted is None:
            return True
        if not self.target.share.hold(size):
            return False
        self.size += size
        return True
