"""What only a real Docker Engine can show of builds, with both of its builders."""

import asyncio
import hashlib
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from paas.core.buildneeds import BuilderChoice
from paas.errors import Failed, Invalid
from paas.ports import BuildSpec
from tests.contract.engine_kits import DEADLINE, DOCKERFILE, TAG, DockerKit, until
from tests.fakes.relay import Relay

ENGINE_SOCKET = "/var/run/docker.sock"
pytestmark = pytest.mark.docker
BOTH = pytest.mark.parametrize(
    "builder", [BuilderChoice.CLASSIC, BuilderChoice.BUILDKIT], indirect=True
)
BUILDKIT = pytest.mark.parametrize("builder", [BuilderChoice.BUILDKIT], indirect=True)
CLASSIC = pytest.mark.parametrize("builder", [BuilderChoice.CLASSIC], indirect=True)
STAGES = """\
ARG WHO=nobody
RUN ["/bin/sh", "-c", "echo \\"hello $WHO\\""]
FROM first AS other
RUN ["/bin/sh", "-c", "echo the other stage"]
FROM first
"""


@pytest.fixture
def builder(request: pytest.FixtureRequest) -> BuilderChoice:
    return BuilderChoice(getattr(request, "param", BuilderChoice.AUTO))


@pytest.fixture
async def kit(tmp_path: Path, builder: BuilderChoice) -> AsyncIterator[DockerKit]:
    source = tmp_path / "source"
    source.mkdir()
    made = DockerKit(source, builder=builder)
    await made.open()
    try:
        yield made
    finally:
        await made.close()


def build_spec(kit: DockerKit, **more: Any) -> BuildSpec:
    usual = {"dockerfile": "Dockerfile", "build_dir": ".", "timeout": 30.0}
    return BuildSpec(**usual | {"root": kit.root, "tag": f"{TAG}:{os.urandom(6).hex()}"} | more)


def on_top(kit: DockerKit, *steps: str, stage: str = "") -> None:
    """A Dockerfile on top of the kit's image."""
    lines = (f"FROM {kit.image.reference} {stage}", *steps)
    (kit.root / "Dockerfile").write_text("\n".join(lines) + "\n")


async def build(kit: DockerKit, **more: Any) -> list[str]:
    """The lines of a build whose image nobody needs."""
    lines: list[str] = []
    spec = build_spec(kit, **more)
    await kit.builder.build(spec, progress=lines.append)
    await kit.engine.remove_image(spec.tag)
    return lines


def process_texts() -> Iterator[bytes]:
    """Arguments and environments of all processes of this host."""
    for process in Path("/proc").glob("[0-9]*"):
        for name in ("cmdline", "environ"):
            with suppress(OSError):
                yield (process / name).read_bytes()


def running(mark: str) -> bool:
    """Whether a process with that word among its arguments runs on this host."""
    done = subprocess.run(["pgrep", "-f", f"^/bin/busybox sleep {mark}"], check=False)
    return done.returncode == 0


@BOTH
async def test_a_cancelled_build_ends_in_the_engine(kit: DockerKit) -> None:
    mark = str(10**6 + int.from_bytes(os.urandom(4)))
    on_top(kit, f'RUN ["/bin/busybox", "sleep", "{mark}"]')
    building = asyncio.ensure_future(kit.builder.build(build_spec(kit), progress=print))

    async def started() -> bool:
        return running(mark)

    async def ended() -> bool:
        return not running(mark)

    await until(started)
    # A build step on our image inherits our labels, and is no replica.
    assert await kit.engine.replicas() == []
    building.cancel()
    with pytest.raises(asyncio.CancelledError):
        await building
    await until(ended)


@BOTH
async def test_a_failing_build_tells_its_last_lines(kit: DockerKit) -> None:
    on_top(kit, 'RUN ["/bin/sh", "-c", "echo almost; echo oops >&2; exit 7"]')
    with pytest.raises(Failed) as raised:
        await build(kit)
    assert raised.value.code == "build_failed"
    assert "7" in raised.value.message
    assert {"almost", "oops"} <= {line.rpartition("| ")[2] for line in raised.value.log}


@BOTH
@pytest.mark.parametrize("content", ["FROM scratch\nNONSENSE\n", ""])
async def test_a_dockerfile_nobody_can_read(kit: DockerKit, content: str) -> None:
    (kit.root / "Dockerfile").write_text(content)
    with pytest.raises(Invalid) as raised:
        await build(kit)
    assert raised.value.code == "bad_dockerfile"


@BOTH
async def test_ignored_files_and_a_dockerfile_outside_of_the_context(kit: DockerKit) -> None:
    app = kit.root / "app"
    (app / "www").mkdir(parents=True)
    shutil.copy("/bin/busybox", app / "busybox")
    (app / "www" / "index.html").write_text("app")
    (app / "www" / "secret.key").write_text("x")
    (app / ".dockerignore").write_text("**/*.key\nDockerfile\n")
    (kit.root / "deploy").mkdir()
    dockerfile = DOCKERFILE.replace("COPY www /www", "COPY . /www")
    (kit.root / "deploy" / "Dockerfile.web").write_text(dockerfile)
    spec = build_spec(kit, dockerfile="deploy/Dockerfile.web", build_dir="app")
    fact = await kit.builder.build(spec, progress=lambda _line: None)
    try:
        command = ("/bin/sh", "-c", "busybox find /www | busybox sort")
        listing = replace(kit.spec(), image=fact.pin, command=command)
        replica = await kit.engine.start(listing)
        async with asyncio.timeout(DEADLINE):
            lines = [line.text async for line in kit.engine.logs(replica.id, follow=True)]
        await kit.engine.remove(replica.id)
        # The classic builder itself drops what the context's .dockerignore names; BuildKit
        # leaves it, and the Dockerfile that was brought along.
        assert {line for line in lines if "/www/." not in line} == {
            "/www",
            "/www/busybox",
            "/www/www",
            "/www/www/index.html",
        }
    finally:
        await kit.engine.remove_image(fact.pin.reference)


@BOTH
async def test_arguments_and_a_target(kit: DockerKit) -> None:
    on_top(kit, *STAGES.splitlines(), stage="AS first")
    lines = "\n".join(await build(kit, args={"WHO": '"you" & all'}, target="first"))
    assert 'hello "you" & all' in lines
    assert "the other stage" not in lines
    lines = "\n".join(await build(kit, args={"WHO": "ann"}, target="other"))
    assert "hello ann" in lines
    assert "the other stage" in lines
    with pytest.raises(Invalid) as raised:
        await build(kit, target="nowhere")
    assert raised.value.code == "no_such_target"
    assert "nowhere" in raised.value.message


@BUILDKIT
async def test_a_flood_of_output_is_cut(kit: DockerKit) -> None:
    on_top(kit, f"RUN : {os.urandom(6).hex()}; busybox yes | busybox head -c 40000000")
    lines = await build(kit)
    assert sum(len(line) for line in lines) < 17 * 1024 * 1024
    assert any("dropped" in line or "clipped" in line for line in lines)


@BUILDKIT
async def test_secrets_are_there_for_their_step_only(kit: DockerKit) -> None:
    value, mark = "s3cret value", str(10**6 + int.from_bytes(os.urandom(4)))
    mount = "--mount=type=secret,id=token"
    on_top(
        kit,
        f"RUN {mount} /bin/busybox md5sum /run/secrets/token; exec /bin/busybox sleep {mark}",
    )
    lines: list[str] = []
    spec = build_spec(kit, secrets={"token": value})
    building = asyncio.ensure_future(kit.builder.build(spec, progress=lines.append))

    async def started() -> bool:
        return running(mark)

    await until(started)
    assert not [path for path in process_texts() if value.encode() in path]
    subprocess.run(["pkill", "-9", "-f", f"^/bin/busybox sleep {mark}"], check=True)
    with pytest.raises(Failed):
        await building
    assert any(hashlib.md5(value.encode()).hexdigest() in line for line in lines)
    on_top(kit, f"RUN {mount} echo {mark}", "RUN /bin/busybox ls -la /run/secrets; echo nothing")
    fact = await kit.builder.build(spec, progress=lines.append)
    assert value not in "\n".join(lines)
    assert any(line.endswith("| nothing") for line in lines)
    for kind in ("history", "json"):
        assert value not in str(await kit.engine.api.call("GET", f"images/{fact.pin.id}/{kind}"))
    async with kit.engine.api.stream("GET", f"images/{spec.tag}/get") as answer:
        assert value.encode() not in await answer.read()
    await kit.engine.remove_image(spec.tag)


@BUILDKIT
async def test_a_build_that_holds_too_much_memory_is_ended(kit: DockerKit) -> None:
    seconds = str(10**6 + int.from_bytes(os.urandom(4)))
    hold = f"(busybox head -c 200000000 /dev/zero; exec /bin/busybox sleep {seconds})"
    on_top(kit, f"RUN echo begun; {hold} | busybox tail -n 1")
    with pytest.raises(Failed) as raised:
        await build(kit, memory=64 << 20)
    assert raised.value.code == "build_memory"
    assert any("begun" in line for line in raised.value.log)

    async def ended() -> bool:
        return not running(seconds)

    await until(ended)


@BUILDKIT
async def test_a_cache_outlives_its_build(kit: DockerKit) -> None:
    mark = os.urandom(6).hex()
    mount = f"--mount=type=cache,id={mark},target=/cache"
    on_top(kit, f"RUN {mount} echo kept > /cache/{mark}")
    await build(kit)
    on_top(kit, f"RUN {mount} echo again; /bin/busybox cat /cache/{mark}")
    assert any(line.endswith("| kept") for line in await build(kit))


@CLASSIC
async def test_the_classic_builder_refuses_what_needs_buildkit(kit: DockerKit) -> None:
    on_top(kit, "RUN --mount=type=cache,target=/cache true")
    with pytest.raises(Invalid) as raised:
        await build(kit)
    assert raised.value.code == "needs_buildkit"
    on_top(kit, "RUN true")
    with pytest.raises(Invalid) as raised:
        await build(kit, secrets={"token": "x"})
    assert raised.value.code == "needs_buildkit"


async def test_auto_takes_buildkit_only_where_limits_do_not_matter(kit: DockerKit) -> None:
    on_top(kit, "RUN echo")
    assert any(line.startswith("Step 1/") for line in await build(kit, memory=64 << 20))
    assert any(line.startswith("#1 ") for line in await build(kit))
    on_top(kit, "RUN --mount=type=cache,target=/cache echo")
    lines = await build(kit, memory=64 << 20)
    assert "its memory is watched, its processors are not limited" in lines[0]
    assert "RUN --mount" in lines[0]


async def test_an_engine_without_buildkit(tmp_path: Path) -> None:
    relay = Relay(tmp_path / "engine.sock", ENGINE_SOCKET, without="/session ")
    await relay.listen()
    source = tmp_path / "source"
    source.mkdir()
    kit = DockerKit(source, f"unix://{relay.path}")
    try:
        await kit.open()
        on_top(kit, "RUN echo")
        assert "no BuildKit" in (await build(kit))[0]
        on_top(kit, "RUN --mount=type=cache,target=/cache echo")
        with pytest.raises(Invalid) as raised:
            await build(kit)
        assert raised.value.code == "needs_buildkit"
    finally:
        await kit.close()
        await relay.close()
