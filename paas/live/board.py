"""The board: routes, replica slots, leases and waiters.

Everything here is synchronous and runs on the event loop: choosing a replica
and counting the request happen in one stretch, so no count can drift. The proxy
leases; the keeper adds, ejects and drains slots; nobody else writes. Slots are
owned here, connections by the proxy, containers by the keeper.

Nobody waits while an accepting slot has room. A `granted` callback may call the
board again, whatever it does: waiters are served by one loop per target, in order
and without recursion. The `on_…` hooks may not.

A cold start is not a special path: it is a lease on a version with no slot.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from weakref import WeakValueDictionary

from paas.core.routing import Route
from paas.live.counted import PACKED, TurnedAway
from paas.live.leases import (
    HOST_QUEUE_BYTES,
    NO_LIMIT,
    Absence,
    Grant,
    Lease,
    Refusal,
    RefusalCode,
    Share,
    Slot,
    Target,
    Ticket,
    Total,
)
from paas.live.requests import OpenRequest, RequestLogs
from paas.live.routes import RouteTable

__all__ = [
    "Absence",
    "Board",
    "Grant",
    "Lease",
    "OpenRequest",
    "Refusal",
    "RefusalCode",
    "Slot",
    "Target",
    "Ticket",
]

log = logging.getLogger(__name__)

INSTANT = 1e-6
"""A wait that was too short for the clock was a wait all the same."""


class Board:
    """Routes by host, targets by version id, and the last requests by service.

    `now` is a monotonic clock. `on_demand(version_id)` is called whenever a request
    queues or is refused because the version cannot start, `on_suspect(version_id,
    replica_id)` when the proxy could not reach a replica (once until it is restored),
    `on_gone(replica_id)` when a slot left (the proxy closes its idle connections),
    `on_drained(replica_id)` when a draining slot has nothing in flight. `survey()` tells
    all requests that are in flight or queued; it looks at every connection.

    `requests_per_service` may be in flight or queued, and `queue_bytes` of bodies be held
    for all that is queued.
    """

    def __init__(
        self,
        now: Callable[[], float],
        *,
        requests_per_service: int = NO_LIMIT,
        queue_bytes: int = HOST_QUEUE_BYTES,
    ) -> None:
        self._now = now
        self._requests_per_service = requests_per_service
        self._total = Total(queue_bytes)
        self._shares: WeakValueDictionary[str, Share] = WeakValueDictionary()
        self._routes = RouteTable()
        self._give_back = self._released
        self._give_back_quietly = self._returned
        self._leave = self._left
        self.targets: dict[str, Target] = {}
        self.requests = RequestLogs()
        self.turned_away = TurnedAway()
        self.on_demand: Callable[[str], None] = lambda _version: None
        self.on_suspect: Callable[[str, str], None] = lambda _version, _replica: None
        self.on_gone: Callable[[str], None] = lambda _replica: None
        self.on_drained: Callable[[str], None] = lambda _replica: None
        self.survey: Callable[[], Sequence[OpenRequest]] = lambda: ()

    # ---- routes (written by the control plane)

    def put_routes(self, service_id: str, hosts: Mapping[str, Route]) -> None:
        """Replace all hosts of one service in one step; an empty mapping removes them.

        A host that another service has stays with that one until it lets go of it.
        """
        self._routes.put(service_id, hosts)

    def route(self, host: str) -> Route | None:
        """The route of a host in its normal form (`core.names.normal_host`)."""
        return self._routes.route(host)

    def choose(self, route: Route) -> str | None:
        """The version id the next request on this route takes; None when offline."""
        return self._routes.choose(route)

    def upcoming(self, route: Route) -> str | None:
        """The version id whose turn is next, without taking that turn."""
        return self._routes.upcoming(route)

    # ---- targets and slots (written by the keeper)

    def target(self, version_id: str, *, service: str, version: str) -> Target:
        """The target of that version, made if there is none yet."""
        found = self.targets.get(version_id)
        if found is None:
            found = self.targets[version_id] = Target(
                version_id, service=service, version=version, share=self._share(service)
            )
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
        """A replica passed its probe: serve waiters from it and route to it.

        Its version may have been removed meanwhile: then there is nothing to do.
        """
        target = self.targets.get(version_id)
        if target is None:
            return
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
        if target is not None and all(slot.draining for slot in target.slots):
            target.broken = True
            self._refuse_all(target, Refusal(RefusalCode.START_FAILED, 5))

    def forgive(self, version_id: str) -> None:
        """It may be able to start again: new requests wait for that."""
        target = self.targets.get(version_id)
        if target is not None:
            target.broken = False

    def refuse(self, version_id: str) -> None:
        """The host has no memory to start it: answer all waiters."""
        target = self.targets.get(version_id)
        if target is not None:
            self._refuse_all(target, Refusal(RefusalCode.NO_MEMORY, 5))

    def touch(self, version_id: str) -> None:
        """It was used just now, though not by a request: its idle time begins anew."""
        target = self.targets.get(version_id)
        if target is not None:
            target.idle_since = self._now()

    def rest(self, version_id: str, *, resting: bool) -> None:
        """It is to be frozen as soon as nothing is on its replicas, or no longer."""
        target = self.targets.get(version_id)
        if target is not None:
            target.resting = resting

    # ---- leases (taken by the proxy)

    def acquire(
        self, version_id: str, granted: Grant, *, avoid: str | None = None
    ) -> Lease | Refusal | Ticket:
        """A lease on the least busy slot, a refusal, or a place in the queue.

        Only with a `Ticket` is `granted` called, later and once. `avoid` names a
        replica that just failed this request: it is taken only if no other has room.
        """
        target = self.targets.get(version_id)
        if target is None:
            return Refusal(RefusalCode.GONE)
        target.arrivals += avoid is None
        if target.share.open >= target.share.limit:
            return Refusal(RefusalCode.SERVICE_FULL, 1)
        if not target.waiters:
            slot = target.least_busy(avoid)
            if slot is not None:
                return self._lease(target, slot, 0.0)
        return self._queue(target, granted)

    def borrow(self, version_id: str, *, avoid: str | None = None) -> Lease | Refusal | Absence:
        """A lease for a request that is no traffic: only its slot, which is not frozen or
        removed under it, and its service's share count it. It wakes nothing and never waits.
        """
        target = self.targets.get(version_id)
        if target is None:
            return Refusal(RefusalCode.GONE)
        if target.hopeless:
            return Refusal(RefusalCode.START_FAILED, 5)
        if target.resting or all(slot.draining for slot in target.slots):
            return Absence.SLEEPING
        if not any(slot.accepting for slot in target.slots):
            return Refusal(RefusalCode.START_TIMEOUT, 5)
        full = target.waiters or target.share.open >= target.share.limit
        slot = None if full else target.least_busy(avoid)
        if slot is None:
            return Absence.BUSY
        slot.in_flight += 1
        target.share.open += 1
        return Lease(self._give_back_quietly, target, slot, 0.0, 0.0)

    def suspect(self, version_id: str, replica_id: str) -> None:
        """The proxy could not connect: eject the replica until it is probed again."""
        slot = self._slot(version_id, replica_id)
        if slot is not None and slot.accepting:
            slot.accepting = False
            self.on_suspect(version_id, replica_id)

    def expire(self) -> None:
        """Refuse every waiter whose deadline has passed. Call it a few times a second.

        Waiters for whom there is room because `concurrency` was raised are served first.
        What ended since is counted, so that little of it is held.
        """
        now = self._now()
        for target in self.targets.values():
            target.counted.settle()
        for target in [one for one in self.targets.values() if one.waiters]:
            self._serve(target)
            for ticket in [one for one in target.waiters if one.deadline <= now]:
                self._settle(ticket, Refusal(RefusalCode.START_TIMEOUT, 5))

    # ---- private

    def _share(self, service: str) -> Share:
        """The one that all versions of a service have; it lives as long as the last of them."""
        share = self._shares.get(service)
        if share is None:
            share = Share(self._total, limit=self._requests_per_service)
            self._shares[service] = share
        return share

    def _queue(self, target: Target, granted: Grant) -> Refusal | Ticket:
        if target.hopeless:
            self._ended(target)
            self.on_demand(target.version_id)
            return Refusal(RefusalCode.START_FAILED, 5)
        if len(target.waiters) >= target.queue_limit:
            return Refusal(RefusalCode.QUEUE_FULL, 1)
        ticket = Ticket(self._leave, target, granted, self._now())
        target.entered += ticket.queued_at
        target.waiters.append(ticket)
        target.share.open += 1
        self.on_demand(target.version_id)
        return ticket

    def _lease(self, target: Target, slot: Slot, waited: float) -> Lease:
        slot.in_flight += 1
        target.in_flight += 1
        target.share.open += 1
        now = self._now()
        target.entered += now
        return Lease(self._give_back, target, slot, waited, now - waited)

    def _released(self, lease: Lease) -> None:
        target, slot = lease.target, lease.slot
        slot.in_flight -= 1
        target.in_flight -= 1
        target.share.open -= 1
        now = self._ended(target)
        target.entered -= now
        if lease.status >= 0:
            target.counted.done.append(lease.status * PACKED + now - lease.began)
        if slot.draining or target.waiters:
            self._freed(target, slot)

    def _returned(self, lease: Lease) -> None:
        """The end of a request that was no traffic."""
        lease.slot.in_flight -= 1
        lease.target.share.open -= 1
        self._freed(lease.target, lease.slot)

    def _freed(self, target: Target, slot: Slot) -> None:
        """The slot has room: waiters get it; or it leaves, if this was its last lease."""
        if slot.draining and slot.in_flight == 0:
            self._drop(target, slot)
            self.on_drained(slot.id)
        elif target.waiters:
            self._serve(target)

    def _serve(self, target: Target) -> None:
        """Give waiters, in order, the capacity there is now. Called by one of those it
        serves, it leaves the rest to the loop that is running.
        """
        if target.serving:
            return
        target.serving = True
        try:
            while target.waiters and (slot := target.least_busy(None)) is not None:
                ticket = target.waiters[0]
                waited = self._now() - ticket.queued_at
                self._settle(ticket, self._lease(target, slot, waited or INSTANT))
        finally:
            target.serving = False

    def _settle(self, ticket: Ticket, answer: Lease | Refusal) -> None:
        """Answer a waiter. If it fails at that, it harms neither its neighbours nor the
        request whose end made room for it.
        """
        granted = ticket.granted
        self._left(ticket)
        if granted is None:
            return
        try:
            granted(answer)
        except Exception:
            log.exception("waiting request failed", extra={"version": ticket.target.version})
            if isinstance(answer, Lease):
                answer.release()

    def _left(self, ticket: Ticket) -> None:
        if ticket.granted is None:
            return
        ticket.granted = None
        target = ticket.target
        target.share.open -= 1
        target.share.drop(ticket.size)
        target.waiters.remove(ticket)
        target.entered -= self._ended(target)

    def _ended(self, target: Target) -> float:
        """A request left now."""
        now = self._now()
        if target.in_flight == 0:
            target.idle_since = now
        return now

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
