"""What scaling needs of a real Docker Engine and the kernel under it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import pytest

from paas.adapters.docker import DockerEngine
from paas.adapters.docker_proc import CGROUPS, KernelFiles
from paas.ports import ContainerState, ReplicaFact, ReplicaSpec, Usage
from tests.contract.engine_kits import DEADLINE, DockerKit, answers, only, until

pytestmark = pytest.mark.docker


@pytest.fixture
async def kit(tmp_path: Path) -> AsyncIterator[DockerKit]:
    made = DockerKit(tmp_path)
    await made.open()
    try:
        yield made
    finally:
        await made.close()


def shell(kit: DockerKit, script: str) -> ReplicaSpec:
    return replace(kit.spec(), command=("/bin/sh", "-c"), args=(script,))


async def usage(kit: DockerKit, fact: ReplicaFact) -> Usage:
    return (await kit.engine.usages([fact.id]))[fact.id]


async def quota(kit: DockerKit, fact: ReplicaFact) -> int:
    """Microseconds of processor time in each period of 100 ms, as the kernel has it."""
    found = await kit.engine.api.call("GET", f"containers/{fact.id}/json")
    groups = KernelFiles()._groups(fact.id, found["State"]["Pid"])
    if "cpu" in groups:
        return int((CGROUPS / "cpu" / groups["cpu"] / "cpu.cfs_quota_us").read_text())
    return int((CGROUPS / groups[""] / "cpu.max").read_text().split()[0])


async def test_limits_reach_the_kernel(kit: DockerKit) -> None:
    fact = await kit.engine.start(replace(kit.spec(), boost=1.0))
    assert await quota(kit, fact) == 100_000
    await kit.engine.limit_cpu(fact.id, 0.25)
    assert await quota(kit, fact) == 25_000
    await kit.engine.freeze(fact.id)
    await kit.engine.limit_cpu(fact.id, 0.5)
    assert await quota(kit, fact) == 50_000


async def test_an_engine_that_did_not_start_it_knows_its_limit(kit: DockerKit) -> None:
    fact = await kit.engine.start(replace(kit.spec(), boost=1.0))
    await kit.engine.limit_cpu(fact.id, 0.25)
    later = DockerEngine("", installation=kit.installation, tasks=kit.tasks)
    try:
        assert (await only(later)).cpu == 0.25
    finally:
        await later.close()


async def test_what_its_limit_held_back_is_counted(kit: DockerKit) -> None:
    fact = await kit.engine.start(replace(shell(kit, "while :; do :; done"), cpu=0.1))

    async def throttled() -> bool:
        return (await usage(kit, fact)).throttled > 0

    await until(throttled)


async def test_the_frozen_keep_their_memory_and_use_no_processor(kit: DockerKit) -> None:
    fact = await kit.engine.start(shell(kit, "while :; do :; done"))
    before = await usage(kit, fact)

    async def works() -> bool:
        return (await usage(kit, fact)).cpu > before.cpu + 0.05

    await until(works)
    await kit.engine.freeze(fact.id)
    frozen = await usage(kit, fact)
    for _ in range(6):
        await asyncio.sleep(0.05)
        now = await usage(kit, fact)
        assert now.cpu - frozen.cpu < 0.001
        assert abs(now.memory - frozen.memory) < 64 << 10
    await kit.engine.wake(fact.id)
    await until(works)


async def test_usages_without_the_kernels_files(kit: DockerKit, tmp_path: Path) -> None:
    """As with an engine on another host."""
    facts = [await kit.engine.start(kit.spec()) for _ in range(2)]
    away = KernelFiles(proc=tmp_path / "proc")
    engine = DockerEngine("", installation=kit.installation, tasks=kit.tasks, kernel=away)
    try:
        found = await engine.usages([*(fact.id for fact in facts), "0" * 64])
    finally:
        await engine.close()
    near = await kit.engine.usages([fact.id for fact in facts])
    assert found.keys() == near.keys()
    for one in found:
        assert abs(found[one].cpu - near[one].cpu) < 0.1
        assert abs(found[one].memory - near[one].memory) < 1 << 20


async def test_a_process_killed_for_memory_is_told_while_the_replica_runs(kit: DockerKit) -> None:
    script = "busybox tail /dev/zero; echo killed; exec busybox sleep 1000"
    async with asyncio.timeout(DEADLINE), aclosing(kit.engine.changes()) as changes:
        assert await anext(changes) == ""
        fact = await kit.engine.start(replace(shell(kit, script), memory=16 << 20))
        assert await anext(changes) == fact.id  # created
        async with aclosing(kit.engine.logs(fact.id, follow=True)) as lines:
            while (await anext(lines)).text != "killed":
                pass
        assert (await usage(kit, fact)).oom_kills == 1
        assert (await only(kit.engine)).state is ContainerState.RUNNING


async def test_what_is_paused_by_hand_is_told_and_can_be_woken(kit: DockerKit) -> None:
    fact = await kit.engine.start(kit.spec())
    await answers(fact)
    async with asyncio.timeout(DEADLINE), aclosing(kit.engine.changes()) as changes:
        assert await anext(changes) == ""
        assert await kit.engine.replicas() == [fact]
        await kit.engine.api.call("POST", f"containers/{fact.id}/pause")
        while (await only(kit.engine)).state is not ContainerState.PAUSED:
            assert await anext(changes) in ("", fact.id)
        await kit.engine.wake(fact.id)
        while (await only(kit.engine)).state is not ContainerState.RUNNING:
            assert await anext(changes) in ("", fact.id)
    await answers(fact)
