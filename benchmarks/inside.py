"""U1: the request path alone: our own code with no socket, kernel or loader.

Steadier than any run over the network, so single optimisations are judged by it.
Transports are stand-ins that take what is written; bytes go in by hand.
"""

import asyncio
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from benchmarks.bench import Bench
from benchmarks.peers import HOST, SMALL
from benchmarks.results import US, Result
from paas.aio.tasks import Tasks
from paas.core.routing import Route
from paas.http1.head import Peer
from paas.http1.limits import Limits
from paas.live.board import Board, Slot
from paas.proxy.connection import ClientConnection
from paas.proxy.outbox import Outbox, Outlet
from paas.proxy.plane import Counters, Plane
from paas.proxy.proofs import Proofs
from paas.proxy.timers import Timers
from paas.proxy.upstream import Pool, Pools, Upstream

REQUEST = f"GET / HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode()
BROWSER = (
    f"GET /app/page?id=17 HTTP/1.1\r\nHost: {HOST}\r\nConnection: keep-alive\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n"
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n"
    "Accept-Language: en-GB,en;q=0.5\r\nAccept-Encoding: gzip, deflate, br, zstd\r\n"
    "Cookie: session=0123456789abcdef0123456789abcdef; theme=dark\r\n"
    "Sec-Fetch-Dest: document\r\nSec-Fetch-Mode: navigate\r\nCache-Control: max-age=0\r\n\r\n"
).encode()
ANSWER = (
    "HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nDate: Mon, 23 Nov 2026 14:31:02 GMT\r\n"
    f"Content-Type: text/plain\r\nContent-Length: {len(SMALL)}\r\nConnection: keep-alive\r\n"
    f"\r\n{SMALL}"
).encode()
_ROUNDS = 7
_REQUESTS = 4000


def u1(_bench: Bench) -> Result:
    """The same again, a browser's, and requests or answers that differ every time."""
    result = Result(id="U1", title="the request path without sockets", targets=())
    fresh = [BROWSER.replace(b"theme=dark", b"time=%d" % number) for number in range(_REQUESTS)]
    loads = {"plain": [REQUEST], "browser": [BROWSER], "browser, new cookie each time": fresh}
    for load, requests in loads.items():
        result.add(load, US, {"cpu µs/req": microseconds(requests), "errors": 0})
    answers = [ANSWER.replace(b"Date: Mon", b"ETag: %d\r\nDate: Mon" % n) for n in range(_REQUESTS)]
    spent = microseconds([REQUEST], answers)
    result.add("plain, new answers each time", US, {"cpu µs/req": spent, "errors": 0})
    return result


def microseconds(requests: Sequence[bytes], answers: Sequence[bytes] = (ANSWER,)) -> float:
    """CPU microseconds per request, the best of several rounds."""
    pairs = list(zip(_repeated(requests), _repeated(answers), strict=True))
    with _path() as (client, upstream):
        return min(_round(client, upstream, pairs) for _ in range(_ROUNDS))


def _repeated(pieces: Sequence[bytes]) -> list[bytes]:
    return list(pieces) * (_REQUESTS // len(pieces))


class _Wire(asyncio.Transport):
    """A transport that is always ready and throws away what is written."""

    def __init__(self) -> None:
        super().__init__({"peername": ("127.0.0.1", 40000)})

    def write(self, _data: object, /) -> None: ...

    def is_closing(self) -> bool:
        return False

    def abort(self) -> None: ...


class _Home:
    """What a connection needs of its listener."""

    def __init__(self, board: Board) -> None:
        self.route = board.route

    def admit(self, _member: ClientConnection, address: bytes) -> Peer:
        return Peer(address=address)

    def leave(self, _member: ClientConnection) -> None: ...


def _round(
    client: ClientConnection, upstream: Upstream, pairs: Sequence[tuple[bytes, bytes]]
) -> float:
    started = time.process_time()
    for request, answer in pairs:
        client.data_received(request)
        upstream.data_received(answer)
    return (time.process_time() - started) / len(pairs) * 1e6


@contextmanager
def _path() -> Iterator[tuple[ClientConnection, Upstream]]:
    """A client connection, and the pooled connection its requests will take."""
    board, slot = Board(time.monotonic), Slot("r1", "127.0.0.1", 80)
    board.target("v1", service="s", version="v")
    board.add_slot("v1", slot)
    board.put_routes("s", {HOST: Route(key="s", service="s", schedule=("v1",))})
    limits = Limits()
    timers = Timers(tick=limits.tick_seconds, on_tick=board.expire)
    pools = _OnePool(limits, timers, slot)
    plane = Plane(
        board=board,
        limits=limits,
        timers=timers,
        pools=pools,
        outbox=pools.pool.outbox,
        counters=Counters(),
        instance=b"0123abcd",
        proofs=Proofs(Tasks()),
    )
    client = ClientConnection(plane, _Home(board))
    client.connection_made(_Wire())
    upstream = Upstream(pools.pool)
    upstream.connection_made(_Wire())
    pools.pool.put(upstream)
    yield client, upstream


class _OnePool(Pools):
    """The pools, with that slot's pool there from the start."""

    def __init__(self, limits: Limits, timers: Timers, slot: Slot) -> None:
        outbox = _Outbox()
        super().__init__(limits=limits, timers=timers, tasks=Tasks(), outbox=outbox)
        self.pool = Pool(slot, limits=limits, timers=timers, outbox=outbox)
        self._pools[slot.id] = self.pool


class _Outbox(Outbox):
    """Sends when asked to: there is no event loop."""

    def add(self, outlet: Outlet) -> None:
        outlet.flush()
