"""The `Builder` port: one suite, run on the fake and on both builders of a real engine."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from paas.core.buildneeds import BuilderChoice
from paas.errors import Failed, Invalid
from paas.ports import BuildSpec
from tests.contract.engine_kits import (
    DOCKERFILE,
    PORT,
    TAG,
    DockerKit,
    FakeKit,
    Kit,
    write_source,
)

REAL = (BuilderChoice.CLASSIC, BuilderChoice.BUILDKIT)


@pytest.fixture(params=["fake", *(pytest.param(one, marks=pytest.mark.docker) for one in REAL)])
async def kit(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Kit]:
    if request.param == "fake":
        made: FakeKit | DockerKit = FakeKit()
    else:
        made = DockerKit(tmp_path, builder=request.param)
        await made.open()
    try:
        yield made
    finally:
        await made.close()


async def test_a_build_without_dockerfile(kit: Kit, tmp_path: Path) -> None:
    spec = BuildSpec(
        root=tmp_path,
        dockerfile="Dockerfile.no",
        build_dir=".",
        tag=f"{TAG}:none",
        timeout=10,
    )
    with pytest.raises(Invalid) as raised:
        await kit.builder.build(spec, progress=lambda _line: None)
    assert raised.value.code == "no_dockerfile"


async def test_a_build_gives_an_image_with_labels_and_lines(kit: Kit, tmp_path: Path) -> None:
    write_source(tmp_path)
    lines: list[str] = []
    tag = f"{TAG}:{os.urandom(6).hex()}"
    spec = BuildSpec(
        root=tmp_path,
        dockerfile="Dockerfile",
        build_dir=".",
        tag=tag,
        timeout=30,
        memory=256 << 20,
        cpu=1.0,
        labels={"more": "of ours", **dict.fromkeys(kit.labels, "nobody's")},
    )
    fact = await kit.builder.build(spec, progress=lines.append)
    assert fact.pin.reference == tag
    assert fact.ports == (PORT,)
    assert fact.labels == {"more": "of ours", **kit.labels}
    assert fact.pin in [image.pin for image in await kit.engine.built_images()]
    assert any("COPY busybox" in line or "Step 1/" in line for line in lines)
    await kit.engine.remove_image(tag)
    assert await kit.engine.image(tag) is None


async def test_a_build_that_takes_too_long(kit: Kit, tmp_path: Path) -> None:
    write_source(tmp_path)
    (tmp_path / "Dockerfile").write_text(DOCKERFILE + 'RUN ["/bin/busybox", "sleep", "30"]\n')
    if isinstance(kit, FakeKit):
        kit.builder.delay = 30
    spec = BuildSpec(
        root=tmp_path,
        dockerfile="Dockerfile",
        build_dir=".",
        tag=f"{TAG}:{os.urandom(6).hex()}",
        timeout=1.5,
    )
    with pytest.raises(Failed) as raised:
        await kit.builder.build(spec, progress=lambda _line: None)
    assert raised.value.code == "build_timeout"
