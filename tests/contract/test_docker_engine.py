"""What only a real Docker Engine can show: isolation, repair, events through cuts."""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import pytest

from paas.adapters.build import DockerBuilder
from paas.adapters.docker import DockerEngine
from paas.adapters.docker_events import changes
from paas.adapters.probe import NetworkProber
from paas.aio.backoff import Backoff
from paas.core.spec import Probe
from paas.errors import Failed, PaasError
from paas.ports import Address, ContainerState
from tests.contract.engine_kits import (
    DEADLINE,
    PORT,
    TAG,
    DockerKit,
    answers,
    only,
    until,
    write_source,
)
from tests.fakes.relay import Relay

pytestmark = pytest.mark.docker
ENGINE_SOCKET = "/var/run/docker.sock"


@pytest.fixture
async def relay(tmp_path: Path) -> AsyncIterator[Relay]:
    """Stands between the adapter and the engine, and can be cut."""
    made = Relay(tmp_path / "engine.sock", ENGINE_SOCKET)
    await made.listen()
    try:
        yield made
    finally:
        await made.close()


@pytest.fixture
async def kit(relay: Relay, tmp_path: Path) -> AsyncIterator[DockerKit]:
    source = tmp_path / "source"
    source.mkdir()
    made = DockerKit(source, f"unix://{relay.path}")
    await made.open()
    try:
        yield made
    finally:
        await relay.listen()
        await made.close()


async def test_events_go_on_after_a_cut(kit: DockerKit, relay: Relay) -> None:
    stream = changes(kit.engine.api, kit.installation, retry=Backoff(first=0.05, cap=0.1))
    async with asyncio.timeout(DEADLINE), aclosing(stream):
        assert await anext(stream) == ""
        fact = await kit.engine.start(kit.spec())
        assert await anext(stream) == fact.id
        await relay.close()
        with pytest.raises(PaasError) as raised:
            await kit.engine.replicas()
        assert raised.value.code == "engine_unreachable"
        await relay.listen()
        while await anext(stream) != "":
            pass
        await kit.engine.remove(fact.id)
        assert await anext(stream) == fact.id


async def test_a_quiet_stream_is_checked_and_loses_nothing(kit: DockerKit, relay: Relay) -> None:
    stream = changes(kit.engine.api, kit.installation, quiet=0.02)
    async with asyncio.timeout(DEADLINE), aclosing(stream):
        assert await anext(stream) == ""
        told = asyncio.ensure_future(anext(stream))
        checked = relay.accepted + 3
        while relay.accepted < checked:
            await asyncio.sleep(0.01)
        fact = await kit.engine.start(kit.spec())
        assert await told == fact.id


async def test_removal_by_hand_is_told_at_once(kit: DockerKit) -> None:
    fact = await kit.engine.start(kit.spec())
    async with asyncio.timeout(DEADLINE), aclosing(kit.engine.changes()) as stream:
        assert await anext(stream) == ""
        assert await kit.engine.replicas() == [fact]
        started = time.monotonic()
        await kit.engine.api.call("DELETE", f"containers/{fact.id}", params={"force": "1"})
        while await kit.engine.replicas():
            assert await anext(stream) in ("", fact.id)
        assert time.monotonic() - started < 2


async def test_a_network_removed_by_hand_comes_back_with_its_gateway(kit: DockerKit) -> None:
    gateway = await kit.engine.open()
    await kit.engine.api.call("DELETE", f"networks/paas-{kit.installation[:8]}")
    fact = await kit.engine.start(kit.spec())
    await answers(fact)
    assert await kit.engine.open() == gateway


async def test_replicas_reach_the_gateway_but_not_each_other(kit: DockerKit) -> None:
    gateway = await kit.engine.open()
    target = await kit.engine.start(kit.spec())
    await answers(target)
    server = await asyncio.start_server(lambda _r, writer: writer.close(), gateway, 0)
    port = server.sockets[0].getsockname()[1]
    script = (
        f"busybox nc -w 2 {gateway} {port} </dev/null && echo gateway;"
        f"busybox nc -w 1 {target.host} {PORT} </dev/null 2>/dev/null && echo neighbour;"
        "echo done"
    )
    spec = replace(kit.spec(), command=("/bin/sh", "-c"), args=(script,))
    async with server, asyncio.timeout(DEADLINE):
        fact = await kit.engine.start(spec)
        lines = [line.text async for line in kit.engine.logs(fact.id, follow=True)]
    assert lines == ["gateway", "done"]


async def test_a_replica_is_unprivileged(kit: DockerKit) -> None:
    script = (
        "cat /proc/self/status; cat /sys/fs/cgroup/pids/pids.max /sys/fs/cgroup/pids.max;"
        'echo "env $ODD"; chown 1:1 /www; mount -t tmpfs x /www'
    )
    spec = replace(kit.spec(), command=("/bin/sh", "-c"), args=(script,))
    async with asyncio.timeout(DEADLINE):
        fact = await kit.engine.start(spec)
        lines = [line.text async for line in kit.engine.logs(fact.id, follow=True)]
    assert "NoNewPrivs:\t1" in lines
    assert "CapEff:\t00000000000004eb" in lines
    assert "256" in lines
    assert 'env a "b" $c' in lines
    assert any("mount" in line for line in lines)
    assert not any("chown" in line for line in lines)
    found = await kit.engine.api.call("GET", f"containers/{fact.id}/json")
    assert found["HostConfig"]["Memory"] == found["HostConfig"]["MemorySwap"] == 64 << 20
    assert found["HostConfig"]["PortBindings"] in (None, {})


async def test_out_of_memory_is_told(kit: DockerKit) -> None:
    script = "busybox tail /dev/zero"
    spec = replace(kit.spec(), command=("/bin/sh", "-c"), args=(script,), memory=16 << 20)
    await kit.engine.start(spec)

    async def ended() -> bool:
        return (await only(kit.engine)).state is ContainerState.EXITED

    await until(ended)
    assert (await only(kit.engine)).oom_killed


@pytest.mark.parametrize(("program", "code"), [("/nope", 127), ("/www/index.html", 126)])
async def test_a_wrong_command_is_explained(kit: DockerKit, program: str, code: int) -> None:
    await kit.engine.start(replace(kit.spec(), command=(program,)))

    async def ended() -> bool:
        return (await only(kit.engine)).state is ContainerState.EXITED

    await until(ended)
    found = await only(kit.engine)
    assert found.exit_code == code
    assert program in found.error


async def test_limits_the_engine_refuses(kit: DockerKit) -> None:
    with pytest.raises(Failed) as raised:
        await kit.engine.start(replace(kit.spec(), cpu=10_000.0))
    assert raised.value.code == "start_failed"
    assert "CPU" in raised.value.message


async def test_long_lines_are_joined_and_cut(kit: DockerKit) -> None:
    script = (
        "busybox head -c 40000 /dev/zero | busybox tr '\\0' x; echo;"
        "busybox head -c 90000 /dev/zero | busybox tr '\\0' y; echo; printf tail"
    )
    fact = await kit.engine.start(replace(kit.spec(), command=("/bin/sh", "-c"), args=(script,)))
    async with asyncio.timeout(DEADLINE):
        lines = [line.text async for line in kit.engine.logs(fact.id, follow=True)]
    assert [line[:1] for line in lines] == ["x", "y", "t"]
    assert len(lines[0]) == 40000
    assert 65536 <= len(lines[1]) < 65600


async def test_an_unreachable_registry(kit: DockerKit) -> None:
    with pytest.raises(Failed) as raised:
        await kit.engine.pull("localhost:1/shop:1", credentials=None, progress=print)
    assert raised.value.code == "pull_failed"
    assert "cannot be reached" in raised.value.message


async def test_an_image_of_another_owner_is_left_alone(kit: DockerKit) -> None:
    write_source(kit.root)
    other = DockerEngine("", installation=os.urandom(8).hex(), tasks=kit.tasks)
    spec = replace(kit.build_spec(), tag=f"{TAG}:{os.urandom(6).hex()}")
    fact = await DockerBuilder(other).build(spec, progress=lambda _line: None)
    try:
        assert [image.pin for image in await kit.engine.built_images()] == [kit.image]
        await kit.engine.remove_image(fact.pin.reference)
        assert await kit.engine.image(fact.pin.id) is not None
    finally:
        await other.remove_image(fact.pin.reference)
        assert await kit.engine.image(fact.pin.id) is None
        await other.close()


async def test_start_to_first_byte(kit: DockerKit) -> None:
    started = time.monotonic()
    fact = await kit.engine.start(kit.spec())
    address = Address(host=str(fact.host), port=PORT)
    await until(lambda: NetworkProber().ready(address, Probe(http="/"), timeout=1))
    assert time.monotonic() - started < 5
    await kit.engine.freeze(fact.id)
    started = time.monotonic()
    await kit.engine.wake(fact.id)
    assert await NetworkProber().ready(address, Probe(http="/"), timeout=1)
    assert time.monotonic() - started < 1
