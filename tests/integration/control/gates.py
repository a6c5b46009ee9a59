"""The fakes of this suite with gates: work waits at a closed gate until it is opened."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from paas.adapters.store import SqliteStore
from paas.core.model import Change, DeploymentStatus, Event
from paas.errors import PaasError
from paas.ports import (
    Builder,
    BuildSpec,
    Credentials,
    ImageFact,
    ReplicaFact,
    ReplicaSpec,
    Unpacker,
    nothing,
)
from tests.fakes.engine import FakeEngine


class Gate:
    """`waiting` counts who stands before it."""

    def __init__(self) -> None:
        self._open = asyncio.Event()
        self._open.set()
        self.waiting = 0

    def close(self) -> None:
        self._open.clear()

    def open(self) -> None:
        self._open.set()

    async def __call__(self) -> None:
        self.waiting += 1
        try:
            await self._open.wait()
        finally:
            self.waiting -= 1


class GatedEngine(FakeEngine):
    """`lists` counts the keeper's looks, which raise `list_error`; `list_gate` holds back
    the answer after it was taken, so that it is old when it arrives; `remove_error`,
    `freeze_error` and `wake_error` are raised by those. At the gates of freezing, waking
    and removing nothing has happened yet; `freezes` and `wakes` count the calls.
    """

    def __init__(self) -> None:
        super().__init__()
        self.pull_gate = Gate()
        self.list_gate = Gate()
        self.freeze_gate = Gate()
        self.wake_gate = Gate()
        self.remove_gate = Gate()
        self.list_error: PaasError | None = None
        self.remove_error: PaasError | None = None
        self.freeze_error: PaasError | None = None
        self.wake_error: PaasError | None = None
        self.lists = 0
        self.removals = 0
        self.freezes = 0
        self.wakes = 0

    async def replicas(self) -> list[ReplicaFact]:
        self.lists += 1
        if self.list_error is not None:
            raise self.list_error
        facts = await super().replicas()
        await self.list_gate()
        return facts

    async def start(
        self, spec: ReplicaSpec, *, created: Callable[[], None] = nothing
    ) -> ReplicaFact:
        """Cancelled, it takes back what it has started."""
        work = asyncio.ensure_future(super().start(spec, created=created))
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            await asyncio.wait([work])
            if work.exception() is None:
                self.containers.pop(work.result().id).end(137)
            raise

    async def remove(self, replica: str, *, grace: float = 0.0) -> None:
        self.removals += 1
        await self.remove_gate()
        if self.remove_error is not None:
            raise self.remove_error
        await super().remove(replica, grace=grace)

    async def freeze(self, replica: str) -> None:
        self.freezes += 1
        await self.freeze_gate()
        if self.freeze_error is not None:
            raise self.freeze_error
        await super().freeze(replica)

    async def wake(self, replica: str) -> None:
        self.wakes += 1
        await self.wake_gate()
        if self.wake_error is not None:
            raise self.wake_error
        await super().wake(replica)

    def open_gates(self) -> None:
        for gate in (self.pull_gate, self.list_gate, self.freeze_gate):
            gate.open()
        self.wake_gate.open()
        self.remove_gate.open()

    async def pull(
        self,
        reference: str,
        *,
        credentials: Credentials | None,
        progress: Callable[[str], None],
    ) -> ImageFact:
        await self.pull_gate()
        return await super().pull(reference, credentials=credentials, progress=progress)


class GatedBuilder:
    """Builds by another builder; `most` is how many builds were under way at once."""

    def __init__(self, builder: Builder) -> None:
        self._builder = builder
        self.gate = Gate()
        self.active = 0
        self.most = 0
        self.roots: list[Path] = []

    async def build(self, spec: BuildSpec, *, progress: Callable[[str], None]) -> ImageFact:
        self.active += 1
        self.most = max(self.most, self.active)
        self.roots.append(spec.root)
        try:
            await self.gate()
            return await self._builder.build(spec, progress=progress)
        finally:
            self.active -= 1


class GatedUnpacker:
    """Unpacks by another unpacker, and stands at the gate with the directory made."""

    def __init__(self, unpacker: Unpacker) -> None:
        self._unpacker = unpacker
        self.gate = Gate()

    async def unpack(self, archive: Path, into: Path) -> None:
        await self._unpacker.unpack(archive, into)
        await self.gate()


class FlakyStore(SqliteStore):
    """`broken` is raised by every commit while it is set; `refused` counts those. With `late`
    whoever commits a success hears of it only then; the rows are there for everybody else.
    """

    broken: PaasError | None = None
    refused = 0
    late: asyncio.Event | None = None

    async def commit(self, change: Change) -> tuple[Event, ...]:
        if self.broken is not None:
            self.refused += 1
            raise self.broken
        done = await super().commit(change)
        won = any(one.status is DeploymentStatus.SUCCEEDED for one in change.deployments)
        if won and self.late is not None:
            await self.late.wait()
        return done
