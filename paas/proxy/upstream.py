"""Connections to replicas and the pools of idle ones.

Connections belong to the proxy, slots to the board: a pool lives as long as its
slot. A connection serves one exchange at a time and goes back to its pool only
after a clean end (answer complete, request complete, no surplus byte, both
sides keep-alive); everything else closes it.
"""

import asyncio
import errno
from collections.abc import Callable
from typing import Protocol, cast

from paas.aio.tasks import Tasks
from paas.http1.events import ResponseEvent
from paas.http1.limits import Limits
from paas.http1.parser import ResponseParser
from paas.live.board import Slot
from paas.proxy.outbox import Outbox, Outlet
from paas.proxy.timers import NEVER, Timers
from paas.proxy.turns import Turns


class Consumer(Protocol):
    """The exchange as a connection sees it."""

    def answered(self, event: ResponseEvent) -> None: ...

    def flush(self) -> None: ...

    def upstream_full(self, *, full: bool) -> None: ...

    def upstream_lost(self, *, silent: bool) -> None:
        """The connection ended before the answer did; `silent`: without one byte of it."""


class Upstream(asyncio.Protocol):
    """One connection to a replica."""

    __slots__ = (
        "_clean",
        "_consumer",
        "_outlet",
        "_parser",
        "_paused",
        "_pool",
        "_silent",
        "_transport",
        "deadline",
        "reused",
    )

    def __init__(self, pool: "Pool") -> None:
        self._pool = pool
        self._transport: asyncio.Transport | None = None
        self._consumer: Consumer | None = None
        self._parser = ResponseParser(pool.limits)
        self._outlet = Outlet(pool.outbox)
        self._paused = False
        self._silent = True
        self._clean = False
        self.reused = False
        self.deadline = NEVER

    def begin(self, consumer: Consumer, method: bytes, data: bytes) -> None:
        """Send a request's first bytes; its answer goes to `consumer`."""
        self._consumer = consumer
        self._silent = True
        self._clean = False
        self._parser.restart()
        self._parser.expect(method)
        self.write(data)

    def write(self, data: bytes) -> None:
        self._outlet.write(data)

    def pause(self) -> None:
        """Read no more of the answer until `resume`."""
        if self._transport is not None and not self._paused and not self._transport.is_closing():
            self._paused = True
            self._transport.pause_reading()

    def resume(self) -> None:
        if self._transport is not None and self._paused and not self._transport.is_closing():
            self._paused = False
            self._transport.resume_reading()

    def rest(self) -> None:
        if self.usable and self._transport is not None:
            self._transport.pause_reading()

    def go_on(self) -> None:
        if self.usable and self._transport is not None and not self._paused:
            self._transport.resume_reading()

    def release(self, *, reusable: bool) -> None:
        """The exchange is over: back to the pool, or closed."""
        self._consumer = None
        self.resume()
        if reusable and not self._parser.buffered:
            self._pool.put(self)
        else:
            self.abort()

    def abort(self) -> None:
        """Drop the connection at once, telling nobody."""
        self._consumer = None
        if self._transport is not None:
            self._transport.abort()

    def detach(self) -> tuple[asyncio.Transport, bytes]:
        """Give the raw connection away for a tunnel, with what was read beyond the head."""
        assert self._transport is not None
        self._transport.resume_reading()
        self._paused = True  # from now on it is not ours to read
        self._outlet.flush()
        self._consumer = None
        self._pool.discard(self)
        return self._transport, self._parser.rest()

    @property
    def host(self) -> bytes:
        """The replica's own `host:port`."""
        return self._pool.authority

    @property
    def local_port(self) -> int:
        """Where it comes from; 0 when it is gone."""
        own = self._transport.get_extra_info("sockname") if self._transport else None
        return int(own[1]) if own else 0

    @property
    def usable(self) -> bool:
        return self._transport is not None and not self._transport.is_closing()

    def expired(self) -> None:
        self._pool.discard(self)
        self.abort()

    # ---- asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by class
        self._outlet.transport = self._transport
        self._pool.opened(self)

    def data_received(self, data: bytes) -> None:
        if self._consumer is None:
            # nobody asked: it must never become another request's answer
            self._pool.discard(self)
            self.abort()
            return
        self._silent = False
        self._parser.receive(data)
        self._pump(self._consumer)
        self._pool.turns.read(self, len(data))

    def eof_received(self) -> None:
        consumer = self._consumer
        if consumer is not None:
            self._parser.eof()
            self._pump(consumer)

    def connection_lost(self, _exc: Exception | None) -> None:
        self._transport = self._outlet.transport = None
        self._pool.discard(self)
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            consumer.upstream_lost(silent=self._silent)

    def pause_writing(self) -> None:
        if self._consumer is not None:
            self._consumer.upstream_full(full=True)

    def resume_writing(self) -> None:
        if self._consumer is not None:
            self._consumer.upstream_full(full=False)

    # ---- private

    def _pump(self, consumer: Consumer) -> None:
        while self._consumer is consumer:
            event = self._parser.next()
            if event is None:
                consumer.flush()
                return
            consumer.answered(event)


Connected = Callable[[Upstream | OSError], None]


class Pool:
    """The idle connections of one slot, the latest used first."""

    __slots__ = (
        "_closed",
        "_connecting",
        "_idle",
        "_open",
        "_timers",
        "authority",
        "host",
        "limits",
        "outbox",
        "port",
        "turns",
    )

    def __init__(
        self, slot: Slot, *, limits: Limits, timers: Timers, outbox: Outbox, turns: Turns
    ) -> None:
        self.host = slot.host
        self.port = slot.port
        self.authority = f"{slot.host}:{slot.port}".encode("ascii")
        self.limits = limits
        self.outbox = outbox
        self.turns = turns
        self._timers = timers
        self._idle: list[Upstream] = []
        self._connecting: set[asyncio.Task[None]] = set()
        self._open: set[Upstream] = set()
        self._closed = False

    def take(self) -> Upstream | None:
        while self._idle:
            upstream = self._idle.pop()
            if upstream.usable:
                upstream.deadline = NEVER
                upstream.reused = True
                return upstream
        return None

    def put(self, upstream: Upstream) -> None:
        if self._closed or not upstream.usable or len(self._idle) >= self.limits.pool_size:
            upstream.abort()
            return
        upstream.deadline = self._timers.after(self.limits.pool_seconds)
        self._idle.append(upstream)

    def opened(self, upstream: Upstream) -> None:
        """It is watched from now on; only while idle it has a deadline."""
        self._timers.watch(upstream)
        self._open.add(upstream)

    def discard(self, upstream: Upstream) -> None:
        """Forget one that ended or is given away."""
        self._timers.forget(upstream)
        self._open.discard(upstream)
        if upstream in self._idle:
            self._idle.remove(upstream)

    def owns(self, port: int) -> bool:
        """Whether one of its connections comes from that local port."""
        return any(upstream.local_port == port for upstream in self._open)

    @property
    def closed(self) -> bool:
        return self._closed

    def began(self, connecting: "asyncio.Task[None]") -> None:
        """A connection is being opened: it is given up when the slot is gone."""
        self._connecting.add(connecting)
        connecting.add_done_callback(self._connecting.discard)

    def close(self) -> None:
        self._closed = True
        for connecting in self._connecting:
            connecting.cancel()
        for upstream in self._idle:
            upstream.abort()
        self._idle.clear()

    def __len__(self) -> int:
        return len(self._idle)


class Pools:
    """One pool per slot."""

    def __init__(self, *, limits: Limits, timers: Timers, tasks: Tasks, outbox: Outbox) -> None:
        self._limits = limits
        self._outbox = outbox
        self._turns = Turns()
        self._timers = timers
        self._tasks = tasks
        self._pools: dict[str, Pool] = {}

    def take(self, slot: Slot) -> Upstream | None:
        """An idle connection to that slot, or None."""
        pool = self._pools.get(slot.id)
        return pool.take() if pool is not None else None

    def connect(self, slot: Slot, done: Connected) -> None:
        """Open a new connection; `done` is called later, once, with it or the error."""
        pool = self._pools.get(slot.id)
        if pool is None:
            pool = self._pools[slot.id] = Pool(
                slot,
                limits=self._limits,
                timers=self._timers,
                outbox=self._outbox,
                turns=self._turns,
            )
        pool.began(self._tasks.spawn("connect", _connect(pool, done)))

    def gone(self, slot_id: str) -> None:
        """The slot left the board: close what is idle, pool nothing more."""
        pool = self._pools.pop(slot_id, None)
        if pool is not None:
            pool.close()

    def owns(self, slot_id: str, port: int) -> bool:
        """Whether there is a connection to that slot from that local port."""
        pool = self._pools.get(slot_id)
        return pool is not None and pool.owns(port)

    def close(self) -> None:
        for slot_id in list(self._pools):
            self.gone(slot_id)

    @property
    def idle(self) -> int:
        """Idle connections in all pools."""
        return sum(len(pool) for pool in self._pools.values())


async def _connect(pool: Pool, done: Connected) -> None:
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(pool.limits.connect_seconds):
            _, upstream = await loop.create_connection(lambda: Upstream(pool), pool.host, pool.port)
    except OSError as error:
        done(error)
    except asyncio.CancelledError:
        if not pool.closed:
            raise
        done(ConnectionAbortedError(errno.ECONNABORTED, "the replica is gone"))
    else:
        done(upstream)
