"""The proxy without sockets: bytes and ends go in by hand, what it writes is looked at.

`Script` is one service with one ready replica and any number of client connections.
Connections to replicas are opened when the script says so, or at once.
"""

import asyncio
from collections.abc import Callable

from paas.aio.tasks import Tasks
from paas.core.routing import Route
from paas.http1.head import Peer
from paas.http1.limits import Limits
from paas.live.board import Board, Slot
from paas.proxy.connection import ClientConnection
from paas.proxy.intake import Intake
from paas.proxy.outbox import Flushed, Outbox
from paas.proxy.plane import Counters, Plane
from paas.proxy.proofs import Proofs
from paas.proxy.registry import Registry
from paas.proxy.timers import Timers
from paas.proxy.turns import Reader, Turns
from paas.proxy.upstream import Connected, Pool, Pools, Upstream
from tests.strict import Seen, requests

NEVER = float("inf")


class End(asyncio.Transport):
    """One end of a connection: what was written to it (`log`) and what became of it."""

    def __init__(self, address: str) -> None:
        super().__init__({"peername": (address, 40000)})
        self.written = b""
        self.log = b""
        self.lost = False
        self.ended = False
        self.closed = False
        self.aborted = False
        self.reading = True
        self.protocol: asyncio.Protocol | None = None

    def take(self) -> bytes:
        """What was written since the last look."""
        written, self.written = self.written, b""
        return written

    @property
    def gone(self) -> bool:
        return self.closed or self.aborted or self.lost

    @property
    def over(self) -> bool:
        """Nothing more will be written to it."""
        return self.gone or self.ended

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        assert isinstance(protocol, asyncio.Protocol)
        self.protocol = protocol

    def gives(self, data: bytes) -> None:
        """The far end sends that."""
        assert self.protocol is not None
        assert not self.gone, "nothing arrives after a close"
        self.protocol.data_received(data)

    def leaves(self, error: Exception | None = None) -> None:
        """The far end is gone."""
        assert self.protocol is not None
        if not self.lost:
            self.lost = True
            self.protocol.connection_lost(error)

    def stops_sending(self) -> None:
        """The far end closes its direction."""
        assert self.protocol is not None
        if not self.protocol.eof_received():
            self.close()

    # ---- asyncio.Transport

    def write(self, data: bytes) -> None:  # type: ignore[override] # bytes is what we send
        self.written += data
        self.log += data

    def is_closing(self) -> bool:
        return self.gone

    def get_write_buffer_size(self) -> int:
        return 0

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.ended = True

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.aborted = True

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True


class Script:
    """`origins` are the connections to the replica in the order they were opened."""

    def __init__(self, limits: Limits | None = None, *, ready: bool = True) -> None:
        limits = limits or Limits()
        self.now = 0.0
        self.board = Board(lambda: self.now)
        self.target = self.board.target("v1", service="hello", version="hello-001")
        route = Route(key="s1", service="hello", schedule=("v1",))
        self.board.put_routes("s1", {"hello.localhost": route})
        self.timers = Timers(tick=limits.tick_seconds, on_tick=self.board.expire)
        self.pools = _Pools(limits, self.timers)
        self.board.on_gone = self.pools.gone
        intake = Intake(self.timers, pause=lambda: None, resume=lambda: None)
        self.registry = Registry(limits, intake)
        self.plane = Plane(
            board=self.board,
            limits=limits,
            timers=self.timers,
            pools=self.pools,
            outbox=self.pools.outbox,
            counters=Counters(),
            instance=b"i",
            proofs=Proofs(Tasks()),
            turns=_Turns(),
        )
        if ready:
            self.ready()

    def ready(self, replica: str = "r1") -> None:
        self.board.add_slot("v1", Slot(replica, "10.0.0.2", 80))

    @property
    def origins(self) -> list[End]:
        return self.pools.ends

    @property
    def errors(self) -> dict[str, int]:
        return self.plane.counters.errors

    @property
    def pooled(self) -> int:
        return self.pools.idle

    def client(self, data: bytes = b"") -> End:
        """A new connection from a client, and what it sends at once."""
        end = End("192.0.2.7")
        protocol = ClientConnection(self.plane, _Home(self))
        end.protocol = protocol
        protocol.connection_made(end)
        if data:
            end.gives(data)
        return end

    def expire(self, end: End) -> None:
        """Its deadline passes."""
        assert isinstance(end.protocol, ClientConnection)
        assert end.protocol.deadline < NEVER, "it has no deadline"
        end.protocol.expired()

    @property
    def seen(self) -> list[Seen]:
        """All requests that went to replicas, read strictly."""
        return [one for origin in self.origins for one in requests(origin.log)]

    def check_well(self, client: End) -> None:
        """What holds after everything: one framing each (`seen` checks it), no request
        without its answer, and a new one gets its own.
        """
        for end in [client, *self.origins]:
            if end.gone:
                end.leaves()
        counters = self.plane.counters
        assert len(self.seen) <= counters.requests + counters.retries
        assert not self.target.in_flight
        assert not self.target.waiters
        assert not self.target.share.queued_bytes
        other = self.client(b"GET /well HTTP/1.1\r\nHost: hello.localhost\r\n\r\n")
        (asked,) = [one for one in self.origins if b"GET /well " in one.log]
        asked.gives(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nwell")
        assert other.log.startswith(b"HTTP/1.1 200 ")
        assert other.log.endswith(b"well")


class _Home:
    def __init__(self, script: Script) -> None:
        self._registry = script.registry
        self.route = script.board.route

    def admit(self, member: ClientConnection, address: bytes) -> Peer | None:
        return Peer(address=address) if self._registry.admit(member, address) else None

    def leave(self, member: ClientConnection) -> None:
        self._registry.leave(member)


class _Pools(Pools):
    """Connects to stand-ins; `fault` is what connecting ends with instead."""

    def __init__(self, limits: Limits, timers: Timers) -> None:
        self.outbox = _Outbox()
        super().__init__(limits=limits, timers=timers, tasks=Tasks(), outbox=self.outbox)
        self.limits = limits
        self.timers = timers
        self.ends: list[End] = []
        self.fault: OSError | None = None
        self.later: list[Callable[[], None]] | None = None

    def connect(self, slot: Slot, done: Connected) -> None:
        pool = self._pools.get(slot.id)
        if pool is None:
            pool = Pool(
                slot,
                limits=self.limits,
                timers=self.timers,
                outbox=self.outbox,
                turns=_Turns(),
            )
            self._pools[slot.id] = pool
        if self.later is not None:
            self.later.append(lambda: self._open(pool, done))
        else:
            self._open(pool, done)

    def _open(self, pool: Pool, done: Connected) -> None:
        if self.fault is not None:
            done(self.fault)
            return
        upstream, end = Upstream(pool), End(pool.host)
        end.protocol = upstream
        upstream.connection_made(end)
        self.ends.append(end)
        done(upstream)


class _Turns(Turns):
    """Everybody goes on at once."""

    def read(self, reader: Reader, size: int) -> None:
        pass


class _Outbox(Outbox):
    """Sends when asked to: there need be no event loop."""

    def add(self, outlet: Flushed) -> None:
        outlet.flush()
