"""All open tunnels: how many a service may have, and their end with their replica."""

from collections import Counter

from paas.proxy.tunnel import Tunnel


class Tunnels:
    """At most `limit` for each service; None: no limit."""

    def __init__(self, limit: int | None) -> None:
        self._limit = limit
        self._by_service: Counter[str] = Counter()
        self._by_replica: dict[str, set[Tunnel]] = {}

    def __len__(self) -> int:
        return self._by_service.total()

    def full(self, service: str) -> bool:
        """Whether that service has all it may have."""
        return self._limit is not None and self._by_service[service] >= self._limit

    def add(self, tunnel: Tunnel) -> None:
        lease = tunnel.lease
        self._by_service[lease.target.service] += 1
        self._by_replica.setdefault(lease.slot.id, set()).add(tunnel)

    def remove(self, tunnel: Tunnel) -> None:
        lease = tunnel.lease
        self._by_service[lease.target.service] -= 1
        if not self._by_service[lease.target.service]:
            del self._by_service[lease.target.service]
        members = self._by_replica[lease.slot.id]
        members.discard(tunnel)
        if not members:
            del self._by_replica[lease.slot.id]

    def gone(self, replica_id: str) -> None:
        """The replica will be cut off: its tunnels end, and both sides are told."""
        for tunnel in list(self._by_replica.get(replica_id, ())):
            tunnel.going_away()
