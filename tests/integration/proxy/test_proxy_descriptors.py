"""Out of descriptors: accepting pauses, what is open goes on, and it recovers by itself."""

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.proxy.origin import Origin
from tests.integration.proxy.wire import DEADLINE, Wire
from tests.unit.http1.hostile import get

DESCRIPTORS = 64
TICKS = os.sysconf("SC_CLK_TCK")


class Rig:
    """The confined proxy as a process, and the origin here."""

    def __init__(self, origin: Origin, process: Process, port: int) -> None:
        self.origin = origin
        self._process = process
        self._port = port
        self._wires: list[Wire] = []

    async def tell(self, command: str) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(command.encode() + b"\n")
        line = await asyncio.wait_for(self._process.stdout.readline(), DEADLINE)
        state: dict[str, Any] = json.loads(line)
        return state

    async def wire(self) -> Wire:
        wire = await Wire.open(self._port)
        self._wires.append(wire)
        return wire

    async def paused(self, wanted: bool) -> dict[str, Any]:  # noqa: FBT001 - reads as a state
        """What it is like once accepting is paused, or goes on."""
        async with asyncio.timeout(DEADLINE):
            while (state := await self.tell("state"))["paused"] is not wanted:
                await asyncio.sleep(0.02)
        return state

    def leave(self) -> None:
        for wire in self._wires:
            wire.writer.transport.abort()
        self._wires.clear()

    async def stop(self) -> str:
        """Ends it; what it logged."""
        self.leave()
        assert self._process.stdin is not None
        self._process.stdin.close()
        _, logged = await asyncio.wait_for(self._process.communicate(), DEADLINE)
        await self.origin.stop()
        return logged.decode()

    def cpu(self) -> float:
        """CPU seconds the process used."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    origin = Origin()
    await origin.start()
    uses_uvloop = type(asyncio.get_running_loop()).__module__.startswith("uvloop")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.integration.proxy.confined"),
        *("uvloop" if uses_uvloop else "asyncio", str(origin.port), str(DESCRIPTORS)),
        stdin=PIPE,
        stdout=PIPE,
        stderr=PIPE,
    )
    assert process.stdout is not None
    port = int(await asyncio.wait_for(process.stdout.readline(), 10))
    rig = Rig(origin, process, port)
    yield rig
    if process.returncode is None:
        process.kill()
        await rig.stop()


async def test_too_many_connections_pause_accepting(rig: Rig) -> None:
    kept = await rig.wire()
    kept.send(get())
    assert (await kept.response()).status == 200
    idle = [await rig.wire() for _ in range(2 * DESCRIPTORS)]
    assert (await rig.paused(True))["connections"] < DESCRIPTORS
    began = rig.cpu()
    async with asyncio.timeout(3):
        for _ in range(50):  # with a new connection to the replica each time
            kept.send(get())
            assert (await kept.response()).status == 200
            await asyncio.sleep(0.03)
    assert rig.cpu() - began < 0.3
    assert (await rig.tell("state"))["pauses"] == 1
    idle[-1].send(get())
    for wire in idle[:-1]:
        wire.close()
    assert (await idle[-1].response()).status == 200
    await rig.paused(False)
    assert (await rig.stop()).count("accepting pauses") == 1


async def test_none_left_at_all(rig: Rig) -> None:
    kept = await rig.wire()
    kept.send(get())
    assert (await kept.response()).status == 200
    await rig.tell("exhaust")
    await rig.paused(True)
    await rig.tell("exhaust")  # what the pause set free
    began, late = rig.cpu(), await rig.wire()
    late.send(get())
    await rig.paused(True)
    async with asyncio.timeout(3):
        for _ in range(30):
            kept.send(get())
            got = await kept.response()
            assert (got.status, got.code) == (503, "too_many_connections")
            assert got.field("retry-after") == "1"
            await asyncio.sleep(0.03)
    assert rig.cpu() - began < 0.3
    assert await rig.tell("release") == {
        "pauses": 1,
        "paused": True,
        "connections": 1,
        "accepting": True,
    }
    kept.send(get())
    assert (await kept.response()).status == 200
    assert (await late.response()).status == 200
    assert (await rig.stop()).count("accepting pauses") == 1
