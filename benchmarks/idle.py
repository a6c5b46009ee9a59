"""P7: what an idle keep-alive connection costs."""

import asyncio
import os
import ssl

from benchmarks.bench import Bench
from benchmarks.peers import HOST, PEERS, certificate
from benchmarks.programs import LOAD_CORE, Program
from benchmarks.results import Figures, Result, Target

CONNECTIONS = 5000
CONNECTIONS_TLS = 500
_AT_A_TIME = 50
_SECONDS = 60.0
_REQUEST = f"GET / HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode()
_SETTLE = 2.0


def p7(bench: Bench) -> Result:
    """Each connection asks once, then stays open in silence; fewer of them over TLS."""
    targets = (Target(load="idle", figure="KiB each", at_most=16.0),)
    result = Result(id="P7", title=f"{CONNECTIONS:,} idle keep-alive connections", targets=targets)
    os.sched_setaffinity(0, {LOAD_CORE})
    for name, program in bench.peers(*PEERS).items():
        result.add("idle", name, asyncio.run(_hold(program, CONNECTIONS)))
    client = ssl.create_default_context(cafile=certificate(bench.folder))
    for name, program in bench.peers(*PEERS, tls=True).items():
        figures = asyncio.run(_hold(program, CONNECTIONS_TLS, client))
        result.add(f"TLS, {CONNECTIONS_TLS:,} connections", name, figures)
    return result


# ---- private


async def _hold(
    program: Program, connections: int, client: ssl.SSLContext | None = None
) -> Figures:
    before = program.resident
    writers: list[asyncio.StreamWriter] = []
    async with asyncio.timeout(_SECONDS):
        for _ in range(connections // _AT_A_TIME):
            opened = (_open(program.port, client) for _ in range(_AT_A_TIME))
            writers += await asyncio.gather(*opened)
    after, cpu = program.resident, program.cpu_seconds
    await asyncio.sleep(_SETTLE)
    idle = (program.cpu_seconds - cpu) / _SETTLE
    for writer in writers:
        writer.close()
    grown = after - before
    return {"KiB each": grown / connections / 1024, "MiB": after / 2**20, "core": idle, "errors": 0}


async def _open(port: int, client: ssl.SSLContext | None) -> asyncio.StreamWriter:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=client)
    writer.write(_REQUEST)
    head = await reader.readuntil(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200"):
        raise RuntimeError("an idle connection got no answer")
    return writer
