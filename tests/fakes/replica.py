"""A replica in memory: a real HTTP server on a loopback address of its own."""

import asyncio
import os
import re
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field

from paas.core.model import LogLine
from paas.errors import PaasError
from paas.ports import ContainerState, ReplicaFact, ReplicaSpec, Usage


def free_ports(count: int, *, first: int = 28_000) -> tuple[int, ...]:
    """Ports below those of outgoing connections that nobody on this host listens on at
    any address: whoever listens on all of them keeps 127.x.y.z from binding the same.
    """
    found: list[int] = []
    for port in range(first, first + 1000):
        try:
            socket.create_server(("", port), family=socket.AF_INET6, dualstack_ipv6=True).close()
        except OSError:
            continue
        found.append(port)
        if len(found) == count:
            return tuple(found)
    raise AssertionError(f"no {count} free ports from {first} on")


PORT, OTHER_PORT = free_ports(2)
"""The port of the images that fakes hold, and one that is not theirs."""
CPUS = 2
"""What the fake's host has."""
LIVE = (ContainerState.RUNNING, ContainerState.PAUSED)
Handler = Callable[["FakeReplica", asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass(slots=True, kw_only=True)
class Script:
    """How the replicas of one version behave.

    `exit_code` ends them at once, `listen` False never opens a port, `listen_port` opens
    another one, `handler` serves connections instead of the usual little HTTP server.
    """

    start_delay: float = 0.0
    start_error: PaasError | None = None
    exit_code: int | None = None
    log: tuple[str, ...] = ()
    listen: bool = True
    listen_port: int | None = None
    handler: Handler | None = None
    usage: Usage = field(default_factory=lambda: Usage(cpu=0.1, memory=1024 * 1024))


class FakeReplica:
    """One container: its facts, its output, its server. `running` is cleared while frozen,
    `limits` are its CPU limits from its creation on.
    """

    def __init__(self, spec: ReplicaSpec, script: Script, host: str) -> None:
        self.id = os.urandom(32).hex()
        self.spec = spec
        self.script = script
        self.host = host
        self.state = ContainerState.RUNNING
        self.exit_code: int | None = None
        self.oom_killed = False
        self.started = time.time()
        self.lines: list[LogLine] = []
        self.requests = 0
        self.limits: list[float] = []
        self.limit(max(spec.cpu, spec.boost or 0.0))
        self.running = asyncio.Event()
        self.running.set()
        self._written = asyncio.Event()
        self._server: asyncio.Server | None = None
        self._serving: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()

    @property
    def port(self) -> int:
        return self.script.listen_port or self.spec.port

    @property
    def fact(self) -> ReplicaFact:
        return ReplicaFact(
            id=self.id,
            service=self.spec.service,
            version=self.spec.version,
            version_id=self.spec.version_id,
            state=self.state,
            host=self.host if self.state in LIVE else None,
            exit_code=self.exit_code,
            oom_killed=self.oom_killed,
            started=self.started,
            cpu=self.limits[-1],
        )

    async def run(self) -> None:
        for line in self.script.log:
            self.write(line)
        if self.script.exit_code is not None:
            self.end(self.script.exit_code)
        elif self.script.listen:
            self._server = await asyncio.start_server(self._accept, self.host, self.port)

    def limit(self, cpu: float) -> None:
        self.limits.append(min(cpu, CPUS))

    def write(self, text: str, stream: str = "stdout") -> None:
        """One line of output."""
        line = LogLine(time=time.time(), text=text, stream=stream, replica=self.id)
        self.lines.append(line)
        self._wake_followers()

    def end(self, exit_code: int) -> None:
        """The process is gone: its port closed, its connections reset."""
        if self.state is ContainerState.EXITED:
            return
        self.state = ContainerState.EXITED
        self.exit_code = exit_code
        if self._server is not None:
            self._server.close()
        for writer in self._writers:
            writer.transport.abort()
        self.running.set()
        self._wake_followers()

    async def settled(self) -> None:
        """All its connections have ended."""
        if self._serving:
            await asyncio.wait(self._serving, timeout=2)

    async def follow(self, since: float, *, live: bool) -> AsyncIterator[LogLine]:
        place = 0
        while True:
            written = self._written
            while place < len(self.lines):
                place += 1
                if self.lines[place - 1].time >= since:
                    yield self.lines[place - 1]
            if not live or self.state is ContainerState.EXITED:
                return
            await written.wait()

    def _wake_followers(self) -> None:
        written, self._written = self._written, asyncio.Event()
        written.set()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Known from its first moment: a task that is cancelled before it began closes
        nothing.
        """
        if self.state is ContainerState.EXITED:
            writer.transport.abort()
            return
        self._writers.add(writer)
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)
        task.add_done_callback(lambda _task: self._closed(writer))

    def _closed(self, writer: asyncio.StreamWriter) -> None:
        self._writers.discard(writer)
        writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, EOFError):
            await (self.script.handler or serve)(self, reader, writer)


async def serve(
    replica: FakeReplica, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """HTTP/1.1 with keep-alive: every request is answered with the version's name."""
    while True:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        await _read_body(reader, head.lower())
        await replica.running.wait()
        replica.requests += 1
        body = replica.spec.version.encode()
        fields = f"Content-Length: {len(body)}\r\nX-Replica: {replica.id}\r\n"
        closing = "connection: close" in head.lower()
        fields += "Connection: close\r\n" if closing else ""
        answer = f"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n{fields}\r\n".encode()
        writer.write(answer if head.startswith("HEAD ") else answer + body)
        await writer.drain()
        if closing:
            return


async def _read_body(reader: asyncio.StreamReader, head: str) -> None:
    if found := re.search(r"^content-length: *(\d+)", head, re.MULTILINE):
        await reader.readexactly(int(found[1]))
    elif re.search(r"^transfer-encoding: *chunked", head, re.MULTILINE):
        while size := int((await reader.readline()).split(b";")[0], 16):
            await reader.readexactly(size + 2)
        await reader.readline()
