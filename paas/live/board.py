"""The board: routes, replica slots, leases and waiters.

Everything here is synchronous and runs on the event loop: choosing a replica
and counting the request happen in one stretch, so no count can drift. The proxy
leases; the keeper adds, ejects and drains slots; nobody else writes. Slots are
owned here, connections by the proxy, containers by the keeper.

A cold start is not a special path: it is a lease on a version with no slot.
"""

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from paas.core.routing import Route

MIN_QUEUE = 100
QUEUE_PER_CONCURRENCY = 10
QUEUE_BYTES = 64 * 1024 * 1024


class RefusalCode(StrEnum):
    """Why a request gets no replica; the codes of PRODUCT.md, section 5."""

    QUEUE_FULL = "queue_full"
    START_TIMEOUT = "start_timeout"
    START_FAILED = "start_failed"
    GONE = "no_such_host"


@dataclass(frozen=True, slots=True)
class Refusal:
    """No replica: `retry_after` seconds, or None when a retry cannot help."""

    code: RefusalCode
    retry_after: int | None = None


class Slot:
    """One replica that can be dialled. `in_flight` counts its leases.

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


class Target:
    """One version's slots, waiters and counters.

    `arrivals` counts every request ever leased or queued; `concurrency` is the most
    in flight per slot (0 = no limit); `broken` refuses at once when no slot is there;
    `idle_timeout` bounds the silence of a replica within one request, in seconds.
    """

    __slots__ = (
        "arrivals",
        "broken",
        "concurrency",
        "idle_since",
        "idle_timeout",
        "in_flight",
        "queued_bytes",
        "service",
        "slots",
        "version",
        "version_id",
        "wait_limit",
        "waiters",
    )

    def __init__(self, version_id: str, *, service: str, version: str) -> None:
        self.version_id = version_id
        self.service = service
        self.version = version
        self.concurrency = 0
        self.wait_limit = 10.0
        self.idle_timeout = 60.0
        self.broken = False
        self.slots: list[Slot] = []
        self.waiters: deque[Ticket] = deque()
        self.queued_bytes = 0
        self.in_flight = 0
        self.arrivals = 0
        self.idle_since = 0.0

    @property
    def queue_limit(self) -> int:
        return max(MIN_QUEUE, QUEUE_PER_CONCURRENCY * self.concurrency)

    def __repr__(self) -> str:
        return (
            f"<Target {self.version} {len(self.slots)} slots, "
            f"{self.in_flight} in flight, {len(self.waiters)} queued>"
        )


class Lease:
    """One request's right to one slot; give it back exactly once with `release()`.

    `waited` is the seconds it was queued, 0.0 when a slot was free at once.
    """

    __slots__ = ("_board", "_open", "slot", "target", "waited")

    def __init__(self, board: "Board", target: Target, slot: Slot, waited: float) -> None:
        self._board = board
        self._open = True
        self.target = target
        self.slot = slot
        self.waited = waited

    def release(self) -> None:
        """Hand the slot to the next waiter. A second call does nothing."""
        if self._open:
            self._open = False
            self._board._released(self)  # noqa: SLF001 - the lease is the board's own half


Grant = Callable[[Lease | Refusal], None]


class Ticket:
    """A place in a target's queue. `granted` is called once, unless cancelled before.

    `size` is the bytes of body the proxy holds for it meanwhile.
    """

    __slots__ = ("_board", "deadline", "granted", "queued_at", "size", "target")

    def __init__(self, board: "Board", target: Target, granted: Grant, now: float) -> None:
        self._board = board
        self.target = target
        self.granted: Grant | None = granted
        self.queued_at = now
        self.deadline = now + target.wait_limit
        self.size = 0

    def cancel(self) -> None:
        """Leave the queue, for instance because the client went away."""
        self._board._left(self)  # noqa: SLF001 - the ticket is the board's own half

    def hold(self, size: int) -> bool:
        """Account for `size` more buffered bytes; False when the queue's bytes are used up."""
        if self.target.queued_bytes + size > QUEUE_BYTES:
            return False
        self.target.queued_bytes += size
        self.size += size
        return True


class Board:
    """Routes by host and targets by version id.

    `now` is a monotonic clock. `on_demand(version_id)` is called whenever a request
    queues, `on_suspect(version_id, replica_id)` when the proxy could not reach a
    replica, `on_gone(replica_id)` when a slot left (the proxy closes its idle
    connections), `on_drained(replica_id)` when a draining slot has nothing in flight.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._hosts: dict[str, Route] = {}
        self._service_hosts: dict[str, frozenset[str]] = {}
        self._cursors: dict[str, int] = {}
        self.targets: dict[str, Target] = {}
        self.on_demand: Callable[[str], None] = lambda _version: None
        self.on_suspect: Callable[[str, str], None] = lambda _version, _replica: None
        self.on_gone: Callable[[str], None] = lambda _replica: None
        self.on_drained: Callable[[str], None] = lambda _replica: None

    # ---- routes (written by the control plane)

    def put_routes(self, service_id: str, hosts: Mapping[str, Route]) -> None:
        """Replace all hosts of one service in one step; an empty mapping removes them."""
        for host in self._service_hosts.pop(service_id, frozenset()) - hosts.keys():
            route = self._hosts.pop(host)
            self._cursors.pop(route.key, None)
        if hosts:
            self._service_hosts[service_id] = frozenset(hosts)
            self._hosts.update(hosts)

    def route(self, host: str) -> Route | None:
        """The route of a host in its normal form (`core.names.normal_host`)."""
        return self._hosts.get(host)

    def choose(self, route: Route) -> str | None:
        """The version id the next request on this route takes; None when offline."""
        order = route.schedule
        if not order:
            return None
        if len(order) == 1:
            return order[0]
        cursor = self._cursors.get(route.key, 0)
        if cursor >= len(order):
            cursor = 0
        self._cursors[route.key] = cursor + 1
        return order[cursor]

    # ---- targets and slots (written by the keeper)

    def target(self, version_id: str, *, service: str, version: str) -> Target:
        """The target of that version, made if there is none yet."""
        found = self.targets.get(version_id)
        if found is None:
            found = self.targets[version_id] = Target(version_id, service=service, version=version)
            found.idle_since = self._now()
        return found

    def remove_target(self, version_id: str) -> None:
        """Forget a version: its waiters are answered, its slots leave when drained."""
        target = self.targets.pop(version_id, None)
        if target is None:
            return
        self._refuse_all(target, Refusal(RefusalCode.GONE))
        for slot in list(target.slots):
            self.drain(version_id, slot.id, target=target)

    def add_slot(self, version_id: str, slot: Slot) -> None:
        """A replica passed its probe: serve waiters from it and route to it."""
        target = self.targets[version_id]
        target.broken = False
        target.slots.append(slot)
        self._serve(target)

    def eject(self, version_id: str, replica_id: str) -> None:
        """Send nothing new to this replica until `restore`."""
        slot = self._slot(version_id, replica_id)
        if slot is not None:
            slot.accepting = False

    def restore(self, version_id: str, replica_id: str) -> None:
        """The ejected replica passed its probe again."""
        slot = self._slot(version_id, replica_id)
        if slot is not None and not slot.draining:
            slot.accepting = True
            self._serve(self.targets[version_id])

    def drain(self, version_id: str, replica_id: str, *, target: Target | None = None) -> None:
        """Send nothing new; `on_drained` is called when the last lease is back."""
        target = target or self.targets.get(version_id)
        slot = _find(target, replica_id)
        if target is None or slot is None or slot.draining:
            return
        slot.accepting, slot.draining = False, True
        if slot.in_flight == 0:
            self._drop(target, slot)
            self.on_drained(replica_id)

    def remove_slot(self, version_id: str, replica_id: str) -> None:
        """The replica is gone or will be cut off: forget it now."""
        target = self.targets.get(version_id)
        slot = _find(target, replica_id)
        if target is not None and slot is not None:
            slot.accepting = False
            self._drop(target, slot)

    def fail(self, version_id: str) -> None:
        """The version cannot start: answer all waiters, and new requests at once."""
        target = self.targets.get(version_id)
        if target is not None and not target.slots:
            target.broken = True
            self._refuse_all(target, Refusal(RefusalCode.START_FAILED, 5))

    # ---- leases (taken by the proxy)

    def acquire(
        self, version_id: str, granted: Grant, *, avoid: str | None = None
    ) -> Lease | Refusal | Ticket:
        """A lease on the least busy slot, a refusal, or a place in the queue.

        Only with a `Ticket` is `granted` called, later and once. `avoid` names a
        replica that just failed this request: it is taken only if no other accepts.
        """
        target = self.targets.get(version_id)
        if target is None:
            return Refusal(RefusalCode.GONE)
        target.arrivals += 1
        if not target.waiters:
            slot = _least_busy(target, avoid)
            if slot is not None:
                return self._lease(target, slot, 0.0)
        return self._queue(target, granted)

    def suspect(self, version_id: str, replica_id: str) -> None:
        """The proxy could not connect: eject the replica until it is probed again."""
        self.eject(version_id, replica_id)
        self.on_suspect(version_id, replica_id)

    def expire(self) -> None:
        """Refuse every waiter whose deadline has passed. Call it a few times a second."""
        now = self._now()
        for target in list(self.targets.values()):
            while target.waiters and target.waiters[0].deadline <= now:
                self._settle(target.waiters[0], Refusal(RefusalCode.START_TIMEOUT, 5))

    # ---- private

    def _queue(self, target: Target, granted: Grant) -> Refusal | Ticket:
        if target.broken and not target.slots:
            self.on_demand(target.version_id)
            return Refusal(RefusalCode.START_FAILED, 5)
        if len(target.waiters) >= target.queue_limit:
            return Refusal(RefusalCode.QUEUE_FULL, 1)
        ticket = Ticket(self, target, granted, self._now())
        target.waiters.append(ticket)
        self.on_demand(target.version_id)
        return ticket

    def _lease(self, target: Target, slot: Slot, waited: float) -> Lease:
        slot.in_flight += 1
        target.in_flight += 1
        return Lease(self, target, slot, waited)

    def _released(self, lease: Lease) -> None:
        target, slot = lease.target, lease.slot
        slot.in_flight -= 1
        target.in_flight -= 1
        if target.in_flight == 0:
            target.idle_since = self._now()
        if slot.draining and slot.in_flight == 0:
            self._drop(target, slot)
            self.on_drained(slot.id)
        elif target.waiters:
            self._serve(target)

    def _serve(self, target: Target) -> None:
        """Give waiters, in order, the capacity there is now."""
        while target.waiters:
            slot = _least_busy(target, None)
            if slot is None:
                return
            ticket = target.waiters[0]
            lease = self._lease(target, slot, self._now() - ticket.queued_at)
            self._settle(ticket, lease)

    def _settle(self, ticket: Ticket, answer: Lease | Refusal) -> None:
        granted = ticket.granted
        self._left(ticket)
        if granted is not None:
            granted(answer)

    def _left(self, ticket: Ticket) -> None:
        if ticket.granted is None:
            return
        ticket.granted = None
        target = ticket.target
        target.queued_bytes -= ticket.size
        target.waiters.remove(ticket)

    def _refuse_all(self, target: Target, refusal: Refusal) -> None:
        while target.waiters:
            self._settle(target.waiters[0], refusal)

    def _slot(self, version_id: str, replica_id: str) -> Slot | None:
        return _find(self.targets.get(version_id), replica_id)

    def _drop(self, target: Target, slot: Slot) -> None:
        if slot in target.slots:
            target.slots.remove(slot)
            self.on_gone(slot.id)


def _find(target: Target | None, replica_id: str) -> Slot | None:
    if target is None:
        return None
    return next((slot for slot in target.slots if slot.id == replica_id), None)


def _least_busy(target: Target, avoid: str | None) -> Slot | None:
    """The accepting slot with the fewest in flight and room for one more."""
    best: Slot | None = None
    spare: Slot | None = None
    limit = target.concurrency
    for slot in target.slots:
        if not slot.accepting or (limit and slot.in_flight >= limit):
            continue
        if slot.id == avoid:
            spare = slot
        elif best is None or slot.in_flight < best.in_flight:
            best = slot
    return best or spare
