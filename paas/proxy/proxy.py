"""The data plane as one object: listeners, shared state, and an orderly end."""

import asyncio
import secrets
import socket
from collections.abc import Callable, Sequence

from paas.aio.tasks import Tasks
from paas.core.networks import networks
from paas.core.routing import Route
from paas.errors import Unavailable
from paas.http1.limits import Limits
from paas.live.board import Board, OpenRequest
from paas.live.certificates import Certificates
from paas.live.usage import Usage
from paas.proxy.accesslog import AccessLog
from paas.proxy.connection import ClientConnection
from paas.proxy.handshake import entrance
from paas.proxy.intake import Intake
from paas.proxy.listener import Listener, Router, bind
from paas.proxy.multiplexed import Multiplexed
from paas.proxy.outbox import Outbox
from paas.proxy.plane import Counters, Plane
from paas.proxy.proofs import Proofs
from paas.proxy.registry import Member, Registry
from paas.proxy.timers import Timers
from paas.proxy.tunnels import Tunnels
from paas.proxy.upstream import Pools

HTTPS = 443
TURNS = 3
"""Of the event loop, until what it has accepted has become a connection."""
FEW = 16
FixedRoute = Route | Callable[[], Route | None]


class Proxy:
    """Moves requests from its listeners to the replicas on the board.

    It takes over `board.on_gone` and `board.survey`, and calls `board.expire` a few times
    a second.
    `trusted` are the networks (`10.0.0.0/8`) of proxies in front, whose
    forwarding fields are extended instead of replaced. With
    `proxy_protocol` they have to begin their connections to public listeners with a
    PROXY preface. `certificates` are those of its listeners with TLS and may change at
    any time. The caller runs `access`, the access log.
    """

    def __init__(
        self,
        board: Board,
        *,
        limits: Limits | None = None,
        tasks: Tasks | None = None,
        trusted: Sequence[str] = (),
        proxy_protocol: bool = False,
        access: AccessLog | None = None,
    ) -> None:
        limits = limits or Limits()
        self.certificates = Certificates()
        self.public: set[int] = set()
        """Ports at which it serves everybody."""
        self._proxy_protocol = proxy_protocol
        self._tasks = tasks or Tasks()
        self._owns_tasks = tasks is None
        self._timers = Timers(tick=limits.tick_seconds, on_tick=self._tick)
        outbox = Outbox()
        self._pools = Pools(limits=limits, timers=self._timers, tasks=self._tasks, outbox=outbox)
        self._intake = Intake(self._timers, pause=self._pause, resume=self._resume)
        self._registry = Registry(limits, self._intake)
        self._listeners: list[Listener] = []
        self._sift_at = FEW
        self._plane = Plane(
            board=board,
            limits=limits,
            timers=self._timers,
            pools=self._pools,
            outbox=outbox,
            counters=Counters(),
            instance=secrets.token_hex(4).encode("ascii"),
            proofs=Proofs(self._tasks),
            tunnels=Tunnels(limits.tunnels_per_service),
            on_shortage=self._intake.short,
            trusted=networks(trusted),
            access=access,
            challenges=self.certificates.challenges,
            entrance=entrance(self.certificates),
        )
        board.on_gone = self._gone
        board.survey = self._survey

    @property
    def counters(self) -> Counters:
        return self._plane.counters

    @property
    def connections(self) -> int:
        """Client connections that are open now."""
        return len(self._registry)

    def usage(self) -> Usage:
        """What it holds now, and turned away since it began."""
        plane = self._plane
        return Usage(
            connections=len(self._registry),
            most_connections=plane.limits.connections,
            websockets=len(plane.tunnels),
            refused=plane.counters.refused_connections,
            paused=self._intake.paused,
            pauses=self._intake.pauses,
            lost_lines=plane.access.dropped if plane.access is not None else 0,
        )

    def owns(self, slot_id: str, port: int) -> bool:
        """Whether a connection to that slot comes from that local port of ours."""
        return self._pools.owns(slot_id, port)

    @property
    def idle_upstreams(self) -> int:
        """Idle connections to replicas."""
        return self._pools.idle

    async def listen(
        self,
        host: str = "",
        port: int = 0,
        *,
        route: FixedRoute | None = None,
        secure: bool = False,
        sock: socket.socket | None = None,
    ) -> Listener:
        """Accept on that address, or on the bound `sock`; with TLS if `secure`. With
        `route` every Host goes there (a callable is asked for each request); without, Host
        decides.
        Port 0 takes a free one, see `Listener.port`. Raises `Unavailable`
        (`address_in_use`, `stopping`).
        """
        if self._is_draining():
            raise Unavailable("The proxy is draining and opens nothing new.", code="stopping")
        self._timers.start()
        announced = self._proxy_protocol and route is None
        listener = Listener(
            self._plane,
            self._registry,
            self._router(route),
            proxy_protocol=announced,
            secure=secure,
        )
        if len(self._listeners) > self._sift_at:  # seldom: there can be ten thousand
            self._listeners = [one for one in self._listeners if not one.closed]
            self._sift_at = 2 * len(self._listeners) + FEW
        self._listeners.append(listener)
        await listener.start(sock or bind(host, port))
        if secure and not self._plane.secure_port and listener.port != HTTPS:
            self._plane.secure_port = b":%d" % listener.port
        if self._is_draining():
            await listener.close()
        elif self._intake.paused:
            listener.pause()
        return listener

    async def settle(self, seconds: float) -> None:
        """Let who is connected now finish and come again: answers close their connections
        from here on, WebSockets stay. Still accepts, so that one long request keeps no
        newcomer waiting. Ends early when nobody is left; `drain` must follow.
        """
        self._plane.draining = True
        await self._registry.settle(seconds, lasting=_lasting)

    async def drain(self, seconds: float) -> None:
        """Stop accepting, let requests under way finish for so long, end WebSockets, then
        cut. Replicas are not touched. The proxy cannot be used again.
        """
        self._plane.draining = True
        for listener in self._listeners:
            await listener.close()
        for _ in range(TURNS):
            await asyncio.sleep(0)
        await self._registry.drain(seconds, lasting=_lasting)
        self._timers.stop()
        self._pools.close()
        if self._owns_tasks:
            await self._tasks.close()

    def _survey(self) -> list[OpenRequest]:
        found: list[OpenRequest] = []
        for one in self._registry:
            if isinstance(one, Multiplexed):
                found += one.opened()
            elif isinstance(one, ClientConnection) and (opened := one.opened()) is not None:
                found.append(opened)
        return found

    def _tick(self) -> None:
        self._plane.board.expire()
        self._plane.refusals.tick(self._plane.turns)
        self._intake.look()

    def _pause(self) -> None:
        for listener in self._listeners:
            listener.pause()

    def _resume(self) -> None:
        self._tasks.spawn("accept again", self._resume_all())

    async def _resume_all(self) -> None:
        try:
            for listener in self._listeners:
                if not self._intake.paused:
                    await listener.resume()
        except OSError:
            self._intake.short()

    def _gone(self, replica_id: str) -> None:
        self._pools.gone(replica_id)
        self._plane.tunnels.gone(replica_id)

    def _is_draining(self) -> bool:
        return self._plane.draining

    def _router(self, route: FixedRoute | None) -> Router:
        if route is None:
            return self._plane.board.route
        if isinstance(route, Route):
            return lambda _host: route
        return lambda _host: route()


def _lasting(member: Member) -> bool:
    """Whether it ends at no time by itself."""
    return isinstance(member, ClientConnection) and member.lasting
