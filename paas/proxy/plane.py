"""What all connections of one proxy share: its collaborators and its counters."""

import itertools
import ssl
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from paas.core.networks import Network
from paas.http1.limits import Limits
from paas.live.board import Board
from paas.live.challenges import Challenges
from paas.proxy.accesslog import AccessLog
from paas.proxy.outbox import Outbox
from paas.proxy.proofs import Proofs
from paas.proxy.refusals import Refusals
from paas.proxy.timers import Timers
from paas.proxy.tunnels import Tunnels
from paas.proxy.turns import Turns
from paas.proxy.upstream import Pools


@dataclass(slots=True, kw_only=True)
class Counters:
    """Totals since the start. `ignored` are the requests that were no traffic; `errors`
    counts our own error answers by code.
    """

    connections: int = 0
    refused_connections: int = 0
    requests: int = 0
    retries: int = 0
    tunnels: int = 0
    client_gone: int = 0
    cut: int = 0
    ignored: int = 0
    errors: dict[str, int] = field(default_factory=dict)

    def error(self, code: str) -> None:
        self.errors[code] = self.errors.get(code, 0) + 1


@dataclass(slots=True, kw_only=True)
class Plane:
    """`instance` makes request ids unique over restarts; `draining` is set once.

    `trusted` are the networks of proxies in front; `held` counts the requests that wait
    for the end of a pause, by service; `access` is None while nothing is logged.
    `on_shortage` is called when the process or the host is out of descriptors.
    An authority's checks are answered with `challenges`. TLS handshakes begin in `entrance`;
    `secure_port` is where https is, as it stands in a URL (`:8443`, or empty).
    """

    board: Board
    limits: Limits
    timers: Timers
    pools: Pools
    outbox: Outbox
    counters: Counters
    instance: bytes
    proofs: Proofs
    trusted: tuple[Network, ...] = ()
    access: AccessLog | None = None
    refusals: Refusals = field(default_factory=Refusals)
    turns: Turns = field(default_factory=Turns)
    tunnels: Tunnels = field(default_factory=lambda: Tunnels(None))
    on_shortage: Callable[[], None] = lambda: None
    challenges: Challenges = field(default_factory=Challenges)
    entrance: ssl.SSLContext | None = None
    secure_port: bytes = b""
    held: "Counter[str]" = field(default_factory=Counter)
    draining: bool = False
    _serial: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    @property
    def idle_seconds(self) -> float:
        """How long a connection may wait for its next request."""
        limits = self.limits
        return limits.last_call_seconds if self.draining else limits.keepalive_seconds

    def request_id(self) -> bytes:
        return b"%b-%x" % (self.instance, next(self._serial))
