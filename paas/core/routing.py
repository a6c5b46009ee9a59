"""Which version a request goes to: an immutable table from host to route.

The table is replaced service by service; a request sees the old or the new
route of its service, never a mixture.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import reduce
from math import gcd

from paas.core.model import Service, VersionStatus
from paas.core.policy import Policy, service_policy, version_policy


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Where the requests of one host go.

    `schedule` lists version ids in the order in which successive requests take
    them, over and over; empty means that the service is offline. `key` says whose
    cursor walks it: all hosts of a service share one. `policy` is what the service
    demands of requests from outside (None: nothing); `versions` are the ready versions
    by name that a trusted proxy may ask for.
    """

    key: str
    service: str
    schedule: tuple[str, ...]
    policy: Policy | None = None
    versions: Mapping[str, str] = field(default_factory=dict)


def schedule(weights: Mapping[str, int]) -> tuple[str, ...]:
    """The smooth weighted round-robin order of one full period.

    With weights 90 and 10 the period is ten requests, nine and one; the rarer
    target sits as far from its own repetitions as possible (the algorithm nginx
    made known: raise each by its weight, take the largest, lower it by the sum).
    Zero weights do not appear.
    """
    positive = {target: weight for target, weight in weights.items() if weight > 0}
    if not positive:
        return ()
    divisor = reduce(gcd, positive.values())
    steps = {target: weight // divisor for target, weight in positive.items()}
    total = sum(steps.values())
    current = dict.fromkeys(steps, 0)
    order: list[str] = []
    for _ in range(total):
        for target, step in steps.items():
            current[target] += step
        chosen = max(current, key=current.__getitem__)
        current[chosen] -= total
        order.append(chosen)
    return tuple(order)


def service_route(service: Service) -> Route:
    """The route that follows the service's split, for callers from inside."""
    ids = {version.name: version.id for version in service.versions}
    weights = {ids[name]: weight for name, weight in service.split.items() if name in ids}
    return Route(key=service.id, service=service.name, schedule=schedule(weights))


def service_hosts(service: Service, *, base_domain: str) -> dict[str, Route]:
    """Every public host of one service with its route.

    `<service>.<base>` and custom domains follow the split, `<version>.<base>`
    reaches that version whatever its weight, once it is ready.
    """
    names = [f"{service.name}.{base_domain}", *(domain.name for domain in service.domains)]
    ready = {version: version_route(service, version) for version in routable(service)}
    route = replace(
        service_route(service),
        policy=service_policy(service, hosts=names),
        versions={version: route.schedule[0] for version, route in ready.items()},
    )
    hosts = dict.fromkeys(names, route)
    own = version_policy(service)
    for version, fixed in ready.items():
        hosts[f"{version}.{base_domain}"] = replace(fixed, policy=own)
    return hosts


def version_route(service: Service, name: str) -> Route:
    """The route that always takes this one version of the service, for callers from inside."""
    version = next(version for version in service.versions if version.name == name)
    return Route(key=version.id, service=service.name, schedule=(version.id,))


def routable(service: Service) -> Iterable[str]:
    """Names of the versions that may receive requests."""
    return [version.name for version in service.versions if version.status is VersionStatus.READY]
