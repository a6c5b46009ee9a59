"""The routing table: which route a host has, and whose turn it is on it.

A host belongs to the service that claimed it first, until that one lets go of it;
all hosts of a service change in one step.
"""

from collections.abc import Mapping

from paas.core.routing import Route


class RouteTable:
    """Routes by host, and the cursor of each schedule by its route's key."""

    def __init__(self) -> None:
        self._hosts: dict[str, Route] = {}
        self._claims: dict[str, dict[str, Route]] = {}
        self._services: dict[str, Mapping[str, Route]] = {}
        self._cursors: dict[str, int] = {}

    def put(self, service_id: str, hosts: Mapping[str, Route]) -> None:
        """Replace all hosts of one service; an empty mapping removes them.

        Keys belong to one service, and the cursor of one that is still used goes on.
        """
        before = self._services.pop(service_id, {})
        if hosts:
            self._services[service_id] = dict(hosts)
        for host in before.keys() - hosts.keys():
            self._disclaim(service_id, host)
        for host, route in hosts.items():
            self._claim(service_id, host, route)
        used = {route.key for route in hosts.values()}
        for key in {route.key for route in before.values()} - used:
            self._cursors.pop(key, None)

    def route(self, host: str) -> Route | None:
        return self._hosts.get(host)

    def choose(self, route: Route) -> str | None:
        """The version id whose turn it is; None when the route is offline."""
        order = route.schedule
        if not order:
            return None
        if len(order) == 1:
            return order[0]
        cursor = self._cursor(route)
        self._cursors[route.key] = cursor + 1
        return order[cursor]

    def upcoming(self, route: Route) -> str | None:
        """The version id that `choose` would answer; its turn stays to come."""
        return route.schedule[self._cursor(route)] if route.schedule else None

    def _cursor(self, route: Route) -> int:
        cursor = self._cursors.get(route.key, 0)
        return cursor if cursor < len(route.schedule) else 0

    def _claim(self, service_id: str, host: str, route: Route) -> None:
        claims = self._claims.setdefault(host, {})
        claims[service_id] = route
        self._hosts[host] = next(iter(claims.values()))

    def _disclaim(self, service_id: str, host: str) -> None:
        claims = self._claims[host]
        del claims[service_id]
        if claims:
            self._hosts[host] = next(iter(claims.values()))
        else:
            del self._claims[host], self._hosts[host]
